//! Files of the box, with the permissions of the user who asks.

pub mod folder;
pub mod info;
pub mod place;
pub mod read;
pub mod sync;
pub mod write;

//! Mounts, all of them in a mount namespace of the helper's own: killed at any moment, it leaves none.

pub mod idmap;
pub mod namespace;
pub mod overlay;
pub mod userns;

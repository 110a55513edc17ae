//! The volume of the boxes' writable directories: btrfs, one subvolume a box, limited by quota groups.

pub mod descent;
mod ioctl;
pub mod quota;
pub mod subvolume;

//! Berth's privileged helper: the system calls that the host process lacks, as commands over a pipe.
//!
//! It keeps nothing that the kernel does not: killed at any moment it leaves neither mount nor interface, and a new one takes over.

mod at;
pub mod boxes;
pub mod btrfs;
pub mod cgroup;
pub mod disk;
pub mod error;
pub mod flatten;
pub mod freezer;
pub mod import;
pub mod kernel;
pub mod lane;
pub mod mount;
pub mod net;
pub mod output;
pub mod paths;
pub mod process;
pub mod protocol;
pub mod server;
mod tree;

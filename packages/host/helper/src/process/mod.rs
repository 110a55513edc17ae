//! Processes: identity that survives pid reuse, exits, spawning.

pub mod exits;
pub mod launch;
pub mod pidfd;
pub mod spawn;
pub mod under_way;
pub mod watch;

//! Boxes: started by an OCI runtime over what the helper prepares, ended by their init process.

mod bundle;
pub mod call;
pub mod hostname;
pub mod kill;
pub mod run;
pub mod start;

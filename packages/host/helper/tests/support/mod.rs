//! What the tests share: the real helper as a child, directories and names of their own, a root file system of one static program.
#![allow(dead_code)]

pub mod attributes;
pub mod client;
pub mod fixture;
pub mod host;
pub mod peer;
pub mod traffic;
pub mod volume;

//! Network of the boxes: a namespace each, a routed veth pair, one nftables table for all.

pub mod link;
pub mod namespace;
pub mod netlink;
pub mod pool;
pub mod ruleset;
pub mod setup;
pub mod subnet;

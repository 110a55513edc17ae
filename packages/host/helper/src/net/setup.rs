//! The network of one installation: set up, taken away.

use std::fs;
use std::net::Ipv4Addr;

use super::pool::{Network, Plan};
use super::ruleset::{self, Ruleset};
use super::subnet::Subnet;
use super::{link, namespace, netlink::Socket};
use crate::error::{Error, Result};
use crate::output;
use crate::protocol::NetworkWish;

const IP_FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const DEFAULT_MTU_BYTES: u32 = 1500;
/// Namespaces kept ready at most.
const MAX_READY: usize = 1024;
/// 15 bytes of an interface's name, less the dash and five digits.
const MAX_PREFIX_BYTES: usize = 9;

/// Forwarding, table, pool; gives the address that boxes use as their name server. Done again, it replaces the table and keeps the boxes.
pub fn setup(wish: &NetworkWish, network: &Network) -> Result<Ipv4Addr> {
    validate_names(&wish.table, &wish.interface_prefix)?;
    let subnet = Subnet::parse(&wish.subnet)?;
    if wish.ready > MAX_READY {
        return Err(Error::bad_request(format!(
            "ready is more than {MAX_READY}"
        )));
    }
    let upstream = first_ipv4(&wish.nameservers);
    if upstream.is_none() {
        output::log("warn", "no IPv4 name server: boxes cannot resolve names");
    }
    // The table first: not for a moment are packets forwarded without it.
    let ruleset = Ruleset {
        table: &wish.table,
        interface_prefix: &wish.interface_prefix,
        subnet,
        upstream,
        door: wish.door.as_ref(),
        registries: &wish.registries,
    };
    ruleset.load()?;
    enable_forwarding()?;
    if wish.door.is_some() {
        link::add_loopback_address(&mut Socket::open()?, subnet.nameserver())?;
    }
    let plan = Plan {
        interface_prefix: wish.interface_prefix.clone(),
        subnet,
        mtu_bytes: uplink_mtu_bytes(),
        route_loopback: upstream.is_some_and(|address| address.is_loopback()),
    };
    network.configure(plan, wish.ready, &wish.in_use);
    Ok(subnet.nameserver())
}

/// Takes the table and every interface of the installation away, those of running boxes too.
pub fn teardown(
    table: &str,
    interface_prefix: &str,
    subnet: &str,
    network: &Network,
) -> Result<()> {
    validate_names(table, interface_prefix)?;
    let subnet = Subnet::parse(subnet)?;
    network.clear();
    let mut host = Socket::open()?;
    let listed = "/sys/class/net";
    let entries = fs::read_dir(listed).map_err(|cause| Error::os("readdir", listed, &cause))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if let Some(name) = name.to_str().filter(|name| is_ours(name, interface_prefix)) {
            link::delete(&mut host, name)?;
        }
    }
    link::delete_loopback_address(&mut host, subnet.nameserver())?;
    ruleset::delete(table)
}

fn is_ours(interface: &str, prefix: &str) -> bool {
    let slot = interface
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'));
    slot.is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn validate_names(table: &str, prefix: &str) -> Result<()> {
    let begins = |text: &str| {
        text.bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase())
    };
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !begins(table) || table.len() > 32 || !table.bytes().all(|byte| word(byte) || byte == b'_') {
        return Err(Error::bad_request(format!(
            "{table:?} is not a table name ([a-z][a-z0-9_]*, 32 at most)"
        )));
    }
    if !begins(prefix)
        || prefix.len() > MAX_PREFIX_BYTES
        || !prefix.bytes().all(|byte| word(byte) || byte == b'-')
    {
        let rule = format!("[a-z][a-z0-9-]*, {MAX_PREFIX_BYTES} at most");
        return Err(Error::bad_request(format!(
            "{prefix:?} is not an interface prefix ({rule})"
        )));
    }
    Ok(())
}

fn first_ipv4(nameservers: &[String]) -> Option<Ipv4Addr> {
    nameservers.iter().find_map(|text| text.parse().ok())
}

/// Only ever on: others on this machine may rely on it.
fn enable_forwarding() -> Result<()> {
    // Writing the value that is there already would reset the interfaces' own settings.
    if fs::read_to_string(IP_FORWARD).is_ok_and(|text| text.trim() == "1") {
        return Ok(());
    }
    namespace::set_sysctl("ipv4/ip_forward", "1")
}

/// The MTU of the interface of the default route: boxes' packets then fit without fragments.
fn uplink_mtu_bytes() -> u32 {
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let uplink = routes.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace();
        let (interface, destination) = (fields.next()?, fields.next()?);
        (destination == "00000000").then_some(interface)
    });
    let mtu = uplink.and_then(|name| fs::read_to_string(format!("/sys/class/net/{name}/mtu")).ok());
    mtu.and_then(|text| text.trim().parse().ok())
        .unwrap_or(DEFAULT_MTU_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_carry_rules() {
        assert!(validate_names("berth_ab12", "bab12").is_ok());
        for table in [
            "",
            "a b",
            "x; flush ruleset",
            "1a",
            "é",
            "a{",
            &"x".repeat(33),
        ] {
            assert!(validate_names(table, "b").is_err(), "{table}");
        }
        for prefix in ["", "eth\"", "a*", "1", "abcdefghij", "A"] {
            assert!(validate_names("t", prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn another_installations_interfaces_are_not_ours() {
        assert!(is_ours("b1-17", "b1"));
        for other in ["b12-7", "b1-", "b1-x", "b17", "lo"] {
            assert!(!is_ours(other, "b1"), "{other}");
        }
    }

    #[test]
    fn the_first_ipv4_name_server_counts() {
        let servers = ["fd00::1", "junk", "9.9.9.9", "1.1.1.1"].map(str::to_owned);
        assert_eq!(first_ipv4(&servers), Some("9.9.9.9".parse().unwrap()));
        assert_eq!(first_ipv4(&[]), None);
    }
}

//! The veth pair between host and box.

use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

use super::namespace::{Namespace, set_sysctl};
use super::netlink::{Message, Socket};
use super::subnet::Addresses;
use crate::error::{Error, Result};

/// Name of the interface in the box.
const INNER: &str = "eth0";
const LOOPBACK_INDEX: i32 = 1;
const VETH_INFO_PEER: u16 = 1;

/// What a pair is made of.
pub struct Pair<'a> {
    /// Name of the interface on the host.
    pub outer: &'a str,
    pub addresses: Addresses,
    pub mtu_bytes: u32,
    /// The name server is on the host's loopback: packets to it must pass this link.
    pub route_loopback: bool,
}

/// Makes the pair between the host (`host`: a socket there) and `namespace`, with addresses, up, and the box's default route.
/// Gives the outer interface's index. EEXIST when the name is taken. What fails half-way goes with the namespace.
pub fn create_pair(host: &mut Socket, namespace: &mut Namespace, pair: &Pair<'_>) -> Result<i32> {
    let namespace_fd = namespace.fd.as_raw_fd() as u32;
    let mtu = pair.mtu_bytes.to_ne_bytes();
    let create = Message::new(
        libc::RTM_NEWLINK,
        libc::NLM_F_CREATE | libc::NLM_F_EXCL,
        &link_body(0, 0),
    )
    .text(libc::IFLA_IFNAME, pair.outer)
    .attribute(libc::IFLA_MTU, &mtu)
    .nested(libc::IFLA_LINKINFO, |info| {
        info.text(libc::IFLA_INFO_KIND, "veth")
            .nested(libc::IFLA_INFO_DATA, |data| {
                data.nested(VETH_INFO_PEER, |peer| {
                    peer.raw(&link_body(0, 0))
                        .text(libc::IFLA_IFNAME, INNER)
                        .attribute(libc::IFLA_MTU, &mtu)
                        .attribute(libc::IFLA_NET_NS_FD, &namespace_fd.to_ne_bytes())
                })
            })
    });
    host.request(create, pair.outer)?;
    let outer = require_index(host, pair.outer)?;
    set_sysctl(&format!("ipv6/conf/{}/disable_ipv6", pair.outer), "1")?;
    // Strict: a packet whose source is not the box's own is dropped.
    set_sysctl(&format!("ipv4/conf/{}/rp_filter", pair.outer), "1")?;
    if pair.route_loopback {
        set_sysctl(&format!("ipv4/conf/{}/route_localnet", pair.outer), "1")?;
    }
    add_address(host, outer, pair.addresses.outer)?;
    set_up(host, outer)?;
    let inside = &mut namespace.socket;
    let inner = require_index(inside, INNER)?;
    set_up(inside, LOOPBACK_INDEX)?;
    add_address(inside, inner, pair.addresses.inner)?;
    set_up(inside, inner)?;
    add_default_route(inside, inner, pair.addresses.outer)?;
    host.settle_link(pair.outer);
    Ok(outer)
}

/// Deletes an interface of the socket's namespace. An absent one is a success.
pub fn delete(host: &mut Socket, name: &str) -> Result<()> {
    let Some(index) = host.interface_index(name) else {
        return Ok(());
    };
    match host.request(
        Message::new(libc::RTM_DELLINK, 0, &link_body(index, 0)),
        name,
    ) {
        Err(error) if !error.is_errno(libc::ENODEV) => Err(error),
        _ => Ok(()),
    }
}

fn require_index(socket: &Socket, name: &str) -> Result<i32> {
    socket
        .interface_index(name)
        .ok_or_else(|| Error::last_os("SIOCGIFINDEX", name))
}

/// struct ifinfomsg: family, pad, type; index; flags; change.
fn link_body(index: i32, flags: i32) -> [u8; 16] {
    let mut body = [0; 16];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    body[8..12].copy_from_slice(&flags.to_ne_bytes());
    body[12..16].copy_from_slice(&flags.to_ne_bytes());
    body
}

fn set_up(socket: &mut Socket, index: i32) -> Result<()> {
    let message = Message::new(libc::RTM_NEWLINK, 0, &link_body(index, libc::IFF_UP));
    socket.request(message, "interface up")
}

fn add_address(socket: &mut Socket, index: i32, address: Ipv4Addr) -> Result<()> {
    let message = address_message(libc::RTM_NEWADDR, index, 31, address);
    socket.request(message, &format!("address {address}"))
}

/// struct ifaddrmsg: family, prefix bits, flags, scope; index. A new one must not be there already.
fn address_message(kind: u16, index: i32, prefix_bits: u8, address: Ipv4Addr) -> Message {
    let mut body = [libc::AF_INET as u8, prefix_bits, 0, 0, 0, 0, 0, 0];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    let flags = match kind {
        libc::RTM_NEWADDR => libc::NLM_F_CREATE | libc::NLM_F_EXCL,
        _ => 0,
    };
    Message::new(kind, flags, &body)
        .attribute(libc::IFA_LOCAL, &address.octets())
        .attribute(libc::IFA_ADDRESS, &address.octets())
}

/// The address becomes one of this machine's own, on no network. One that is so already is left.
pub fn add_loopback_address(host: &mut Socket, address: Ipv4Addr) -> Result<()> {
    let message = address_message(libc::RTM_NEWADDR, LOOPBACK_INDEX, 32, address);
    match host.request(message, &format!("address {address}")) {
        Err(error) if !error.is_errno(libc::EEXIST) => Err(error),
        _ => Ok(()),
    }
}

/// Takes it away again; an absent one is a success.
pub fn delete_loopback_address(host: &mut Socket, address: Ipv4Addr) -> Result<()> {
    let message = address_message(libc::RTM_DELADDR, LOOPBACK_INDEX, 32, address);
    match host.request(message, &format!("address {address}")) {
        Err(error) if !error.is_errno(libc::EADDRNOTAVAIL) => Err(error),
        _ => Ok(()),
    }
}

fn add_default_route(socket: &mut Socket, index: i32, gateway: Ipv4Addr) -> Result<()> {
    // struct rtmsg: family, destination bits, source bits, tos, table, protocol, scope, type; flags.
    let family = libc::AF_INET as u8;
    let body = [
        family,
        0,
        0,
        0,
        libc::RT_TABLE_MAIN,
        libc::RTPROT_STATIC,
        libc::RT_SCOPE_UNIVERSE,
        libc::RTN_UNICAST,
        0,
        0,
        0,
        0,
    ];
    let message = Message::new(libc::RTM_NEWROUTE, libc::NLM_F_CREATE, &body)
        .attribute(libc::RTA_GATEWAY, &gateway.octets())
        .attribute(libc::RTA_OIF, &index.to_ne_bytes());
    socket.request(message, &format!("default route by {gateway}"))
}

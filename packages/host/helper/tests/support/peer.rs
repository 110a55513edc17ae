//! A machine elsewhere: a network namespace of the test's own behind the host, with any address.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::path::Path;

use berth_helper::net::link::{Pair, create_pair, delete};
use berth_helper::net::namespace::{self, Namespace};
use berth_helper::net::netlink::Socket;
use berth_helper::net::subnet::Addresses;

use super::host::unique;

pub struct Peer {
    pub address: Ipv4Addr,
    /// The host's end of the link.
    pub gateway: Ipv4Addr,
    interface: String,
    namespace: Namespace,
}

impl Peer {
    /// `address` is even or odd; the host has the other one of the pair.
    pub fn new(address: &str) -> Peer {
        let address: Ipv4Addr = address.parse().unwrap();
        let gateway = Ipv4Addr::from(u32::from(address) ^ 1);
        let interface = format!("p{}", unique());
        let mut namespace = namespace::create().unwrap();
        let pair = Pair {
            outer: &interface,
            addresses: Addresses {
                outer: gateway,
                inner: address,
            },
            mtu_bytes: 1400,
            route_loopback: false,
        };
        create_pair(&mut Socket::open().unwrap(), &mut namespace, &pair).unwrap();
        Peer {
            address,
            gateway,
            interface,
            namespace,
        }
    }

    /// Runs the body in the peer's network.
    pub fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        run_in(self.namespace.fd.as_raw_fd(), body)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = delete(&mut Socket::open().unwrap(), &self.interface);
    }
}

/// Runs the body in the network of a process. Sockets that it gives back stay there.
pub fn run_in_network_of<T: Send>(pid: i64, body: impl FnOnce() -> T + Send) -> T {
    let path = format!("/proc/{pid}/ns/net");
    let file = File::open(Path::new(&path)).unwrap();
    run_in(file.as_raw_fd(), body)
}

fn run_in<T: Send>(namespace: i32, body: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let entered = || {
            assert_eq!(unsafe { libc::setns(namespace, libc::CLONE_NEWNET) }, 0);
            body()
        };
        scope.spawn(entered).join().unwrap()
    })
}

//! A fresh network namespace, held by its descriptor alone: it goes with the last process or descriptor that uses it.

use std::fs::{self, File};
use std::os::fd::OwnedFd;

use super::netlink::Socket;
use crate::error::{Error, Result, check};

/// Sysctls of a box's namespace: no IPv6 but loopback's, low ports and ping for everyone (root inside has no power over the namespace).
const SYSCTLS: [(&str, &str); 3] = [
    ("ipv6/conf/default/disable_ipv6", "1"),
    ("ipv4/ip_unprivileged_port_start", "0"),
    ("ipv4/ping_group_range", "0 2147483647"),
];

/// The namespace, and a socket inside it.
pub struct Namespace {
    pub fd: OwnedFd,
    pub socket: Socket,
}

/// Makes a namespace. A thread of its own enters it and ends: no other thread ever leaves the host's.
pub fn create() -> Result<Namespace> {
    let thread = std::thread::Builder::new()
        .name("netns".into())
        .stack_size(64 << 10)
        .spawn(enter_new);
    let thread = thread.map_err(|cause| Error::os("spawn", "netns thread", &cause))?;
    thread
        .join()
        .unwrap_or_else(|_| Err(Error::bad_request("the netns thread ended")))
}

fn enter_new() -> Result<Namespace> {
    check(
        unsafe { libc::unshare(libc::CLONE_NEWNET) } as i64,
        "unshare",
        "network namespace",
    )?;
    for (name, value) in SYSCTLS {
        set_sysctl(name, value)?;
    }
    let path = "/proc/thread-self/ns/net";
    let file = File::open(path).map_err(|cause| Error::os("open", path, &cause))?;
    Ok(Namespace {
        fd: file.into(),
        socket: Socket::open()?,
    })
}

/// Sets net.`name` in the calling thread's namespace. One that this kernel lacks (IPv6 switched off) needs no setting.
pub fn set_sysctl(name: &str, value: &str) -> Result<()> {
    let path = format!("/proc/sys/net/{name}");
    match fs::write(&path, value) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::os("write", &path, &cause))
        }
        _ => Ok(()),
    }
}

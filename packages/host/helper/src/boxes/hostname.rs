//! The host name of a box, which root inside may not set.

use std::fs::File;
use std::os::fd::AsRawFd;

use crate::error::{Code, Error, Result, check};
use crate::process::pidfd::Process;
use crate::protocol::BoxHostname;

/// Gives the box of this init its host name.
pub fn set(wish: &BoxHostname) -> Result<()> {
    let gone = || Error::bad_request(format!("box {} has ended", wish.box_id));
    let process = Process::open(wish.pid, wish.start_time_ticks)?.ok_or_else(gone)?;
    let name = format!("/proc/{}/ns/uts", wish.pid);
    let namespace = File::open(&name).map_err(|cause| Error::os("open", &name, &cause))?;
    // Held while it was opened: the number has not gone to another process.
    if process.wait(std::time::Duration::ZERO) {
        return Err(gone());
    }
    let hostname = wish.hostname.clone();
    // A thread of its own, because it stays in the box's namespace to its end.
    let entered = std::thread::Builder::new()
        .name("hostname".into())
        .stack_size(64 << 10)
        .spawn(move || enter_and_set(&namespace, hostname.as_bytes()))
        .map_err(|cause| Error::os("spawn", "hostname thread", &cause))?;
    entered
        .join()
        .unwrap_or_else(|_| Err(Error::new(Code::Os, "the hostname thread ended")))
}

fn enter_and_set(namespace: &File, hostname: &[u8]) -> Result<()> {
    let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWUTS) };
    check(entered as i64, "setns", "uts namespace")?;
    let set = unsafe { libc::sethostname(hostname.as_ptr().cast(), hostname.len()) };
    check(set as i64, "sethostname", "box").map(drop)
}

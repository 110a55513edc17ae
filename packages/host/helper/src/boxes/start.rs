//! The start of a box. Whatever fails, what was made before goes again.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::boxes::bundle;
use crate::disk;
use crate::error::{Code, Error, Result};
use crate::mount::overlay::{self, Parts};
use crate::net::pool::Network;
use crate::process::exits::EXITS;
use crate::process::pidfd::{self, Process};
use crate::process::spawn;
use crate::protocol::{BoxJoin, BoxStart};

/// Patience for the removal of a start that failed.
const DELETE_TIMEOUT: Duration = Duration::from_secs(10);
/// More than this of a memory image would push out what others need.
const READ_AHEAD_BYTES: u64 = 256 << 20;

/// A box that runs.
pub struct Started {
    pub pid: i32,
    pub start_time_ticks: u64,
    pub net_slot: u32,
    pub ipv4: String,
    pub gateway: String,
}

/// Starts a box (see `boxStart` in protocol.ts).
pub fn start(wish: &BoxStart, network: &Network) -> Result<Started> {
    if let Some(path) = &wish.read_ahead {
        disk::read_ahead(path, READ_AHEAD_BYTES);
    }
    let lease = network.take()?;
    let (pid, start_time_ticks) = start_within(wish, &lease.namespace_path())?;
    let (net_slot, addresses) = lease.keep();
    Ok(Started {
        pid,
        start_time_ticks,
        net_slot,
        ipv4: addresses.inner.to_string(),
        gateway: addresses.outer.to_string(),
    })
}

/// Starts a box in the network of another one (see `boxJoin` in protocol.ts); answers with its init.
pub fn join(wish: &BoxJoin) -> Result<(i32, u64)> {
    let owner = &wish.network_of;
    let gone = || Error::bad_request(format!("process {} has no network any more", owner.pid));
    let held = Process::open(owner.pid, owner.start_time_ticks)?.ok_or_else(gone)?;
    let path = format!("/proc/{}/ns/net", owner.pid);
    let namespace =
        fs::File::open(&path).map_err(|cause| Error::os("open", path.as_str(), &cause))?;
    // Of that very process: it lived when its number had been looked up.
    if held.wait(Duration::ZERO) {
        return Err(gone());
    }
    let path = format!("/proc/{}/fd/{}", std::process::id(), namespace.as_raw_fd());
    start_within(&wish.start, &path)
}

fn start_within(wish: &BoxStart, namespace_path: &str) -> Result<(i32, u64)> {
    let deadline = Instant::now() + Duration::from_millis(wish.timeout_ms);
    let rootfs = bundle::make_rootfs(&wish.bundle)?;
    bundle::set_network_namespace(&wish.bundle, namespace_path)?;
    for stale in [wish.pid_file.to_path_buf(), unfinished(&wish.pid_file)] {
        remove_if_there(&stale)?;
    }
    let parts = Parts {
        layers: &wish.layers,
        upper: &wish.upper,
        work: &wish.work,
        owner_base: wish.owner_base,
    };
    let overlay = overlay::mount(&parts, &rootfs, &wish.bundle.join("layers"))?;
    let init = run(wish, deadline)?;
    drop(overlay);
    Ok(init)
}

fn run(wish: &BoxStart, deadline: Instant) -> Result<(i32, u64)> {
    let left = deadline.saturating_duration_since(Instant::now());
    let failed = match spawn::run_about(&wish.box_id, &wish.runtime, left) {
        Ok(status) if status.success() => match read_init(&wish.pid_file) {
            Ok(init) => return Ok(init),
            Err(error) => error,
        },
        Ok(status) => {
            let said = bundle::runtime_errors(&wish.runtime);
            Error::new(
                Code::RuntimeFailed,
                format!(
                    "{} of box {}: {status}: {said}",
                    wish.runtime[0], wish.box_id
                ),
            )
        }
        Err(error) => error,
    };
    // A runtime that failed by itself without a process has nothing to remove, and what it met under this id is not this start's.
    if (failed.code == Code::Timeout || wish.pid_file.exists()) && !wish.runtime_delete.is_empty() {
        let _ = spawn::run_detached(&wish.runtime_delete, DELETE_TIMEOUT);
    }
    Err(failed)
}

fn read_init(pid_file: &Path) -> Result<(i32, u64)> {
    let text = fs::read_to_string(pid_file)
        .map_err(|cause| Error::os("read", pid_file.display(), &cause))?;
    let pid = text.trim().parse().ok().filter(|pid| *pid > 1);
    let pid =
        pid.ok_or_else(|| Error::new(Code::RuntimeFailed, format!("pid file says {text:?}")))?;
    let stat = pidfd::stat(pid).filter(|stat| stat.state != b'Z');
    let stat = stat.ok_or_else(|| {
        let how = EXITS
            .latest(pid)
            .map(|status| ExitStatus::from_raw(status).to_string());
        let how = how.unwrap_or_else(|| "its status is unknown".to_owned());
        Error::new(
            Code::RuntimeFailed,
            format!("the box's init ended at once: {how}"),
        )
    })?;
    Ok((pid, stat.start_time_ticks))
}

/// Where runc and its kin write a pid file before they rename it (`.pid` for `pid`, opened with O_EXCL): one that was killed in between
/// leaves it, and the next start under the same name would be refused.
fn unfinished(pid_file: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(pid_file.file_name().unwrap_or_default());
    pid_file.with_file_name(name)
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(Error::os("unlink", path.display(), &cause))
        }
        _ => Ok(()),
    }
}

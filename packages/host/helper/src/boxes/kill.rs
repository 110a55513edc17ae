//! The end of a box.

use std::time::{Duration, Instant};

use crate::cgroup;
use crate::error::{Code, Error, Result};
use crate::freezer;
use crate::net::pool::Network;
use crate::process::pidfd::Process;
use crate::protocol::BoxKill;

/// Kills the box's init and with it the whole pid namespace, waits for the end, removes the cgroups with what is left in them.
/// True when it was alive until now.
pub fn kill(wish: &BoxKill, network: &Network) -> Result<bool> {
    let timeout = Duration::from_millis(wish.timeout_ms);
    let deadline = Instant::now() + timeout;
    let mut killed = false;
    if let Some(process) = Process::open(wish.pid, wish.start_time_ticks)? {
        killed = !process.wait(Duration::ZERO);
        process.kill()?;
        freezer::thaw_all(&wish.cgroups)?;
        // What ends only once it notices that its init is gone (a gofer) ends beside it.
        cgroup::kill_some(&wish.cgroups);
        if !process.wait(timeout) {
            let message = format!(
                "box {} (process {}) lives on after SIGKILL",
                wish.box_id, wish.pid
            );
            return Err(Error::new(Code::Timeout, message));
        }
    }
    // At least one try, also when the time has gone.
    let left = deadline.saturating_duration_since(Instant::now());
    cgroup::remove_all(&wish.cgroups, left.max(Duration::from_millis(100)))?;
    if let Some(slot) = wish.net_slot {
        network.release(slot);
    }
    Ok(killed)
}

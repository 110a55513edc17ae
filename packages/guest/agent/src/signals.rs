//! Signals that the host asks for.

use crate::failure::{Outcome, failure, invalid};
use crate::guest::Guest;
use crate::messages::{ErrorCode, How, Phase, Signal};

impl Guest {
    /// Signals a running execution, or removes a queued one. A finished one is left alone.
    pub fn signal(&mut self, wish: &Signal) -> Outcome<()> {
        let number = wish.signal as i32;
        if !(0..=64).contains(&number) {
            return Err(invalid(format!("no such signal: {}", wish.signal)));
        }
        let Some(&key) = self.executions.get(&wish.execution_id) else {
            if self.tombs.find(&wish.execution_id).is_some() {
                return Ok(());
            }
            let text = format!("no such execution: {}", wish.execution_id);
            return Err(failure(ErrorCode::NotFound, text));
        };
        self.await_start(key);
        let starting = self.starts.pid(key);
        let Some(stream) = self.streams.get_mut(&key) else {
            return Ok(());
        };
        if stream.finished() {
            return Ok(());
        }
        let queued = stream.status.phase == Phase::Queued as i32 && starting.is_none();
        let Some(execution) = stream.execution() else {
            return Ok(());
        };
        if number != 0 {
            execution.signalled = wish.signal;
        }
        let (pid, shell) = (starting.unwrap_or(execution.pid), execution.shell);
        if queued {
            if number != 0 {
                self.dequeue(key);
                self.ended(key, How::Signal(number));
                for index in 0..2 {
                    self.end_channel(key, index);
                }
            }
            return Ok(());
        }
        let leader_alive = self.owners.contains_key(&pid);
        // A shell runs the command itself: only its whole session is the command.
        let whole = wish.process_group || shell.is_some();
        let reached = signal_processes(pid, number, whole, leader_alive);
        if reached {
            Ok(())
        } else {
            Err(failure(ErrorCode::NotFound, "no process is left to signal"))
        }
    }
}

/// Signals the leader, or every process of its session.
pub fn signal_processes(leader: i32, signal: i32, whole: bool, leader_alive: bool) -> bool {
    let mut reached = false;
    if leader <= 1 {
        return false;
    }
    if leader_alive {
        // First, or a shell would report its killed child before it is met itself.
        // SAFETY: plain system call; the leader is not reaped yet, so the number is its own.
        reached |= unsafe { libc::kill(leader, signal) } == 0;
    }
    // What forks while it is being killed is met by the second pass.
    let passes = if signal == libc::SIGKILL { 2 } else { 1 };
    for _ in 0..if whole { passes } else { 0 } {
        for pid in session_members(leader) {
            // SAFETY: plain system call.
            reached |= unsafe { libc::kill(pid, signal) } == 0;
        }
    }
    reached
}

/// Processes whose session id is `session`, the leader itself left out.
fn session_members(session: i32) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        // SAFETY: plain system call.
        .filter(|&pid| pid != session && pid > 1 && unsafe { libc::getsid(pid) } == session)
        .collect()
}

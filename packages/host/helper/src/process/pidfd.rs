//! A process named by pid and start time, held by a pidfd.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::error::{Error, Result, check};

/// What /proc/<pid>/stat says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub state: u8,
    pub parent: i32,
    /// Clock ticks after boot; with the pid it names one process for ever.
    pub start_time_ticks: u64,
}

/// None when there is no such process. A zombie still has a stat.
pub fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    // The command name may contain anything, closing brackets too: fields begin after the last one.
    let after_name = bytes.iter().rposition(|byte| *byte == b')')?;
    let text = std::str::from_utf8(bytes.get(after_name + 2..)?).ok()?;
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    Some(Stat {
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        start_time_ticks: fields.get(19)?.parse().ok()?,
    })
}

pub struct Process {
    fd: OwnedFd,
    pub pid: i32,
    pub start_time_ticks: u64,
}

impl Process {
    /// None when that very process is gone (reaped), whoever has its pid now.
    pub fn open(pid: i32, start_time_ticks: u64) -> Result<Option<Process>> {
        let Some((process, ticks)) = Process::open_any(pid)? else {
            return Ok(None);
        };
        Ok((ticks == start_time_ticks).then_some(process))
    }

    /// Whatever process has the pid now, with its start time.
    pub fn open_any(pid: i32) -> Result<Option<(Process, u64)>> {
        let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        if raw < 0 {
            let error = Error::last_os("pidfd_open", pid);
            return if error.is_errno(libc::ESRCH) {
                Ok(None)
            } else {
                Err(error)
            };
        }
        let fd = unsafe { OwnedFd::from_raw_fd(raw as i32) };
        // Read after the descriptor is held: what it says then is of the process held, or of none.
        let Some(Stat {
            start_time_ticks, ..
        }) = stat(pid)
        else {
            return Ok(None);
        };
        let process = Process {
            fd,
            pid,
            start_time_ticks,
        };
        Ok(Some((process, start_time_ticks)))
    }

    /// Success also when it has ended already.
    pub fn kill(&self) -> Result<()> {
        let returned = unsafe {
            let no_info = std::ptr::null::<libc::siginfo_t>();
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.fd.as_raw_fd(),
                libc::SIGKILL,
                no_info,
                0,
            )
        };
        match check(returned, "pidfd_send_signal", self.pid) {
            Err(error) if !error.is_errno(libc::ESRCH) => Err(error),
            _ => Ok(()),
        }
    }

    /// True when it has ended (a zombie has). The end of a pid namespace's init is the end of all in it.
    pub fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut poll = libc::pollfd {
                fd: self.fd.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            let milliseconds = left.as_micros().div_ceil(1000).min(i32::MAX as u128) as i32;
            let ready = unsafe { libc::poll(&mut poll, 1, milliseconds) };
            if ready > 0 {
                return true;
            }
            if ready == 0 && Instant::now() >= deadline {
                return false;
            }
        }
    }

    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_after_a_hostile_command_name() {
        let line = b"42 (a) R 1 (x)) S 7 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 98765 0 0";
        let stat = parse_stat(line).unwrap();
        assert_eq!(
            (stat.state, stat.parent, stat.start_time_ticks),
            (b'S', 7, 98765)
        );
    }

    #[test]
    fn refuses_what_is_not_a_stat_line() {
        for junk in [
            &b""[..],
            b")",
            b"1 (x) S",
            b"1 (x) S 1 2 3",
            b"\xff\xfe) \xff",
        ] {
            assert_eq!(parse_stat(junk), None);
        }
    }

    #[test]
    fn a_wrong_start_time_is_another_process() {
        let me = std::process::id() as i32;
        let ticks = stat(me).unwrap().start_time_ticks;
        assert!(Process::open(me, ticks).unwrap().is_some());
        assert!(Process::open(me, ticks + 1).unwrap().is_none());
    }
}

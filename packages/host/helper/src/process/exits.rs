//! The helper's children, reaped with their status. As a sub-reaper it inherits the init of each box that it started.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pidfd;
use crate::error::{Error, Result};

/// Exits remembered for those who ask late.
const REMEMBERED: usize = 8192;

type Key = (i32, u64);

#[derive(Default)]
struct Recent {
    statuses: HashMap<Key, i32>,
    order: VecDeque<Key>,
}

/// Wait statuses of children, by pid and start time.
#[derive(Default)]
pub struct Exits {
    recent: Mutex<Recent>,
    changed: Condvar,
    reaping: Mutex<()>,
}

/// The one of this process: only one thread may reap.
pub static EXITS: LazyLock<Exits> = LazyLock::new(Exits::default);

impl Exits {
    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, key: Key, status: i32) {
        let mut recent = self.lock();
        if recent.statuses.insert(key, status).is_none() {
            recent.order.push_back(key);
        }
        if recent.order.len() > REMEMBERED {
            let oldest = recent.order.pop_front();
            oldest.map(|key| recent.statuses.remove(&key));
        }
        self.changed.notify_all();
    }

    /// Status of a child that has been reaped, if it is remembered.
    pub fn get(&self, pid: i32, start_time_ticks: u64) -> Option<i32> {
        self.lock().statuses.get(&(pid, start_time_ticks)).copied()
    }

    /// Latest status recorded for a pid, whatever its start time.
    pub fn latest(&self, pid: i32) -> Option<i32> {
        let recent = self.lock();
        let key = recent.order.iter().rev().find(|key| key.0 == pid)?;
        recent.statuses.get(key).copied()
    }

    /// Waits until that child has been reaped; None when the time is over first.
    pub fn wait(&self, pid: i32, start_time_ticks: u64, timeout: Duration) -> Option<i32> {
        let deadline = Instant::now() + timeout;
        let mut recent = self.lock();
        loop {
            if let Some(status) = recent.statuses.get(&(pid, start_time_ticks)) {
                return Some(*status);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            recent = self
                .changed
                .wait_timeout(recent, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// What starts a child must know it (its start time) before it can be reaped.
    pub fn without_reaping<T>(&self, start: impl FnOnce() -> T) -> T {
        let _held = self.reaping.lock().unwrap_or_else(PoisonError::into_inner);
        start()
    }

    fn reap_all(&self) {
        while let Some(pid) = next_zombie() {
            let _held = self.reaping.lock().unwrap_or_else(PoisonError::into_inner);
            // Still a zombie: nobody else can have its pid, and /proc still knows it.
            let ticks = pidfd::stat(pid).map_or(0, |stat| stat.start_time_ticks);
            let mut status = 0;
            if unsafe { libc::waitpid(pid, &mut status, 0) } == pid {
                self.record((pid, ticks), status);
            }
        }
    }
}

fn next_zombie() -> Option<i32> {
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    let returned = unsafe { libc::waitid(libc::P_ALL, 0, &mut info, flags) };
    let pid = unsafe { info.si_pid() };
    (returned == 0 && pid > 0).then_some(pid)
}

/// Makes this process the parent of its descendants' orphans and starts the thread that reaps. Call once, before any other thread.
pub fn start_reaper() -> Result<()> {
    let signals = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        set
    };
    if unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } != 0 {
        return Err(Error::last_os("prctl", "PR_SET_CHILD_SUBREAPER"));
    }
    let reap = move || {
        loop {
            EXITS.reap_all();
            unsafe { libc::sigwaitinfo(&signals, std::ptr::null_mut()) };
        }
    };
    std::thread::Builder::new()
        .name("reaper".into())
        .stack_size(64 << 10)
        .spawn(reap)
        .map_err(|cause| Error::os("spawn", "reaper thread", &cause))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_by_pid_and_start_time_and_forgets_the_oldest() {
        let exits = Exits::default();
        exits.record((5, 100), 0);
        exits.record((5, 200), 9);
        assert_eq!(exits.get(5, 100), Some(0));
        assert_eq!(exits.get(5, 200), Some(9));
        assert_eq!(exits.get(5, 300), None);
        assert_eq!(exits.latest(5), Some(9));
        for pid in 0..REMEMBERED as i32 {
            exits.record((1000 + pid, 1), 0);
        }
        assert_eq!(exits.get(5, 100), None);
        assert_eq!(exits.lock().statuses.len(), REMEMBERED);
    }

    #[test]
    fn a_wait_ends_with_the_exit_or_the_time() {
        let exits = Exits::default();
        assert_eq!(exits.wait(1, 1, Duration::from_millis(5)), None);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| exits.wait(7, 70, Duration::from_secs(10)));
            exits.record((7, 70), 256);
            assert_eq!(waiter.join().unwrap(), Some(256));
        });
    }
}

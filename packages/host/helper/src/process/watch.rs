//! Box init processes under watch: one epoll of pidfds, one thread, whatever their number.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::exits::EXITS;
use super::pidfd::{self, Process};
use crate::error::{Error, Result, check};
use crate::output;

struct Watched {
    box_id: String,
    process: Process,
    is_child: bool,
}

#[derive(Default)]
struct Boxes {
    next_token: u64,
    by_token: HashMap<u64, Watched>,
}

pub struct Watch {
    epoll: OwnedFd,
    boxes: Mutex<Boxes>,
}

impl Watch {
    pub fn new() -> Result<Self> {
        let raw = check(
            unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) } as i64,
            "epoll_create1",
            "",
        )?;
        Ok(Watch {
            epoll: unsafe { OwnedFd::from_raw_fd(raw as i32) },
            boxes: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Boxes> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self, operation: i32, process: &Process, token: u64) -> Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        let raw = process.fd().as_raw_fd();
        let returned =
            unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, raw, &mut event) };
        check(returned as i64, "epoll_ctl", process.pid).map(drop)
    }

    /// Watches a process until it ends. False when it is gone already: the caller reports that, with [`status_of_gone`].
    pub fn add(&self, box_id: &str, pid: i32, start_time_ticks: u64) -> Result<bool> {
        let Some(process) = Process::open(pid, start_time_ticks)? else {
            return Ok(false);
        };
        let is_child =
            pidfd::stat(pid).is_some_and(|stat| stat.parent == std::process::id() as i32);
        let mut boxes = self.lock();
        let known = |watched: &Watched| {
            watched.process.pid == pid && watched.process.start_time_ticks == start_time_ticks
        };
        if boxes.by_token.values().any(known) {
            return Ok(true);
        }
        boxes.next_token += 1;
        let token = boxes.next_token;
        self.control(libc::EPOLL_CTL_ADD, &process, token)?;
        let box_id = box_id.to_owned();
        boxes.by_token.insert(
            token,
            Watched {
                box_id,
                process,
                is_child,
            },
        );
        Ok(true)
    }

    /// Reports exits for ever; the body of the watching thread.
    pub fn run(&self) -> ! {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        loop {
            let capacity = events.len() as i32;
            let count = unsafe {
                libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), capacity, -1)
            };
            for event in events.iter().take(count.max(0) as usize) {
                self.ended(event.u64);
            }
        }
    }

    fn ended(&self, token: u64) {
        let Some(watched) = self.lock().by_token.remove(&token) else {
            return;
        };
        // Before the descriptor closes: a copy in a process just forked would keep the entry alive.
        let _ = self.control(libc::EPOLL_CTL_DEL, &watched.process, token);
        let Process {
            pid,
            start_time_ticks,
            ..
        } = watched.process;
        let patience = if watched.is_child {
            Duration::from_secs(5)
        } else {
            Duration::ZERO
        };
        output::exited(
            &watched.box_id,
            pid,
            EXITS.wait(pid, start_time_ticks, patience),
        );
    }
}

/// Wait status of a process that is gone, where this helper reaped it.
pub fn status_of_gone(pid: i32, start_time_ticks: u64) -> Option<i32> {
    EXITS.get(pid, start_time_ticks)
}

/// Starts the watching thread, which lives as long as the process.
pub fn start() -> Result<&'static Watch> {
    let watch: &'static Watch = Box::leak(Box::new(Watch::new()?));
    std::thread::Builder::new()
        .name("watch".into())
        .stack_size(128 << 10)
        .spawn(|| watch.run())
        .map_err(|cause| Error::os("spawn", "watch thread", &cause))?;
    Ok(watch)
}

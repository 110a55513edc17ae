//! The epoll set and the tokens that name its descriptors.

use crate::sys::{check, owned};
use std::io::Result;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// What a descriptor in the epoll set belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Link,
    Signals,
    /// Output of a stream: its key and index (0 stdout, 1 stderr).
    Source(u64, u8),
    /// Input of a stream.
    Sink(u64),
    /// Report pipe of a worker.
    Report(u64),
    /// Output of a named shell and its index.
    ShellSource(u64, u8),
    /// Status pipe of a named shell.
    ShellStatus(u64),
    /// Output that nobody wants any more.
    Drain(u64),
}

impl Token {
    fn encode(self) -> u64 {
        let (kind, index, key) = match self {
            Token::Link => (0, 0, 0),
            Token::Signals => (1, 0, 0),
            Token::Source(key, index) => (2, index, key),
            Token::Sink(key) => (3, 0, key),
            Token::Report(key) => (4, 0, key),
            Token::ShellSource(key, index) => (5, index, key),
            Token::ShellStatus(key) => (6, 0, key),
            Token::Drain(key) => (7, 0, key),
        };
        kind << 56 | u64::from(index) << 48 | (key & 0xffff_ffff_ffff)
    }

    fn decode(word: u64) -> Token {
        let (index, key) = ((word >> 48) as u8, word & 0xffff_ffff_ffff);
        match word >> 56 {
            0 => Token::Link,
            1 => Token::Signals,
            2 => Token::Source(key, index),
            3 => Token::Sink(key),
            4 => Token::Report(key),
            5 => Token::ShellSource(key, index),
            6 => Token::ShellStatus(key),
            _ => Token::Drain(key),
        }
    }
}

/// Readiness of one descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub token: Token,
    pub readable: bool,
    pub writable: bool,
    /// The other end is closed, wholly or in its sending half.
    pub hung_up: bool,
}

/// Which directions to watch.
#[derive(Clone, Copy)]
pub enum Interest {
    Read,
    Write,
    Both,
}

/// An epoll set; every descriptor is watched edge-triggered.
pub struct Poll(OwnedFd);

impl Poll {
    pub fn new() -> Result<Poll> {
        // SAFETY: no pointers.
        check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }).map(|fd| Poll(owned(fd)))
    }

    fn control(
        &self,
        operation: libc::c_int,
        fd: RawFd,
        token: Token,
        interest: Interest,
    ) -> Result<()> {
        let events = libc::EPOLLET
            | match interest {
                Interest::Read => libc::EPOLLIN | libc::EPOLLRDHUP,
                Interest::Write => libc::EPOLLOUT,
                Interest::Both => libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP,
            };
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: token.encode(),
        };
        // SAFETY: the event lives across the call.
        check(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, fd, &mut event) })?;
        Ok(())
    }

    /// Begins to watch a descriptor.
    pub fn add(&self, fd: &OwnedFd, token: Token, interest: Interest) -> Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd.as_raw_fd(), token, interest)
    }

    /// Gives a watched descriptor another token; what is ready is reported again.
    pub fn rename(&self, fd: &OwnedFd, token: Token, interest: Interest) -> Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd.as_raw_fd(), token, interest)
    }

    /// Waits for events; none means that the time is over or a signal came.
    pub fn wait(&self, timeout: Option<Duration>, into: &mut Vec<Event>) {
        let timeout_ms = timeout.map_or(-1, |time| {
            time.as_micros().div_ceil(1000).min(i32::MAX as u128) as i32
        });
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        // SAFETY: the array has room for the number of events asked for.
        let count =
            unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), 64, timeout_ms) };
        let hangup = (libc::EPOLLHUP | libc::EPOLLERR | libc::EPOLLRDHUP) as u32;
        for event in events.iter().take(count.max(0) as usize) {
            let flags = event.events;
            into.push(Event {
                token: Token::decode(event.u64),
                readable: flags & (libc::EPOLLIN as u32 | hangup) != 0,
                writable: flags & (libc::EPOLLOUT as u32 | hangup) != 0,
                hung_up: flags & hangup != 0,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_encoding() {
        for token in [
            Token::Link,
            Token::Signals,
            Token::Source(77, 1),
            Token::Sink(1 << 47),
            Token::Report(3),
            Token::ShellSource(4, 1),
            Token::ShellStatus(5),
            Token::Drain(6),
        ] {
            assert_eq!(Token::decode(token.encode()), token);
        }
    }
}

//! Moves bytes between a stream's descriptors and its channels.

use crate::guest::Guest;
use crate::outlet::Outlet;
use crate::poll::{Event, Interest, Token};
use crate::stream::{Job, Origin, Sink, Source, Stream};
use crate::sys;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};

/// Bytes read from one source before others have their turn.
const TURN_BYTES: u64 = 256 * 1024;
/// Most outputs of background processes that are read and thrown away.
const MAX_DRAINS: usize = 512;

impl Guest {
    /// Moves what can be moved of one stream, then tells the host.
    pub fn pump(&mut self, key: u64) {
        if !self.start_settled(key) {
            return;
        }
        self.pump_sink(key);
        self.pump_sources(key);
        self.settle(key);
        self.emit(key);
    }

    fn pump_sink(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        if matches!(stream.job, Job::Upload(_)) {
            crate::files::write::advance(stream);
            return;
        }
        let Some(inlet) = &mut stream.inlet else {
            return;
        };
        let Some(sink) = &mut stream.sink else {
            return;
        };
        while sink.writable && !inlet.front().is_empty() {
            match sys::write(sink.fd.as_raw_fd(), inlet.front()) {
                Ok(count) => inlet.deliver(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => sink.writable = false,
                Err(_) => {
                    inlet.abandon();
                    stream.sink = None;
                    return;
                }
            }
        }
        if inlet.exhausted() {
            if sink.socket {
                // SAFETY: plain call on an open descriptor.
                unsafe { libc::shutdown(sink.fd.as_raw_fd(), libc::SHUT_WR) };
            }
            stream.sink = None;
        }
    }

    fn pump_sources(&mut self, key: u64) {
        let mut left_behind: [Option<OwnedFd>; 2] = [None, None];
        let mut scratch = self.take_scratch();
        let mut more = false;
        if let Some(stream) = self.streams.get_mut(&key) {
            for (index, left) in left_behind.iter_mut().enumerate() {
                more |= pump_source(stream, index, &mut scratch, left);
            }
        }
        self.scratch = scratch;
        for fd in left_behind.into_iter().flatten() {
            self.drain_later(fd);
        }
        if more {
            self.touch(key);
        }
    }

    /// A background process goes on writing: read and drop it, so that it neither blocks nor gets SIGPIPE.
    pub fn drain_later(&mut self, fd: OwnedFd) {
        if self.drains.len() >= MAX_DRAINS {
            self.drains.pop_first();
        }
        let key = self.new_key();
        let token = Token::Drain(key);
        if self.poll.rename(&fd, token, Interest::Read).is_ok()
            || self.poll.add(&fd, token, Interest::Read).is_ok()
        {
            self.drains.insert(key, fd);
        }
    }

    /// Reads and drops output that nobody wants.
    pub fn drain(&mut self, key: u64) {
        let mut scratch = self.take_scratch();
        if let Some(fd) = self.drains.get(&key) {
            match drop_some(fd, &mut scratch) {
                Dropped::All => {}
                Dropped::Some => {
                    // Ask again at once, after the other events have had their turn.
                    let _ = self.poll.rename(fd, Token::Drain(key), Interest::Read);
                }
                Dropped::End => {
                    self.drains.remove(&key);
                }
            }
        }
        self.scratch = scratch;
    }

    /// The descriptor behind an output has something.
    pub fn source_ready(&mut self, key: u64, index: usize) {
        if let Some(Some(source)) = self
            .streams
            .get_mut(&key)
            .and_then(|stream| stream.sources.get_mut(index))
        {
            source.readable = true;
        }
        self.touch(key);
    }

    /// The descriptor behind channel 0 takes more, or is gone.
    pub fn sink_ready(&mut self, key: u64, event: Event) {
        if let Some(stream) = self.streams.get_mut(&key)
            && let Some(sink) = &mut stream.sink
        {
            sink.writable |= event.writable;
        }
        self.connected(key);
        self.touch(key);
    }

    /// Makes a pipe or socket an output of the stream.
    pub fn attach_source(&mut self, key: u64, index: usize, fd: OwnedFd) -> std::io::Result<()> {
        sys::set_nonblocking(&fd)?;
        self.poll
            .add(&fd, Token::Source(key, index as u8), Interest::Read)?;
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.sources[index] = Some(Source {
                origin: Origin::Pipe(fd),
                readable: false,
                remaining: None,
            });
        }
        Ok(())
    }

    /// Makes a pipe or socket the destination of channel 0.
    pub fn attach_sink(&mut self, key: u64, fd: OwnedFd, socket: bool) -> std::io::Result<()> {
        sys::set_nonblocking(&fd)?;
        self.poll.add(&fd, Token::Sink(key), Interest::Write)?;
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.sink = Some(Sink {
                fd,
                writable: false,
                socket,
            });
        }
        Ok(())
    }
}

/// How far a throw-away read came.
pub enum Dropped {
    All,
    Some,
    End,
}

/// Reads and drops a bounded amount.
pub fn drop_some(fd: &OwnedFd, scratch: &mut [u8]) -> Dropped {
    for _ in 0..4 {
        match sys::read(fd.as_raw_fd(), scratch) {
            Ok(0) => return Dropped::End,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Dropped::All,
            Err(_) => return Dropped::End,
        }
    }
    Dropped::Some
}

/// Reads one source within credit; true when more is there and may be read.
fn pump_source(
    stream: &mut Stream,
    index: usize,
    scratch: &mut [u8],
    left_behind: &mut Option<OwnedFd>,
) -> bool {
    let (Some(source), Some(outlet)) = (&mut stream.sources[index], &mut stream.outlets[index])
    else {
        return false;
    };
    let fd = match &source.origin {
        Origin::Pipe(fd) => fd.as_raw_fd(),
        Origin::Lent(fd) => *fd,
        Origin::File { .. } => return false,
    };
    let mut turn = TURN_BYTES;
    let ended = loop {
        if source.remaining == Some(0) {
            break true;
        }
        if !source.readable || turn == 0 || outlet.room() == 0 {
            break false;
        }
        let most = outlet
            .room()
            .min(source.remaining.unwrap_or(u64::MAX))
            .min(scratch.len() as u64) as usize;
        match sys::read(fd, &mut scratch[..most]) {
            // The shell is dying: its end decides what becomes of the command.
            Ok(0) if matches!(source.origin, Origin::Lent(_)) => source.readable = false,
            Ok(0) => {
                source.remaining = None;
                break true;
            }
            Ok(count) => {
                outlet.push(&scratch[..count]);
                turn = turn.saturating_sub(count as u64);
                if let Some(remaining) = &mut source.remaining {
                    *remaining -= count as u64;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => source.readable = false,
            Err(_) => {
                source.remaining = None;
                break true;
            }
        }
    };
    if ended {
        let held_by_others = source.remaining == Some(0);
        outlet.finish();
        if let Some(Source {
            origin: Origin::Pipe(fd),
            ..
        }) = stream.sources[index].take()
            && held_by_others
        {
            *left_behind = Some(fd);
        }
        return false;
    }
    source.readable && outlet.room() > 0
}

/// The final offsets of both outputs are known.
pub fn ends_known(outlets: &[Option<Outlet>; 2]) -> bool {
    outlets.iter().flatten().all(Outlet::finished)
}

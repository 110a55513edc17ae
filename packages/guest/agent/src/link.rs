//! The connection to the host: dialling with back-off, buffered writing, reading.

use crate::frame::Decoder;
use crate::poll::{Interest, Poll, Token};
use crate::sys;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

/// Above this many unsent bytes no DATA is added.
const HIGH_WATER_BYTES: usize = 256 * 1024;
/// Above this many unsent bytes nothing is read from a host that does not read.
const CHOKED_BYTES: usize = 1024 * 1024;
/// After so many flushes without a full socket, room to write is not watched any more.
const EASY_FLUSHES: u32 = 64;
/// Bytes asked for at once: little as long as little comes, more in a transfer.
const FIRST_READ_BYTES: usize = 16 * 1024;
const LARGEST_READ_BYTES: usize = 256 * 1024;
const FIRST_BACK_OFF: Duration = Duration::from_millis(5);
const LAST_BACK_OFF: Duration = Duration::from_secs(1);
/// Tries with the first delay: a host that hung up for a checkpoint, or starts again, is back in a moment.
const QUICK_TRIES: u32 = 16;

/// How far the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Down,
    /// HELLO is sent, the host's is awaited.
    Greeting,
    Open,
}

/// The guest's end of the link.
pub struct Link {
    path: PathBuf,
    socket: Option<OwnedFd>,
    pub phase: Phase,
    pub decoder: Decoder,
    /// Bytes to write; `written` of them are gone.
    pub out: Vec<u8>,
    written: usize,
    pub readable: bool,
    pub writable: bool,
    /// The peer has closed or half-closed: a short read is not the end of what is there.
    pub hung_up: bool,
    /// Whether the epoll set reports room to write. Only while writes meet a full socket: otherwise each frame that the
    /// host reads would wake the guest.
    watches_room: bool,
    /// Flushes in a row that met no full socket.
    easy_flushes: u32,
    read_bytes: usize,
    back_off: Duration,
    tries: u32,
}

impl Link {
    pub fn new(path: PathBuf) -> Link {
        Link {
            path,
            socket: None,
            phase: Phase::Down,
            decoder: Decoder::default(),
            out: Vec::new(),
            written: 0,
            readable: false,
            writable: false,
            hung_up: false,
            watches_room: false,
            easy_flushes: 0,
            read_bytes: FIRST_READ_BYTES,
            back_off: FIRST_BACK_OFF,
            tries: 0,
        }
    }

    /// Connects to the host's socket.
    pub fn dial(&mut self, poll: &Poll) -> Result<()> {
        let socket = connect_unix(&self.path)?;
        poll.add(&socket, Token::Link, Interest::Read)?;
        self.socket = Some(socket);
        self.phase = Phase::Greeting;
        self.hung_up = false;
        self.watches_room = false;
        self.easy_flushes = 0;
        self.readable = true;
        self.writable = true;
        Ok(())
    }

    /// Drops the connection and everything half-read or half-written.
    pub fn drop_connection(&mut self) {
        self.socket = None;
        self.phase = Phase::Down;
        self.decoder.clear();
        self.out = Vec::new();
        self.written = 0;
    }

    /// Delay before the next dial: short at first, then doubled each time until the host has greeted.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.back_off;
        self.tries += 1;
        if self.tries >= QUICK_TRIES {
            self.back_off = (delay * 2).min(LAST_BACK_OFF);
        }
        delay
    }

    /// The host has answered: the next drop starts with the shortest delay again.
    pub fn greeted(&mut self) {
        self.back_off = FIRST_BACK_OFF;
        self.tries = 0;
        self.phase = Phase::Open;
    }

    /// There is room for more DATA.
    pub fn has_room(&self) -> bool {
        self.phase == Phase::Open && self.out.len() - self.written < HIGH_WATER_BYTES
    }

    /// The host does not read; do not read from it either.
    pub fn choked(&self) -> bool {
        self.out.len() - self.written > CHOKED_BYTES
    }

    /// Something waits to be written and could be.
    pub fn wants_write(&self) -> bool {
        self.socket.is_some() && self.writable && self.written < self.out.len()
    }

    /// Writes as much as the socket takes; asks to be told of room when it is full.
    pub fn flush(&mut self, poll: &Poll) -> Result<()> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        while self.writable && self.written < self.out.len() {
            match sys::write(socket.as_raw_fd(), &self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.writable = false;
                    self.easy_flushes = 0;
                    if !self.watches_room {
                        self.watches_room = true;
                        poll.rename(socket, Token::Link, Interest::Both)?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        if self.watches_room && self.written == self.out.len() {
            self.easy_flushes += 1;
            if self.easy_flushes > EASY_FLUSHES {
                self.watches_room = false;
                poll.rename(socket, Token::Link, Interest::Read)?;
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        } else if self.written > HIGH_WATER_BYTES {
            self.out.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }

    /// Reads once, into the decoder; false when nothing is there yet.
    pub fn read(&mut self) -> Result<bool> {
        let Some(socket) = &self.socket else {
            self.readable = false;
            return Ok(false);
        };
        let room = self.decoder.room(self.read_bytes);
        match sys::read(socket.as_raw_fd(), room) {
            Ok(0) => Err(Error::from(ErrorKind::UnexpectedEof)),
            Ok(count) => {
                let full = count == room.len();
                self.decoder.filled(count);
                if full {
                    self.read_bytes = LARGEST_READ_BYTES.min(self.read_bytes * 2);
                }
                // Less than was asked for: the socket is empty, and what comes next is a new event.
                self.readable = full || self.hung_up;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives buffers back when they are empty.
    pub fn release(&mut self) {
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        self.decoder.release();
        self.read_bytes = FIRST_READ_BYTES;
    }
}

fn connect_unix(path: &std::path::Path) -> Result<OwnedFd> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    // SAFETY: an all-zero sockaddr_un is valid.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    if bytes.len() >= address.sun_path.len() {
        return Err(Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let socket = sys::owned(sys::check(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?);
    let length = std::mem::size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: the address lives across the call and has the given length.
    sys::check(unsafe {
        libc::connect(
            socket.as_raw_fd(),
            std::ptr::from_ref(&address).cast(),
            length,
        )
    })?;
    Ok(socket)
}

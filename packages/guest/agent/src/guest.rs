//! The guest: everything it holds, and the event loop.

use crate::direct::login::Logins;
use crate::frame::{Kind, put_frame};
use crate::link::Link;
use crate::messages::Hello;
use crate::news::News;
use crate::poll::{Event, Interest, Poll, Token};
use crate::reap::{Owner, Signals};
use crate::settings::Settings;
use crate::shell::Shell;
use crate::starts::Starts;
use crate::stream::Stream;
use crate::timers::{Timer, Timers};
use crate::tombs::Tombs;
use prost::Message;
use std::collections::{BTreeMap, VecDeque};
use std::io::Result;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Protocol version that this guest speaks.
pub const PROTOCOL_VERSION: u32 = 1;
/// Most streams held at once.
pub const MAX_STREAMS: usize = 4096;
const SCRATCH_BYTES: usize = 64 * 1024;
/// Most OPENs handled before others have their turn: what was started is met while the next ones start.
const MAX_OPENS: usize = 4;
const QUIET: Duration = Duration::from_millis(200);

/// The whole state of the agent.
pub struct Guest {
    pub poll: Poll,
    pub link: Link,
    pub settings: Settings,
    /// Streams by internal key; a key is never used twice.
    pub streams: BTreeMap<u64, Stream>,
    /// Host's stream id to key.
    pub ids: BTreeMap<u64, u64>,
    /// Execution id to key.
    pub executions: BTreeMap<String, u64>,
    /// Executions that ended and were closed.
    pub tombs: Tombs,
    pub shells: BTreeMap<u64, Shell>,
    pub owners: BTreeMap<i32, Owner>,
    pub starts: Starts,
    pub drains: BTreeMap<u64, OwnedFd>,
    pub parts: BTreeMap<u64, Vec<u8>>,
    pub timers: Timers,
    pub news: News,
    pub logins: Logins,
    pub ready: VecDeque<u64>,
    /// Whole frames may wait in the decoder.
    backlog: bool,
    /// Streams that wait for room on the link.
    pub stalled: Vec<u64>,
    pub scratch: Vec<u8>,
    pub signals: Option<Signals>,
    /// Set when the box ends.
    pub ending: bool,
    /// No effect outside this structure: for fuzzing.
    pub inert: bool,
    boot_id: [u8; 16],
    next_key: u64,
    tidy: bool,
}

impl Guest {
    /// A guest that dials `socket`.
    pub fn new(socket: PathBuf, settings: Settings, inert: bool) -> Result<Guest> {
        let mut boot_id = [0; 16];
        crate::sys::random(&mut boot_id);
        Ok(Guest {
            poll: Poll::new()?,
            link: Link::new(socket),
            settings,
            streams: BTreeMap::new(),
            ids: BTreeMap::new(),
            executions: BTreeMap::new(),
            tombs: Tombs::default(),
            shells: BTreeMap::new(),
            owners: BTreeMap::new(),
            starts: Starts::default(),
            drains: BTreeMap::new(),
            parts: BTreeMap::new(),
            timers: Timers::default(),
            news: News::default(),
            logins: Logins::default(),
            ready: VecDeque::new(),
            backlog: false,
            stalled: Vec::new(),
            scratch: Vec::new(),
            signals: None,
            ending: false,
            inert,
            boot_id,
            next_key: 1,
            tidy: true,
        })
    }

    /// A fresh internal key.
    pub fn new_key(&mut self) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        key
    }

    /// Puts a stream into the ready queue.
    pub fn touch(&mut self, key: u64) {
        if let Some(stream) = self.streams.get_mut(&key)
            && !stream.queued
        {
            stream.queued = true;
            self.ready.push_back(key);
        }
    }

    /// The HELLO of a new connection.
    pub fn greet(&mut self) {
        let hello = Hello {
            protocol_min: PROTOCOL_VERSION,
            protocol_max: PROTOCOL_VERSION,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            boot_id: self.boot_id.to_vec(),
            max_payload_bytes: crate::frame::MAX_PAYLOAD_BYTES as u32,
        };
        put_frame(
            &mut self.link.out,
            Kind::Hello,
            0,
            0,
            &hello.encode_to_vec(),
        );
    }

    fn dial(&mut self) {
        match self.link.dial(&self.poll) {
            Ok(()) => self.greet(),
            Err(_) => {
                let delay = self.link.next_delay();
                self.timers.after(delay, Timer::Dial);
            }
        }
    }

    /// Ends the connection; every stream goes on and is listed on the next one.
    pub fn hang_up(&mut self) {
        self.link.drop_connection();
        self.backlog = false;
        self.parts.clear();
        for stream in self.streams.values_mut() {
            stream.rewind();
        }
        for key in std::mem::take(&mut self.stalled) {
            self.ready.push_back(key);
        }
        if !self.inert {
            let delay = self.link.next_delay();
            self.timers.after(delay, Timer::Dial);
        }
    }

    /// Runs for ever, or until the box ends; returns the process's exit status.
    pub fn run(&mut self) -> i32 {
        self.dial();
        let mut events = Vec::new();
        loop {
            let now = Instant::now();
            while let Some(timer) = self.timers.due(now) {
                self.on_timer(timer);
            }
            self.settle_starts();
            self.work();
            if self.ending && self.owners.is_empty() && crate::reap::childless() {
                crate::reap::sync_disks();
                return 0;
            }
            events.clear();
            self.poll.wait(self.timeout(), &mut events);
            if events.is_empty() && !self.busy() && self.starts.is_empty() {
                self.release_memory();
            } else if !events.is_empty() {
                self.tidy = false;
            }
            for event in &events {
                self.on_event(*event);
            }
            self.read_link();
        }
    }

    fn busy(&self) -> bool {
        !self.ready.is_empty()
            || self.link.wants_write()
            || ((self.link.readable || self.backlog) && !self.link.choked())
    }

    fn timeout(&self) -> Option<Duration> {
        if self.busy() {
            return Some(Duration::ZERO);
        }
        let next = self.timers.wait();
        if !self.starts.is_empty() {
            let look = self.look();
            return Some(next.map_or(look, |time| time.min(look)));
        }
        if self.tidy {
            next
        } else {
            Some(next.map_or(QUIET, |time| time.min(QUIET)))
        }
    }

    /// Moves bytes of every ready stream once, then writes to the link.
    pub fn work(&mut self) {
        for _ in 0..self.ready.len() {
            let Some(key) = self.ready.pop_front() else {
                break;
            };
            if let Some(stream) = self.streams.get_mut(&key) {
                stream.queued = false;
                self.pump(key);
            }
        }
        if self.link.flush(&self.poll).is_err() {
            self.hang_up();
        }
        if self.link.has_room() {
            for key in std::mem::take(&mut self.stalled) {
                self.ready.push_back(key);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer) {
        match timer {
            Timer::Dial => {
                if self.link.phase == crate::link::Phase::Down {
                    self.dial();
                }
            }
            Timer::Grace(key) => self.end_grace(key),
            Timer::News => self.tell_news(),
            Timer::Learn => self.learn_login(),
            Timer::LearnEnd => self.end_learning(),
            Timer::Meminfo => self.refresh_meminfo(),
            Timer::Kill => crate::reap::kill_everything(self),
        }
    }

    fn on_event(&mut self, event: Event) {
        match event.token {
            Token::Link => {
                self.link.readable |= event.readable;
                self.link.writable |= event.writable;
                self.link.hung_up |= event.hung_up;
            }
            Token::Signals => self.on_signals(),
            Token::Source(key, index) => self.source_ready(key, index as usize),
            Token::Sink(key) => self.sink_ready(key, event),
            Token::Report(key) => self.read_report(key),
            Token::ShellSource(key, index) => self.shell_output_ready(key, index as usize),
            Token::ShellStatus(key) => self.read_shell_status(key),
            Token::Drain(key) => self.drain(key),
        }
    }

    fn read_link(&mut self) {
        for _ in 0..4 {
            if self.link.choked() {
                return;
            }
            if self.backlog {
                self.take_frames();
                return;
            }
            if !self.link.readable {
                return;
            }
            match self.link.read() {
                Ok(true) => {
                    self.settings.batch += 1;
                    self.take_frames();
                }
                Ok(false) => {}
                Err(_) => self.hang_up(),
            }
        }
    }

    /// The shared read buffer; put it back into `scratch`.
    pub fn take_scratch(&mut self) -> Vec<u8> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(SCRATCH_BYTES, 0);
        scratch
    }

    /// Takes bytes of the host; a breach of the protocol ends the connection.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.link.decoder.feed(bytes);
        self.take_frames();
        while self.backlog {
            self.take_frames();
        }
    }

    /// Handles the whole frames among what was received, up to a number of OPENs.
    fn take_frames(&mut self) {
        self.backlog = false;
        let mut opens = 0;
        let mut decoder = std::mem::take(&mut self.link.decoder);
        let outcome = loop {
            if opens == MAX_OPENS {
                self.backlog = true;
                break Ok(());
            }
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    opens += usize::from(frame.kind == Kind::Open);
                    if let Err(breach) = self.on_frame(frame) {
                        break Err(breach);
                    }
                }
                Ok(None) => break Ok(()),
                Err(breach) => break Err(breach),
            }
        };
        match outcome {
            Ok(()) => self.link.decoder = decoder,
            Err(breach) => {
                if !self.inert {
                    eprintln!("berth-guest: host broke the protocol: {breach}");
                }
                self.hang_up();
            }
        }
    }

    /// Watches a descriptor, if there is an outside world.
    pub fn watch_fd(&self, fd: &OwnedFd, token: Token, interest: Interest) -> Result<()> {
        self.poll.add(fd, token, interest)
    }

    fn release_memory(&mut self) {
        if self.tidy {
            return;
        }
        self.tidy = true;
        self.scratch = Vec::new();
        self.link.release();
        self.ready.shrink_to(16);
        self.stalled.shrink_to(16);
        // SAFETY: glibc's allocator hook, no arguments that matter.
        #[cfg(target_env = "gnu")]
        unsafe {
            libc::malloc_trim(0);
        }
    }
}

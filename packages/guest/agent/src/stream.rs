//! One stream of the link: its channels, its job and its present status.

use crate::inlet::Inlet;
use crate::messages::{Error, Phase, Status};
use crate::outlet::Outlet;
use crate::{exec::Execution, files::write::Upload, worker::Worker};
use std::os::fd::OwnedFd;

/// Where an outgoing channel's bytes come from.
pub struct Source {
    pub origin: Origin,
    /// The descriptor may have bytes (edge-triggered readiness).
    pub readable: bool,
    /// Read exactly this much more, then end; a background process may hold the pipe for ever.
    pub remaining: Option<u64>,
}

/// Kind of a source.
pub enum Origin {
    /// A pipe or socket, read within credit and kept until acknowledged.
    Pipe(OwnedFd),
    /// Lent by a named shell for one command: the pipe's number.
    Lent(i32),
    /// A regular file, read again when needed: next offset = start + sent.
    File { file: OwnedFd, start: u64, end: u64 },
}

/// Where channel 0 goes.
pub struct Sink {
    pub fd: OwnedFd,
    pub writable: bool,
    /// Half-close instead of close at the end.
    pub socket: bool,
}

/// What a stream does.
pub enum Job {
    /// Nothing more than its status.
    Done,
    Execution(Box<Execution>),
    Worker(Box<Worker>),
    Upload(Box<Upload>),
    Read,
    Forward {
        connected: bool,
    },
}

/// A stream as the guest holds it.
pub struct Stream {
    /// The host's id.
    pub id: u64,
    pub status: Status,
    pub status_dirty: bool,
    pub outlets: [Option<Outlet>; 2],
    pub sources: [Option<Source>; 2],
    pub inlet: Option<Inlet>,
    pub sink: Option<Sink>,
    pub job: Job,
    /// An execution whose stream the host closed while it ran.
    pub detached: bool,
    /// Waits in the ready queue.
    pub queued: bool,
    /// News is told at once the next time; see [`crate::news`].
    pub impatient: bool,
}

impl Stream {
    /// A stream that has not begun.
    pub fn new(id: u64) -> Stream {
        Stream {
            id,
            status: Status {
                phase: Phase::Running as i32,
                ..Status::default()
            },
            status_dirty: true,
            outlets: [None, None],
            sources: [None, None],
            inlet: None,
            sink: None,
            job: Job::Done,
            detached: false,
            queued: false,
            impatient: false,
        }
    }

    /// The final status is known.
    pub fn finished(&self) -> bool {
        self.status.phase == Phase::Finished as i32
    }

    /// Sets the final status. The first one counts.
    pub fn finish(&mut self, error: Option<Box<Error>>) {
        if self.finished() {
            return;
        }
        self.status.phase = Phase::Finished as i32;
        self.status.error = error.map(|error| *error);
        self.status.finished_unix_ms = crate::sys::unix_ms();
        self.status_dirty = true;
        for outlet in self.outlets.iter_mut().flatten() {
            outlet.finish();
        }
        if let Some(inlet) = &mut self.inlet {
            inlet.abandon();
        }
        self.sink = None;
    }

    /// Every outgoing channel has come to its end.
    pub fn outlets_finished(&self) -> bool {
        self.outlets.iter().flatten().all(Outlet::finished)
    }

    /// Every EOF went out on this connection.
    pub fn eofs_sent(&self) -> bool {
        self.outlets.iter().flatten().all(|outlet| outlet.eof_sent)
    }

    /// The running execution, if the stream is one.
    pub fn execution(&mut self) -> Option<&mut Execution> {
        match &mut self.job {
            Job::Execution(execution) => Some(execution),
            _ => None,
        }
    }

    /// The connection is gone.
    pub fn rewind(&mut self) {
        for outlet in self.outlets.iter_mut().flatten() {
            outlet.rewind();
        }
        if let Some(inlet) = &mut self.inlet {
            inlet.rewind();
        }
        self.status_dirty = true;
    }
}

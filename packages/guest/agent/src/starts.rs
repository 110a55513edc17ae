//! Executions whose process is on its way to its program.
//!
//! The guest goes on meanwhile; nothing is told of such a stream, and nothing of it is read, until it is known whether the
//! program was loaded. That is looked at in each turn of the loop, before the process is reaped, and before it is signalled.

use crate::guest::Guest;
use crate::messages::Exec;
use crate::start::{Start, prefer_for_oom};
use crate::users::Identity;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Starts on their way at once; those beyond are waited for.
pub const MAX_STARTS: usize = 64;
/// While one is on its way, the loop looks at least so often.
const LOOK: Duration = Duration::from_millis(1);
/// The same where loading a program takes milliseconds, which looking makes longer. An output or an end of the program is seen at once.
const EMULATED_LOOK: Duration = Duration::from_millis(10);
/// How long a start is waited for where its outcome is needed. It takes longer only when somebody stops the process.
const PATIENCE: Duration = Duration::from_secs(2);
const NAP: Duration = Duration::from_millis(10);

/// What a plan without a shell came from: what cannot be started just so is for the shell.
pub type Origin = Option<(Exec, Rc<Identity>)>;

/// A process that was started, when, and the cgroup's count of OOM kills before.
pub struct Begun {
    pub start: Start,
    pub unix_ms: u64,
    pub oom_kills: u64,
}

struct Pending {
    begun: Begun,
    origin: Origin,
}

/// Those on their way, by stream.
pub struct Starts {
    pending: BTreeMap<u64, Pending>,
    /// The kernel tells when a process has left the guest's memory.
    overlapping: bool,
}

impl Default for Starts {
    fn default() -> Starts {
        Starts {
            pending: BTreeMap::new(),
            overlapping: crate::start::supported(),
        }
    }
}

impl Starts {
    /// The next start is to be waited for.
    pub fn full(&self) -> bool {
        !self.overlapping || self.pending.len() >= MAX_STARTS
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Notes that the process of a stream was started.
    pub fn insert(&mut self, key: u64, begun: Begun, origin: Origin) {
        self.pending.insert(key, Pending { begun, origin });
    }

    /// The process of a stream whose start is not known to be over.
    pub fn pid(&self, key: u64) -> Option<i32> {
        self.pending
            .get(&key)
            .map(|pending| pending.begun.start.pid)
    }
}

impl Guest {
    /// How long the loop may rest while a start is on its way.
    pub fn look(&self) -> Duration {
        if self.settings.emulated {
            EMULATED_LOOK
        } else {
            LOOK
        }
    }

    /// Acts on the start of a stream if it is over; false while it is not.
    pub fn start_settled(&mut self, key: u64) -> bool {
        let over = |pending: &Pending| pending.begun.start.over();
        match self.starts.pending.get(&key).map(over) {
            None => true,
            Some(false) => false,
            Some(true) => {
                if let Some(pending) = self.starts.pending.remove(&key) {
                    let pid = pending.begun.start.pid;
                    if self.conclude(key, pending) && !self.settings.emulated {
                        prefer_for_oom(pid);
                    }
                }
                !self.starts.pending.contains_key(&key)
            }
        }
    }

    /// Acts on every start that is over.
    pub fn settle_starts(&mut self) {
        if !self.starts.pending.is_empty() {
            for key in self.pending_keys() {
                self.start_settled(key);
            }
        }
    }

    /// The same once all are over, or have taken too long.
    pub fn await_starts(&mut self) {
        for key in self.pending_keys() {
            self.await_start(key);
        }
    }

    /// Waits until the start of a stream is over and acts on it; a start that takes too long is left as it is.
    pub fn await_start(&mut self, key: u64) {
        let until = Instant::now() + PATIENCE;
        while !self.start_settled(key) && Instant::now() < until {
            if let Some(pending) = self.starts.pending.get(&key) {
                pending.begun.start.wait(NAP);
            }
        }
    }

    /// The leader of an execution was reaped; it may never have become its program.
    pub fn leader_reaped(&mut self, key: u64, wait_status: i32) {
        let started = match self.starts.pending.remove(&key) {
            None => true,
            Some(mut pending) => {
                pending.begun.start.gone();
                self.conclude(key, pending)
            }
        };
        if started {
            self.leader_ended(key, wait_status);
        }
    }

    /// The program runs, or goes to the shell, or the execution has failed; true in the first case.
    fn conclude(&mut self, key: u64, pending: Pending) -> bool {
        let Begun {
            start,
            unix_ms,
            oom_kills,
        } = pending.begun;
        let Err(error) = start.outcome() else {
            self.begun(key, start.pid, unix_ms, oom_kills);
            self.touch(key);
            return true;
        };
        // What is left of the process is reaped like any orphan.
        self.owners.remove(&start.pid);
        let stream = self.streams.get_mut(&key);
        let signalled = stream
            .and_then(|stream| stream.execution())
            .is_some_and(|execution| execution.signalled != 0);
        let outcome = match pending.origin {
            Some((wish, identity)) if !signalled => self.run_by_shell(key, &wish, identity),
            _ => Err(error),
        };
        if let Err(error) = outcome {
            self.fail(key, error);
        }
        self.touch(key);
        false
    }

    fn pending_keys(&self) -> Vec<u64> {
        self.starts.pending.keys().copied().collect()
    }
}

//! News of executions that may wait for company.
//!
//! That a command runs, or has closed an output, is told together with the next bytes or with its end, or after a moment. A
//! short command so costs the host one wake-up instead of four.

use crate::guest::Guest;
use crate::stream::{Job, Stream};
use crate::timers::Timer;
use std::time::Duration;

/// How long news waits.
const PATIENCE: Duration = Duration::from_millis(5);

/// The streams whose news waits.
#[derive(Default)]
pub struct News(Vec<u64>);

impl Stream {
    /// Whether a status or an EOF may be held back now: the stream is a running command outside a named shell, and nothing
    /// else is to be sent of it.
    pub fn may_wait(&self) -> bool {
        let Job::Execution(execution) = &self.job else {
            return false;
        };
        !self.impatient
            && !self.finished()
            && execution.pid != 0
            && execution.shell.is_none()
            && self
                .outlets
                .iter()
                .flatten()
                .all(|outlet| outlet.unsent() == 0)
    }
}

impl Guest {
    /// Holds a stream's news back for a moment.
    pub fn tell_later(&mut self, key: u64) {
        if self.news.0.is_empty() {
            self.timers.after(PATIENCE, Timer::News);
        }
        if self.news.0.last() != Some(&key) {
            self.news.0.push(key);
        }
    }

    /// The moment is over.
    pub fn tell_news(&mut self) {
        for key in std::mem::take(&mut self.news.0) {
            if let Some(stream) = self.streams.get_mut(&key)
                && !stream.finished()
            {
                stream.impatient = true;
                self.touch(key);
            }
        }
    }
}

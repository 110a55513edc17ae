//! Deadlines of the event loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// What to do when a deadline passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Dial the host again.
    Dial,
    /// The grace of background writers is over for this stream.
    Grace(u64),
    /// Tell the host what waited for company.
    News,
    /// Ask a login shell what it exports.
    Learn,
    /// The login shell should have answered.
    LearnEnd,
    /// Refresh /proc/meminfo.
    Meminfo,
    /// Kill what is left at the end of the box.
    Kill,
}

/// A heap of deadlines.
#[derive(Default)]
pub struct Timers(BinaryHeap<Reverse<(Instant, Timer)>>);

impl Timers {
    /// Arms a timer.
    pub fn after(&mut self, delay: Duration, timer: Timer) {
        self.0.push(Reverse((Instant::now() + delay, timer)));
    }

    /// The next timer that is due.
    pub fn due(&mut self, now: Instant) -> Option<Timer> {
        match self.0.peek() {
            Some(Reverse((at, timer))) if *at <= now => {
                let timer = *timer;
                self.0.pop();
                Some(timer)
            }
            _ => None,
        }
    }

    /// Time until the next deadline.
    pub fn wait(&self) -> Option<Duration> {
        self.0
            .peek()
            .map(|Reverse((at, _))| at.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_in_order_of_deadline() {
        let mut timers = Timers::default();
        timers.after(Duration::from_secs(2), Timer::Meminfo);
        timers.after(Duration::from_secs(1), Timer::Dial);
        let now = Instant::now();
        assert_eq!(timers.due(now), None);
        let later = now + Duration::from_secs(3);
        assert_eq!(timers.due(later), Some(Timer::Dial));
        assert_eq!(timers.due(later), Some(Timer::Meminfo));
        assert!(timers.wait().is_none());
    }
}

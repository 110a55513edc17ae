//! Work queues with a bounded number of threads each, so that slow commands do not hold the others.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Task = Box<dyn FnOnce() + Send>;

/// Waiting tasks beyond which a lane refuses.
const MAX_QUEUED: usize = 16_384;
const STACK_BYTES: usize = 512 << 10;
/// A thread without work ends after this.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    threads: usize,
    idle: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    added: Condvar,
}

/// Runs tasks in order of arrival, `width` at a time; its threads come and go with the work.
pub struct Lane {
    name: &'static str,
    width: usize,
    shared: Arc<Shared>,
}

impl Lane {
    pub fn new(name: &'static str, width: usize) -> Self {
        Lane {
            name,
            width,
            shared: Arc::default(),
        }
    }

    /// False when too much is waiting already; the task is not run then.
    pub fn submit(&self, task: impl FnOnce() + Send + 'static) -> bool {
        let mut state = lock(&self.shared);
        if state.tasks.len() >= MAX_QUEUED {
            return false;
        }
        state.tasks.push_back(Box::new(task));
        if state.idle < state.tasks.len() && state.threads < self.width {
            let shared = self.shared.clone();
            let thread = std::thread::Builder::new()
                .name(self.name.into())
                .stack_size(STACK_BYTES);
            if thread.spawn(move || work(&shared)).is_ok() {
                state.threads += 1;
            } else if state.threads == 0 {
                state.tasks.pop_back();
                return false;
            }
        }
        self.shared.added.notify_one();
        true
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(shared: &Shared) {
    let mut state = lock(shared);
    loop {
        if let Some(task) = state.tasks.pop_front() {
            drop(state);
            task();
            state = lock(shared);
            continue;
        }
        state.idle += 1;
        let empty = |state: &mut State| state.tasks.is_empty();
        let (back, waited) = shared
            .added
            .wait_timeout_while(state, IDLE, empty)
            .unwrap_or_else(PoisonError::into_inner);
        state = back;
        state.idle -= 1;
        if waited.timed_out() && state.tasks.is_empty() {
            state.threads -= 1;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn runs_as_many_at_once_as_it_is_wide_and_no_more() {
        let lane = Lane::new("test", 2);
        let (started, starts) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        for number in 0..3 {
            let (started, gate) = (started.clone(), gate.clone());
            assert!(lane.submit(move || {
                started.send(number).unwrap();
                gate.lock().unwrap().recv().unwrap();
            }));
        }
        let mut first = [starts.recv().unwrap(), starts.recv().unwrap()];
        first.sort_unstable();
        assert_eq!(first, [0, 1]);
        assert!(starts.recv_timeout(Duration::from_millis(50)).is_err());
        go.send(()).unwrap();
        assert_eq!(starts.recv().unwrap(), 2);
        go.send(()).unwrap();
        go.send(()).unwrap();
    }
}

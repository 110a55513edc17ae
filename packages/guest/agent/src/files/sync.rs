//! Sync: what the box has written gets to the host's disk.

use crate::failure::{Outcome, os_failure};
use crate::guest::Guest;
use crate::sys;
use crate::worker::Task;
use std::os::fd::AsRawFd;

impl Guest {
    /// Flushes the root file system, in a worker; a box that has no process left for one is held up meanwhile.
    pub fn sync(&mut self, key: u64) {
        let started = self.settings.identity("root").and_then(|identity| {
            let task = Task {
                identity: &identity,
                path: "/".into(),
                takes_input: false,
                prepare: None,
            };
            self.start_worker(key, task, |_, _| flush_root())
        });
        if started.is_err() {
            self.done(key, flush_root());
        }
    }
}

fn flush_root() -> Outcome<()> {
    sys::open(c"/", libc::O_RDONLY | libc::O_DIRECTORY, 0)
        // SAFETY: the descriptor is open across the call.
        .and_then(|root| sys::check(unsafe { libc::syncfs(root.as_raw_fd()) }))
        .map(drop)
        .map_err(|error| os_failure(&error, "/"))
}

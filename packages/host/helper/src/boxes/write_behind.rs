//! Brings to the disk, while it is being written, what has to be there afterwards: a sync has little left to do then.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const GLANCE: Duration = Duration::from_millis(2);
/// Less than this is not worth a request of its own.
const STRETCH_BYTES: u64 = 1 << 20;

/// Runs `act`, which lets the files grow, and has the kernel write them out meanwhile. Whether that succeeds is for a sync to tell.
pub fn during<'a, Answer>(files: impl Iterator<Item = &'a File>, act: impl FnOnce() -> Answer) -> Answer {
    let mut files: Vec<(&File, u64)> = files.map(|file| (file, 0)).collect();
    if files.is_empty() {
        return act();
    }
    thread::scope(|scope| {
        let (over, told) = mpsc::channel::<()>();
        scope.spawn(move || {
            while told.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
                for (file, begun) in &mut files {
                    begin(file, begun);
                }
            }
        });
        let answer = act();
        drop(over);
        answer
    })
}

/// Starts writing what has come since the last time.
fn begin(file: &File, begun: &mut u64) {
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    if end < *begun + STRETCH_BYTES {
        return;
    }
    let (offset, length) = (*begun as _, (end - *begun) as _);
    // SAFETY: takes numbers only.
    unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
    *begun = end;
}

//! What has been written reaches the disk.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result, check};

const GLANCE: Duration = Duration::from_millis(2);
/// Less than this is not worth a request of its own.
const STRETCH_BYTES: u64 = 1 << 20;

/// Writes back all that the file system of `path` holds in memory.
pub fn sync_file_system(path: &Path) -> Result<()> {
    let shown = path.display();
    let file = File::open(path).map_err(|cause| Error::os("open", &shown, &cause))?;
    let synced = unsafe { libc::syncfs(file.as_raw_fd()) };
    check(synced.into(), "syncfs", shown).map(drop)
}

/// Has the kernel read the beginning of a file that somebody is about to need, beside what goes on; at most `limit_bytes`.
pub fn read_ahead(path: &Path, limit_bytes: u64) {
    let path = path.to_owned();
    // The kernel's own queue of reads may make the caller wait.
    let _ = std::thread::Builder::new()
        .name("read-ahead".into())
        .stack_size(64 << 10)
        .spawn(move || {
            if let Ok(file) = File::open(&path) {
                let length = libc::off_t::try_from(limit_bytes).unwrap_or(libc::off_t::MAX);
                unsafe {
                    libc::posix_fadvise(file.as_raw_fd(), 0, length, libc::POSIX_FADV_WILLNEED)
                };
            }
        });
}

/// Does what lets these files grow, and has the kernel write them out meanwhile, so that a sync has little left to do. Whether the writing succeeds is for that
/// sync to tell.
pub fn write_behind<'a, Answer>(
    files: impl Iterator<Item = &'a File>,
    act: impl FnOnce() -> Answer,
) -> Answer {
    let mut files: Vec<(&File, u64)> = files.map(|file| (file, 0)).collect();
    if files.is_empty() {
        return act();
    }
    thread::scope(|scope| {
        let (over, told) = mpsc::channel::<()>();
        scope.spawn(move || {
            while told.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
                for (file, begun) in &mut files {
                    *begun = begin_writing(file, *begun);
                }
            }
        });
        let answer = act();
        drop(over);
        answer
    })
}

/// Starts writing what has come since `begun`, when it is worth it. Tells up to where that is.
fn begin_writing(file: &File, begun: u64) -> u64 {
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    if end < begun + STRETCH_BYTES {
        return begun;
    }
    let (offset, length) = (begun as _, (end - begun) as _);
    // SAFETY: numbers only.
    unsafe {
        libc::sync_file_range(
            file.as_raw_fd(),
            offset,
            length,
            libc::SYNC_FILE_RANGE_WRITE,
        )
    };
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn writes_out_what_grows_and_answers_what_was_done() {
        let path = std::env::temp_dir().join(format!("berth-behind-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        let answer = write_behind([&file].into_iter(), || {
            for _ in 0..8 {
                (&file).write_all(&vec![7; 1 << 20]).unwrap();
                thread::sleep(GLANCE);
            }
            "done"
        });
        assert_eq!(answer, "done");
        assert_eq!(begin_writing(&file, 0), 8 << 20);
        assert_eq!(begin_writing(&file, (8 << 20) - 1), (8 << 20) - 1);
        assert_eq!(std::fs::read(&path).unwrap(), vec![7; 8 << 20]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(write_behind(std::iter::empty(), || 1), 1);
    }

    #[test]
    fn reading_ahead_needs_nothing_to_be_there() {
        read_ahead(Path::new("/nonexistent/x"), 1);
        read_ahead(Path::new("/proc/self/exe"), u64::MAX);
    }

    #[test]
    fn syncs_a_file_system_and_names_what_is_not_there() {
        sync_file_system(Path::new("/tmp")).unwrap();
        let missing = sync_file_system(Path::new("/nonexistent/x")).unwrap_err();
        assert_eq!(missing.errno, Some(libc::ENOENT));
    }
}

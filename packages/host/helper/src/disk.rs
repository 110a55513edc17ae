//! What has been written reaches the disk.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use crate::error::{Error, Result, check};

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

#[cfg(test)]
mod tests {
    use super::*;

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

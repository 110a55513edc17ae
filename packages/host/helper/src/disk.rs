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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_a_file_system_and_names_what_is_not_there() {
        sync_file_system(Path::new("/tmp")).unwrap();
        let missing = sync_file_system(Path::new("/nonexistent/x")).unwrap_err();
        assert_eq!(missing.errno, Some(libc::ENOENT));
    }
}

//! The seed: a subvolume with next to nothing in it, whose next file gets a higher inode number than any file of any layer has. Disks of boxes that stand on
//! built layers descend from it (see `btrfs::descent` for why numbers must differ).

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, Result};

/// The file with the highest number: btrfs goes on counting from what is there.
const MARK: &str = "mark";
const NEXT: &str = "mark.next";

/// Raises the seed's count above that of the subvolume in which `within` lies.
pub fn raise(seed: &Path, within: &Path) -> Result<()> {
    let probe = within.with_extension("probe");
    let highest = number_of_new(&probe)?;
    remove(&probe)?;
    let (mark, next) = (seed.join(MARK), seed.join(NEXT));
    if fs::metadata(&mark).is_ok_and(|found| found.ino() >= highest) {
        return Ok(());
    }
    while number_of_new(&next)? < highest {
        remove(&next)?;
    }
    fs::rename(&next, &mark).map_err(|cause| Error::os("rename", mark.display(), &cause))
}

fn number_of_new(path: &Path) -> Result<u64> {
    remove(path)?;
    let made: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|cause| Error::os("create", path.display(), &cause))?;
    let found = made.metadata();
    Ok(found
        .map_err(|cause| Error::os("fstat", path.display(), &cause))?
        .ino())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(Error::os("unlink", path.display(), &cause))
        }
        _ => Ok(()),
    }
}

//! Subvolumes whose inode numbers none of their layers has. btrfs counts them anew in each subvolume, and an overlay shows the numbers of all
//! its layers as they are: a file of the box and one of a snapshot below it would be the same file to every program that compares them.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{ioctl, subvolume};
use crate::error::{Error, Result};

/// What a subvolume has from its ancestors. Nobody reads it; its inode numbers are taken, so that new files get others.
const BELOW: &str = "below";

/// Makes a subvolume at `path` that goes on counting where `snapshot` stands; what that holds is put aside, and no byte copied. One that is
/// there is left as it is, a half-made one made anew.
pub fn create(path: &Path, snapshot: &Path) -> Result<()> {
    if subvolume::open_root(path)?.is_some() {
        return Ok(());
    }
    discard(path)?;
    let (parent, _) = subvolume::split(path)?;
    let made = unfinished(path)?;
    let (_, name) = subvolume::split(&made)?;
    let source = subvolume::require_root(snapshot)?;
    ioctl::snapshot_subvolume(&source, &ioctl::open_directory(parent)?, name, false)?;
    put_aside(&made)?;
    fs::rename(&made, path).map_err(|cause| Error::os("rename", path.display(), &cause))
}

/// Deletes what a try that was interrupted has left of the subvolume at `path`.
pub fn discard(path: &Path) -> Result<()> {
    subvolume::delete(&unfinished(path)?)
}

/// Where the successor of the subvolume at `path` is made.
pub(super) fn unfinished(path: &Path) -> Result<PathBuf> {
    let (parent, name) = subvolume::split(path)?;
    let mut unfinished = OsString::from(name);
    unfinished.push(".new");
    Ok(parent.join(unfinished))
}

fn put_aside(root: &Path) -> Result<()> {
    let aside = root.join("aside");
    fs::create_dir(&aside).map_err(|cause| Error::os("mkdir", aside.display(), &cause))?;
    for name in ["upper", "work", "meminfo", BELOW] {
        match fs::rename(root.join(name), aside.join(name)) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Err(Error::os("rename", aside.join(name).display(), &cause));
            }
            _ => {}
        }
    }
    let below = root.join(BELOW);
    fs::rename(&aside, &below).map_err(|cause| Error::os("rename", below.display(), &cause))
}

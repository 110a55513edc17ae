//! One subvolume a box: `upper` and `work` of its overlay.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

use super::{descent, ioctl, quota};
use crate::error::{Error, Result};

/// Subvolumes nested deeper than this nobody makes in earnest.
const MAX_DEPTH: usize = 32;

pub(super) fn split(path: &Path) -> Result<(&Path, &OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(Error::bad_request(format!(
            "{} cannot be a subvolume",
            path.display()
        ))),
    }
}

/// Makes the subvolume (its parent directory must be there), its limit, and `upper` and `work`, owned by `owner_base`.
/// Done again, it completes what an earlier try left undone.
pub fn create(path: &Path, limit_bytes: u64, owner_base: u32) -> Result<()> {
    let (parent, name) = split(path)?;
    match ioctl::create_subvolume(&ioctl::open_directory(parent)?, name) {
        Err(error) if !error.is_errno(libc::EEXIST) => return Err(error),
        _ => {}
    }
    let directory = open_root(path)?
        .ok_or_else(|| Error::bad_request(format!("{} is gone", path.display())))?;
    set_limit(path, &directory, limit_bytes)?;
    // Only the host looks in here by path; the box has its overlay.
    set_mode(path, 0o700)?;
    for (name, mode) in [("upper", 0o755), ("work", 0o700)] {
        let made = path.join(name);
        match fs::create_dir(&made) {
            Ok(()) => set_mode(&made, mode)?,
            // A second call must not undo what the box has made of its root since.
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => continue,
            Err(cause) => return Err(Error::os("mkdir", made.display(), &cause)),
        }
        lchown(&made, Some(owner_base), Some(owner_base))
            .map_err(|cause| Error::os("chown", made.display(), &cause))?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    let set = fs::set_permissions(path, Permissions::from_mode(mode));
    set.map_err(|cause| Error::os("chmod", path.display(), &cause))
}

/// None when nothing is there; an error when something other than a subvolume is.
pub(super) fn open_root(path: &Path) -> Result<Option<File>> {
    let directory = match ioctl::open_directory(path) {
        Ok(directory) => directory,
        Err(error) if error.is_errno(libc::ENOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = directory
        .metadata()
        .map_err(|cause| Error::os("fstat", path.display(), &cause))?;
    if metadata.ino() != ioctl::FIRST_FREE_OBJECT {
        return Err(Error::bad_request(format!(
            "{} is not a subvolume",
            path.display()
        )));
    }
    Ok(Some(directory))
}

/// Changes the limit of a subvolume that is there.
pub fn limit(path: &Path, limit_bytes: u64) -> Result<()> {
    set_limit(path, &require_root(path)?, limit_bytes)
}

fn set_limit(path: &Path, root: &File, limit_bytes: u64) -> Result<()> {
    let (parent, _) = split(path)?;
    quota::limit(&ioctl::open_directory(parent)?, root, limit_bytes)
}

pub(super) fn require_root(path: &Path) -> Result<File> {
    open_root(path)?.ok_or_else(|| {
        let cause = std::io::Error::from_raw_os_error(libc::ENOENT);
        Error::os("open", path.display(), &cause)
    })
}

/// Keeps what the subvolume holds now, as a read-only one. Done again, it leaves what is there: nothing half-made can be.
pub fn snapshot(path: &Path, snapshot: &Path) -> Result<quota::Usage> {
    let source = require_root(path)?;
    let (parent, name) = split(snapshot)?;
    match ioctl::snapshot_subvolume(&source, &ioctl::open_directory(parent)?, name, true) {
        Err(error) if !error.is_errno(libc::EEXIST) => return Err(error),
        _ => {}
    }
    // The snapshot has committed everything: it is counted.
    quota::usage(path)
}

/// Brings the subvolume back to what was kept, which stays. Done again, it does the same again. What is there goes only when its successor is complete.
pub fn restore(path: &Path, snapshot: &Path) -> Result<()> {
    let source = require_root(snapshot)?;
    let made = descent::unfinished(path)?;
    delete(&made)?;
    let (parent, name) = split(&made)?;
    ioctl::snapshot_subvolume(&source, &ioctl::open_directory(parent)?, name, false)?;
    delete(path)?;
    fs::rename(&made, path).map_err(|cause| Error::os("rename", path.display(), &cause))
}

/// Puts in the place of a read-only subvolume one that `change` has made of a copy, whose path it is given. Done again, it begins anew; a successor
/// that is half-made goes with the subvolume ([`descent::discard`]).
pub fn replace(path: &Path, change: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let source = require_root(path)?;
    let made = descent::unfinished(path)?;
    delete(&made)?;
    let (parent, name) = split(path)?;
    let (parent, made_name) = (ioctl::open_directory(parent)?, split(&made)?.1);
    ioctl::snapshot_subvolume(&source, &parent, made_name, false)?;
    if let Err(error) = change(&made) {
        let _ = delete(&made);
        return Err(error);
    }
    delete(path)?;
    // Brings what was changed to the disk.
    ioctl::snapshot_subvolume(&require_root(&made)?, &parent, name, true)?;
    delete(&made)
}

/// Deletes the subvolume, subvolumes in it included, whoever owns what is inside. An absent one is a success.
pub fn delete(path: &Path) -> Result<()> {
    let (parent, name) = split(path)?;
    let Some(directory) = open_root(path)? else {
        return Ok(());
    };
    let parent = ioctl::open_directory(parent)?;
    let gone = |error: Error| {
        if error.is_errno(libc::ENOENT) {
            Ok(())
        } else {
            Err(error)
        }
    };
    match ioctl::destroy_subvolume(&parent, name) {
        Err(error) if error.is_errno(libc::ENOTEMPTY) => {
            delete_nested(&parent, ioctl::subvolume_id(&directory)?, 0)?;
            ioctl::destroy_subvolume(&parent, name).or_else(gone)
        }
        outcome => outcome.or_else(gone),
    }
}

fn delete_nested(volume: &File, id: u64, depth: usize) -> Result<()> {
    if depth >= MAX_DEPTH {
        return Err(Error::bad_request("subvolumes are nested too deep"));
    }
    for child in ioctl::child_subvolumes(volume, id)? {
        delete_nested(volume, child, depth + 1)?;
        ioctl::destroy_subvolume_by_id(volume, child)?;
    }
    Ok(())
}

//! What root does in place of a user who may not: for what the owner of the box puts into it before it runs.

use crate::failure::{Outcome, os_failure};
use crate::identity::as_user;
use crate::messages::{Error, ErrorCode};
use crate::users::Identity;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether the operation failed because the user may not do it.
pub fn is_denied<T>(outcome: &Result<T, Box<Error>>) -> bool {
    matches!(outcome, Err(error) if error.code == ErrorCode::Permission as i32)
}

/// Makes a directory and what is missing above it, all of them the user's.
pub fn make_folders_for(identity: &Identity, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folders_for(identity, parent)?;
    }
    std::fs::create_dir(folder)?;
    std::os::unix::fs::lchown(folder, Some(identity.uid), Some(identity.gid))
}

/// Makes a directory as the user or, where that one may not, for the user; says whether the user may write there.
pub fn prepare_folder(identity: &Identity, root: &Identity, path: &str) -> Outcome<bool> {
    let folder = Path::new(path);
    let fail = |error: io::Error| os_failure(&error, path);
    match as_user(identity, || std::fs::create_dir_all(folder))? {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            as_user(root, || make_folders_for(identity, folder))?.map_err(fail)?;
        }
        outcome => outcome.map_err(|error| match error.kind() {
            // What is there already is something else than a directory.
            io::ErrorKind::AlreadyExists => fail(io::Error::from_raw_os_error(libc::ENOTDIR)),
            _ => fail(error),
        })?,
    }
    as_user(identity, || may_write(folder))
}

fn may_write(folder: &Path) -> bool {
    let Ok(name) = CString::new(folder.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: a valid string; the effective ids count.
    unsafe {
        libc::faccessat(
            libc::AT_FDCWD,
            name.as_ptr(),
            libc::W_OK | libc::X_OK,
            libc::AT_EACCESS,
        ) == 0
    }
}

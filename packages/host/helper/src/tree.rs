//! What copies of trees have in common: contents are shared, and a file with several names stays one.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use crate::at;
use crate::error::{Error, Result};

/// Each level holds two descriptors and a frame of the stack. No path that a program can name is as deep.
pub const MAX_DEPTH: usize = 2_048;

/// Acts with the name behind the path of its directory, both relative to the root of the copy.
pub fn within<T>(
    path: &mut Vec<u8>,
    name: &CStr,
    act: impl FnOnce(&mut Vec<u8>) -> Result<T>,
) -> Result<T> {
    let length = path.len();
    if length > 0 {
        path.push(b'/');
    }
    path.extend_from_slice(name.to_bytes());
    let done = act(path);
    path.truncate(length);
    done
}

/// A file of the source, and where it comes to be.
pub struct FileEntry<'a> {
    pub from: &'a OwnedFd,
    pub to: &'a OwnedFd,
    pub name: &'a CStr,
    /// Relative to the root of the copy.
    pub path: &'a [u8],
    pub stat: &'a libc::stat,
}

/// Where files with several names are in the copy, by their number in the source.
#[derive(Default)]
pub struct Linked(HashMap<u64, CString>);

impl Linked {
    /// Copies a file with its owner, mode and times, and what `attributes` takes of the rest. Whether its content was taken: a further name of a file
    /// that is there already becomes one of that.
    pub fn copy(
        &mut self,
        root: &OwnedFd,
        entry: &FileEntry,
        attributes: fn(&OwnedFd, &OwnedFd) -> Result<()>,
    ) -> Result<bool> {
        let FileEntry {
            from,
            to,
            name,
            path,
            stat,
        } = *entry;
        if stat.st_nlink > 1 {
            if let Some(existing) = self.0.get(&stat.st_ino) {
                at::hard_link(root, existing, to, name)?;
                return Ok(false);
            }
            let path = CString::new(path).map_err(|_| Error::bad_request("a name holds NUL"))?;
            self.0.insert(stat.st_ino, path);
        }
        let source = at::open(from, name, libc::O_RDONLY | libc::O_NONBLOCK, 0)?;
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
        let made = at::open(to, name, flags, 0o600)?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        at::share_content(&source, &made, size, name)?;
        at::set_attributes(&made, c"", stat)?;
        // After the owner: a change of that takes file capabilities away.
        attributes(&source, &made)?;
        Ok(true)
    }
}

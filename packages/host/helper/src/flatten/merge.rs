//! One layer of an overlay merged into the one above it, so that this says all that both said.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use crate::at;
use crate::error::{Code, Error, Result};
use crate::tree::{FileEntry, Linked, MAX_DEPTH, within};

const OPAQUE: &CStr = c"trusted.overlay.opaque";

struct Merge<'a> {
    target_root: &'a OwnedFd,
    linked: Linked,
    device: u64,
    files: u64,
}

/// Takes over into the layer `target` what can be seen of `source` below it, and what `source` hides of layers further below: removals, directories that
/// begin anew. Owners are those that `source` shows. Done again, it changes nothing. Returns how many files were taken over.
pub fn below(source: &OwnedFd, target: &OwnedFd) -> Result<u64> {
    let mut merge = Merge {
        target_root: target,
        linked: Linked::default(),
        device: at::stat(source, c"")?.st_dev,
        files: 0,
    };
    let (from, to) = (
        at::open_directory(source, c".")?,
        at::open_directory(target, c".")?,
    );
    merge.merge_directory(&from, &to, &mut Vec::new(), 0)?;
    Ok(merge.files)
}

const fn is_directory(stat: &libc::stat) -> bool {
    stat.st_mode & libc::S_IFMT == libc::S_IFDIR
}

impl Merge<'_> {
    /// Into a directory that the upper layer has too, and whose owner, mode and times it decides.
    fn merge_directory(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if is_opaque(to)? {
            return Ok(());
        }
        let before = at::stat(to, c"")?;
        self.entries(from, to, path, depth)?;
        if is_opaque(from)? {
            at::set_attribute(to, OPAQUE, b"y")?;
        }
        at::set_attributes(to, c"", &before)
    }

    fn entries(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if depth > MAX_DEPTH {
            let message = "directories are nested too deep to be merged";
            return Err(Error::new(Code::Busy, message));
        }
        for name in at::names(from, u64::MAX)? {
            within(path, &name, |path| self.entry(from, to, &name, path, depth))?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let stat = at::stat(from, name)?;
        if stat.st_dev != self.device {
            return Err(Error::bad_request("another file system is mounted inside"));
        }
        match at::stat(to, name) {
            Err(error) if error.is_errno(libc::ENOENT) => {
                self.files += 1;
                self.take(from, to, name, path, depth, &stat)
            }
            Err(error) => Err(error),
            Ok(above) if !is_directory(&above) => Ok(()),
            Ok(_) => {
                let target = at::open_directory(to, name)?;
                if is_directory(&stat) {
                    let source = at::open_directory(from, name)?;
                    self.merge_directory(&source, &target, path, depth + 1)
                } else {
                    // What is not a directory hides all directories below.
                    at::set_attribute(&target, OPAQUE, b"y")
                }
            }
        }
    }

    fn take(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        path: &mut Vec<u8>,
        depth: usize,
        stat: &libc::stat,
    ) -> Result<()> {
        match stat.st_mode & libc::S_IFMT {
            libc::S_IFDIR => {
                at::make_directory(to, name)?;
                let source = at::open_directory(from, name)?;
                let target = at::open_directory(to, name)?;
                copy_attributes(&source, &target)?;
                self.entries(&source, &target, path, depth + 1)?;
                at::set_attributes(&target, c"", stat)
            }
            libc::S_IFREG => {
                let entry = FileEntry {
                    from,
                    to,
                    name,
                    path,
                    stat,
                };
                self.linked
                    .copy(self.target_root, &entry, copy_attributes)?;
                Ok(())
            }
            libc::S_IFLNK => {
                at::copy_link(from, to, name)?;
                at::set_attributes(to, name, stat)
            }
            kind => {
                at::make_node(to, name, kind | 0o600, stat.st_rdev)?;
                at::set_attributes(to, name, stat)
            }
        }
    }
}

fn is_opaque(directory: &OwnedFd) -> Result<bool> {
    let names = at::attribute_names(directory)?;
    Ok(names.iter().any(|name| name.as_c_str() == OPAQUE)
        && at::attribute(directory, OPAQUE)? == b"y")
}

/// All that programs see, and that a directory begins anew. What else the overlay notes belongs to the one file it notes it of.
fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    for name in at::attribute_names(from)? {
        if !name.to_bytes().starts_with(b"trusted.") || name.as_c_str() == OPAQUE {
            at::set_attribute(to, &name, &at::attribute(from, &name)?)?;
        }
    }
    Ok(())
}

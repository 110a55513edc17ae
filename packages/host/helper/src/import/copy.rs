//! Copies a tree that others wrote: nothing is followed, nothing runs that could change it meanwhile, and what does not belong into a layer is
//! refused.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::at;
use crate::error::{Code, Error, Result};
use crate::tree::{FileEntry, Linked, MAX_DEPTH, within};

#[derive(Default)]
pub struct Taken {
    pub files: u64,
    pub bytes: u64,
}

struct Copy {
    target_root: OwnedFd,
    linked: Linked,
    device: u64,
    max_files: u64,
    taken: Taken,
}

/// Makes `target` (which must not be there) a copy of `source`: owners, modes, times, extended attributes and hard links kept, contents shared.
pub fn tree(source: &Path, target: &Path, max_files: u64) -> Result<Taken> {
    std::fs::create_dir(target).map_err(|cause| Error::os("mkdir", target.display(), &cause))?;
    let from = at::root(source)?;
    let stat = at::stat(&from, c"")?;
    let mut copy = Copy {
        target_root: at::root(target)?,
        linked: Linked::default(),
        device: stat.st_dev,
        max_files,
        taken: Taken::default(),
    };
    let to = at::root(target)?;
    copy.directory(&from, &to, &mut Vec::new(), 0)?;
    at::set_attributes(&to, c"", &stat)?;
    Ok(copy.taken)
}

impl Copy {
    fn directory(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::new(
                Code::BadRequest,
                "directories are nested too deep",
            ));
        }
        copy_attributes(from, to)?;
        for name in at::names(from, self.max_files)? {
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
        self.taken.files += 1;
        if self.taken.files > self.max_files {
            let message = format!("more than {} files", self.max_files);
            return Err(Error::new(Code::Busy, message));
        }
        let stat = at::stat(from, name)?;
        match stat.st_mode & libc::S_IFMT {
            libc::S_IFDIR => {
                if stat.st_dev != self.device {
                    return Err(Error::bad_request("another file system is mounted inside"));
                }
                at::make_directory(to, name)?;
                let (source, target) = (
                    at::open_directory(from, name)?,
                    at::open_directory(to, name)?,
                );
                self.directory(&source, &target, path, depth + 1)?;
                at::set_attributes(&target, c"", &stat)
            }
            libc::S_IFREG => {
                let entry = FileEntry {
                    from,
                    to,
                    name,
                    path,
                    stat: &stat,
                };
                if self
                    .linked
                    .copy(&self.target_root, &entry, copy_attributes)?
                {
                    self.taken.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
                }
                Ok(())
            }
            libc::S_IFLNK => {
                at::copy_link(from, to, name)?;
                at::set_attributes(to, name, &stat)
            }
            libc::S_IFCHR if stat.st_rdev == 0 => {
                at::make_node(to, name, libc::S_IFCHR, 0)?;
                at::set_attributes(to, name, &stat)
            }
            libc::S_IFIFO => {
                at::make_node(to, name, libc::S_IFIFO | 0o600, 0)?;
                at::set_attributes(to, name, &stat)
            }
            // Whoever bound it is gone.
            libc::S_IFSOCK => Ok(()),
            _ => Err(Error::bad_request(format!(
                "{} is a device",
                at::shown(name)
            ))),
        }
    }
}

/// A build mounts its overlays as nobody's root and marks with `user.overlay.opaque`; boxes are mounted by root, to whom `trusted.overlay.opaque` says so. What else
/// an overlay would act upon is left out.
fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    for name in at::attribute_names(from)? {
        let bytes = name.to_bytes();
        let is_opaque = bytes == b"user.overlay.opaque";
        if bytes.starts_with(b"trusted.") || (bytes.starts_with(b"user.overlay.") && !is_opaque) {
            continue;
        }
        let wanted = [
            b"user.".as_slice(),
            b"security.capability",
            b"system.posix_acl_",
        ];
        if wanted.iter().any(|prefix| bytes.starts_with(prefix)) {
            let value = at::attribute(from, &name)?;
            at::set_attribute(to, &name, &value)?;
            if is_opaque && value == b"y" {
                at::set_attribute(to, c"trusted.overlay.opaque", &value)?;
            }
        }
    }
    Ok(())
}

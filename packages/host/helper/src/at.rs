//! Calls relative to a directory that follow no link.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use crate::error::{Error, Result, check};

pub fn shown(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

/// Opens where everything else is relative to.
pub fn root(path: &Path) -> Result<OwnedFd> {
    let opened = File::open(path).map_err(|cause| Error::os("open", path.display(), &cause))?;
    Ok(opened.into())
}

pub fn open(at: &OwnedFd, name: &CStr, flags: i32, mode: u32) -> Result<OwnedFd> {
    let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let raw = unsafe { libc::openat(at.as_raw_fd(), name.as_ptr(), flags, mode) };
    let raw = check(i64::from(raw), "openat", shown(name))?;
    Ok(unsafe { OwnedFd::from_raw_fd(raw as i32) })
}

pub fn open_directory(at: &OwnedFd, name: &CStr) -> Result<OwnedFd> {
    open(at, name, libc::O_RDONLY | libc::O_DIRECTORY, 0)
}

pub fn stat(at: &OwnedFd, name: &CStr) -> Result<libc::stat> {
    let mut stat = unsafe { std::mem::zeroed() };
    let flags = libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH;
    let returned = unsafe { libc::fstatat(at.as_raw_fd(), name.as_ptr(), &mut stat, flags) };
    check(i64::from(returned), "fstatat", shown(name))?;
    Ok(stat)
}

pub fn make_directory(at: &OwnedFd, name: &CStr) -> Result<()> {
    let returned = unsafe { libc::mkdirat(at.as_raw_fd(), name.as_ptr(), 0o700) };
    check(i64::from(returned), "mkdirat", shown(name)).map(drop)
}

/// `mode` with the type; a character device with number 0 is what an overlay takes for "removed".
pub fn make_node(at: &OwnedFd, name: &CStr, mode: u32, number: libc::dev_t) -> Result<()> {
    let returned = unsafe { libc::mknodat(at.as_raw_fd(), name.as_ptr(), mode, number) };
    check(i64::from(returned), "mknodat", shown(name)).map(drop)
}

pub fn copy_link(from: &OwnedFd, to: &OwnedFd, name: &CStr) -> Result<()> {
    let mut target = vec![0u8; libc::PATH_MAX as usize + 1];
    let read = unsafe {
        libc::readlinkat(
            from.as_raw_fd(),
            name.as_ptr(),
            target.as_mut_ptr().cast(),
            target.len() - 1,
        )
    };
    check(read as i64, "readlinkat", shown(name))?;
    let returned =
        unsafe { libc::symlinkat(target.as_ptr().cast(), to.as_raw_fd(), name.as_ptr()) };
    check(i64::from(returned), "symlinkat", shown(name)).map(drop)
}

pub fn hard_link(root: &OwnedFd, existing: &CStr, to: &OwnedFd, name: &CStr) -> Result<()> {
    let returned = unsafe {
        libc::linkat(
            root.as_raw_fd(),
            existing.as_ptr(),
            to.as_raw_fd(),
            name.as_ptr(),
            0,
        )
    };
    check(i64::from(returned), "linkat", shown(name)).map(drop)
}

/// Owner, mode (unless it is a link) and times of an entry.
pub fn set_attributes(at: &OwnedFd, name: &CStr, from: &libc::stat) -> Result<()> {
    let (raw, path) = (at.as_raw_fd(), name.as_ptr());
    let nofollow = libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH;
    let owned = unsafe { libc::fchownat(raw, path, from.st_uid, from.st_gid, nofollow) };
    check(i64::from(owned), "fchownat", shown(name))?;
    if from.st_mode & libc::S_IFMT != libc::S_IFLNK {
        // After the owner: a change of that takes setuid away.
        let moded = if name.is_empty() {
            unsafe { libc::fchmod(raw, from.st_mode & 0o7777) }
        } else {
            unsafe { libc::fchmodat(raw, path, from.st_mode & 0o7777, 0) }
        };
        check(i64::from(moded), "fchmodat", shown(name))?;
    }
    let times = [
        libc::timespec {
            tv_sec: from.st_atime,
            tv_nsec: from.st_atime_nsec,
        },
        libc::timespec {
            tv_sec: from.st_mtime,
            tv_nsec: from.st_mtime_nsec,
        },
    ];
    let timed = if name.is_empty() {
        unsafe { libc::futimens(raw, times.as_ptr()) }
    } else {
        unsafe { libc::utimensat(raw, path, times.as_ptr(), libc::AT_SYMLINK_NOFOLLOW) }
    };
    check(i64::from(timed), "utimensat", shown(name)).map(drop)
}

/// Names in a directory, read at once.
pub fn names(directory: &OwnedFd, at_most: u64) -> Result<Vec<CString>> {
    let raw = unsafe { libc::fcntl(directory.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 0) };
    check(i64::from(raw), "fcntl", "directory")?;
    let stream = unsafe { libc::fdopendir(raw) };
    if stream.is_null() {
        let error = Error::last_os("fdopendir", "directory");
        drop(unsafe { OwnedFd::from_raw_fd(raw) });
        return Err(error);
    }
    let mut names = Vec::new();
    loop {
        let entry = unsafe { libc::readdir(stream) };
        if entry.is_null() || names.len() as u64 > at_most {
            break;
        }
        let name = unsafe { CStr::from_ptr((*entry).d_name.as_ptr()) };
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    unsafe { libc::closedir(stream) };
    Ok(names)
}

/// Attributes of an open file or directory, by name.
pub fn attribute_names(file: &OwnedFd) -> Result<Vec<CString>> {
    let mut buffer = vec![0u8; 64 << 10];
    let length =
        unsafe { libc::flistxattr(file.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    let length = check(length as i64, "flistxattr", "")? as usize;
    let split = buffer[..length].split_inclusive(|byte| *byte == 0);
    Ok(split
        .filter_map(|name| CStr::from_bytes_with_nul(name).ok().map(CStr::to_owned))
        .collect())
}

pub fn attribute(file: &OwnedFd, name: &CStr) -> Result<Vec<u8>> {
    let mut value = vec![0u8; 64 << 10];
    let length = unsafe {
        libc::fgetxattr(
            file.as_raw_fd(),
            name.as_ptr(),
            value.as_mut_ptr().cast(),
            value.len(),
        )
    };
    value.truncate(check(length as i64, "fgetxattr", shown(name))? as usize);
    Ok(value)
}

pub fn set_attribute(file: &OwnedFd, name: &CStr, value: &[u8]) -> Result<()> {
    let returned = unsafe {
        libc::fsetxattr(
            file.as_raw_fd(),
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            0,
        )
    };
    check(i64::from(returned), "fsetxattr", shown(name)).map(drop)
}

/// The content of one file as that of another, without copying where the file system can.
pub fn share_content(from: &OwnedFd, to: &OwnedFd, size: u64, name: &CStr) -> Result<()> {
    if size == 0 || unsafe { libc::ioctl(to.as_raw_fd(), libc::FICLONE, from.as_raw_fd()) } == 0 {
        return Ok(());
    }
    let mut left = size;
    while left > 0 {
        let (null_in, null_out) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (read, write) = (from.as_raw_fd(), to.as_raw_fd());
        let length = usize::try_from(left).unwrap_or(1 << 30).min(1 << 30);
        let copied = unsafe { libc::copy_file_range(read, null_in, write, null_out, length, 0) };
        let copied = check(copied as i64, "copy_file_range", shown(name))? as u64;
        if copied == 0 {
            return Ok(());
        }
        left -= copied;
    }
    Ok(())
}

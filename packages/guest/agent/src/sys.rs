//! Thin, safe wrappers of the few system calls that the standard library lacks.

use std::ffi::{CStr, CString};
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Turns the -1 of a C call into the last OS error.
pub fn check(result: libc::c_int) -> Result<libc::c_int> {
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Owns a descriptor that a system call has just returned.
pub fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: the callers pass a descriptor that nothing else owns.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// A close-on-exec pipe: (read end, write end), both blocking.
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: the array has room for both descriptors.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) })?;
    Ok((owned(fds[0]), owned(fds[1])))
}

/// The same, both ends non-blocking.
pub fn nonblocking_pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: the array has room for both descriptors.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) })?;
    Ok((owned(fds[0]), owned(fds[1])))
}

/// Makes a pipe or socket non-blocking. It has no other status flag that could be lost.
pub fn set_nonblocking(fd: &OwnedFd) -> Result<()> {
    // SAFETY: plain fcntl on an open descriptor.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })?;
    Ok(())
}

/// read(2); interrupted calls are repeated.
pub fn read(fd: RawFd, buffer: &mut [u8]) -> Result<usize> {
    loop {
        // SAFETY: the buffer is valid for its length.
        let count = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
        if count >= 0 {
            return Ok(count as usize);
        }
        let error = Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// write(2); interrupted calls are repeated.
pub fn write(fd: RawFd, bytes: &[u8]) -> Result<usize> {
    loop {
        // SAFETY: the slice is valid for its length.
        let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        if count >= 0 {
            return Ok(count as usize);
        }
        let error = Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Bytes that wait in a pipe or socket.
pub fn waiting_bytes(fd: RawFd) -> u64 {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int.
    let result = unsafe { libc::ioctl(fd, libc::FIONREAD, &mut count) };
    if result < 0 { 0 } else { count.max(0) as u64 }
}

/// An anonymous file in memory.
pub fn memory_file(name: &CStr) -> Result<OwnedFd> {
    // SAFETY: the name is a C string.
    check(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) }).map(owned)
}

/// open(2) with O_CLOEXEC.
pub fn open(path: &CStr, flags: libc::c_int, mode: libc::mode_t) -> Result<OwnedFd> {
    // SAFETY: the path is a C string.
    check(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, mode) }).map(owned)
}

/// A C string, or EINVAL if the text holds a NUL byte.
pub fn c_string(text: impl Into<Vec<u8>>) -> Result<CString> {
    CString::new(text).map_err(|_| Error::from_raw_os_error(libc::EINVAL))
}

/// Milliseconds since 1970.
pub fn unix_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map(|since| since.as_millis() as u64)
        .unwrap_or(0)
}

/// Keeps other processes of the box from reading this one's memory. Credential changes may undo it: repeat after each.
pub fn hide_memory() {
    // SAFETY: prctl with plain integers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// Fills a buffer with random bytes.
pub fn random(buffer: &mut [u8]) {
    // SAFETY: the buffer is valid for its length.
    let got = unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len(), 0) };
    if got != buffer.len() as isize {
        let seed = unix_ms() ^ u64::from(std::process::id()) << 32;
        for (at, byte) in buffer.iter_mut().enumerate() {
            *byte ^= (seed.rotate_left(at as u32 * 7) & 0xff) as u8;
        }
    }
}

/// A random name part of 16 hexadecimal digits.
pub fn random_name() -> String {
    let mut bytes = [0; 8];
    random(&mut bytes);
    format!("{:016x}", u64::from_le_bytes(bytes))
}

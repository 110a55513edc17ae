//! fork and exec in one step that copies no memory. Not the standard library's: that one waits for a child whose exec
//! failed, and here only the reaper waits.

use std::ffi::{CString, c_char, c_int, c_void};
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::paths::c_path;

/// The child runs on it until exec; more than enough for system calls.
const STACK_BYTES: usize = 32 << 10;
/// Searched after PATH: tools of the administrator.
const ALWAYS_SEARCHED: [&str; 2] = ["/usr/sbin", "/sbin"];

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Shared with the child, which runs in the same memory while the parent's thread stands still.
struct Order {
    program: CString,
    argv: Vec<*const c_char>,
    streams: [RawFd; 3],
    parent: libc::pid_t,
    failure: c_int,
}

/// Starts `argv` as the leader of a process group of its own, with these streams and no other descriptor. It gets SIGKILL when
/// the calling thread dies: what a dead helper began must not go on behind the next one's back. Gives its pid; its end is the reaper's.
pub fn launch(argv: &[String], streams: [&File; 3]) -> Result<i32> {
    let (name, _) = argv
        .split_first()
        .ok_or_else(|| Error::bad_request("empty argv"))?;
    let words: Vec<CString> = argv.iter().map(|word| c_path(Path::new(word))).collect();
    let mut pointers: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    let mut order = Order {
        program: c_path(&find(name)?),
        argv: pointers,
        streams: streams.map(|file| file.as_raw_fd()),
        parent: unsafe { libc::getpid() },
        failure: 0,
    };
    let mut stack = vec![0u8; STACK_BYTES];
    let top = stack.as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let order_pointer = std::ptr::from_mut(&mut order).cast::<c_void>();
    // x86-64 and aarch64 want 16 bytes of alignment.
    let top = top.map_addr(|address| address & !15).cast::<c_void>();
    let pid = unsafe { libc::clone(child, top, flags, order_pointer) };
    if pid < 0 {
        return Err(Error::last_os("clone", name));
    }
    let failure = unsafe { std::ptr::read_volatile(&raw const order.failure) };
    if failure != 0 {
        return Err(Error::os(
            "exec",
            name,
            &std::io::Error::from_raw_os_error(failure),
        ));
    }
    Ok(pid)
}

/// Nothing but system calls: other threads may hold any lock.
extern "C" fn child(order: *mut c_void) -> c_int {
    let order = order.cast::<Order>();
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != (*order).parent {
            libc::_exit(1);
        }
        libc::setpgid(0, 0);
        for (number, fd) in (0..).zip((*order).streams) {
            libc::dup2(fd, number);
        }
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        libc::execve((*order).program.as_ptr(), (*order).argv.as_ptr(), environ);
        (*order).failure = *libc::__errno_location();
        libc::_exit(127)
    }
}

/// As a shell finds it, without the child's help.
fn find(name: &str) -> Result<PathBuf> {
    if name.contains('/') {
        return Ok(name.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(ALWAYS_SEARCHED.map(PathBuf::from));
    let runnable = |path: &PathBuf| {
        let metadata = path.metadata();
        metadata.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let found = directories
        .map(|directory| directory.join(name))
        .find(runnable);
    found.ok_or_else(|| {
        Error::os(
            "find in PATH",
            name,
            &std::io::Error::from_raw_os_error(libc::ENOENT),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_programs_and_says_what_it_does_not_find() {
        assert!(find("sh").unwrap().ends_with("sh"));
        assert_eq!(find("./x").unwrap(), Path::new("./x"));
        assert_eq!(
            find("no-such-program").unwrap_err().errno,
            Some(libc::ENOENT)
        );
    }

    #[test]
    fn starts_a_program_with_its_streams_and_reports_a_failed_exec() {
        let null = File::open("/dev/null").unwrap();
        let (mut reader, out) = crate::process::spawn::pipe().unwrap();
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
        let pid = launch(&words("echo hello"), [&null, &out, &null]).unwrap();
        drop(out);
        let mut said = String::new();
        std::io::Read::read_to_string(&mut reader, &mut said).unwrap();
        assert_eq!(said, "hello\n");
        let mut status = 0;
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
        assert_eq!(status, 0);
        let failed = launch(&words("/etc"), [&null, &null, &null]).unwrap_err();
        assert_eq!(failed.errno, Some(libc::EACCES), "{failed}");
    }
}

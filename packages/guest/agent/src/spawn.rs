//! Starts a process without copying the address space: clone(CLONE_VM | CLONE_VFORK).

use crate::command::Plan;
use crate::failure::{Outcome, failure, os_failure};
use crate::messages::ErrorCode;
use crate::users::Identity;
use std::ffi::CString;
use std::io::Error;
use std::os::fd::{AsRawFd, RawFd};

const STACK_BYTES: usize = 32 * 1024;
const CAP_SYS_ADMIN: libc::c_ulong = 21;
/// Children go before the guest when memory runs out.
const OOM_SCORE: &[u8] = b"500";

/// What to start, as whom, with which descriptors (from, to).
pub struct Spawn<'a> {
    pub plan: &'a Plan,
    pub identity: &'a Identity,
    /// No `from` may be the `to` of another pair.
    pub descriptors: &'a [(RawFd, RawFd)],
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    None,
    Setup,
    User,
    Directory,
    Program,
}

struct Child<'a> {
    spawn: &'a Spawn<'a>,
    arguments: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
    switch_user: bool,
    stage: Stage,
    error: i32,
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    let mut list: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
    list.push(std::ptr::null());
    list
}

/// Starts the process in a session of its own and returns its id once the program is loaded.
pub fn spawn(spawn: &Spawn<'_>) -> Outcome<i32> {
    // SAFETY: no arguments.
    let euid = unsafe { libc::geteuid() };
    if euid != 0 && euid != spawn.identity.uid {
        let text = format!("cannot become user {}", spawn.identity.name);
        return Err(failure(ErrorCode::Permission, text));
    }
    let mut child = Child {
        spawn,
        arguments: pointers(&spawn.plan.arguments),
        environment: pointers(&spawn.plan.environment),
        switch_user: euid == 0,
        stage: Stage::None,
        error: 0,
    };
    let mut stack: Vec<u128> = Vec::with_capacity(STACK_BYTES / 16);
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the parent sleeps until the child has called execve or _exit (CLONE_VFORK), so the stack and `child`
    // outlive the child's use; the child calls only async-signal-safe functions. All signals are blocked meanwhile.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK_BYTES / 16);
        libc::clone(run_child, top.cast(), flags, (&raw mut child).cast())
    };
    crate::sys::hide_memory();
    if pid < 0 {
        return Err(os_failure(
            &Error::last_os_error(),
            "cannot start a process",
        ));
    }
    if child.error != 0 {
        let mut status = 0;
        // SAFETY: reaps the child that has just exited.
        unsafe { libc::waitpid(pid, &mut status, 0) };
        return Err(explain(&child, spawn));
    }
    prefer_for_oom(pid);
    Ok(pid)
}

fn explain(child: &Child<'_>, spawn: &Spawn<'_>) -> Box<crate::messages::Error> {
    let error = Error::from_raw_os_error(child.error);
    let subject = match child.stage {
        Stage::Directory => spawn.plan.directory.to_string_lossy().into_owned(),
        Stage::Program => spawn.plan.subject.clone(),
        Stage::User => format!("user {}", spawn.identity.name),
        Stage::None | Stage::Setup => "process setup".into(),
    };
    os_failure(&error, &subject)
}

/// Raises a process's OOM score; only possible once it has its own memory.
pub fn prefer_for_oom(pid: i32) {
    if let Ok(path) = crate::sys::c_string(format!("/proc/{pid}/oom_score_adj"))
        && let Ok(file) = crate::sys::open(&path, libc::O_WRONLY, 0)
    {
        let _ = crate::sys::write(file.as_raw_fd(), OOM_SCORE);
    }
}

extern "C" fn run_child(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: the parent passes a live `Child` and is asleep.
    let child = unsafe { &mut *argument.cast::<Child<'_>>() };
    // SAFETY: only system calls, in the child.
    unsafe {
        let error = set_up(child);
        child.error = if error == 0 { libc::EIO } else { error };
        libc::_exit(127)
    }
}

fn errno() -> i32 {
    // SAFETY: the C library's errno.
    unsafe { *libc::__errno_location() }
}

/// Prepares the child and executes the program; returns an error number only when that failed.
unsafe fn set_up(child: &mut Child<'_>) -> i32 {
    unsafe {
        child.stage = Stage::Setup;
        libc::setsid();
        libc::umask(0o022);
        reset_signals();
        for &(from, to) in child.spawn.descriptors {
            if from == to {
                libc::fcntl(from, libc::F_SETFD, 0);
            } else if libc::dup2(from, to) < 0 {
                return errno();
            }
        }
        if let Some(script) = &child.spawn.plan.script {
            libc::fcntl(script.as_raw_fd(), libc::F_SETFD, 0);
        }
        child.stage = Stage::User;
        let identity = child.spawn.identity;
        if child.switch_user {
            // Where the guest may set the box's host name, what it starts may not. Without the right there is nothing to drop.
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0);
            // Raw calls: the C library's wrappers would also touch the parent's other threads.
            let groups = identity.groups.as_slice();
            if libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) < 0
                || libc::syscall(
                    libc::SYS_setresgid,
                    identity.gid,
                    identity.gid,
                    identity.gid,
                ) < 0
                || libc::syscall(
                    libc::SYS_setresuid,
                    identity.uid,
                    identity.uid,
                    identity.uid,
                ) < 0
            {
                return errno();
            }
        }
        child.stage = Stage::Directory;
        let plan = child.spawn.plan;
        if libc::chdir(plan.directory.as_ptr()) < 0
            && !(plan.directory_optional && libc::chdir(c"/".as_ptr()) == 0)
        {
            return errno();
        }
        child.stage = Stage::Program;
        let mut worst = libc::ENOENT;
        for (index, program) in plan.programs.iter().enumerate() {
            if let Some(direct) = &plan.direct {
                if libc::access(program.as_ptr(), libc::F_OK) < 0 {
                    let error = errno();
                    if error == libc::ENOENT || error == libc::ENOTDIR {
                        continue;
                    }
                    return error;
                }
                let (slot, name) = (
                    child.environment.get_mut(direct.slot),
                    direct.names.get(index),
                );
                if let (Some(slot), Some(name)) = (slot, name) {
                    *slot = name.as_ptr();
                }
            }
            libc::execve(
                program.as_ptr(),
                child.arguments.as_ptr(),
                child.environment.as_ptr(),
            );
            let error = errno();
            if plan.direct.is_some() {
                return error;
            }
            if error != libc::ENOENT && error != libc::ENOTDIR {
                worst = error;
                if error != libc::EACCES {
                    break;
                }
            }
        }
        worst
    }
}

unsafe fn reset_signals() {
    // SAFETY: plain system calls on local structures.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

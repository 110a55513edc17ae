//! What a new process does before its program. It runs in the guest's memory while the guest goes on: system calls and
//! its own record are all it may touch.

use super::Spawn;
use super::raw::{call, error_of};
use super::robust::Robust;
use std::ffi::{CStr, CString, c_char};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicI32, Ordering};

const CAP_SYS_ADMIN: usize = 21;
/// The kernel's own structure, all zero: the default action.
static DEFAULT_ACTION: [u64; 4] = [0; 4];
static NO_SIGNALS: u64 = 0;
const MASK_BYTES: usize = 8;

/// How far a start has come, or where it failed.
#[derive(Clone, Copy, PartialEq)]
#[repr(i32)]
pub enum Stage {
    Setup = 1,
    User,
    Directory,
    Program,
}

/// The record of a process on its way. Its parent leaves it alone until the process is done with it.
pub struct Child {
    pub robust: Robust,
    pub spawn: Spawn,
    arguments: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    /// The place of the variable `_` in the environment.
    slot: *mut *const c_char,
    pub switch_user: bool,
    /// The guest goes on meanwhile: tell when this memory is free.
    pub overlapped: bool,
    stage: AtomicI32,
    error: AtomicI32,
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let mut list: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
    list.push(std::ptr::null());
    list
}

impl Child {
    pub fn new(spawn: Spawn, switch_user: bool, overlapped: bool) -> Box<Child> {
        let mut environment = pointers(&spawn.plan.environment);
        let direct = spawn.plan.direct.as_ref();
        let slot = direct.and_then(|direct| environment.get_mut(direct.slot));
        let mut child = Box::new(Child {
            robust: Robust::new(),
            arguments: pointers(&spawn.plan.arguments),
            slot: slot.map_or(std::ptr::null_mut(), std::ptr::from_mut),
            environment,
            spawn,
            switch_user,
            overlapped,
            stage: AtomicI32::new(Stage::Setup as i32),
            error: AtomicI32::new(0),
        });
        child.robust.link();
        child
    }

    /// Where and by which error the start failed.
    pub fn failure(&self) -> Option<(Stage, i32)> {
        let error = self.error.load(Ordering::Acquire);
        let stages = [Stage::User, Stage::Directory, Stage::Program];
        let reached = self.stage.load(Ordering::Acquire);
        let stage = stages.into_iter().find(|stage| *stage as i32 == reached);
        (error != 0).then_some((stage.unwrap_or(Stage::Setup), error))
    }

    fn reach(&self, stage: Stage) {
        self.stage.store(stage as i32, Ordering::Release);
    }

    /// Prepares the process and executes the program; answers an error number only when that failed.
    unsafe fn set_up(&self) -> i32 {
        if self.overlapped {
            let error = self.robust.declare();
            if error != 0 {
                return error;
            }
        }
        // SAFETY: the caller's promise covers each step.
        unsafe {
            call(libc::SYS_setsid, [0; 5]);
            let error = self.take_descriptors();
            if error != 0 {
                return error;
            }
            self.reach(Stage::User);
            let error = self.become_user();
            if error != 0 {
                return error;
            }
            self.reach(Stage::Directory);
            let error = self.enter_directory();
            if error != 0 {
                return error;
            }
            self.reach(Stage::Program);
            restore_signals();
            self.execute()
        }
    }

    unsafe fn take_descriptors(&self) -> i32 {
        unsafe {
            for &(from, to) in &self.spawn.descriptors {
                let (from, to) = (from as usize, to as usize);
                if from == to {
                    call(libc::SYS_fcntl, [from, libc::F_SETFD as usize, 0, 0, 0]);
                } else {
                    let error = error_of(call(libc::SYS_dup3, [from, to, 0, 0, 0]));
                    if error != 0 {
                        return error;
                    }
                    if self.spawn.blocking {
                        call(libc::SYS_fcntl, [to, libc::F_SETFL as usize, 0, 0, 0]);
                    }
                }
            }
            if let Some(script) = &self.spawn.plan.script {
                let fd = script.as_raw_fd() as usize;
                call(libc::SYS_fcntl, [fd, libc::F_SETFD as usize, 0, 0, 0]);
            }
        }
        0
    }

    unsafe fn become_user(&self) -> i32 {
        if !self.switch_user {
            return 0;
        }
        let identity = &self.spawn.identity;
        let groups = identity.groups.as_slice();
        let (uid, gid) = (identity.uid as usize, identity.gid as usize);
        let drop = libc::PR_CAPBSET_DROP as usize;
        let list = [groups.len(), groups.as_ptr() as usize, 0, 0, 0];
        unsafe {
            // Where the guest may set the box's host name, what it starts may not. Without the right there is nothing to drop.
            call(libc::SYS_prctl, [drop, CAP_SYS_ADMIN, 0, 0, 0]);
            let steps = [
                call(libc::SYS_setgroups, list),
                call(libc::SYS_setresgid, [gid, gid, gid, 0, 0]),
                call(libc::SYS_setresuid, [uid, uid, uid, 0, 0]),
            ];
            // The memory is still the guest's, and new credentials may have opened it to others.
            call(
                libc::SYS_prctl,
                [libc::PR_SET_DUMPABLE as usize, 0, 0, 0, 0],
            );
            steps
                .into_iter()
                .map(error_of)
                .find(|error| *error != 0)
                .unwrap_or(0)
        }
    }

    unsafe fn enter_directory(&self) -> i32 {
        let plan = &self.spawn.plan;
        unsafe {
            let error = error_of(change_directory(&plan.directory));
            if error == 0 || plan.directory_optional && change_directory(c"/") == 0 {
                return 0;
            }
            error
        }
    }

    unsafe fn execute(&self) -> i32 {
        let plan = &self.spawn.plan;
        let mut worst = libc::ENOENT;
        for (index, program) in plan.programs.iter().enumerate() {
            let path = program.as_ptr() as usize;
            if let Some(direct) = &plan.direct {
                let here = libc::AT_FDCWD as usize;
                let look = [here, path, libc::F_OK as usize, 0, 0];
                // SAFETY: the path is a C string.
                match error_of(unsafe { call(libc::SYS_faccessat, look) }) {
                    0 => {}
                    libc::ENOENT | libc::ENOTDIR => continue,
                    error => return error,
                }
                if let Some(name) = direct.names.get(index).filter(|_| !self.slot.is_null()) {
                    // SAFETY: an element of `environment`, which only this process touches now.
                    unsafe { *self.slot = name.as_ptr() };
                }
            }
            let words = self.arguments.as_ptr() as usize;
            let variables = self.environment.as_ptr() as usize;
            // SAFETY: C strings, and lists of them that end with a null pointer.
            let error = error_of(unsafe { call(libc::SYS_execve, [path, words, variables, 0, 0]) });
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

unsafe fn change_directory(path: &CStr) -> isize {
    // SAFETY: the path is a C string.
    unsafe { call(libc::SYS_chdir, [path.as_ptr() as usize, 0, 0, 0, 0]) }
}

/// Only now: what kills this process while it is in the guest's memory is SIGKILL alone.
unsafe fn restore_signals() {
    let action = DEFAULT_ACTION.as_ptr() as usize;
    let mask = (&raw const NO_SIGNALS) as usize;
    let (pipe, set) = (libc::SIGPIPE as usize, libc::SIG_SETMASK as usize);
    // SAFETY: both structures have the size that the kernel reads.
    unsafe {
        call(libc::SYS_rt_sigaction, [pipe, action, 0, MASK_BYTES, 0]);
        call(libc::SYS_rt_sigprocmask, [set, mask, 0, MASK_BYTES, 0]);
    }
}

/// The first function of the new process.
pub extern "C" fn run(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: the parent passes a `Child` that it keeps, and leaves alone but for its atomics, until this process is done with it.
    unsafe {
        let child = &*argument.cast::<Child>();
        let error = child.set_up();
        let told = if error == 0 { libc::EIO } else { error };
        child.error.store(told, Ordering::Release);
        loop {
            call(libc::SYS_exit_group, [127, 0, 0, 0, 0]);
        }
    }
}

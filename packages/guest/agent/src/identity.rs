//! Runs a few system calls with a user's permissions, on this one thread.

use crate::failure::{Outcome, failure};
use crate::messages::ErrorCode;
use crate::users::Identity;

/// Calls `work` with the effective ids and groups of the user; file permissions apply as for that user.
/// Only the effective ids change, so the user's processes cannot signal this one meanwhile.
pub fn as_user<T>(identity: &Identity, work: impl FnOnce() -> T) -> Outcome<T> {
    // SAFETY: no arguments.
    let euid = unsafe { libc::geteuid() };
    if euid == identity.uid && (euid != 0 || identity.gid == 0) {
        return Ok(work());
    }
    if euid != 0 {
        let text = format!("cannot become user {}", identity.name);
        return Err(failure(ErrorCode::Permission, text));
    }
    let switched = switch(&identity.groups, identity.gid, identity.uid);
    let result = switched.then(work);
    // SAFETY: plain system calls; the saved user id is still 0.
    let restored = unsafe {
        libc::syscall(libc::SYS_setresuid, -1, 0, -1) == 0
            && libc::syscall(libc::SYS_setresgid, -1, 0, -1) == 0
            && libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<u32>()) == 0
    };
    crate::sys::hide_memory();
    if !restored {
        // Going on under the wrong identity would be worse than ending.
        std::process::exit(70);
    }
    result.ok_or_else(|| {
        let text = format!("cannot become user {}", identity.name);
        failure(ErrorCode::Permission, text)
    })
}

fn switch(groups: &[u32], gid: u32, uid: u32) -> bool {
    // SAFETY: the slice is valid; the rest are integers. The last call comes last since it takes the right to the others.
    unsafe {
        libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) == 0
            && libc::syscall(libc::SYS_setresgid, -1, gid, -1) == 0
            && libc::syscall(libc::SYS_setresuid, -1, uid, -1) == 0
    }
}

/// Becomes the user for good: in a forked worker.
pub fn become_user(identity: &Identity) -> Outcome<()> {
    // SAFETY: as in `switch`.
    let done = unsafe {
        if libc::geteuid() != 0 {
            libc::geteuid() == identity.uid
        } else {
            let groups = identity.groups.as_slice();
            let (gid, uid) = (identity.gid, identity.uid);
            libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) == 0
                && libc::syscall(libc::SYS_setresgid, gid, gid, gid) == 0
                && libc::syscall(libc::SYS_setresuid, uid, uid, uid) == 0
        }
    };
    crate::sys::hide_memory();
    if done {
        Ok(())
    } else {
        let text = format!("cannot become user {}", identity.name);
        Err(failure(ErrorCode::Permission, text))
    }
}

//! Starts a process in the guest's memory, without copying it: clone(CLONE_VM), each process on a stack of its own.
//!
//! Unless told to wait (CLONE_VFORK), the guest goes on while the new process prepares itself and loads its program; what
//! it uses until then is kept, untouched, in its [`Start`].

mod child;
mod raw;
mod robust;

use crate::command::Plan;
use crate::failure::{Outcome, failure, os_failure};
use crate::messages::ErrorCode;
use crate::users::Identity;
use child::{Child, Stage};
use std::io::Error;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

pub use robust::supported;

const STACK_BYTES: usize = 16 * 1024;
/// Children go before the guest when memory runs out.
const OOM_SCORE: &[u8] = b"500";

/// What to start, as whom, with which descriptors (from, to).
pub struct Spawn {
    pub plan: Plan,
    pub identity: Rc<Identity>,
    /// No `from` may be the `to` of another pair. Open until the start has begun.
    pub descriptors: Vec<(RawFd, RawFd)>,
    /// The descriptors are non-blocking pipes; the program gets blocking ones.
    pub blocking: bool,
}

/// A process on its way to its program.
pub struct Start {
    pub pid: i32,
    memory: Option<(Box<Child>, Vec<u128>)>,
    over: bool,
}

impl Start {
    /// Starts the process in a session of its own. With `wait`, it has loaded its program, or failed to, on return.
    pub fn begin(spawn: Spawn, wait: bool) -> Outcome<Start> {
        // SAFETY: no arguments.
        let euid = unsafe { libc::geteuid() };
        if euid != 0 && euid != spawn.identity.uid {
            let text = format!("cannot become user {}", spawn.identity.name);
            return Err(failure(ErrorCode::Permission, text));
        }
        let mut child = Child::new(spawn, euid == 0, !wait);
        let mut stack: Vec<u128> = Vec::with_capacity(STACK_BYTES / 16);
        let flags = libc::CLONE_VM | libc::CLONE_PARENT_SETTID | libc::SIGCHLD;
        let flags = flags | if wait { libc::CLONE_VFORK } else { 0 };
        // SAFETY: `child` and the stack are kept until the process has executed a program or is gone (see `Drop`), and the
        // process does nothing but system calls. All signals are blocked in it until just before its program.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(STACK_BYTES / 16).cast();
            let record: *mut Child = &mut *child;
            libc::clone(
                child::run,
                top,
                flags,
                record.cast(),
                (*record).robust.holder(),
            )
        };
        if pid < 0 {
            let error = Error::last_os_error();
            return Err(os_failure(&error, "cannot start a process"));
        }
        Ok(Start {
            pid,
            memory: Some((child, stack)),
            over: wait,
        })
    }

    /// The process has loaded its program, or failed to.
    pub fn over(&self) -> bool {
        self.over || self.child().is_none_or(|child| child.robust.left())
    }

    /// The process was reaped: whatever it did, it is over.
    pub fn gone(&mut self) {
        self.over = true;
        // It may have been killed between its new credentials and what follows them.
        crate::sys::hide_memory();
    }

    /// Waits until the start is over, or for so long.
    pub fn wait(&self, limit: Duration) {
        if !self.over()
            && let Some(child) = self.child()
        {
            child.robust.wait(limit);
        }
    }

    /// Why the program was not loaded, once the start is over.
    pub fn outcome(&self) -> Outcome<()> {
        match self
            .child()
            .and_then(|child| Some((child, child.failure()?)))
        {
            Some((child, (stage, error))) => Err(explain(&child.spawn, stage, error)),
            None => Ok(()),
        }
    }

    fn child(&self) -> Option<&Child> {
        self.memory.as_ref().map(|(child, _)| &**child)
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        if !self.over() {
            // The process still runs in it.
            std::mem::forget(self.memory.take());
        }
    }
}

fn explain(spawn: &Spawn, stage: Stage, error: i32) -> Box<crate::messages::Error> {
    let subject = match stage {
        Stage::Directory => spawn.plan.directory.to_string_lossy().into_owned(),
        Stage::Program => spawn.plan.subject.clone(),
        Stage::User => format!("user {}", spawn.identity.name),
        Stage::Setup => "process setup".into(),
    };
    os_failure(&Error::from_raw_os_error(error), &subject)
}

/// Starts a process and returns its id once the program is loaded.
pub fn spawn(spawn: Spawn) -> Outcome<i32> {
    let start = Start::begin(spawn, true)?;
    if let Err(error) = start.outcome() {
        let mut status = 0;
        // SAFETY: reaps the child that has just exited.
        unsafe { libc::waitpid(start.pid, &mut status, 0) };
        return Err(error);
    }
    prefer_for_oom(start.pid);
    Ok(start.pid)
}

/// Raises a process's OOM score; only possible once it has its own memory.
pub fn prefer_for_oom(pid: i32) {
    if let Ok(path) = crate::sys::c_string(format!("/proc/{pid}/oom_score_adj"))
        && let Ok(file) = crate::sys::open(&path, libc::O_WRONLY, 0)
    {
        let _ = crate::sys::write(file.as_raw_fd(), OOM_SCORE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    fn start(program: &str, wait: bool) -> Start {
        // SAFETY: no arguments.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        let name = CString::new(program).unwrap();
        let plan = Plan {
            programs: vec![name.clone()],
            arguments: vec![name, c"100".into()],
            environment: Vec::new(),
            directory: c"/".into(),
            directory_optional: false,
            script: None,
            direct: None,
            subject: program.into(),
        };
        let identity = Identity {
            name: "me".into(),
            uid,
            gid,
            groups: vec![gid],
            home: "/".into(),
            shell: "/bin/sh".into(),
        };
        let spawn = Spawn {
            plan,
            identity: Rc::new(identity),
            descriptors: Vec::new(),
            blocking: false,
        };
        Start::begin(spawn, wait).unwrap()
    }

    fn wait_over(start: &Start) {
        for _ in 0..1000 {
            start.wait(Duration::from_millis(20));
            if start.over() {
                return;
            }
        }
        panic!("the start is never over");
    }

    fn reap(pid: i32) -> i32 {
        let mut status = 0;
        // SAFETY: waits for a child of this test.
        unsafe { libc::waitpid(pid, &mut status, 0) };
        status
    }

    #[test]
    fn a_start_is_over_when_the_program_is_loaded_not_when_it_ends() {
        assert!(supported());
        for wait in [true, false] {
            let start = start("/bin/sleep", wait);
            wait_over(&start);
            assert!(start.outcome().is_ok());
            // SAFETY: a child that is not reaped yet.
            unsafe { libc::kill(start.pid, libc::SIGTERM) };
            assert_eq!(libc::WTERMSIG(reap(start.pid)), libc::SIGTERM);
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_told() {
        for wait in [true, false] {
            let start = start("/no/such/program", wait);
            wait_over(&start);
            let error = start.outcome().unwrap_err();
            assert_eq!(error.message, "file does not exist: /no/such/program");
            reap(start.pid);
        }
    }

    #[test]
    fn a_process_killed_on_its_way_leaves_a_start_that_is_over_once_reaped() {
        for _ in 0..200 {
            let mut start = start("/bin/true", false);
            // SAFETY: a child that is not reaped yet.
            unsafe { libc::kill(start.pid, libc::SIGKILL) };
            reap(start.pid);
            start.gone();
            assert!(start.over() && start.outcome().is_ok());
        }
    }
}

//! Executions: from the wish to the exit status that wait4 reported.

use crate::command::{Plan, plan};
use crate::failure::{Outcome, invalid, os_failure};
use crate::guest::Guest;
use crate::inlet::{Inlet, WINDOW_BYTES};
use crate::messages::{Exec, Exit, How, Phase};
use crate::outlet::Outlet;
use crate::pipes::Pipes;
use crate::poll::{Interest, Token};
use crate::reap::Owner;
use crate::start::{Spawn, Start};
use crate::starts::{Begun, Origin};
use crate::stream::{self, Job};
use crate::sys;
use crate::timers::Timer;
use crate::users::Identity;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

/// How long a background process may still add output after the leader's end.
const GRACE: Duration = Duration::from_millis(100);
const MAX_ID_BYTES: usize = 256;

/// One execution.
pub struct Execution {
    pub execution_id: String,
    /// Leader, and id of its session; 0 before the start.
    pub pid: i32,
    /// What wait4 said of the leader.
    pub exit: Option<Exit>,
    /// Last signal that the host asked for.
    pub signalled: u32,
    /// The cgroup's count of OOM kills at the start.
    pub oom_kills: u64,
    /// The named shell that runs it.
    pub shell: Option<u64>,
    /// The grace of background writers runs.
    pub grace: bool,
}

impl Execution {
    /// An execution that has not started.
    pub fn new(execution_id: &str) -> Execution {
        Execution {
            execution_id: execution_id.into(),
            pid: 0,
            exit: None,
            signalled: 0,
            oom_kills: 0,
            shell: None,
            grace: false,
        }
    }
}

impl Guest {
    /// Starts a command, or queues it in its named shell.
    pub fn execute(&mut self, key: u64, wish: Exec) -> Outcome<()> {
        if wish.execution_id.is_empty() || wish.execution_id.len() > MAX_ID_BYTES {
            return Err(invalid("execution_id must have 1 to 256 bytes"));
        }
        self.executions.insert(wish.execution_id.clone(), key);
        let Some(stream) = self.streams.get_mut(&key) else {
            return Ok(());
        };
        stream.status.execution_id = wish.execution_id.clone();
        stream.status.phase = Phase::Queued as i32;
        stream.job = Job::Execution(Box::new(Execution::new(&wish.execution_id)));
        if wish.attach_stdin {
            stream.inlet = Some(Inlet::new(WINDOW_BYTES));
        }
        let identity = self.settings.identity(&wish.user)?;
        if !wish.shell_name.is_empty() {
            return self.enqueue(key, wish, identity);
        }
        if let Some(plan) = self.plan_direct(&wish, &identity) {
            let pipes = Pipes::open(wish.merge_stderr, wish.attach_stdin)?;
            // What cannot be started just so (there is no such program, it is a script without a first line, …) is for the shell.
            if let Ok(begun) = self.begin(plan, &identity, &pipes) {
                return self.follow(key, begun, pipes, Some((wish, identity)));
            }
        }
        self.run_by_shell(key, &wish, identity)
    }

    /// Starts a command as a shell, or the program of its `argv`, would have it.
    pub fn run_by_shell(&mut self, key: u64, wish: &Exec, identity: Rc<Identity>) -> Outcome<()> {
        let plan = plan(&self.settings, wish, &identity)?;
        let pipes = Pipes::open(wish.merge_stderr, wish.attach_stdin)?;
        let begun = self.begin(plan, &identity, &pipes)?;
        self.follow(key, begun, pipes, None)
    }

    fn begin(&mut self, plan: Plan, identity: &Rc<Identity>, pipes: &Pipes) -> Outcome<Begun> {
        let oom_kills = self.settings.oom_kills();
        let spawn = Spawn {
            plan,
            identity: Rc::clone(identity),
            descriptors: pipes.descriptors(),
            blocking: true,
        };
        Ok(Begun {
            start: Start::begin(spawn, self.starts.full())?,
            unix_ms: sys::unix_ms(),
            oom_kills,
        })
    }

    /// Takes what a started process writes, and waits for what becomes of it.
    fn follow(&mut self, key: u64, begun: Begun, pipes: Pipes, origin: Origin) -> Outcome<()> {
        self.owners.insert(begun.start.pid, Owner::Execution(key));
        let (output, errors, input) = pipes.into_ours();
        self.starts.insert(key, begun, origin);
        let subject = |error| os_failure(&error, "output pipe");
        self.attach_source(key, 0, output).map_err(subject)?;
        match errors {
            Some(fd) => self.attach_source(key, 1, fd).map_err(subject)?,
            None => self.end_channel(key, 1),
        }
        if let Some(fd) = input {
            self.attach_sink(key, fd, false)
                .map_err(|error| os_failure(&error, "input pipe"))?;
        }
        self.start_settled(key);
        Ok(())
    }

    /// Ends an output that the execution does not use.
    pub fn end_channel(&mut self, key: u64, index: usize) {
        if let Some(stream) = self.streams.get_mut(&key)
            && let Some(outlet) = &mut stream.outlets[index]
        {
            outlet.finish();
        }
    }

    /// Marks an execution as running under `pid` from now on.
    pub fn begun_now(&mut self, key: u64, pid: i32) {
        let oom_kills = self.settings.oom_kills();
        self.begun(key, pid, sys::unix_ms(), oom_kills);
    }

    /// Marks an execution as running under `pid`, with the cgroup's count of OOM kills when it began.
    pub fn begun(&mut self, key: u64, pid: i32, unix_ms: u64, oom_kills: u64) {
        self.wake_meminfo();
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        stream.status.phase = Phase::Running as i32;
        stream.status.pid = pid as u32;
        stream.status.started_unix_ms = unix_ms;
        stream.status_dirty = true;
        if let Some(execution) = stream.execution() {
            execution.pid = pid;
            execution.oom_kills = oom_kills;
        }
    }

    /// The leader has ended with this wait status.
    pub fn leader_ended(&mut self, key: u64, wait_status: i32) {
        let killed = libc::WIFSIGNALED(wait_status);
        let how = if killed {
            How::Signal(libc::WTERMSIG(wait_status))
        } else {
            How::Code(libc::WEXITSTATUS(wait_status))
        };
        self.ended(key, how);
    }

    /// The command has ended; its last output may still be in the pipes.
    pub fn ended(&mut self, key: u64, how: How) {
        let suspicious = matches!(how, How::Signal(libc::SIGKILL) | How::Code(137));
        let oom_kills = if suspicious {
            self.settings.cgroup.oom_kills()
        } else {
            0
        };
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        if let Some(inlet) = &mut stream.inlet {
            inlet.abandon();
        }
        stream.sink = None;
        let Some(execution) = stream.execution() else {
            return;
        };
        execution.exit = Some(Exit {
            how: Some(how),
            out_of_memory: suspicious
                && execution.signalled == 0
                && oom_kills > execution.oom_kills,
            signalled_by_host: execution.signalled,
        });
        // Most processes have closed their outputs before they end: look now, not after another round of events.
        for source in stream.sources.iter_mut().flatten() {
            source.readable = true;
        }
        self.touch(key);
    }

    /// A background process still holds the pipes: what is in them now is the end of the output.
    pub fn end_grace(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        for source in stream.sources.iter_mut().flatten() {
            if source.remaining.is_none()
                && let stream::Origin::Pipe(fd) = &source.origin
            {
                source.remaining = Some(sys::waiting_bytes(fd.as_raw_fd()));
                source.readable = true;
            }
        }
        self.touch(key);
    }

    /// Finishes an execution whose leader has ended and whose output is complete.
    pub fn settle_execution(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        if stream.finished() {
            if stream.detached {
                self.forget(key);
            }
            return;
        }
        let complete = stream.outlets.iter().flatten().all(Outlet::finished);
        let Some(execution) = stream.execution() else {
            return;
        };
        if !complete {
            if execution.exit.is_some() && !execution.grace {
                execution.grace = true;
                self.timers.after(GRACE, Timer::Grace(key));
            }
            return;
        }
        let Some(exit) = execution.exit.clone() else {
            return;
        };
        let shell = execution.shell;
        stream.status.exit = Some(exit);
        stream.finish(None);
        let detached = stream.detached;
        if let Some(shell) = shell {
            self.command_settled(shell, key);
        }
        if detached {
            self.forget(key);
        }
    }

    /// Lends a shell's pipe to the command that it runs.
    pub fn lend_source(&mut self, key: u64, index: usize, raw: RawFd) {
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.sources[index] = Some(stream::Source {
                origin: stream::Origin::Lent(raw),
                readable: true,
                remaining: None,
            });
        }
    }

    /// Gives a dead shell's pipe to its last command for good.
    pub fn give_source(&mut self, key: u64, index: usize, fd: OwnedFd) {
        let token = Token::Source(key, index as u8);
        let Some(Some(source)) = self
            .streams
            .get_mut(&key)
            .map(|stream| &mut stream.sources[index])
        else {
            self.drain_later(fd);
            return;
        };
        let _ = self.poll.rename(&fd, token, Interest::Read);
        source.origin = stream::Origin::Pipe(fd);
        source.readable = true;
    }
}

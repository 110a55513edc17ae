//! Long file operations run in a forked child that has become the user for good: blocking, simple code whose pipes the
//! event loop carries like those of any process.

use crate::failure::{Outcome, failure, os_failure};
use crate::guest::Guest;
use crate::inlet::{Inlet, UPLOAD_WINDOW_BYTES};
use crate::messages::{ErrorCode, Phase, Status};
use crate::paths::resolve_text;
use crate::poll::{Interest, Token};
use crate::reap::Owner;
use crate::stream::Job;
use crate::sys;
use crate::users::Identity;
use prost::Message;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};

const MAX_REPORT_BYTES: usize = 64 * 1024;

/// A worker as the event loop sees it.
pub struct Worker {
    pid: i32,
    report: Option<OwnedFd>,
    bytes: Vec<u8>,
    verdict: Option<Status>,
    alive: bool,
}

impl Worker {
    /// Stops the work.
    pub fn kill(&self) {
        if self.alive && self.pid > 1 {
            // SAFETY: the child is not reaped yet, so the number is its own.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
        }
    }
}

/// What the work sees in the child.
pub struct Hands {
    /// Channel 0.
    pub input: File,
    /// Channel 1.
    pub output: File,
    report: File,
}

impl Hands {
    /// Tells the host how far the work is.
    pub fn report(&mut self, status: &Status) {
        use std::io::Write;
        let _ = self
            .report
            .write_all(&status.encode_length_delimited_to_vec());
    }
}

/// Before the child becomes the user, with the rights of the guest.
pub type Prepare = fn(&Identity, &str) -> Outcome<()>;

/// What a worker is to do.
pub struct Task<'a> {
    pub identity: &'a Identity,
    pub path: String,
    pub takes_input: bool,
    pub prepare: Option<Prepare>,
}

impl Guest {
    /// A worker with a user's rights that only gives bytes. `path` is resolved against that user's home.
    pub fn start_reader(
        &mut self,
        key: u64,
        (user, path): (&str, &str),
        work: impl FnOnce(&mut Hands, &str) -> Outcome<()>,
    ) -> Outcome<()> {
        let identity = self.settings.identity(user)?;
        let path = resolve_text(path, &identity)?;
        let task = Task {
            identity: &identity,
            path,
            takes_input: false,
            prepare: None,
        };
        self.start_worker(key, task, work)
    }

    /// Forks a worker for a stream. `work` gets the resolved path.
    pub fn start_worker(
        &mut self,
        key: u64,
        task: Task<'_>,
        work: impl FnOnce(&mut Hands, &str) -> Outcome<()>,
    ) -> Outcome<()> {
        let text = |error: std::io::Error| os_failure(&error, "cannot start a worker");
        let (input, input_write) = sys::pipe().map_err(text)?;
        let (output_read, output) = sys::pipe().map_err(text)?;
        let (report_read, report) = sys::pipe().map_err(text)?;
        // SAFETY: single-threaded, so the child may use everything.
        let pid = unsafe { libc::fork() };
        if pid < 0 {
            return Err(text(std::io::Error::last_os_error()));
        }
        if pid == 0 {
            let hands = Hands {
                input: input.into(),
                output: output.into(),
                report: report.into(),
            };
            drop((input_write, output_read, report_read));
            self.in_child(hands, &task, work);
        }
        drop((input, output, report));
        self.owners.insert(pid, Owner::Worker(key));
        sys::set_nonblocking(&report_read).map_err(text)?;
        self.poll
            .add(&report_read, Token::Report(key), Interest::Read)
            .map_err(text)?;
        let Some(stream) = self.streams.get_mut(&key) else {
            return Ok(());
        };
        let has_output = stream.outlets[0].is_some();
        stream.job = Job::Worker(Box::new(Worker {
            pid,
            report: Some(report_read),
            bytes: Vec::new(),
            verdict: None,
            alive: true,
        }));
        if task.takes_input {
            stream.inlet = Some(Inlet::new(UPLOAD_WINDOW_BYTES));
            self.attach_sink(key, input_write, false).map_err(text)?;
        }
        if has_output {
            self.attach_source(key, 0, output_read).map_err(text)?;
        }
        Ok(())
    }

    fn in_child(
        &mut self,
        mut hands: Hands,
        task: &Task<'_>,
        work: impl FnOnce(&mut Hands, &str) -> Outcome<()>,
    ) -> ! {
        // SAFETY: plain system calls in the child; every other descriptor of the guest is closed.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
            crate::start::prefer_for_oom(libc::getpid());
            libc::setsid();
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        }
        sys::hide_memory();
        close_all_but(&[
            hands.input.as_raw_fd(),
            hands.output.as_raw_fd(),
            hands.report.as_raw_fd(),
        ]);
        let prepared = match task.prepare {
            Some(prepare) => prepare(task.identity, &task.path),
            None => Ok(()),
        };
        let outcome = prepared
            .and_then(|()| crate::identity::become_user(task.identity))
            .and_then(|()| work(&mut hands, &task.path));
        let verdict = Status {
            phase: Phase::Finished as i32,
            error: outcome.err().map(|error| *error),
            ..Status::default()
        };
        hands.report(&verdict);
        // SAFETY: ends the child without running the guest's destructors.
        unsafe { libc::_exit(0) }
    }

    /// Reads what a worker reports.
    pub fn read_report(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        let Job::Worker(worker) = &mut stream.job else {
            return;
        };
        let Some(report) = &worker.report else {
            return;
        };
        let mut buffer = [0; 1024];
        loop {
            match sys::read(report.as_raw_fd(), &mut buffer) {
                Ok(count) if count > 0 && worker.bytes.len() < MAX_REPORT_BYTES => {
                    worker.bytes.extend_from_slice(&buffer[..count]);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                _ => {
                    worker.report = None;
                    break;
                }
            }
        }
        let mut rest = worker.bytes.as_slice();
        loop {
            let mut next = rest;
            let Ok(status) = Status::decode_length_delimited(&mut next) else {
                break;
            };
            rest = next;
            if status.phase == Phase::Finished as i32 {
                worker.verdict = Some(status);
            } else {
                stream.status.phase = status.phase;
                stream.status.file = status.file;
                stream.status_dirty = true;
            }
        }
        let read = worker.bytes.len() - rest.len();
        worker.bytes.drain(..read);
        self.touch(key);
    }

    /// A worker's process has ended.
    pub fn worker_ended(&mut self, key: u64, _wait_status: i32) {
        self.read_report(key);
        if let Some(stream) = self.streams.get_mut(&key)
            && let Job::Worker(worker) = &mut stream.job
        {
            worker.alive = false;
        }
        self.touch(key);
    }

    /// Finishes a stream whose worker is done and whose output is complete.
    pub fn settle_worker(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        if stream.finished() || !stream.outlets_finished() {
            return;
        }
        let Job::Worker(worker) = &mut stream.job else {
            return;
        };
        if worker.report.is_some() {
            return;
        }
        let verdict = worker.verdict.take();
        let error = match verdict {
            Some(status) => status.error.map(Box::new),
            None => Some(failure(ErrorCode::Io, "the file operation was killed")),
        };
        stream.finish(error);
    }
}

/// Closes every descriptor above 2 except these.
fn close_all_but(keep: &[i32]) {
    let mut keep = keep.to_vec();
    keep.sort_unstable();
    let mut from = 3u32;
    for &fd in &keep {
        let fd = fd as u32;
        if fd > from {
            close_range(from, fd - 1);
        }
        from = fd + 1;
    }
    close_range(from, u32::MAX);
}

fn close_range(first: u32, last: u32) {
    // SAFETY: closes descriptors that nothing in the child uses any more.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) < 0 {
            for fd in first..=last.min(20_000) {
                libc::close(fd as i32);
            }
        }
    }
}

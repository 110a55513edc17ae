//! The duties of an init: signals, orphans, the end of the box.

use crate::guest::Guest;
use crate::poll::{Interest, Token};
use crate::sys;
use crate::timers::Timer;
use std::io::Result;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

/// How long processes have after TERM.
const END_GRACE: Duration = Duration::from_secs(2);

const RECORD_BYTES: usize = std::mem::size_of::<libc::signalfd_siginfo>();

/// Whose end a process's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Execution(u64),
    Worker(u64),
    Shell(u64),
    /// A login shell that is asked what it exports.
    Login,
}

/// Signals as a descriptor.
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks all signals and opens the descriptor that reports those that matter.
    pub fn open() -> Result<Signals> {
        restore_handlers();
        // SAFETY: plain system calls on local structures.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut all);
            sys::check(libc::sigprocmask(
                libc::SIG_BLOCK,
                &all,
                std::ptr::null_mut(),
            ))?;
            libc::signal(libc::SIGPIPE, libc::SIG_IGN);
            let mut wanted: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut wanted);
            for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGPWR] {
                libc::sigaddset(&mut wanted, signal);
            }
            let flags = libc::SFD_NONBLOCK | libc::SFD_CLOEXEC;
            sys::check(libc::signalfd(-1, &wanted, flags)).map(|fd| Signals(sys::owned(fd)))
        }
    }
}

/// Undoes what this process inherited ignored, so that its children start with every default. The C library hides two
/// numbers, hence the raw call.
fn restore_handlers() {
    let default = [0u64; 4];
    for signal in 1..=64 {
        // SAFETY: 32 zero bytes are the kernel's sigaction with the default handler; 8 is the size of its mask.
        unsafe {
            let none = std::ptr::null_mut::<u64>();
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, 8);
        }
    }
}

impl Guest {
    /// Becomes the reaper of everything below.
    pub fn take_signals(&mut self) -> Result<()> {
        let signals = Signals::open()?;
        self.poll.add(&signals.0, Token::Signals, Interest::Read)?;
        self.signals = Some(signals);
        // SAFETY: prctl with plain integers; orphans come here also when this is not process 1.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
        Ok(())
    }

    /// Reads the signals that came, then reaps.
    pub fn on_signals(&mut self) {
        let Some(signals) = &self.signals else {
            return;
        };
        let fd = signals.0.as_raw_fd();
        // Room for more than the kinds of signals that are asked for: one read takes them all.
        let mut records = [0u8; RECORD_BYTES * 8];
        let count = sys::read(fd, &mut records).unwrap_or(0);
        let mut end = false;
        for record in records[..count].chunks_exact(RECORD_BYTES) {
            let word = |at: usize| {
                record
                    .get(at..at + 4)
                    .and_then(|bytes| bytes.try_into().ok())
                    .map_or(0, u32::from_ne_bytes)
            };
            let signal = word(std::mem::offset_of!(libc::signalfd_siginfo, ssi_signo));
            let sender = word(std::mem::offset_of!(libc::signalfd_siginfo, ssi_pid));
            // The init of a box ends when those outside say so: inside, where senders have numbers, a stray kill is no order.
            end |= signal != libc::SIGCHLD as u32 && !(sender != 0 && std::process::id() == 1);
        }
        if end {
            self.begin_end();
        }
        self.reap();
    }

    fn reap(&mut self) {
        loop {
            let mut status = 0;
            // SAFETY: wait4 writes one int.
            let pid = unsafe { libc::wait4(-1, &mut status, libc::WNOHANG, std::ptr::null_mut()) };
            if pid <= 0 {
                return;
            }
            match self.owners.remove(&pid) {
                Some(Owner::Execution(key)) => self.leader_reaped(key, status),
                Some(Owner::Worker(key)) => self.worker_ended(key, status),
                Some(Owner::Shell(key)) => self.shell_ended(key, pid, status),
                Some(Owner::Login) => self.login_ended(pid, status),
                None => {}
            }
        }
    }

    fn begin_end(&mut self) {
        if self.ending {
            return;
        }
        self.ending = true;
        signal_everything(self, libc::SIGTERM);
        self.timers.after(END_GRACE, Timer::Kill);
    }
}

fn signal_everything(guest: &Guest, signal: i32) {
    // SAFETY: plain system calls.
    unsafe {
        if libc::getpid() == 1 {
            libc::kill(-1, signal);
            return;
        }
        for &pid in guest.owners.keys() {
            libc::kill(-pid, signal);
            libc::kill(pid, signal);
        }
    }
}

/// The grace of the end is over: kills, waits for what died, ends.
pub fn kill_everything(guest: &mut Guest) {
    signal_everything(guest, libc::SIGKILL);
    for _ in 0..100 {
        guest.reap();
        if guest.owners.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    sync_disks();
    std::process::exit(0);
}

/// No child is left.
pub fn childless() -> bool {
    let mut status = 0;
    // SAFETY: WNOWAIT-free probe; a child that ended is reaped by the caller's next round, so only ECHILD counts here.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
    pid < 0
}

/// Writes everything to the disk.
pub fn sync_disks() {
    // SAFETY: no arguments.
    unsafe { libc::sync() };
}

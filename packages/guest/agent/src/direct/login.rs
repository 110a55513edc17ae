//! What a login shell exports, learned from a real one.

use super::start_files::StartFiles;
use super::words::plain_words;
use crate::command::{Direct, Plan, directory_of, environment, join};
use crate::guest::Guest;
use crate::messages::Exec;
use crate::reap::Owner;
use crate::start::{Spawn, spawn};
use crate::sys;
use crate::timers::Timer;
use crate::users::Identity;
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// After a plain command that found nothing learned, learning waits for it to be over.
const PAUSE: Duration = Duration::from_millis(50);
/// In a box that was just made the start files are too new to be relied on.
const PREPARE_PAUSE: Duration = Duration::from_millis(300);
/// Time that the login shell has.
const LONGEST: Duration = Duration::from_secs(5);
/// Between two attempts.
const INTERVAL: Duration = Duration::from_secs(1);
const MAX_ENVIRONMENT_BYTES: usize = 256 * 1024;
/// Shows its own environment: that of a program which a login bash has become.
const PROBE: &str = "/bin/cat /proc/self/environ";
const PROBE_NAME: &[u8] = b"_=/bin/cat";

/// What is known of login shells.
#[derive(Default)]
pub struct Logins {
    state: State,
    /// Whose plain command came last without anything known.
    wanted: Option<Rc<Identity>>,
    last_attempt: Option<Instant>,
}

#[derive(Default)]
enum State {
    #[default]
    Unknown,
    Learning(Learning),
    Known(Known),
}

/// A login shell that is being asked.
struct Learning {
    pid: i32,
    identity: Rc<Identity>,
    files: StartFiles,
    output: OwnedFd,
    errors: OwnedFd,
}

/// What it said.
struct Known {
    identity: Rc<Identity>,
    files: StartFiles,
    /// When the files were last found to be the same.
    batch: u64,
    /// `NAME=value` in the order of the shell.
    environment: Vec<CString>,
    /// Where the variable `_`, the program's path, stands in it.
    slot: usize,
    folders: Vec<String>,
}

impl Guest {
    /// How to start a command without a shell, if it needs none and everything about it is known.
    pub fn plan_direct(&mut self, wish: &Exec, identity: &Rc<Identity>) -> Option<Plan> {
        let fresh = wish.argv.is_empty()
            && wish.environment.is_empty()
            && wish.working_directory.is_empty()
            && !wish.attach_stdin;
        let words = plain_words(&wish.command).filter(|_| fresh)?;
        let batch = self.settings.batch;
        match &mut self.logins.state {
            State::Known(known) if known.identity == *identity => {
                if known.batch == batch || known.files.same() {
                    known.batch = batch;
                    return known.plan(&words);
                }
                self.logins.state = State::Unknown;
            }
            State::Learning(_) => return None,
            _ => {}
        }
        if self.logins.wanted.is_none() {
            self.timers.after(PAUSE, Timer::Learn);
        }
        self.logins.wanted = Some(Rc::clone(identity));
        None
    }

    /// Forgets what was learned: the environment of the box is another one.
    pub fn forget_login(&mut self) {
        self.logins.state = State::Unknown;
    }

    /// Learns soon what the default user's first plain command will ask for; its programs and start files are in the caches then.
    pub fn prepare_login(&mut self) {
        if let Ok(identity) = self.settings.identity("") {
            self.logins.wanted = Some(identity);
            self.timers.after(PREPARE_PAUSE, Timer::Learn);
        }
    }

    /// Starts a login shell that shows what it exports, unless what it would do is not known.
    pub fn learn_login(&mut self) {
        let Some(identity) = self.logins.wanted.take() else {
            return;
        };
        let soon = |at: Instant| at.elapsed() < INTERVAL;
        if self.ending
            || matches!(self.logins.state, State::Learning(_))
            || self.logins.last_attempt.is_some_and(soon)
        {
            return;
        }
        self.logins.last_attempt = Some(Instant::now());
        if let Some(learning) = self.ask_login(identity) {
            self.owners.insert(learning.pid, Owner::Login);
            self.logins.state = State::Learning(learning);
            self.timers.after(LONGEST, Timer::LearnEnd);
        }
    }

    fn ask_login(&mut self, identity: Rc<Identity>) -> Option<Learning> {
        let variables = environment(&self.settings, &identity, &Default::default()).ok()?;
        let home = variables.get("HOME")?;
        if *home != identity.home || !variables.keys().all(|name| is_harmless(name)) {
            return None;
        }
        let files = StartFiles::look(home)?;
        let output = sys::memory_file(c"berth-login").ok()?;
        let errors = sys::memory_file(c"berth-login").ok()?;
        let words = ["bash", "-l", "-c", PROBE].map(|word| CString::new(word).unwrap_or_default());
        let plan = Plan {
            programs: vec![c"/bin/bash".into()],
            arguments: words.to_vec(),
            environment: join(variables).ok()?,
            directory: directory_of("", &identity).ok()?.0,
            directory_optional: false,
            script: None,
            direct: None,
            subject: "bash".into(),
        };
        let pid = spawn(Spawn {
            plan,
            identity: Rc::clone(&identity),
            descriptors: vec![(0, 0), (output.as_raw_fd(), 1), (errors.as_raw_fd(), 2)],
            blocking: false,
        })
        .ok()?;
        Some(Learning {
            pid,
            identity,
            files,
            output,
            errors,
        })
    }

    /// The login shell has ended.
    pub fn login_ended(&mut self, pid: i32, wait_status: i32) {
        match std::mem::take(&mut self.logins.state) {
            State::Learning(learning) if learning.pid == pid => {
                if wait_status == 0
                    && let Some(known) = learning.known()
                {
                    self.logins.state = State::Known(known);
                }
            }
            other => self.logins.state = other,
        }
    }

    /// The login shell has had its time.
    pub fn end_learning(&mut self) {
        if let State::Learning(learning) = &self.logins.state {
            crate::signals::signal_processes(learning.pid, libc::SIGKILL, true, true);
        }
    }
}

impl Learning {
    /// What there is to know, if the shell was silent but for its answer, and nothing changed meanwhile.
    fn known(self) -> Option<Known> {
        let text = contents(&self.output)?;
        if !contents(&self.errors)?.is_empty() || !self.files.same() {
            return None;
        }
        let lines: Vec<&[u8]> = text.strip_suffix(b"\0")?.split(|&byte| byte == 0).collect();
        let slot = lines.iter().position(|line| *line == PROBE_NAME)?;
        let harmless = |line: &&[u8]| {
            let name = line.split(|&byte| byte == b'=').next().unwrap_or_default();
            std::str::from_utf8(name).is_ok_and(is_harmless)
        };
        let path = lines.iter().find_map(|line| line.strip_prefix(b"PATH="))?;
        let folders: Vec<String> = std::str::from_utf8(path)
            .ok()?
            .split(':')
            .map(String::from)
            .collect();
        let absolute = |folder: &String| folder.starts_with('/') && !folder.ends_with('/');
        if !lines.iter().all(harmless) || !folders.iter().all(absolute) {
            return None;
        }
        Some(Known {
            identity: self.identity,
            files: self.files,
            batch: 0,
            environment: lines
                .into_iter()
                .map(|line| CString::new(line).ok())
                .collect::<Option<_>>()?,
            slot,
            folders,
        })
    }
}

impl Known {
    fn plan(&self, words: &[&str]) -> Option<Plan> {
        let first = *words.first()?;
        let programs: Vec<String> = match first {
            "true" | "false" => vec![format!("/usr/bin/{first}"), format!("/bin/{first}")],
            _ if first.contains('/') => vec![first.into()],
            _ => self
                .folders
                .iter()
                .map(|folder| format!("{folder}/{first}"))
                .collect(),
        };
        let strings = |texts: Vec<String>| -> Option<Vec<CString>> {
            texts
                .into_iter()
                .map(|text| CString::new(text).ok())
                .collect()
        };
        Some(Plan {
            direct: Some(Direct {
                slot: self.slot,
                names: strings(
                    programs
                        .iter()
                        .map(|program| format!("_={program}"))
                        .collect(),
                )?,
            }),
            programs: strings(programs)?,
            arguments: strings(words.iter().map(|word| (*word).into()).collect())?,
            environment: self.environment.clone(),
            directory: CString::new(self.identity.home.as_str()).ok()?,
            directory_optional: false,
            script: None,
            subject: first.into(),
        })
    }
}

/// A variable that changes nothing of what bash does with a plain command.
fn is_harmless(name: &str) -> bool {
    let prefixes = ["BASH", "LD_", "PS1", "POSIXLY"];
    let names = ["SHELLOPTS", "EXECIGNORE", "ENV", "IFS"];
    !prefixes.iter().any(|prefix| name.starts_with(prefix)) && !names.contains(&name)
}

fn contents(file: &OwnedFd) -> Option<Vec<u8>> {
    let mut bytes = vec![0; MAX_ENVIRONMENT_BYTES];
    // SAFETY: the buffer is valid for its length.
    let count = unsafe { libc::pread(file.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    bytes.truncate(usize::try_from(count).ok()?);
    (bytes.len() < MAX_ENVIRONMENT_BYTES).then_some(bytes)
}

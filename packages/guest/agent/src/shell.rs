//! Named shells: a persistent login bash that runs commands one after another.
//!
//! The shell reads one short line per command from its standard input. That line evaluates the driver below, which reads
//! the command from a memory file, evaluates it with the shell's outputs, and writes its status to a pipe. The commands
//! inherit none of these descriptors. Nothing of it is a loop or a function, so `break`, `return`, `local` mean what they
//! mean in any shell.

use crate::command::{directory_of, environment, join, shell_program, write_all};
use crate::failure::{Outcome, invalid, os_failure};
use crate::guest::Guest;
use crate::messages::{Exec, How};
use crate::poll::{Interest, Token};
use crate::pump::{Dropped, drop_some};
use crate::reap::Owner;
use crate::shell_text::{BASH_DRIVER, FD_COMMAND, FD_STATUS, NEXT_LINE, SH_DRIVER, command_text};
use crate::start::{Spawn, spawn};
use crate::users::Identity;
use crate::{command::Plan, sys};
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;

const MAX_QUEUED: usize = 1024;
/// Source descriptors are lifted to here, so that none is the target of another.
const LIFTED_FD: libc::c_int = 300;

/// The process of a shell and the guest's ends of its pipes.
struct Running {
    pid: i32,
    orders: OwnedFd,
    command: OwnedFd,
    status: OwnedFd,
    outputs: [OwnedFd; 2],
    /// Bytes of a status line not yet complete.
    line: Vec<u8>,
    /// Commands given to it so far.
    served: u32,
}

/// A named shell of one user.
pub struct Shell {
    name: String,
    identity: Rc<Identity>,
    running: Option<Running>,
    current: Option<(u64, Exec)>,
    queue: VecDeque<(u64, Exec)>,
}

impl Shell {
    /// The stream of the command that runs now.
    fn command(&self) -> Option<u64> {
        self.current.as_ref().map(|(key, _)| *key)
    }
}

impl Guest {
    /// Puts a command behind those of its shell.
    pub fn enqueue(&mut self, key: u64, wish: Exec, identity: Rc<Identity>) -> Outcome<()> {
        if !wish.argv.is_empty() {
            return Err(invalid("argv does not go with shell_name"));
        }
        if wish.shell_name.len() > 256 {
            return Err(invalid("shell_name is longer than 256 bytes"));
        }
        command_text(&wish)?;
        let known = self
            .shells
            .iter()
            .find(|(_, shell)| shell.name == wish.shell_name && shell.identity.uid == identity.uid)
            .map(|(&id, _)| id);
        let id = known.unwrap_or_else(|| {
            let id = self.new_key();
            let shell = Shell {
                name: wish.shell_name.clone(),
                identity,
                running: None,
                current: None,
                queue: VecDeque::new(),
            };
            self.shells.insert(id, shell);
            id
        });
        let Some(shell) = self.shells.get_mut(&id) else {
            return Ok(());
        };
        if shell.queue.len() >= MAX_QUEUED {
            return Err(crate::failure::failure(
                crate::messages::ErrorCode::Busy,
                "too many commands wait for this shell",
            ));
        }
        shell.queue.push_back((key, wish));
        if let Some(execution) = self
            .streams
            .get_mut(&key)
            .and_then(|stream| stream.execution())
        {
            execution.shell = Some(id);
        }
        self.advance_shell(id);
        Ok(())
    }

    /// Starts the next command of a shell that has none running.
    fn advance_shell(&mut self, id: u64) {
        loop {
            let Some(shell) = self.shells.get_mut(&id) else {
                return;
            };
            if shell.current.is_some() {
                return;
            }
            let Some((key, wish)) = shell.queue.pop_front() else {
                if shell.running.is_none() {
                    self.shells.remove(&id);
                }
                return;
            };
            match self.run_in_shell(id, key, &wish) {
                Ok(()) => {
                    if let Some(shell) = self.shells.get_mut(&id) {
                        shell.current = Some((key, wish));
                    }
                    return;
                }
                Err(error) => {
                    self.fail(key, error);
                    self.touch(key);
                }
            }
        }
    }

    fn run_in_shell(&mut self, id: u64, key: u64, wish: &Exec) -> Outcome<()> {
        let text = command_text(wish)?;
        let fresh = self
            .shells
            .get(&id)
            .is_some_and(|shell| shell.running.is_none());
        if fresh {
            self.start_shell(id)?;
        }
        let Some(running) = self
            .shells
            .get_mut(&id)
            .and_then(|shell| shell.running.as_mut())
        else {
            return Err(invalid("shell is gone"));
        };
        let scratch = &mut [0u8; 4096];
        // Output of background jobs since the last command belongs to nobody.
        for output in &running.outputs {
            let waiting = sys::waiting_bytes(output.as_raw_fd());
            for _ in 0..waiting.div_ceil(scratch.len() as u64) {
                if !matches!(sys::read(output.as_raw_fd(), scratch), Ok(count) if count > 0) {
                    break;
                }
            }
        }
        if let Err(error) = give_command(running, text.as_bytes()) {
            // Nobody reads orders any more: the shell died while idle and has seen nothing of this command.
            if fresh || error.kind() != std::io::ErrorKind::BrokenPipe {
                return Err(os_failure(&error, "shell"));
            }
            self.leave_shell(id);
            return self.run_in_shell(id, key, wish);
        }
        running.served += 1;
        let pid = running.pid;
        let outputs = running.outputs.each_ref().map(|fd| fd.as_raw_fd());
        for (index, fd) in outputs.into_iter().enumerate() {
            self.lend_source(key, index, fd);
        }
        self.begun_now(key, pid);
        self.touch(key);
        Ok(())
    }

    /// Lets go of a shell whose process is gone; its end may still have to be reaped.
    fn leave_shell(&mut self, id: u64) {
        if let Some(running) = self.shells.get_mut(&id).and_then(|s| s.running.take()) {
            for fd in running.outputs {
                self.drain_later(fd);
            }
        }
    }

    fn start_shell(&mut self, id: u64) -> Outcome<()> {
        let Some(shell) = self.shells.get(&id) else {
            return Ok(());
        };
        let identity = Rc::clone(&shell.identity);
        let (program, bash) = shell_program();
        let text = |error: std::io::Error| os_failure(&error, "shell");
        let command = sys::memory_file(c"berth-shell").map_err(text)?;
        let (orders_read, orders) = sys::pipe().map_err(text)?;
        let (status, status_write) = sys::pipe().map_err(text)?;
        let (out, out_write) = sys::pipe().map_err(text)?;
        let (err, err_write) = sys::pipe().map_err(text)?;
        let driver = if bash { BASH_DRIVER } else { SH_DRIVER };
        write_all(&orders, driver.as_bytes()).map_err(text)?;
        let variables = environment(&self.settings, &identity, &Default::default())?;
        let (directory, directory_optional) = directory_of("", &identity)?;
        let name = if bash { "bash" } else { "sh" };
        let plan = Plan {
            programs: vec![program.into()],
            arguments: [name, "-l", "-s"]
                .iter()
                .map(|word| sys::c_string(*word).unwrap_or_default())
                .collect(),
            environment: join(variables)?,
            directory,
            directory_optional,
            script: None,
            direct: None,
            subject: name.into(),
        };
        let targets = crate::shell_text::descriptors(bash);
        let lifted = [&command, &status_write]
            .map(|fd| lift(fd.as_raw_fd()))
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(text)?;
        let descriptors = [
            (orders_read.as_raw_fd(), 0),
            (out_write.as_raw_fd(), 1),
            (err_write.as_raw_fd(), 2),
            (lifted[0].as_raw_fd(), targets[FD_COMMAND]),
            (lifted[1].as_raw_fd(), targets[FD_STATUS]),
        ];
        let pid = spawn(Spawn {
            plan,
            identity,
            descriptors: descriptors.to_vec(),
            blocking: false,
        })?;
        self.owners.insert(pid, Owner::Shell(id));
        for (fd, token) in [
            (&status, Token::ShellStatus(id)),
            (&out, Token::ShellSource(id, 0)),
            (&err, Token::ShellSource(id, 1)),
        ] {
            sys::set_nonblocking(fd)
                .and_then(|()| self.poll.add(fd, token, Interest::Read))
                .map_err(text)?;
        }
        if let Some(shell) = self.shells.get_mut(&id) {
            shell.running = Some(Running {
                pid,
                orders,
                command,
                status,
                outputs: [out, err],
                line: Vec::new(),
                served: 0,
            });
        }
        Ok(())
    }

    /// A shell's output has something: for its command, or for nobody.
    pub fn shell_output_ready(&mut self, id: u64, index: usize) {
        let Some(shell) = self.shells.get(&id) else {
            return;
        };
        if let Some(key) = shell.command() {
            self.source_ready(key, index);
            return;
        }
        let Some(running) = &shell.running else {
            return;
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(64 * 1024, 0);
        if let Some(fd) = running.outputs.get(index)
            && matches!(drop_some(fd, &mut scratch), Dropped::Some)
        {
            let token = Token::ShellSource(id, index as u8);
            let _ = self.poll.rename(fd, token, Interest::Read);
        }
        self.scratch = scratch;
    }

    /// The shell has reported the status of its command.
    pub fn read_shell_status(&mut self, id: u64) {
        let Some(shell) = self.shells.get_mut(&id) else {
            return;
        };
        let current = shell.command();
        let Some(running) = &mut shell.running else {
            return;
        };
        let mut bytes = [0; 64];
        while let Ok(count) = sys::read(running.status.as_raw_fd(), &mut bytes) {
            if count == 0 {
                break;
            }
            running.line.extend_from_slice(&bytes[..count]);
            running.line.truncate(64);
        }
        let Some(end) = running.line.iter().position(|&byte| byte == b'\n') else {
            return;
        };
        let code = std::str::from_utf8(&running.line[..end])
            .ok()
            .and_then(|text| text.parse::<u8>().ok());
        running.line.clear();
        let (Some(code), Some(key)) = (code, current) else {
            return;
        };
        // A second report for the same command would be a forgery.
        let known = self
            .streams
            .get_mut(&key)
            .and_then(|stream| stream.execution())
            .is_none_or(|execution| execution.exit.is_some());
        if known {
            return;
        }
        self.ended(key, How::Code(i32::from(code)));
        self.close_lent(key);
    }

    /// What is in the shell's pipes now is the end of the command's output.
    fn close_lent(&mut self, key: u64) {
        if let Some(stream) = self.streams.get_mut(&key) {
            for source in stream.sources.iter_mut().flatten() {
                if let crate::stream::Origin::Lent(fd) = source.origin {
                    source.remaining = Some(sys::waiting_bytes(fd));
                    source.readable = true;
                }
            }
        }
        self.touch(key);
    }

    /// A command of this shell is completely finished.
    pub fn command_settled(&mut self, id: u64, key: u64) {
        if let Some(shell) = self.shells.get_mut(&id)
            && shell.command() == Some(key)
        {
            shell.current = None;
            self.advance_shell(id);
        }
    }

    /// Takes a queued command out of its shell.
    pub fn dequeue(&mut self, key: u64) {
        for shell in self.shells.values_mut() {
            shell.queue.retain(|(queued, _)| *queued != key);
        }
    }

    /// The shell's process has ended: its command gets the exit status, the next one a new shell.
    pub fn shell_ended(&mut self, id: u64, pid: i32, wait_status: i32) {
        let known = |shell: &Shell| {
            shell
                .running
                .as_ref()
                .is_some_and(|running| running.pid == pid)
        };
        if !self.shells.get(&id).is_some_and(known) {
            return;
        }
        self.read_shell_status(id);
        let Some(shell) = self.shells.get_mut(&id) else {
            return;
        };
        let Some(running) = shell.running.take() else {
            return;
        };
        // An idle shell died before it read the order: the command has not begun and goes to a new shell.
        let unread = running.served > 1 && sys::waiting_bytes(running.orders.as_raw_fd()) > 0;
        if unread && let Some((key, wish)) = shell.current.take() {
            shell.queue.push_front((key, wish));
            if let Some(stream) = self.streams.get_mut(&key) {
                stream.sources = [None, None];
            }
        }
        let Some(key) = self.shells.get(&id).and_then(Shell::command) else {
            for fd in running.outputs {
                self.drain_later(fd);
            }
            self.advance_shell(id);
            return;
        };
        for (index, fd) in running.outputs.into_iter().enumerate() {
            self.give_source(key, index, fd);
        }
        let reported = self
            .streams
            .get_mut(&key)
            .and_then(|stream| stream.execution())
            .is_none_or(|execution| execution.exit.is_some());
        if !reported {
            self.leader_ended(key, wait_status);
        }
        self.touch(key);
    }

    /// Ends the shells of this name; commands that wait get a new one.
    pub fn drop_shell(&mut self, name: &str) {
        let ids: Vec<u64> = self.shells.keys().copied().collect();
        for id in ids {
            let Some(shell) = self.shells.get_mut(&id) else {
                continue;
            };
            if shell.name != name {
                continue;
            }
            if let Some(running) = &shell.running {
                crate::signals::signal_processes(running.pid, libc::SIGKILL, true, true);
            }
            if shell.current.is_none()
                && let Some(running) = shell.running.take()
            {
                for fd in running.outputs {
                    self.drain_later(fd);
                }
                self.advance_shell(id);
            }
        }
    }

    /// Whether a shell runs a command now.
    pub fn shell_busy(&self, id: u64) -> bool {
        self.shells
            .get(&id)
            .is_some_and(|shell| shell.current.is_some())
    }
}

fn lift(fd: RawFd) -> std::io::Result<OwnedFd> {
    // SAFETY: plain fcntl on an open descriptor.
    sys::check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, LIFTED_FD) }).map(sys::owned)
}

/// Puts a command into the shell's memory file and tells the shell.
fn give_command(running: &Running, text: &[u8]) -> std::io::Result<()> {
    let fd = running.command.as_raw_fd();
    // SAFETY: plain calls on an open descriptor.
    unsafe {
        sys::check(libc::ftruncate(fd, 0))?;
        libc::lseek(fd, 0, libc::SEEK_SET);
        write_all(&running.command, text)?;
        write_all(&running.command, &[0])?;
        libc::lseek(fd, 0, libc::SEEK_SET);
    }
    write_all(&running.orders, NEXT_LINE.as_bytes())
}

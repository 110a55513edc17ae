//! Commands about boxes that have not ended, so that whoever wants a box gone need not wait for one that hangs.

use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::pidfd::Process;
use crate::error::{Error, Result};

struct Command {
    box_id: String,
    pid: i32,
    start_time_ticks: u64,
}

static COMMANDS: Mutex<Vec<Command>> = Mutex::new(Vec::new());

fn commands() -> MutexGuard<'static, Vec<Command>> {
    COMMANDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A command that is under way until this is dropped.
pub struct Entry {
    pid: i32,
    start_time_ticks: u64,
}

static CALLS: Mutex<Vec<Call>> = Mutex::new(Vec::new());

/// A call to a sandbox that is under way.
struct Call {
    box_id: String,
    stream: UnixStream,
}

fn calls() -> MutexGuard<'static, Vec<Call>> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is under way until this is dropped.
pub struct CallEntry(RawFd);

pub fn enter_call(box_id: &str, stream: &UnixStream) -> Result<CallEntry> {
    let copied = stream.try_clone();
    let stream = copied.map_err(|cause| Error::os("dup", "socket", &cause))?;
    let entry = CallEntry(stream.as_raw_fd());
    let box_id = box_id.to_owned();
    calls().push(Call { box_id, stream });
    Ok(entry)
}

impl Drop for CallEntry {
    fn drop(&mut self) {
        calls().retain(|call| call.stream.as_raw_fd() != self.0);
    }
}

pub fn enter(box_id: &str, (pid, start_time_ticks): (i32, u64)) -> Entry {
    commands().push(Command {
        box_id: box_id.to_owned(),
        pid,
        start_time_ticks,
    });
    Entry {
        pid,
        start_time_ticks,
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        commands().retain(|command| {
            (command.pid, command.start_time_ticks) != (self.pid, self.start_time_ticks)
        });
    }
}

/// Kills the commands about this box, each with its process group; whoever waits for one sees how it ended. Tells how many there were.
pub fn abort(box_id: &str) -> Result<usize> {
    let mut aborted = 0;
    for call in calls().iter().filter(|one| one.box_id == box_id) {
        let _ = call.stream.shutdown(Shutdown::Both);
        aborted += 1;
    }
    for command in commands().iter().filter(|one| one.box_id == box_id) {
        if let Some(process) = Process::open(command.pid, command.start_time_ticks)? {
            // While it is held, nobody else can have the number of its group.
            unsafe { libc::kill(-command.pid, libc::SIGKILL) };
            process.kill()?;
            aborted += 1;
        }
    }
    Ok(aborted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_under_way_for_a_box_whose_commands_have_ended() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let entry = enter("one", (child.id() as i32, 1));
        assert_eq!(abort("one").unwrap(), 0);
        assert_eq!(abort("another").unwrap(), 0);
        drop(entry);
        assert!(!commands().iter().any(|command| command.box_id == "one"));
    }
}

//! Programs run to their end: the OCI runtime and nft.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::exits::EXITS;
use super::launch::launch;
use super::pidfd::{self, Process};
use super::under_way;
use crate::error::{Code, Error, Result, check};

/// Most of a program's error output that is kept.
const MAX_STDERR_BYTES: u64 = 16 << 10;

/// Runs `argv` with nothing on its standard streams. Killed when the time is over (code `timeout`) and when the helper dies.
/// What it leaves behind keeps these streams, so none of them leads back here, and lives on.
pub fn run_detached(argv: &[String], timeout: Duration) -> Result<ExitStatus> {
    let null = open_null()?;
    let child = start(argv, [&null, &null, &null])?;
    wait(child, &argv[0], timeout)
}

/// The same for a command about a box, which [`under_way::abort`] ends.
pub fn run_about(box_id: &str, argv: &[String], timeout: Duration) -> Result<ExitStatus> {
    let null = open_null()?;
    let child = start(argv, [&null, &null, &null])?;
    let _entry = under_way::enter(box_id, child);
    wait(child, &argv[0], timeout)
}

/// Runs `argv` with `input` on stdin; an end other than success is an error with what it wrote on stderr.
pub fn run_with_input(argv: &[String], input: &str, timeout: Duration) -> Result<()> {
    let null = open_null()?;
    let ((stdin, mut to_stdin), (mut from_stderr, stderr)) = (pipe()?, pipe()?);
    let child = start(argv, [&stdin, &null, &stderr])?;
    drop((stdin, stderr));
    // A program that does not read says why on stderr.
    let _ = to_stdin.write_all(input.as_bytes());
    drop(to_stdin);
    let mut text = Vec::new();
    let _ = Read::take(&mut from_stderr, MAX_STDERR_BYTES).read_to_end(&mut text);
    let status = wait(child, &argv[0], timeout)?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&text);
    Err(Error::new(
        Code::RuntimeFailed,
        format!("{}: {status}: {}", argv[0], said.trim()),
    ))
}

fn open_null() -> Result<File> {
    let path = "/dev/null";
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map_err(|cause| Error::os("open", path, &cause))
}

/// Reading end, writing end.
pub fn pipe() -> Result<(File, File)> {
    let mut ends = [0; 2];
    let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) };
    check(made.into(), "pipe2", "")?;
    Ok(unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) })
}

/// A child with its start time, which is read before anybody can reap it.
fn start(argv: &[String], streams: [&File; 3]) -> Result<(i32, u64)> {
    EXITS.without_reaping(|| {
        let pid = launch(argv, streams)?;
        let stat = pidfd::stat(pid);
        let stat = stat.ok_or_else(|| {
            Error::new(Code::RuntimeFailed, format!("{}: no such process", argv[0]))
        })?;
        Ok((pid, stat.start_time_ticks))
    })
}

fn wait(
    (pid, start_time_ticks): (i32, u64),
    program: &str,
    timeout: Duration,
) -> Result<ExitStatus> {
    if let Some(status) = EXITS.wait(pid, start_time_ticks, timeout) {
        return Ok(ExitStatus::from_raw(status));
    }
    if let Some(process) = Process::open(pid, start_time_ticks)? {
        // Its group is its own; while it is held, nobody else can have that number.
        unsafe { libc::kill(-pid, libc::SIGKILL) };
        process.kill()?;
    }
    let limit_ms = timeout.as_millis();
    Err(Error::new(
        Code::Timeout,
        format!("{program} took longer than {limit_ms} ms"),
    ))
}

/// The last `max_bytes` of a file, as text; empty when it cannot be read.
pub fn tail(path: &str, max_bytes: u64) -> String {
    use std::io::{Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(max_bytes)))?;
        let mut bytes = Vec::new();
        file.take(max_bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

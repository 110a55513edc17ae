//! Programs run to their end: the OCI runtime and nft.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::exits::EXITS;
use super::pidfd::{self, Process};
use crate::error::{Code, Error, Result};

/// Most of a program's error output that is kept.
const MAX_STDERR_BYTES: u64 = 16 << 10;

/// Runs `argv` with nothing on its standard streams. Killed when the time is over (code `timeout`).
/// What it leaves behind keeps these streams, so none of them leads back here.
pub fn run_detached(argv: &[String], timeout: Duration) -> Result<ExitStatus> {
    let mut command = command(argv)?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = start(&mut command, argv)?;
    wait(&child, argv, timeout)
}

/// Runs `argv` with `input` on stdin; an end other than success is an error with what it wrote on stderr.
pub fn run_with_input(argv: &[String], input: &str, timeout: Duration) -> Result<()> {
    let mut command = command(argv)?;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = start(&mut command, argv)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read says why on stderr.
        let _ = stdin.write_all(input.as_bytes());
    }
    let mut text = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(MAX_STDERR_BYTES).read_to_end(&mut text);
    }
    let status = wait(&child, argv, timeout)?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&text);
    Err(Error::new(
        Code::RuntimeFailed,
        format!("{}: {status}: {}", argv[0], said.trim()),
    ))
}

fn command(argv: &[String]) -> Result<Command> {
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| Error::bad_request("empty argv"))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0);
    Ok(command)
}

fn start(command: &mut Command, argv: &[String]) -> Result<Child> {
    command
        .spawn()
        .map_err(|cause| Error::os("spawn", &argv[0], &cause))
}

fn wait(child: &Child, argv: &[String], timeout: Duration) -> Result<ExitStatus> {
    let pid = child.id() as i32;
    // Alive or a zombie, its stat is there; reaped already, its exit is the latest recorded one of the pid.
    let status = match pidfd::stat(pid) {
        Some(stat) if stat.parent == std::process::id() as i32 => {
            let ended = EXITS.wait(pid, stat.start_time_ticks, timeout);
            if ended.is_none() {
                if let Some(process) = Process::open(pid, stat.start_time_ticks)? {
                    // Its group is its own; while it is held, nobody else can have that number.
                    unsafe { libc::kill(-pid, libc::SIGKILL) };
                    process.kill()?;
                }
                let limit_ms = timeout.as_millis();
                return Err(Error::new(
                    Code::Timeout,
                    format!("{} took longer than {limit_ms} ms", argv[0]),
                ));
            }
            ended
        }
        _ => EXITS.latest(pid),
    };
    let status = status.ok_or_else(|| {
        Error::new(
            Code::RuntimeFailed,
            format!("{}: exit status lost", argv[0]),
        )
    })?;
    Ok(ExitStatus::from_raw(status))
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

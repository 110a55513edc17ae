//! Calls to the sandbox of a box itself, over its control socket: what runsc's own command would send, without starting it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::disk;
use crate::error::{Code, Error, Result, check};
use crate::process::under_way;
use crate::protocol::{CallFile, RuntimeCall};

const MAX_STATE_BYTES: u64 = 4 << 20;
const MAX_ANSWER_BYTES: u64 = 1 << 20;
const MAX_MESSAGE_BYTES: usize = 2 << 10;
const MAX_FILES: usize = 8;

/// How a call ended that was not a failure of its own.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The sandbox has no such socket, or does not know the call: the command has to do it. Nothing has happened.
    Unknown,
}

/// Makes the call, and notes in the state of the box what it has become of it. As the command would, it refuses what the box already is.
pub fn call(box_id: &str, wish: &RuntimeCall, timeout: Duration) -> Result<Outcome> {
    let Some((mut state, socket)) = read_state(&wish.state)? else {
        return Ok(Outcome::Unknown);
    };
    let standing = state["status"].as_str().unwrap_or_default().to_owned();
    if wish.from.as_ref().is_some_and(|from| *from != standing) {
        let message = format!("cannot {} box {box_id} in state {standing}", wish.method);
        return Err(Error::new(Code::RuntimeFailed, message));
    }
    let Ok(stream) = connect(&socket) else {
        return Ok(Outcome::Unknown);
    };
    let _entry = under_way::enter_call(box_id, &stream)?;
    let mut files = Files::default();
    files.open(wish)?;
    let outcome = disk::write_behind(files.0.iter().map(|(_, file)| file), || {
        exchange(&stream, wish, &files.0, timeout)
    })?;
    // One that takes fewer files than it is given does not mean the same by this call.
    if outcome == Outcome::Unknown || files.are_any_empty()? {
        return Ok(Outcome::Unknown);
    }
    files.keep();
    if let Some(to) = &wish.to {
        state["status"] = to.as_str().into();
        write_state(&wish.state, &state)?;
    }
    Ok(Outcome::Done)
}

/// What is given along; removed again unless it is kept.
#[derive(Default)]
struct Files(Vec<(PathBuf, File)>);

impl Files {
    fn open(&mut self, wish: &RuntimeCall) -> Result<()> {
        if wish.files.len() > MAX_FILES {
            return Err(Error::bad_request("too many files for a call"));
        }
        for CallFile { path, direct } in &wish.files {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(0o600);
            if *direct {
                options.custom_flags(libc::O_DIRECT);
            }
            let opened = options.open(&**path);
            let file = opened.map_err(|cause| Error::os("create", path.display(), &cause))?;
            self.0.push((path.to_path_buf(), file));
        }
        Ok(())
    }

    fn are_any_empty(&self) -> Result<bool> {
        for (path, file) in &self.0 {
            let metadata = file.metadata();
            let metadata = metadata.map_err(|cause| Error::os("stat", path.display(), &cause))?;
            if metadata.len() == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for (path, _) in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn read_state(path: &Path) -> Result<Option<(Value, PathBuf)>> {
    let mut text = Vec::new();
    let Ok(file) = File::open(path) else {
        return Ok(None);
    };
    let read = file.take(MAX_STATE_BYTES).read_to_end(&mut text);
    read.map_err(|cause| Error::os("read", path.display(), &cause))?;
    let Ok(state) = serde_json::from_slice::<Value>(&text) else {
        return Ok(None);
    };
    let socket = state["sandbox"]["controlSocketPath"].as_str();
    let socket = socket
        .filter(|path| path.starts_with('/'))
        .map(PathBuf::from);
    Ok(socket.map(|socket| (state, socket)))
}

fn write_state(path: &Path, state: &Value) -> Result<()> {
    let mut made = path.as_os_str().to_owned();
    made.push(".new");
    let fail = |cause| Error::os("write", path.display(), &cause);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&made).map_err(fail)?;
    file.write_all(state.to_string().as_bytes()).map_err(fail)?;
    fs::rename(&made, path).map_err(fail)
}

/// A path that is too long for a socket's address is reached by its descriptor. A sandbox that accepts nothing is not waited for.
fn connect(path: &Path) -> std::io::Result<UnixStream> {
    let mut options = OpenOptions::new();
    let held = options.read(true).custom_flags(libc::O_PATH).open(path)?;
    let name = format!("/proc/self/fd/{}", held.as_raw_fd());
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: all-zero is a valid address, in which the name and its end have room; whatever socket gave is nobody else's.
    let stream = unsafe {
        let socket = libc::socket(libc::AF_UNIX, kind, 0);
        if socket < 0 {
            return Err(std::io::Error::last_os_error());
        }
        let stream = UnixStream::from_raw_fd(socket);
        let mut address: libc::sockaddr_un = std::mem::zeroed();
        address.sun_family = libc::AF_UNIX as _;
        for (to, from) in address.sun_path.iter_mut().zip(name.bytes()) {
            *to = from as _;
        }
        let length = std::mem::size_of_val(&address) as _;
        if libc::connect(socket, std::ptr::from_ref(&address).cast(), length) < 0 {
            return Err(std::io::Error::last_os_error());
        }
        stream
    };
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Reads what comes until the deadline, however slowly.
struct Patient<'a> {
    stream: &'a UnixStream,
    deadline: Instant,
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

fn exchange(
    stream: &UnixStream,
    wish: &RuntimeCall,
    files: &[(PathBuf, File)],
    timeout: Duration,
) -> Result<Outcome> {
    let failed = |cause| Error::os("call", &wish.method, &cause);
    let deadline = Instant::now() + timeout;
    let limit = timeout.max(Duration::from_millis(1));
    stream.set_write_timeout(Some(limit)).map_err(failed)?;
    let request = json!({ "method": wish.method, "arg": wish.argument }).to_string();
    let descriptors: Vec<RawFd> = files.iter().map(|(_, file)| file.as_raw_fd()).collect();
    let sent = send(stream, request.as_bytes(), &descriptors)?;
    let mut rest = stream;
    rest.write_all(&request.as_bytes()[sent..])
        .map_err(failed)?;
    let patient = Patient { stream, deadline };
    let reader = BufReader::new(patient.take(MAX_ANSWER_BYTES));
    let answer = serde_json::Deserializer::from_reader(reader)
        .into_iter::<Value>()
        .next();
    match answer {
        Some(Ok(answer)) if answer["success"] == true => Ok(Outcome::Done),
        Some(Ok(answer)) => {
            let said = answer["err"].as_str().unwrap_or("no reason");
            if said == "unknown method" || said.starts_with("json: ") {
                return Ok(Outcome::Unknown);
            }
            let said: String = said.chars().take(MAX_MESSAGE_BYTES).collect();
            let message = format!("{}: {said}", wish.method);
            Err(Error::new(Code::RuntimeFailed, message))
        }
        Some(Err(cause)) if cause.io_error_kind() == Some(ErrorKind::WouldBlock) => {
            let limit_ms = timeout.as_millis();
            let message = format!("{} took longer than {limit_ms} ms", wish.method);
            Err(Error::new(Code::Timeout, message))
        }
        _ => {
            let message = format!("{}: the sandbox hung up", wish.method);
            Err(Error::new(Code::RuntimeFailed, message))
        }
    }
}

/// Sends the beginning with the descriptors. Tells how many bytes went.
fn send(stream: &UnixStream, bytes: &[u8], descriptors: &[RawFd]) -> Result<usize> {
    let vector = IoSlice::new(bytes);
    let length = std::mem::size_of_val(descriptors) as u32;
    // SAFETY: CMSG_SPACE only computes.
    let space = unsafe { libc::CMSG_SPACE(length) } as usize;
    // Aligned as the header wants it.
    let mut control = vec![0u64; space.div_ceil(8)];
    // SAFETY: all-zero is a valid header; every pointer below outlives the call and has the length given.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = std::ptr::from_ref(&vector).cast_mut().cast();
        message.msg_iovlen = 1;
        if !descriptors.is_empty() {
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = space as _;
            let header = libc::CMSG_FIRSTHDR(&message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(length) as _;
            std::ptr::copy_nonoverlapping(
                descriptors.as_ptr(),
                libc::CMSG_DATA(header).cast(),
                descriptors.len(),
            );
        }
        libc::sendmsg(stream.as_raw_fd(), &message, libc::MSG_NOSIGNAL)
    };
    check(sent as i64, "sendmsg", "sandbox").map(|_| sent as usize)
}

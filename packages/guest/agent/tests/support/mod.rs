//! A small host: speaks the protocol with a real guest process over a Unix socket.
#![allow(dead_code)]

pub mod requests;

use berth_guest::frame::{Decoder, Kind, put_frame, put_words};
use berth_guest::messages::{Error, Exit, Hello, How, Open, Phase, Request, Status};
use prost::Message;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

const GUEST: &str = env!("CARGO_BIN_EXE_berth-guest");

/// What the host knows of one stream; survives connections.
pub struct View {
    pub open: Open,
    pub status: Option<Status>,
    pub out: [Vec<u8>; 2],
    pub eof: [Option<u64>; 2],
    pub input: Vec<u8>,
    pub input_ended: bool,
    pub received: u64,
    pub limit: u64,
    sent: u64,
    eof_sent: bool,
    pub window: u64,
}

impl View {
    pub fn finished(&self) -> bool {
        self.status
            .as_ref()
            .is_some_and(|status| status.phase == Phase::Finished as i32)
    }

    /// Every byte up to each end is here.
    pub fn complete(&self) -> bool {
        let whole =
            |index: usize| self.eof[index].is_none_or(|end| end == self.out[index].len() as u64);
        whole(0) && whole(1)
    }

    pub fn exit(&self) -> Exit {
        let status = self.status.clone().unwrap();
        assert_eq!(status.error, None);
        status.exit.expect("an exit")
    }

    pub fn code(&self) -> i32 {
        match self.exit().how {
            Some(How::Code(code)) => code,
            other => panic!("not an exit code: {other:?}"),
        }
    }

    pub fn error(&self) -> Error {
        self.status.clone().unwrap().error.expect("an error")
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out[0]).into_owned()
    }
}

/// A guest process and the host's end of its link.
pub struct Host {
    pub folder: PathBuf,
    listener: UnixListener,
    pub guest: Child,
    pub link: Option<UnixStream>,
    decoder: Decoder,
    pub views: BTreeMap<u64, View>,
    next_id: u64,
    pub window: u64,
    pub connections: u32,
    pub boot_ids: Vec<Vec<u8>>,
    listing: bool,
    under: bool,
}

impl Host {
    /// Starts a guest and accepts its first connection.
    pub fn start() -> Host {
        Host::start_under(&[], |_| {})
    }

    /// Starts the guest by another program, which gets the guest's command line behind its own.
    pub fn start_under(under: &[&str], adjust: impl FnOnce(&Path)) -> Host {
        let name = format!("berth-test-{}", berth_guest::sys::random_name());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(folder.join("home")).unwrap();
        std::fs::create_dir_all(folder.join("etc")).unwrap();
        let home = folder.join("home").to_string_lossy().into_owned();
        let passwd =
            format!("root:x:0:0::{home}:/bin/bash\nother:x:54321:54322::{home}:/bin/bash\n");
        std::fs::write(folder.join("etc/passwd"), passwd).unwrap();
        std::fs::write(
            folder.join("etc/group"),
            "root:x:0:\nother:x:54322:\nextra:x:54323:other\n",
        )
        .unwrap();
        let listener = UnixListener::bind(folder.join("host.sock")).unwrap();
        let mut command = match under.split_first() {
            None => Command::new(GUEST),
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words).arg(GUEST);
                command
            }
        };
        command.arg(folder.join("host.sock"));
        command.env("BERTH_ETC", folder.join("etc"));
        adjust(&folder);
        let guest = command.spawn().unwrap();
        let mut host = Host {
            folder,
            listener,
            guest,
            link: None,
            decoder: Decoder::default(),
            views: BTreeMap::new(),
            next_id: 1,
            window: 256 * 1024,
            connections: 0,
            boot_ids: Vec::new(),
            listing: false,
            under: !under.is_empty(),
        };
        host.connect();
        host
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// Cuts the connection, without a word.
    pub fn drop_link(&mut self) {
        self.link = None;
        self.decoder.clear();
    }

    /// Accepts the guest's next connection and resumes every stream.
    pub fn connect(&mut self) {
        let socket = self.accept();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        self.link = Some(socket);
        self.connections += 1;
        let hello = Hello {
            protocol_min: 1,
            protocol_max: 1,
            ..Hello::default()
        };
        self.send(|out| put_frame(out, Kind::Hello, 0, 0, &hello.encode_to_vec()));
        let mut listed = Vec::new();
        self.listing = true;
        loop {
            let (kind, channel, id, payload) = self.frame().expect("frame before READY");
            match kind {
                Kind::Hello => {
                    let hello = Hello::decode(payload.as_slice()).unwrap();
                    assert_eq!(hello.boot_id.len(), 16);
                    self.boot_ids.push(hello.boot_id);
                }
                Kind::Ready => break,
                Kind::Status => {
                    listed.push(id);
                    self.apply(kind, channel, id, &payload);
                }
                Kind::Credit => self.apply(kind, channel, id, &payload),
                other => panic!("{other:?} before READY"),
            }
        }
        self.listing = false;
        let ids: Vec<u64> = self.views.keys().copied().collect();
        for id in ids {
            let Some(view) = self.views.get_mut(&id) else {
                continue;
            };
            if view.finished() && view.complete() {
                continue;
            }
            if listed.contains(&id) {
                view.sent = view.received;
                view.eof_sent = false;
                self.grant(id, 0);
                self.grant(id, 1);
            } else {
                view.sent = 0;
                view.eof_sent = false;
                let open = view.open.clone();
                self.send(|out| put_frame(out, Kind::Open, 0, id, &open.encode_to_vec()));
            }
            self.push_input(id);
        }
    }

    fn accept(&self) -> UnixStream {
        self.listener.set_nonblocking(true).unwrap();
        for _ in 0..4000 {
            if let Ok((socket, _)) = self.listener.accept() {
                socket.set_nonblocking(false).unwrap();
                return socket;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the guest did not dial for 20 s");
    }

    pub fn send(&mut self, make: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        make(&mut out);
        if let Some(link) = &mut self.link {
            let _ = link.write_all(&out);
        }
    }

    /// Opens a stream without waiting.
    pub fn open(&mut self, request: Request) -> u64 {
        let id = self.next_id;
        self.open_as(id, request);
        id
    }

    pub fn open_as(&mut self, id: u64, request: Request) {
        self.next_id = self.next_id.max(id + 1);
        let open = Open {
            stdout_limit: self.window,
            stderr_limit: self.window,
            request: Some(request),
        };
        let view = View {
            open: open.clone(),
            status: None,
            out: [Vec::new(), Vec::new()],
            eof: [None, None],
            input: Vec::new(),
            input_ended: false,
            received: 0,
            limit: 0,
            sent: 0,
            eof_sent: false,
            window: self.window,
        };
        self.views.insert(id, view);
        let payload = open.encode_to_vec();
        self.send(|out| {
            let mut rest = payload.as_slice();
            while rest.len() > 131_072 {
                put_frame(out, Kind::Part, 0, id, &rest[..131_072]);
                rest = &rest[131_072..];
            }
            put_frame(out, Kind::Open, 0, id, rest);
        });
    }

    /// Queues input (and its end) for a stream.
    pub fn input(&mut self, id: u64, bytes: &[u8], end: bool) {
        let view = self.views.get_mut(&id).unwrap();
        view.input.extend_from_slice(bytes);
        view.input_ended |= end;
        self.push_input(id);
    }

    fn push_input(&mut self, id: u64) {
        if self.listing {
            return;
        }
        let Some(view) = self.views.get_mut(&id) else {
            return;
        };
        let mut out = Vec::new();
        let end = (view.input.len() as u64).min(view.limit);
        while view.sent < end {
            let next = end.min(view.sent + 65_536);
            let mut payload = view.sent.to_le_bytes().to_vec();
            payload.extend_from_slice(&view.input[view.sent as usize..next as usize]);
            put_frame(&mut out, Kind::Data, 0, id, &payload);
            view.sent = next;
        }
        if view.input_ended
            && !view.eof_sent
            && view.sent == view.input.len() as u64
            && view.limit > 0
        {
            put_words(&mut out, Kind::Eof, 0, id, &[view.sent]);
            view.eof_sent = true;
        }
        self.send(|buffer| buffer.extend_from_slice(&out));
    }

    pub fn close(&mut self, id: u64) {
        self.views.remove(&id);
        self.send(|out| put_frame(out, Kind::Close, 0, id, &[]));
    }

    fn grant(&mut self, id: u64, index: usize) {
        let Some(view) = self.views.get(&id) else {
            return;
        };
        let received = view.out[index].len() as u64;
        let limit = received + view.window;
        self.send(|out| put_words(out, Kind::Credit, index as u8 + 1, id, &[received, limit]));
    }

    /// The next frame, or `None` when the connection is gone.
    pub fn frame(&mut self) -> Option<(Kind, u8, u64, Vec<u8>)> {
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("a well-formed frame") {
                return Some((
                    frame.kind,
                    frame.channel,
                    frame.stream,
                    frame.payload.to_vec(),
                ));
            }
            let mut buffer = [0; 65_536];
            let count = match self.link.as_mut()?.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("the guest said nothing for 20 s: {}", self.describe())
                }
                Err(_) => return None,
            };
            self.decoder.feed(&buffer[..count]);
        }
    }

    fn describe(&self) -> String {
        self.views
            .iter()
            .filter(|(_, view)| !view.finished())
            .map(|(id, view)| format!("stream {id}: {:?} {:?};", view.status, view.eof))
            .collect()
    }

    /// Takes one frame of the guest; false when the connection is gone.
    pub fn step(&mut self) -> bool {
        let Some((kind, channel, id, payload)) = self.frame() else {
            return false;
        };
        self.apply(kind, channel, id, &payload);
        true
    }

    fn apply(&mut self, kind: Kind, channel: u8, id: u64, payload: &[u8]) {
        let word = |at: usize| u64::from_le_bytes(payload[at * 8..at * 8 + 8].try_into().unwrap());
        let Some(view) = self.views.get_mut(&id) else {
            return;
        };
        match kind {
            Kind::Status => view.status = Some(Status::decode(payload).unwrap()),
            Kind::Data => {
                let index = channel as usize - 1;
                assert_eq!(
                    word(0),
                    view.out[index].len() as u64,
                    "offset of channel {channel}"
                );
                assert!(payload.len() > 8, "DATA without bytes");
                view.out[index].extend_from_slice(&payload[8..]);
                assert_eq!(view.eof[index], None, "data after the end");
                self.grant(id, index);
            }
            Kind::Eof => {
                let index = channel as usize - 1;
                assert_eq!(word(0), view.out[index].len() as u64, "final offset");
                view.eof[index] = Some(word(0));
            }
            Kind::Credit => {
                (view.received, view.limit) = (word(0), word(1));
                self.push_input(id);
            }
            Kind::Pong => {}
            other => panic!("unexpected {other:?}"),
        }
    }

    /// Runs until a stream is as wished; dials again when the connection drops.
    pub fn until(&mut self, id: u64, wish: impl Fn(&View) -> bool) -> &View {
        while !wish(&self.views[&id]) {
            if !self.step() {
                self.connect();
            }
        }
        &self.views[&id]
    }

    /// Runs until a stream is finished, with all its bytes.
    pub fn finish(&mut self, id: u64) -> &View {
        let view = self.until(id, View::finished);
        for index in 0..2 {
            if let Some(end) = view.eof[index] {
                assert_eq!(end, view.out[index].len() as u64);
            }
        }
        view
    }

    /// Opens a stream and runs it to its end.
    pub fn call(&mut self, request: Request) -> &View {
        let id = self.open(request);
        self.finish(id)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Process 1 of a namespace is a child of the program that made it, and takes its whole box along.
        let starter = self.guest.id();
        let children = format!("/proc/{starter}/task/{starter}/children");
        if self.under {
            for pid in std::fs::read_to_string(children)
                .unwrap_or_default()
                .split_whitespace()
            {
                if let Ok(pid) = pid.parse() {
                    // SAFETY: a child of the process that this test started.
                    unsafe { libc::kill(pid, libc::SIGKILL) };
                }
            }
        }
        let _ = self.guest.kill();
        let _ = self.guest.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whether this test runs as root; tests that need it say so and pass otherwise, but not in `./berth test`.
pub fn is_root(what: &str) -> bool {
    // SAFETY: no arguments.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        assert!(
            std::env::var_os("BERTH_TEST_COMPLETE").is_none(),
            "needs root: {what}"
        );
        eprintln!("skipped, needs root: {what}");
    }
    root
}

/// Waits until a condition holds; panics after 10 s.
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never happened: {what}");
}

/// Whether a path exists.
pub fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}

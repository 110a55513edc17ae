//! What the frames of the host do: the protocol's state machine, without any system call of its own.

use crate::frame::{Breach, Frame, Kind, put_frame, put_words};
use crate::guest::{Guest, MAX_STREAMS, PROTOCOL_VERSION};
use crate::link::Phase as LinkPhase;
use crate::messages::{ErrorCode, Hello, Open, Phase, Request, Status};
use crate::stream::{Job, Stream};
use crate::{failure::failure, outlet::Outlet};
use prost::Message;

/// Longest `Open` in all its parts.
const MAX_OPEN_BYTES: usize = 17 * 1024 * 1024;
/// Most streams whose parts are being collected.
const MAX_PARTIAL: usize = 16;

impl Guest {
    /// Handles one frame; an error ends the connection.
    pub fn on_frame(&mut self, frame: Frame<'_>) -> Result<(), Breach> {
        match (self.link.phase, frame.kind) {
            (LinkPhase::Greeting, Kind::Hello) => return self.on_hello(frame.payload),
            (LinkPhase::Open, _) => {}
            _ => return Err(Breach("frame before HELLO")),
        }
        match frame.kind {
            Kind::Open => self.on_open(frame.stream, frame.payload),
            Kind::Part => self.on_part(frame.stream, frame.payload),
            Kind::Data | Kind::Eof => self.on_input(&frame),
            Kind::Credit => self.on_credit(&frame),
            Kind::Close => {
                self.close(frame.stream);
                Ok(())
            }
            Kind::Ping => {
                if frame.payload.len() != 8 {
                    return Err(Breach("PING is not 8 bytes"));
                }
                put_frame(&mut self.link.out, Kind::Pong, 0, 0, frame.payload);
                Ok(())
            }
            Kind::Pong => Ok(()),
            Kind::Hello | Kind::Ready | Kind::Status => Err(Breach("not a frame of the host")),
        }
    }

    fn on_hello(&mut self, payload: &[u8]) -> Result<(), Breach> {
        let hello = Hello::decode(payload).map_err(|_| Breach("malformed HELLO"))?;
        if !(hello.protocol_min..=hello.protocol_max).contains(&PROTOCOL_VERSION) {
            return Err(Breach("no common protocol version"));
        }
        self.link.greeted();
        self.await_starts();
        let keys: Vec<u64> = self.ids.values().copied().collect();
        for &key in &keys {
            self.list_stream(key);
        }
        put_frame(&mut self.link.out, Kind::Ready, 0, 0, &[]);
        for key in keys {
            self.touch(key);
        }
        Ok(())
    }

    /// Announces a stream on a new connection. One that still has output to send again is not yet called finished.
    fn list_stream(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        let silent = stream.outlets.iter().all(Option::is_none);
        if stream.finished() && !silent {
            let early = Status {
                phase: Phase::Running as i32,
                error: None,
                exit: None,
                finished_unix_ms: 0,
                ..stream.status.clone()
            };
            let payload = early.encode_to_vec();
            put_frame(&mut self.link.out, Kind::Status, 0, stream.id, &payload);
        } else {
            let payload = stream.status.encode_to_vec();
            put_frame(&mut self.link.out, Kind::Status, 0, stream.id, &payload);
            stream.status_dirty = false;
        }
        if let Some((received, limit)) = stream.inlet.as_mut().and_then(|inlet| inlet.report()) {
            put_words(
                &mut self.link.out,
                Kind::Credit,
                0,
                stream.id,
                &[received, limit],
            );
        }
    }

    fn on_part(&mut self, id: u64, payload: &[u8]) -> Result<(), Breach> {
        if self.parts.len() >= MAX_PARTIAL && !self.parts.contains_key(&id) {
            return Err(Breach("too many partial OPENs"));
        }
        let held: usize = self.parts.values().map(Vec::len).sum();
        if held + payload.len() > MAX_OPEN_BYTES {
            return Err(Breach("OPEN too long"));
        }
        self.parts.entry(id).or_default().extend_from_slice(payload);
        Ok(())
    }

    fn on_open(&mut self, id: u64, payload: &[u8]) -> Result<(), Breach> {
        let open = match self.parts.remove(&id) {
            None => Open::decode(payload),
            Some(mut parts) => {
                parts.extend_from_slice(payload);
                Open::decode(parts.as_slice())
            }
        }
        .map_err(|_| Breach("malformed OPEN"))?;
        if let Some(&key) = self.ids.get(&id) {
            if let Some(stream) = self.streams.get_mut(&key) {
                stream.status_dirty = true;
            }
            self.touch(key);
            return Ok(());
        }
        let Some(request) = open.request else {
            return self.refuse(id, &[], ErrorCode::Unsupported, "unknown request");
        };
        let limits = [open.stdout_limit, open.stderr_limit];
        if let Request::Exec(exec) = &request {
            if let Some(&key) = self.executions.get(&exec.execution_id) {
                self.attach(key, id, limits);
                return Ok(());
            }
            if let Some((status, ends)) = self.tombs.find(&exec.execution_id) {
                put_words(&mut self.link.out, Kind::Eof, 1, id, &[ends[0]]);
                put_words(&mut self.link.out, Kind::Eof, 2, id, &[ends[1]]);
                put_frame(
                    &mut self.link.out,
                    Kind::Status,
                    0,
                    id,
                    &status.encode_to_vec(),
                );
                return Ok(());
            }
        }
        let channels = channels_of(&request);
        if self.streams.len() >= MAX_STREAMS {
            let text = "too many streams are open in the box";
            return self.refuse(id, channels, ErrorCode::Busy, text);
        }
        let key = self.new_key();
        let mut stream = Stream::new(id);
        for &channel in channels {
            let index = usize::from(channel - 1);
            stream.outlets[index] = Some(Outlet::new(limits[index]));
        }
        self.streams.insert(key, stream);
        self.ids.insert(id, key);
        if let Err(error) = self.start(key, request) {
            self.fail(key, error);
        }
        self.touch(key);
        Ok(())
    }

    /// Answers an OPEN without keeping a stream.
    fn refuse(
        &mut self,
        id: u64,
        channels: &[u8],
        code: ErrorCode,
        text: &str,
    ) -> Result<(), Breach> {
        for &channel in channels {
            put_words(&mut self.link.out, Kind::Eof, channel, id, &[0]);
        }
        let status = Status {
            phase: Phase::Finished as i32,
            error: Some(*failure(code, text)),
            finished_unix_ms: crate::sys::unix_ms(),
            ..Status::default()
        };
        put_frame(
            &mut self.link.out,
            Kind::Status,
            0,
            id,
            &status.encode_to_vec(),
        );
        Ok(())
    }

    /// Gives a known execution to a new stream id; the old id is forgotten.
    fn attach(&mut self, key: u64, id: u64, limits: [u64; 2]) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        if self.ids.get(&stream.id) == Some(&key) {
            self.ids.remove(&stream.id);
        }
        stream.id = id;
        stream.detached = false;
        stream.status_dirty = true;
        for (outlet, limit) in stream.outlets.iter_mut().zip(limits) {
            if let Some(outlet) = outlet {
                outlet.adopt(limit);
            }
        }
        if let Some(inlet) = &mut stream.inlet {
            inlet.rewind();
        }
        self.ids.insert(id, key);
        self.touch(key);
    }

    fn on_input(&mut self, frame: &Frame<'_>) -> Result<(), Breach> {
        if frame.channel != 0 {
            return Err(Breach("bad channel"));
        }
        let offset = frame.word(0)?;
        let Some(&key) = self.ids.get(&frame.stream) else {
            return Err(Breach("input for an unknown stream"));
        };
        let Some(stream) = self.streams.get_mut(&key) else {
            return Ok(());
        };
        let finished = stream.finished();
        let Stream { inlet, job, .. } = stream;
        match (inlet, frame.kind) {
            (Some(inlet), Kind::Data) => {
                let bytes = frame.payload.get(8..).unwrap_or_default();
                if bytes.is_empty() {
                    return Err(Breach("DATA without bytes"));
                }
                match job {
                    Job::Upload(upload) => {
                        inlet.data_through(offset, bytes, |fresh| upload.take(fresh))?;
                    }
                    _ => inlet.data(offset, bytes)?,
                }
            }
            (Some(inlet), _) => {
                if let Err(breach) = inlet.end(offset)
                    && !finished
                {
                    return Err(breach);
                }
            }
            (None, Kind::Data) if !finished => return Err(Breach("data beyond the limit")),
            (None, _) => {}
        }
        self.touch(key);
        Ok(())
    }

    fn on_credit(&mut self, frame: &Frame<'_>) -> Result<(), Breach> {
        let (received, limit) = (frame.word(0)?, frame.word(1)?);
        if frame.channel == 0 {
            return Err(Breach("bad channel"));
        }
        let Some(&key) = self.ids.get(&frame.stream) else {
            return Ok(());
        };
        if let Some(stream) = self.streams.get_mut(&key)
            && let Some(outlet) = &mut stream.outlets[usize::from(frame.channel - 1)]
        {
            outlet.credit(received, limit)?;
            self.touch(key);
        }
        Ok(())
    }

    /// CLOSE: forgets a stream; a running execution goes on, anything else unfinished is cancelled.
    pub fn close(&mut self, id: u64) {
        self.parts.remove(&id);
        let Some(key) = self.ids.remove(&id) else {
            return;
        };
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        if matches!(stream.job, Job::Execution(_)) && !stream.finished() {
            stream.detached = true;
            for outlet in stream.outlets.iter_mut().flatten() {
                outlet.abandon();
            }
            self.touch(key);
            return;
        }
        self.forget(key);
    }

    /// Removes a stream and stops what it does.
    pub fn forget(&mut self, key: u64) {
        let Some(mut stream) = self.streams.remove(&key) else {
            return;
        };
        let ends = [0, 1].map(|index: usize| stream.outlets[index].as_ref().map_or(0, Outlet::end));
        if let Some(execution) = stream.execution() {
            let execution_id = std::mem::take(&mut execution.execution_id);
            self.executions.remove(&execution_id);
            self.tombs.bury(&execution_id, &stream.status, ends);
        }
        self.cancel(stream);
    }
}

/// Outgoing channels that a request has.
fn channels_of(request: &Request) -> &'static [u8] {
    match request {
        Request::Exec(_) => &[1, 2],
        Request::ReadFile(_)
        | Request::List(_)
        | Request::Watch(_)
        | Request::TarOut(_)
        | Request::Forward(_) => &[1],
        _ => &[],
    }
}

//! Puts what a stream has to say onto the link.

use crate::frame::{Kind, MAX_DATA_BYTES, put_frame, put_header, put_words};
use crate::guest::Guest;
use crate::outlet::Outlet;
use crate::stream::{Origin, Source, Stream};
use prost::Message;
use std::os::fd::AsRawFd;

/// DATA bytes that one stream may add before others have their turn.
const TURN_BYTES: usize = 128 * 1024;

impl Guest {
    /// Sends status, credit, data and ends of one stream as far as the link has room.
    pub fn emit(&mut self, key: u64) {
        let link = &mut self.link;
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        if link.phase != crate::link::Phase::Open || stream.detached {
            return;
        }
        if !link.has_room() {
            stream.queued = true;
            self.stalled.push(key);
            return;
        }
        if stream.may_wait() {
            let input = stream.inlet.as_mut().and_then(|inlet| inlet.report());
            if let Some((received, limit)) = input {
                put_words(
                    &mut link.out,
                    Kind::Credit,
                    0,
                    stream.id,
                    &[received, limit],
                );
            }
            if stream.status_dirty || stream.outlets.iter().flatten().any(Outlet::owes_eof) {
                self.tell_later(key);
            }
            return;
        }
        stream.impatient = false;
        let out = &mut link.out;
        if stream.status_dirty && !stream.finished() {
            put_status(stream, out);
        }
        if let Some((received, limit)) = stream.inlet.as_mut().and_then(|inlet| inlet.report()) {
            put_words(out, Kind::Credit, 0, stream.id, &[received, limit]);
        }
        let mut more = false;
        for index in 0..2 {
            more |= emit_channel(stream, index, out);
        }
        if stream.finished() && stream.status_dirty && stream.eofs_sent() {
            put_status(stream, out);
        }
        if more {
            self.touch(key);
        }
    }
}

fn put_status(stream: &mut Stream, out: &mut Vec<u8>) {
    let payload = stream.status.encode_to_vec();
    put_frame(out, Kind::Status, 0, stream.id, &payload);
    stream.status_dirty = false;
}

/// Sends one channel's data and end; true when more could be sent at once.
fn emit_channel(stream: &mut Stream, index: usize, out: &mut Vec<u8>) -> bool {
    let channel = index as u8 + 1;
    if let Some(Source {
        origin: Origin::File { .. },
        ..
    }) = stream.sources[index]
    {
        emit_file(stream, index, out);
    }
    let Some(outlet) = &mut stream.outlets[index] else {
        return false;
    };
    let mut turn = TURN_BYTES;
    while turn > 0 && outlet.unsent() > 0 {
        let count = (outlet.unsent() as usize).min(MAX_DATA_BYTES).min(turn);
        put_header(out, Kind::Data, channel, stream.id, count + 8);
        out.extend_from_slice(&outlet.sent().to_le_bytes());
        outlet.take(out, count);
        turn -= count;
    }
    if outlet.owes_eof() {
        put_words(out, Kind::Eof, channel, stream.id, &[outlet.sent()]);
        outlet.eof_sent = true;
        return false;
    }
    outlet.unsent() > 0 || outlet.wants_reread()
}

/// Sends the next piece of a file, read straight into the link's buffer.
fn emit_file(stream: &mut Stream, index: usize, out: &mut Vec<u8>) {
    let Some(Source {
        origin: Origin::File { file, start, end },
        ..
    }) = &mut stream.sources[index]
    else {
        return;
    };
    let Some(outlet) = &mut stream.outlets[index] else {
        return;
    };
    if outlet.eof_sent || outlet.owes_eof() {
        return;
    }
    let at = start.saturating_add(outlet.sent());
    let left = end.saturating_sub(at);
    let count = outlet.sendable().min(left).min(MAX_DATA_BYTES as u64) as usize;
    if count == 0 {
        if left == 0 {
            outlet.finish();
            stream.finish(None);
        }
        return;
    }
    let header = out.len();
    put_header(out, Kind::Data, index as u8 + 1, stream.id, count + 8);
    out.extend_from_slice(&outlet.sent().to_le_bytes());
    let body = out.len();
    out.reserve(count);
    // SAFETY: the buffer has room for `count` bytes behind its end.
    let got = unsafe {
        libc::pread(
            file.as_raw_fd(),
            out.as_mut_ptr().add(body).cast(),
            count,
            at.min(i64::MAX as u64) as i64,
        )
    };
    if got <= 0 {
        out.truncate(header);
        let error = std::io::Error::last_os_error();
        *end = at;
        outlet.cut();
        let failure = (got < 0).then(|| crate::failure::os_failure(&error, "read"));
        stream.finish(failure);
        return;
    }
    let got = got as usize;
    // SAFETY: that many bytes were written behind the end.
    unsafe { out.set_len(body + got) };
    out[header..header + 4].copy_from_slice(&((got + 8) as u32).to_le_bytes());
    outlet.mark_sent(got as u64);
    if got as u64 == left {
        outlet.finish();
        stream.finish(None);
    }
}

//! The frame codec: pure, bounded, never panics. See PROTOCOL.md.

use std::fmt;

/// Length of the fixed header.
pub const HEADER_BYTES: usize = 16;
/// Longest payload that either side may send.
pub const MAX_PAYLOAD_BYTES: usize = 131_072;
/// Longest payload of DATA without its offset.
pub const MAX_DATA_BYTES: usize = MAX_PAYLOAD_BYTES - 8;

/// Frame types that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Hello = 1,
    Ready = 2,
    Open = 3,
    Status = 4,
    Data = 5,
    Credit = 6,
    Eof = 7,
    Close = 8,
    Ping = 9,
    Pong = 10,
    Part = 11,
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        Some(match byte {
            1 => Kind::Hello,
            2 => Kind::Ready,
            3 => Kind::Open,
            4 => Kind::Status,
            5 => Kind::Data,
            6 => Kind::Credit,
            7 => Kind::Eof,
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            11 => Kind::Part,
            _ => return None,
        })
    }

    fn has_channel(self) -> bool {
        matches!(self, Kind::Data | Kind::Credit | Kind::Eof)
    }

    fn has_stream(self) -> bool {
        !matches!(self, Kind::Hello | Kind::Ready | Kind::Ping | Kind::Pong)
    }
}

/// A rule of the protocol that the peer broke; ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach(pub &'static str);

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One whole frame, borrowed from the decoder.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: Kind,
    pub channel: u8,
    pub stream: u64,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// The u64 at index `at` of the payload.
    pub fn word(&self, at: usize) -> Result<u64, Breach> {
        self.payload
            .get(at * 8..at * 8 + 8)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_le_bytes)
            .ok_or(Breach("payload too short"))
    }
}

/// Cuts a byte stream into frames. Holds at most one incomplete frame plus what was fed last.
#[derive(Default)]
pub struct Decoder {
    /// What was received lies between `start` and `end`; the rest is room.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Decoder {
    /// Appends received bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
        self.filled(bytes.len());
    }

    /// Room for `count` bytes behind those received, to read into without a copy; tell by `filled` how many came.
    pub fn room(&mut self, count: usize) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.bytes.len() - self.end < count {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let needed = self.end + count;
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        &mut self.bytes[self.end..needed]
    }

    /// So many bytes came into the room.
    pub fn filled(&mut self, count: usize) {
        self.end = self.bytes.len().min(self.end + count);
    }

    /// The next whole frame; `None` when more bytes are needed. Unknown types from 64 on are skipped.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Breach> {
        loop {
            let rest = self.bytes.get(self.start..self.end).unwrap_or_default();
            let Some(header) = rest.first_chunk::<HEADER_BYTES>() else {
                return Ok(None);
            };
            let [l0, l1, l2, l3, kind, channel, z0, z1, id @ ..] = *header;
            let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
            if length > MAX_PAYLOAD_BYTES {
                return Err(Breach("payload too long"));
            }
            if z0 != 0 || z1 != 0 {
                return Err(Breach("reserved bytes are not zero"));
            }
            if rest.len() < HEADER_BYTES + length {
                return Ok(None);
            }
            let payload = self.start + HEADER_BYTES..self.start + HEADER_BYTES + length;
            self.start = payload.end;
            let Some(kind) = Kind::of(kind) else {
                if kind >= 64 {
                    continue;
                }
                return Err(Breach("unknown frame type"));
            };
            let stream = u64::from_le_bytes(id);
            if (!kind.has_channel() && channel != 0) || channel > 2 {
                return Err(Breach("bad channel"));
            }
            if kind.has_stream() != (stream != 0) {
                return Err(Breach("bad stream id"));
            }
            return Ok(Some(Frame {
                kind,
                channel,
                stream,
                payload: &self.bytes[payload],
            }));
        }
    }

    /// Forgets everything, as after a dropped connection.
    pub fn clear(&mut self) {
        *self = Decoder::default();
    }

    /// Gives memory back when nothing is held.
    pub fn release(&mut self) {
        if self.start == self.end {
            self.clear();
        }
    }
}

/// Appends a header; the payload of `length` bytes must follow.
pub fn put_header(out: &mut Vec<u8>, kind: Kind, channel: u8, stream: u64, length: usize) {
    out.extend_from_slice(&(length as u32).to_le_bytes());
    out.extend_from_slice(&[kind as u8, channel, 0, 0]);
    out.extend_from_slice(&stream.to_le_bytes());
}

/// Appends a whole frame.
pub fn put_frame(out: &mut Vec<u8>, kind: Kind, channel: u8, stream: u64, payload: &[u8]) {
    put_header(out, kind, channel, stream, payload.len());
    out.extend_from_slice(payload);
}

/// Appends a frame whose payload is little-endian u64 words (CREDIT, EOF).
pub fn put_words(out: &mut Vec<u8>, kind: Kind, channel: u8, stream: u64, words: &[u64]) {
    put_header(out, kind, channel, stream, words.len() * 8);
    for word in words {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut out = Vec::new();
        put_frame(&mut out, Kind::Open, 0, 7, b"hello");
        put_words(&mut out, Kind::Credit, 2, u64::MAX, &[1, u64::MAX]);
        put_frame(&mut out, Kind::Ping, 0, 0, b"12345678");
        out
    }

    #[test]
    fn cuts_frames_at_any_split() {
        let bytes = sample();
        for split in 0..=bytes.len() {
            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            for part in [&bytes[..split], &bytes[split..]] {
                decoder.feed(part);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    seen.push((frame.kind, frame.stream, frame.payload.to_vec()));
                }
            }
            assert_eq!(seen.len(), 3);
            assert_eq!(seen[0], (Kind::Open, 7, b"hello".to_vec()));
            assert_eq!(seen[1].1, u64::MAX);
            assert_eq!(seen[2].2, b"12345678");
        }
    }

    #[test]
    fn refuses_each_broken_rule() {
        let cases: [(usize, u8, &str); 6] = [
            (2, 0xff, "payload too long"),
            (4, 12, "unknown frame type"),
            (4, 0, "unknown frame type"),
            (5, 1, "bad channel"),
            (6, 1, "reserved bytes are not zero"),
            (8, 0, "bad stream id"),
        ];
        for (at, value, text) in cases {
            let mut bytes = sample();
            bytes[at] = value;
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            assert_eq!(decoder.next_frame(), Err(Breach(text)), "byte {at}");
        }
    }

    #[test]
    fn skips_unknown_types_from_64() {
        let mut bytes = sample();
        bytes[4] = 64;
        let mut decoder = Decoder::default();
        decoder.feed(&bytes);
        assert_eq!(decoder.next_frame().unwrap().unwrap().kind, Kind::Credit);
    }
}

//! Bookkeeping of channel 0 (host to guest): what arrived, what was delivered, what was granted.

use crate::frame::Breach;
use std::collections::VecDeque;

/// Usual window of standard input and forwarded connections.
pub const WINDOW_BYTES: u64 = 256 * 1024;
/// Window of uploads.
pub const UPLOAD_WINDOW_BYTES: u64 = 4 * 1024 * 1024;

/// The input channel of a stream.
pub struct Inlet {
    pending: VecDeque<u8>,
    delivered: u64,
    window: u64,
    limit: u64,
    eof: Option<u64>,
    reported: Option<u64>,
    /// The sink is gone: bytes are accepted and dropped.
    pub discard: bool,
}

impl Inlet {
    /// A channel that grants `window` bytes ahead of what was delivered.
    pub fn new(window: u64) -> Inlet {
        Inlet {
            pending: VecDeque::new(),
            delivered: 0,
            window,
            limit: window,
            eof: None,
            reported: None,
            discard: false,
        }
    }

    fn expected(&self) -> u64 {
        self.delivered + self.pending.len() as u64
    }

    /// DATA at an absolute offset. Bytes seen before are skipped.
    pub fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Breach> {
        self.data_through(offset, bytes, |_| 0)
    }

    /// The same; where nothing waits, `sink` may take bytes at once and says how many it took.
    pub fn data_through(
        &mut self,
        offset: u64,
        bytes: &[u8],
        sink: impl FnOnce(&[u8]) -> usize,
    ) -> Result<(), Breach> {
        let end = offset
            .checked_add(bytes.len() as u64)
            .ok_or(Breach("offset overflow"))?;
        if end > self.limit {
            return Err(Breach("data beyond the limit"));
        }
        let expected = self.expected();
        if offset > expected {
            return Err(Breach("gap in the data"));
        }
        if self.eof.is_some_and(|eof| end > eof) {
            return Err(Breach("data behind the end"));
        }
        let known = (expected - offset) as usize;
        let mut fresh = bytes.get(known..).unwrap_or_default();
        if self.pending.is_empty() && !fresh.is_empty() {
            let taken = if self.discard {
                fresh.len()
            } else {
                sink(fresh).min(fresh.len())
            };
            self.count_delivered(taken);
            fresh = &fresh[taken..];
        }
        self.pending.extend(fresh);
        Ok(())
    }

    /// EOF at its final offset.
    pub fn end(&mut self, offset: u64) -> Result<(), Breach> {
        if offset < self.expected() || self.eof.is_some_and(|eof| eof != offset) {
            return Err(Breach("bad end offset"));
        }
        if offset > self.expected() {
            return Err(Breach("end before the data"));
        }
        self.eof = Some(offset);
        Ok(())
    }

    /// Bytes to deliver next (the front part of what waits).
    pub fn front(&self) -> &[u8] {
        let (front, back) = self.pending.as_slices();
        if front.is_empty() { back } else { front }
    }

    /// Counts bytes as delivered.
    pub fn deliver(&mut self, count: usize) {
        let count = count.min(self.pending.len());
        if count == self.pending.len() {
            if self.pending.capacity() > 4096 {
                self.pending = VecDeque::new();
            } else {
                self.pending.clear();
            }
        } else {
            self.pending.drain(..count);
        }
        self.count_delivered(count);
    }

    fn count_delivered(&mut self, count: usize) {
        self.delivered += count as u64;
        self.limit = self.delivered + self.window;
    }

    /// Everything up to the host's EOF was delivered.
    pub fn exhausted(&self) -> bool {
        self.pending.is_empty() && self.eof == Some(self.delivered)
    }

    /// The sink is gone: drop what waits and what comes.
    pub fn abandon(&mut self) {
        self.discard = true;
        self.deliver(self.pending.len());
    }

    /// `(received, limit)` if the host has not been told on this connection.
    pub fn report(&mut self) -> Option<(u64, u64)> {
        if self.reported == Some(self.delivered) {
            return None;
        }
        self.reported = Some(self.delivered);
        Some((self.delivered, self.limit))
    }

    /// The connection is gone: the host sends again from `delivered` on.
    pub fn rewind(&mut self) {
        self.pending = VecDeque::new();
        self.reported = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_what_was_seen_and_grants_ahead_of_delivery() {
        let mut inlet = Inlet::new(8);
        inlet.data(0, b"abcd").unwrap();
        inlet.data(2, b"cdef").unwrap();
        assert_eq!(inlet.front(), b"abcdef");
        assert_eq!(inlet.report(), Some((0, 8)));
        inlet.deliver(6);
        assert_eq!(inlet.report(), Some((6, 14)));
        assert_eq!(inlet.report(), None);
    }

    #[test]
    fn a_sink_takes_bytes_at_once_unless_others_wait_before_them() {
        let mut inlet = Inlet::new(8);
        let mut seen = Vec::new();
        let mut take = |inlet: &mut Inlet, offset, bytes: &[u8], most: usize| {
            let sink = |fresh: &[u8]| {
                seen.extend_from_slice(&fresh[..most.min(fresh.len())]);
                most
            };
            inlet.data_through(offset, bytes, sink).unwrap();
        };
        take(&mut inlet, 0, b"abcd", 9);
        take(&mut inlet, 2, b"cdef", 1);
        take(&mut inlet, 6, b"g", 9);
        assert_eq!(
            (seen.as_slice(), inlet.front()),
            (b"abcde".as_slice(), b"fg".as_slice())
        );
        assert_eq!(inlet.report(), Some((5, 13)));
        inlet.end(7).unwrap();
        assert!(!inlet.exhausted());
        inlet.deliver(2);
        assert!(inlet.exhausted());
    }

    #[test]
    fn refuses_gaps_overruns_and_overflows() {
        assert!(Inlet::new(8).data(1, b"a").is_err());
        assert!(Inlet::new(8).data(0, b"123456789").is_err());
        assert!(Inlet::new(8).data(u64::MAX, b"a").is_err());
        assert!(Inlet::new(8).end(1).is_err());
    }

    #[test]
    fn a_rewind_drops_what_was_not_delivered_but_keeps_the_end() {
        let mut inlet = Inlet::new(8);
        inlet.data(0, b"abcd").unwrap();
        inlet.end(4).unwrap();
        inlet.deliver(1);
        inlet.rewind();
        assert!(!inlet.exhausted());
        assert_eq!(inlet.report(), Some((1, 9)));
        inlet.data(1, b"bcd").unwrap();
        inlet.end(4).unwrap();
        inlet.deliver(3);
        assert!(inlet.exhausted());
    }
}

//! Bookkeeping of one outgoing channel: what was read, sent, acknowledged and may be sent.

use crate::frame::Breach;
use std::collections::VecDeque;

/// An output channel (guest to host). Offsets are absolute over the life of the stream.
#[derive(Default)]
pub struct Outlet {
    /// Bytes from `base` on that the host has not yet acknowledged.
    kept: VecDeque<u8>,
    base: u64,
    end: u64,
    sent: u64,
    sent_highest: u64,
    limit: u64,
    eof: bool,
    /// EOF went out on this connection.
    pub eof_sent: bool,
    /// After a reconnect nothing is sent before the host's CREDIT.
    pub held: bool,
    /// The bytes can be read again from their source (a file), so none are kept.
    pub rereadable: bool,
    /// Nobody will ask for this output: count it, keep nothing.
    pub discard: bool,
}

impl Outlet {
    /// A channel with its initial credit.
    pub fn new(limit: u64) -> Outlet {
        Outlet {
            limit,
            ..Outlet::default()
        }
    }

    /// How many bytes may be read from the source now.
    pub fn room(&self) -> u64 {
        if self.discard {
            u64::MAX
        } else {
            self.limit.saturating_sub(self.end)
        }
    }

    /// How many bytes may be sent now of a re-readable source.
    pub fn sendable(&self) -> u64 {
        if self.held {
            0
        } else {
            self.limit.saturating_sub(self.sent)
        }
    }

    /// Takes bytes read from the source.
    pub fn push(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        if self.discard {
            self.base = self.end;
            self.sent = self.end;
            self.sent_highest = self.end;
        } else {
            self.kept.extend(bytes);
        }
    }

    /// The source has ended: no byte follows.
    pub fn finish(&mut self) {
        self.eof = true;
    }

    /// The source has ended.
    pub fn finished(&self) -> bool {
        self.eof
    }

    /// Offset behind the last byte read so far.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Offset of the next byte to send.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Bytes held for the host.
    pub fn kept_bytes(&self) -> usize {
        self.kept.len()
    }

    /// Number of kept bytes not yet sent on this connection.
    pub fn unsent(&self) -> u64 {
        if self.held || self.rereadable {
            0
        } else {
            self.end - self.sent
        }
    }

    /// Appends up to `most` unsent bytes to `out` and counts them as sent.
    pub fn take(&mut self, out: &mut Vec<u8>, most: usize) -> usize {
        let from = (self.sent - self.base) as usize;
        let count = most.min(self.kept.len().saturating_sub(from));
        let (front, back) = self.kept.as_slices();
        if from < front.len() {
            let first = &front[from..front.len().min(from + count)];
            out.extend_from_slice(first);
            out.extend_from_slice(&back[..count - first.len()]);
        } else {
            let at = from - front.len();
            out.extend_from_slice(&back[at..at + count]);
        }
        self.mark_sent(count as u64);
        count
    }

    /// Counts bytes as sent; of a re-readable source this is also what was read.
    pub fn mark_sent(&mut self, count: u64) {
        self.sent += count;
        self.sent_highest = self.sent_highest.max(self.sent);
        if self.rereadable {
            self.end = self.end.max(self.sent);
        }
    }

    /// CREDIT of the host: forget what is below `received`, send below `limit`.
    pub fn credit(&mut self, received: u64, limit: u64) -> Result<(), Breach> {
        if received > self.sent_highest {
            return Err(Breach("credit acknowledges bytes never sent"));
        }
        self.limit = self.limit.max(limit);
        self.held = false;
        if received > self.base {
            if !self.rereadable {
                let count = (received - self.base) as usize;
                if count >= self.kept.len() {
                    self.kept = VecDeque::new();
                } else {
                    self.kept.drain(..count);
                }
            }
            self.base = received;
            self.sent = self.sent.max(received);
        }
        Ok(())
    }

    /// The source turned out to be shorter than what was once read: it ends here.
    pub fn cut(&mut self) {
        self.end = self.sent;
        self.eof = true;
    }

    /// A re-readable source has more to give within credit.
    pub fn wants_reread(&self) -> bool {
        self.rereadable && (!self.eof || self.sent < self.end) && self.sendable() > 0
    }

    /// The connection is gone: everything unacknowledged goes again, after the host's CREDIT.
    pub fn rewind(&mut self) {
        self.sent = self.base;
        self.eof_sent = false;
        self.held = true;
    }

    /// Nobody listens any more: drop what is kept and let the source run free.
    pub fn abandon(&mut self) {
        self.discard = true;
        self.kept = VecDeque::new();
        self.base = self.end;
        self.sent = self.end;
        self.sent_highest = self.end;
    }

    /// Somebody listens again, from the present offset on.
    pub fn adopt(&mut self, limit: u64) {
        self.discard = false;
        self.limit = self.limit.max(limit);
        self.held = false;
        self.eof_sent = false;
        self.sent = self.base;
    }

    /// Whether EOF is due on this connection.
    pub fn owes_eof(&self) -> bool {
        self.eof && !self.eof_sent && !self.held && self.sent == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_again_what_was_not_acknowledged() {
        let mut outlet = Outlet::new(10);
        outlet.push(b"abcdef");
        let mut out = Vec::new();
        assert_eq!(outlet.take(&mut out, 4), 4);
        outlet.credit(2, 10).unwrap();
        outlet.rewind();
        assert_eq!(outlet.unsent(), 0, "held until CREDIT");
        outlet.credit(3, 12).unwrap();
        let mut again = Vec::new();
        assert_eq!(outlet.sent(), 3);
        assert_eq!(outlet.take(&mut again, 100), 3);
        assert_eq!((out, again), (b"abcd".to_vec(), b"def".to_vec()));
        assert_eq!(outlet.room(), 6);
    }

    #[test]
    fn refuses_credit_for_bytes_never_sent() {
        let mut outlet = Outlet::new(10);
        outlet.push(b"abc");
        assert!(outlet.credit(1, 10).is_err());
    }

    #[test]
    fn a_repeated_or_smaller_credit_does_no_harm() {
        let mut outlet = Outlet::new(10);
        outlet.push(b"abc");
        outlet.take(&mut Vec::new(), 3);
        outlet.credit(3, 20).unwrap();
        outlet.credit(1, 5).unwrap();
        assert_eq!((outlet.room(), outlet.kept_bytes()), (17, 0));
    }

    #[test]
    fn eof_comes_after_the_last_byte_and_again_after_a_rewind() {
        let mut outlet = Outlet::new(10);
        outlet.push(b"a");
        outlet.finish();
        assert!(!outlet.owes_eof());
        outlet.take(&mut Vec::new(), 9);
        assert!(outlet.owes_eof());
        outlet.eof_sent = true;
        outlet.rewind();
        assert!(!outlet.owes_eof());
        outlet.credit(1, 10).unwrap();
        assert!(outlet.owes_eof());
    }
}

//! Route netlink, by hand: requests with an acknowledgement, nothing more.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::error::{Error, Result, check};

const HEADER_BYTES: usize = 16;

/// A request under construction. Attributes nest by [`Message::nested`].
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// `flags` beside NLM_F_REQUEST and NLM_F_ACK; `body` is the fixed part (ifinfomsg, ifaddrmsg, rtmsg).
    pub fn new(kind: u16, flags: i32, body: &[u8]) -> Self {
        let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK | flags) as u16;
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(body);
        let mut message = Message { bytes };
        message.pad();
        message
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.bytes
            .extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.pad();
        self
    }

    /// An attribute with a text that ends in NUL.
    pub fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.attribute(kind, &bytes)
    }

    /// An attribute that holds what `fill` adds.
    pub fn nested(mut self, kind: u16, fill: impl FnOnce(Message) -> Message) -> Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        let mut filled = fill(self);
        let length = (filled.bytes.len() - start) as u16;
        filled.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        filled
    }

    /// Bytes without a header, inside an attribute (the peer's ifinfomsg).
    pub fn raw(mut self, body: &[u8]) -> Self {
        self.bytes.extend_from_slice(body);
        self.pad();
        self
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

/// A socket of the network namespace in which it was opened, wherever it is used.
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

impl Socket {
    pub fn open() -> Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        let raw = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
        let raw = check(raw as i64, "socket", "AF_NETLINK")?;
        Ok(Socket {
            fd: unsafe { OwnedFd::from_raw_fd(raw as i32) },
            sequence: 0,
        })
    }

    /// Sends one request and waits for its answer; `what` names it in the error.
    pub fn request(&mut self, message: Message, what: &str) -> Result<()> {
        self.sequence += 1;
        let bytes = message.finish(self.sequence);
        let raw = self.fd.as_raw_fd();
        let sent = unsafe { libc::send(raw, bytes.as_ptr().cast(), bytes.len(), 0) };
        check(sent as i64, "netlink send", what)?;
        let mut answer = [0u8; 4096];
        loop {
            let count = unsafe { libc::recv(raw, answer.as_mut_ptr().cast(), answer.len(), 0) };
            let count = check(count as i64, "netlink recv", what)? as usize;
            match acknowledgement(&answer[..count.min(answer.len())], self.sequence) {
                Some(0) => return Ok(()),
                Some(code) => {
                    return Err(Error::os(
                        "netlink",
                        what,
                        &std::io::Error::from_raw_os_error(-code),
                    ));
                }
                None => continue,
            }
        }
    }

    /// Index of an interface of this socket's namespace; None when there is none of that name.
    pub fn interface_index(&self, name: &str) -> Option<i32> {
        let mut request = interface_request(name)?;
        let returned =
            unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::SIOCGIFINDEX as _, &mut request) };
        (returned == 0).then_some(unsafe { request.ifr_ifru.ifru_ifindex })
    }

    /// True when the interface has a carrier. Asked for it, the kernel first brings what it does about links up to date,
    /// else an interface whose peer has just come up drops its packets for a while, up to a second.
    pub fn settle_link(&self, name: &str) -> bool {
        const ETHTOOL_GLINK: u32 = 0x0a;
        let Some(mut request) = interface_request(name) else {
            return false;
        };
        let mut value = [ETHTOOL_GLINK, 0];
        request.ifr_ifru.ifru_data = value.as_mut_ptr().cast();
        let returned =
            unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::SIOCETHTOOL as _, &mut request) };
        returned == 0 && value[1] == 1
    }
}

fn interface_request(name: &str) -> Option<libc::ifreq> {
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return None;
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Some(request)
}

/// The errno (negative, or 0) of the answer to `sequence`, if it is in `bytes`.
fn acknowledgement(bytes: &[u8], sequence: u32) -> Option<i32> {
    let number = |from: usize| {
        Some(u32::from_ne_bytes(
            bytes.get(from..from + 4)?.try_into().ok()?,
        ))
    };
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    if i32::from(kind) != libc::NLMSG_ERROR || number(8)? != sequence {
        return None;
    }
    number(HEADER_BYTES).map(|code| code as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_filled_in_and_attributes_aligned() {
        let message = Message::new(16, 0, &[1, 2, 3, 4]).nested(18, |inner| inner.text(1, "veth"));
        let bytes = message.finish(7);
        assert_eq!(bytes.len(), 16 + 4 + 4 + 12);
        assert_eq!(&bytes[0..4], &36u32.to_ne_bytes());
        assert_eq!(&bytes[8..12], &7u32.to_ne_bytes());
        assert_eq!(&bytes[20..22], &16u16.to_ne_bytes());
        assert_eq!(&bytes[24..26], &9u16.to_ne_bytes());
        assert_eq!(&bytes[28..36], b"veth\0\0\0\0");
    }

    #[test]
    fn answers_to_others_and_short_ones_are_no_acknowledgement() {
        let mut answer = vec![0u8; 20];
        answer[4..6].copy_from_slice(&(libc::NLMSG_ERROR as u16).to_ne_bytes());
        answer[8..12].copy_from_slice(&3u32.to_ne_bytes());
        answer[16..20].copy_from_slice(&(-17i32).to_ne_bytes());
        assert_eq!(acknowledgement(&answer, 3), Some(-17));
        assert_eq!(acknowledgement(&answer, 4), None);
        assert_eq!(acknowledgement(&answer[..18], 3), None);
        assert_eq!(acknowledgement(&[], 3), None);
    }

    #[test]
    fn finds_lo_and_nothing_else() {
        let socket = Socket::open().unwrap();
        assert_eq!(socket.interface_index("lo"), Some(1));
        assert_eq!(socket.interface_index("no-such-if"), None);
        assert_eq!(socket.interface_index("a-name-that-is-far-too-long"), None);
    }
}

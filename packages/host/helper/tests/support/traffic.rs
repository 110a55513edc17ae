//! Real packets: servers that answer, clients that try, and a forged datagram.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use super::host::patience;

/// A closed way answers nothing: this long is waited for that.
const PATIENCE: Duration = Duration::from_millis(400);

/// Listens on every address of the calling thread's network, on TCP and UDP, and answers each with `pong` for ever. Gives the port.
pub fn serve(port: u16) -> u16 {
    serve_on(Ipv4Addr::UNSPECIFIED, port)
}

pub fn serve_on(address: Ipv4Addr, port: u16) -> u16 {
    let listener = TcpListener::bind((address, port)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let datagrams = UdpSocket::bind((address, port)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"pong");
        }
    });
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((_, from)) = datagrams.recv_from(&mut buffer) {
            let _ = datagrams.send_to(b"pong", from);
        }
    });
    port
}

/// Whether a TCP server there answers the calling thread's network.
pub fn tcp_answers(address: Ipv4Addr, port: u16) -> bool {
    let to = SocketAddr::new(IpAddr::V4(address), port);
    let Ok(mut stream) = TcpStream::connect_timeout(&to, PATIENCE) else {
        return false;
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = [0; 4];
    stream
        .read_exact(&mut answer)
        .is_ok_and(|()| &answer == b"pong")
}

/// Whether a UDP server there answers the calling thread's network.
pub fn udp_answers(address: Ipv4Addr, port: u16) -> bool {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = [0; 16];
    let sent = socket.send_to(b"ping", (address, port)).is_ok();
    sent && socket
        .recv(&mut answer)
        .is_ok_and(|length| &answer[..length] == b"pong")
}

pub fn answers(address: Ipv4Addr, port: u16) -> (bool, bool) {
    (tcp_answers(address, port), udp_answers(address, port))
}

/// The same for a way that is open: what a busy machine is slow to answer is asked for again.
pub fn opens(address: Ipv4Addr, port: u16) -> (bool, bool) {
    let deadline = Instant::now() + patience(Duration::from_secs(30));
    loop {
        let seen = answers(address, port);
        if seen == (true, true) || Instant::now() > deadline {
            return seen;
        }
    }
}

/// A UDP socket that only receives.
pub struct Mailbox(UdpSocket);

impl Mailbox {
    pub fn open() -> Mailbox {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Mailbox(socket)
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Text of the next datagram; None when none comes.
    pub fn next(&self) -> Option<String> {
        let mut buffer = [0; 64];
        let length = self.0.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }
}

/// Sends a datagram whose source address is made up.
pub fn send_forged(source: Ipv4Addr, to: Ipv4Addr, port: u16, text: &str) {
    let fd = unsafe {
        libc::socket(
            libc::AF_INET,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC,
            libc::IPPROTO_RAW,
        )
    };
    assert!(fd >= 0);
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let length = (28 + text.len()) as u16;
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet.extend(source.octets());
    packet.extend(to.octets());
    packet.extend(4321u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend((length - 20).to_be_bytes());
    // No checksum: UDP allows that over IPv4.
    packet.extend([0, 0]);
    packet.extend(text.bytes());
    let mut target: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    target.sin_family = libc::AF_INET as u16;
    target.sin_addr.s_addr = u32::from_ne_bytes(to.octets());
    let size = size_of::<libc::sockaddr_in>() as u32;
    let sent = unsafe {
        let address = std::ptr::from_ref(&target).cast();
        libc::sendto(
            fd.as_raw_fd(),
            packet.as_ptr().cast(),
            packet.len(),
            0,
            address,
            size,
        )
    };
    assert_eq!(
        sent,
        packet.len() as isize,
        "{}",
        std::io::Error::last_os_error()
    );
}

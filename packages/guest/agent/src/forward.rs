//! Forward: a TCP connection inside the box, carried over the link.

use crate::failure::{Outcome, failure, invalid, os_failure};
use crate::guest::Guest;
use crate::inlet::{Inlet, WINDOW_BYTES};
use crate::messages::{ErrorCode, Forward, Phase};
use crate::stream::Job;
use crate::sys;
use std::io::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

impl Guest {
    /// Begins to connect; the status says RUNNING once connected.
    pub fn forward(&mut self, key: u64, wish: &Forward) -> Outcome<()> {
        let port = u16::try_from(wish.port)
            .ok()
            .filter(|&port| port != 0)
            .ok_or_else(|| invalid(format!("bad port: {}", wish.port)))?;
        let addresses = self.resolve_host(&wish.host)?;
        let mut last = failure(ErrorCode::NotFound, format!("no address for {}", wish.host));
        for address in addresses {
            let address = SocketAddr::new(address, port);
            match connect(address) {
                Ok(socket) => return self.carry(key, socket),
                Err(error) => last = os_failure(&error, &address.to_string()),
            }
        }
        Err(last)
    }

    fn carry(&mut self, key: u64, socket: OwnedFd) -> Outcome<()> {
        let text = |error: Error| os_failure(&error, "socket");
        let writer = socket.try_clone().map_err(text)?;
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.job = Job::Forward { connected: false };
            stream.status.phase = Phase::Queued as i32;
            stream.inlet = Some(Inlet::new(WINDOW_BYTES));
        }
        self.attach_source(key, 0, socket).map_err(text)?;
        self.attach_sink(key, writer, true).map_err(text)
    }

    /// The socket of a Forward reports: connected, or refused.
    pub fn connected(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        if !matches!(stream.job, Job::Forward { connected: false }) {
            return;
        }
        let Some(sink) = &stream.sink else {
            return;
        };
        let mut problem: libc::c_int = 0;
        let mut length = std::mem::size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: SO_ERROR writes one int.
        unsafe {
            libc::getsockopt(
                sink.fd.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ERROR,
                (&raw mut problem).cast(),
                &mut length,
            )
        };
        if problem != 0 {
            let error = Error::from_raw_os_error(problem);
            self.fail(key, os_failure(&error, "cannot connect"));
            return;
        }
        stream.job = Job::Forward { connected: true };
        stream.status.phase = Phase::Running as i32;
        stream.status_dirty = true;
    }

    /// Addresses of a host: a literal, localhost, or a name of /etc/hosts.
    fn resolve_host(&self, host: &str) -> Outcome<Vec<IpAddr>> {
        if host.is_empty() || host == "localhost" {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        let text = std::fs::read_to_string(self.settings.etc.join("hosts")).unwrap_or_default();
        let found: Vec<IpAddr> = text
            .lines()
            .filter_map(|line| {
                let mut words = line.split('#').next()?.split_whitespace();
                let address = words.next()?.parse().ok()?;
                words
                    .any(|word| word.eq_ignore_ascii_case(host))
                    .then_some(address)
            })
            .collect();
        if found.is_empty() {
            return Err(failure(
                ErrorCode::NotFound,
                format!("unknown host: {host}"),
            ));
        }
        Ok(found)
    }
}

/// Begins a non-blocking connect. On loopback a refusal is known at once.
fn connect(address: SocketAddr) -> std::io::Result<OwnedFd> {
    // SAFETY: the storage is plain data; the length says which part is used.
    unsafe {
        let mut storage: libc::sockaddr_storage = std::mem::zeroed();
        let (family, length) = match address {
            SocketAddr::V4(v4) => {
                let plain = &mut *(&raw mut storage).cast::<libc::sockaddr_in>();
                plain.sin_family = libc::AF_INET as libc::sa_family_t;
                plain.sin_port = v4.port().to_be();
                plain.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
                (libc::AF_INET, std::mem::size_of::<libc::sockaddr_in>())
            }
            SocketAddr::V6(v6) => {
                let plain = &mut *(&raw mut storage).cast::<libc::sockaddr_in6>();
                plain.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                plain.sin6_port = v6.port().to_be();
                plain.sin6_addr.s6_addr = v6.ip().octets();
                (libc::AF_INET6, std::mem::size_of::<libc::sockaddr_in6>())
            }
        };
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let socket = sys::owned(sys::check(libc::socket(family, kind, 0))?);
        let one: libc::c_int = 1;
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
            (&raw const one).cast(),
            4,
        );
        let result = libc::connect(
            socket.as_raw_fd(),
            (&raw const storage).cast(),
            length as libc::socklen_t,
        );
        if result < 0 {
            let error = Error::last_os_error();
            if error.raw_os_error() != Some(libc::EINPROGRESS) {
                return Err(error);
            }
        }
        Ok(socket)
    }
}

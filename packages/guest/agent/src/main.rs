//! `berth-guest [socket]`: runs as process 1 of a devbox (or as any process, in tests) until it gets SIGTERM.

use berth_guest::guest::Guest;
use berth_guest::settings::Settings;
use std::path::{Path, PathBuf};
use std::process::exit;

const DEFAULT_SOCKET: &str = "/.berth/run/host.sock";

fn main() {
    let socket = std::env::args_os()
        .nth(1)
        .or_else(|| std::env::var_os("BERTH_HOST_SOCKET"))
        .map_or_else(|| PathBuf::from(DEFAULT_SOCKET), PathBuf::from);
    let etc = std::env::var_os("BERTH_ETC").map_or_else(|| PathBuf::from("/etc"), PathBuf::from);
    if let Err(error) = prepare() {
        eprintln!("berth-guest: cannot start: {error}");
        exit(70);
    }
    let run = socket.parent().unwrap_or(Path::new("/")).to_path_buf();
    let mut settings = Settings::new(etc, &run);
    settings.emulated = std::env::var_os("BERTH_EMULATED").is_some();
    let started = Guest::new(socket, settings, false).and_then(|mut guest| {
        guest.take_signals()?;
        Ok(guest)
    });
    match started {
        Ok(mut guest) => exit(guest.run()),
        Err(error) => {
            eprintln!("berth-guest: cannot start: {error}");
            exit(70);
        }
    }
}

/// Standard descriptors, umask, inherited descriptors, allocator.
fn prepare() -> std::io::Result<()> {
    berth_guest::sys::hide_memory();
    // SAFETY: plain system calls before anything else runs.
    unsafe {
        #[cfg(target_env = "gnu")]
        {
            libc::mallopt(libc::M_MMAP_THRESHOLD, 64 * 1024);
            libc::mallopt(libc::M_TRIM_THRESHOLD, 64 * 1024);
        }
        libc::umask(0o022);
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if null < 0 {
            return Err(std::io::Error::last_os_error());
        }
        libc::dup3(null, 0, libc::O_CLOEXEC);
        for fd in 1..3 {
            if libc::fcntl(fd, libc::F_GETFD) < 0 {
                libc::dup3(null, fd, libc::O_CLOEXEC);
            }
        }
        if null > 2 {
            libc::close(null);
        }
        close_on_exec();
    }
    Ok(())
}

/// Marks every descriptor but 0: by one call, or one by one where the kernel lacks it.
fn close_on_exec() {
    let (first, last): (libc::c_uint, libc::c_uint) = (1, libc::c_uint::MAX);
    // SAFETY: integers only.
    unsafe {
        if libc::syscall(
            libc::SYS_close_range,
            first,
            last,
            libc::CLOSE_RANGE_CLOEXEC,
        ) == 0
        {
            return;
        }
        for fd in 1..1024 {
            let flags = libc::fcntl(fd, libc::F_GETFD);
            if flags >= 0 {
                libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC);
            }
        }
    }
}

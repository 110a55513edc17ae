//! Entropy and clock, after a start or restore.

use crate::sys;
use std::os::fd::AsRawFd;

#[repr(C)]
struct PoolInfo {
    entropy_bits: libc::c_int,
    size_bytes: libc::c_int,
    bytes: [u8; 256],
}

const RNDADDENTROPY: libc::c_ulong = 0x4008_5203;

/// Mixes entropy into the kernel's pool and sets the clock, each as far as permitted.
pub fn refresh(entropy: &[u8], clock_unix_ns: u64) {
    if !entropy.is_empty() {
        mix(entropy);
    }
    if clock_unix_ns != 0 {
        let time = libc::timespec {
            tv_sec: (clock_unix_ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (clock_unix_ns % 1_000_000_000) as libc::c_long,
        };
        // SAFETY: the structure lives across the call; a refusal is no error.
        unsafe { libc::clock_settime(libc::CLOCK_REALTIME, &time) };
    }
}

fn mix(entropy: &[u8]) {
    let Ok(device) = sys::open(c"/dev/urandom", libc::O_WRONLY, 0) else {
        return;
    };
    for chunk in entropy.chunks(256) {
        let mut info = PoolInfo {
            entropy_bits: chunk.len() as libc::c_int * 8,
            size_bytes: chunk.len() as libc::c_int,
            bytes: [0; 256],
        };
        info.bytes[..chunk.len()].copy_from_slice(chunk);
        // SAFETY: the structure is what the call expects.
        let credited = unsafe { libc::ioctl(device.as_raw_fd(), RNDADDENTROPY as _, &info) };
        if credited < 0 {
            // Not permitted to credit: still mixed in.
            let _ = sys::write(device.as_raw_fd(), chunk);
        }
    }
}

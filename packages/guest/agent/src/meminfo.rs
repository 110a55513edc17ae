//! The file that the host mounts over /proc/meminfo: the box's own size and use.

use crate::cgroup::MemoryUse;
use crate::guest::Guest;
use crate::reap::Owner;
use crate::sys;
use crate::timers::Timer;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_secs(1);

/// State of the file.
pub struct Meminfo {
    path: PathBuf,
    file: Option<OwnedFd>,
    /// The host has put no file there: the kernel of this box shows its size by itself.
    absent: bool,
    written: Option<Instant>,
    armed: bool,
}

impl Meminfo {
    pub fn new(path: PathBuf) -> Meminfo {
        Meminfo {
            path,
            file: None,
            absent: false,
            written: None,
            armed: false,
        }
    }

    fn stale(&self) -> bool {
        self.written.is_none_or(|at| at.elapsed() >= PERIOD)
    }

    fn write(&mut self, text: &str) {
        if self.file.is_none() {
            self.file = sys::c_string(self.path.to_string_lossy().into_owned())
                .and_then(|path| sys::open(&path, libc::O_WRONLY, 0))
                .ok();
            self.absent = self.file.is_none();
        }
        if let Some(file) = &self.file {
            // One write of constant length, in place: a reader sees the old text or the new one.
            // SAFETY: the text is valid for its length.
            unsafe { libc::pwrite(file.as_raw_fd(), text.as_ptr().cast(), text.len(), 0) };
        }
        self.written = Some(Instant::now());
    }
}

/// The text; each number has the same width always.
pub fn render(total_bytes: u64, memory: &MemoryUse) -> String {
    let used = memory.used.min(total_bytes);
    let free = total_bytes - used;
    let reclaimable = memory.cache.saturating_sub(memory.shared).min(used);
    let anonymous = used - memory.cache.min(used);
    let lines: [(&str, u64); 20] = [
        ("MemTotal", total_bytes),
        ("MemFree", free),
        ("MemAvailable", free + reclaimable),
        ("Buffers", 0),
        ("Cached", memory.cache.min(used)),
        ("SwapCached", 0),
        ("Active", memory.active_file.min(used)),
        ("Inactive", (anonymous + memory.inactive_file).min(used)),
        ("Active(anon)", 0),
        ("Inactive(anon)", anonymous),
        ("Active(file)", memory.active_file.min(used)),
        ("Inactive(file)", memory.inactive_file.min(used)),
        ("Unevictable", 0),
        ("Mlocked", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Dirty", 0),
        ("AnonPages", anonymous),
        ("Mapped", 0),
        ("Shmem", memory.shared.min(used)),
    ];
    lines
        .iter()
        .map(|(name, bytes)| format!("{:<16}{:>15} kB\n", format!("{name}:"), bytes / 1024))
        .collect()
}

impl Guest {
    /// Writes the file if it is older than its period, and goes on while processes run.
    pub fn wake_meminfo(&mut self) {
        if self.settings.memory_bytes == 0 || self.inert || self.settings.meminfo.absent {
            return;
        }
        if self.settings.meminfo.stale() {
            self.write_meminfo();
        }
        if !self.settings.meminfo.armed {
            self.settings.meminfo.armed = true;
            self.timers.after(PERIOD, Timer::Meminfo);
        }
    }

    /// The period is over.
    pub fn refresh_meminfo(&mut self) {
        self.settings.meminfo.armed = false;
        self.write_meminfo();
        if self.settings.meminfo.absent {
            return;
        }
        let busy = self.owners.values().any(|owner| match owner {
            Owner::Execution(_) => true,
            Owner::Worker(_) | Owner::Login => false,
            Owner::Shell(id) => self.shell_busy(*id),
        });
        if busy {
            self.settings.meminfo.armed = true;
            self.timers.after(PERIOD, Timer::Meminfo);
        }
    }

    /// Writes the file now.
    pub fn write_meminfo(&mut self) {
        if self.settings.memory_bytes == 0 || self.settings.meminfo.absent {
            return;
        }
        let text = render(self.settings.memory_bytes, &self.settings.cgroup.memory());
        self.settings.meminfo.write(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_constant_length_and_sane_numbers() {
        let total = 4 << 30;
        let empty = render(total, &MemoryUse::default());
        let full = render(
            total,
            &MemoryUse {
                used: u64::MAX,
                cache: 3 << 30,
                shared: 1 << 20,
                inactive_file: 1 << 30,
                active_file: 1 << 30,
            },
        );
        assert_eq!(empty.len(), full.len());
        assert!(
            empty.contains("MemTotal:               4194304 kB\n"),
            "{empty}"
        );
        assert!(
            full.contains("MemFree:                      0 kB\n"),
            "{full}"
        );
    }
}

//! Counters of the box's cgroup, version 2 or 1.

use crate::sys;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Where the counters are.
pub struct Cgroup {
    v2: bool,
    memory: PathBuf,
    cpu: PathBuf,
    pids: PathBuf,
    kills: Option<OwnedFd>,
}

impl Cgroup {
    /// Finds the cgroup as mounted in the box.
    pub fn find() -> Cgroup {
        let base = Path::new("/sys/fs/cgroup");
        let v2 = base.join("memory.events").exists() || base.join("cgroup.controllers").exists();
        let part = |name: &str| if v2 { base.into() } else { base.join(name) };
        let memory: PathBuf = part("memory");
        let file = if v2 {
            "memory.events"
        } else {
            "memory.oom_control"
        };
        let kills = sys::c_string(memory.join(file).to_string_lossy().into_owned())
            .and_then(|path| sys::open(&path, libc::O_RDONLY, 0))
            .ok();
        let cpu = part("cpuacct");
        let pids = part("pids");
        Cgroup {
            v2,
            memory,
            cpu,
            pids,
            kills,
        }
    }

    /// Processes killed for lack of memory since the box's start; 0 when not readable.
    pub fn oom_kills(&self) -> u64 {
        let Some(file) = &self.kills else {
            return 0;
        };
        let mut buffer = [0u8; 1024];
        // SAFETY: the buffer is valid for its length.
        let count = unsafe {
            libc::pread(
                file.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                0,
            )
        };
        let text = std::str::from_utf8(&buffer[..count.max(0) as usize]).unwrap_or_default();
        field(text, "oom_kill").unwrap_or(0)
    }

    /// Memory in use, and what of it is page cache that can be dropped.
    pub fn memory(&self) -> MemoryUse {
        let (usage, stat) = if self.v2 {
            (
                "memory.current",
                ["file", "inactive_file", "shmem", "active_file"],
            )
        } else {
            (
                "memory.usage_in_bytes",
                [
                    "total_cache",
                    "total_inactive_file",
                    "total_shmem",
                    "total_active_file",
                ],
            )
        };
        let text = std::fs::read_to_string(self.memory.join("memory.stat")).unwrap_or_default();
        let [cache, inactive_file, shared, active_file] =
            stat.map(|name| field(&text, name).unwrap_or(0));
        MemoryUse {
            used: number(&self.memory.join(usage)).unwrap_or(0),
            cache,
            shared,
            inactive_file,
            active_file,
        }
    }

    /// Memory limit, if one is set.
    pub fn memory_limit(&self) -> Option<u64> {
        let file = if self.v2 {
            "memory.max"
        } else {
            "memory.limit_in_bytes"
        };
        number(&self.memory.join(file)).filter(|&limit| limit < 1 << 60)
    }

    /// CPU time used, in microseconds.
    pub fn cpu_usage_us(&self) -> u64 {
        if self.v2 {
            let text = std::fs::read_to_string(self.cpu.join("cpu.stat")).unwrap_or_default();
            field(&text, "usage_usec").unwrap_or(0)
        } else {
            number(&self.cpu.join("cpuacct.usage")).unwrap_or(0) / 1000
        }
    }

    /// Number of processes and threads.
    pub fn processes(&self) -> Option<u64> {
        number(&self.pids.join("pids.current"))
    }
}

/// Use of memory in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryUse {
    pub used: u64,
    pub cache: u64,
    pub shared: u64,
    pub inactive_file: u64,
    pub active_file: u64,
}

fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        (key == name).then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fields_by_their_whole_name() {
        let text = "oom 3\noom_kill 2\noom_kill_group 9\n";
        assert_eq!(field(text, "oom_kill"), Some(2));
        assert_eq!(field(text, "kill"), None);
    }
}

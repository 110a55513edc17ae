//! Metrics of the box and of the guest itself.

use crate::guest::Guest;
use crate::messages::MetricsReport;

impl Guest {
    /// Reads all counters.
    pub fn metrics(&self) -> MetricsReport {
        let cgroup = &self.settings.cgroup;
        let (disk_used_bytes, disk_total_bytes) = disk();
        let limit = match self.settings.memory_bytes {
            0 => cgroup.memory_limit().unwrap_or(0),
            bytes => bytes,
        };
        MetricsReport {
            memory_used_bytes: cgroup.memory().used,
            memory_limit_bytes: limit,
            cpu_usage_us: cgroup.cpu_usage_us(),
            processes: cgroup.processes().unwrap_or_else(count_processes) as u32,
            disk_used_bytes,
            disk_total_bytes,
            guest_private_bytes: private_bytes(),
            uptime_ms: self.settings.started.elapsed().as_millis() as u64,
            oom_kills: cgroup.oom_kills(),
        }
    }
}

fn disk() -> (u64, u64) {
    // SAFETY: an all-zero statvfs is valid, the path is a C string.
    unsafe {
        let mut data: libc::statvfs = std::mem::zeroed();
        if libc::statvfs(c"/".as_ptr(), &mut data) < 0 {
            return (0, 0);
        }
        let total = data.f_blocks.saturating_mul(data.f_frsize);
        let free = data.f_bfree.saturating_mul(data.f_frsize);
        (total.saturating_sub(free), total)
    }
}

fn count_processes() -> u64 {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
        })
        .count() as u64
}

/// Memory that only this process uses; its code is one file that all boxes share.
fn private_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with("Private_Dirty"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum::<u64>()
        * 1024
}

//! What this kernel and this process offer.

use std::fs;

use serde_json::{Value, json};

use crate::cgroup;
use crate::mount::idmap;

/// Capability names by bit (linux/capability.h), without the prefix CAP_.
const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The answer to `hello`.
pub fn describe() -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "idmap": idmap_works(),
        "cgroup": cgroup::layout(),
        "capabilities": capabilities(&fs::read_to_string("/proc/self/status").unwrap_or_default()),
    })
}

/// Each box under watch takes a descriptor: as many as this process may have.
pub fn raise_open_files() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

fn idmap_works() -> bool {
    let directory = std::env::temp_dir().join(format!("berth-helper-{}", std::process::id()));
    let works = fs::create_dir(&directory).is_ok() && idmap::works_on(&directory);
    let _ = fs::remove_dir(&directory);
    works
}

fn capabilities(status: &str) -> Vec<String> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = line
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    let held = CAPABILITIES
        .iter()
        .enumerate()
        .filter(|(bit, _)| bits >> bit & 1 == 1);
    held.map(|(_, name)| format!("CAP_{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_effective_capabilities() {
        assert_eq!(
            capabilities("Name:\tx\nCapEff:\t0000000000200001\n"),
            ["CAP_CHOWN", "CAP_SYS_ADMIN"]
        );
        assert!(capabilities("").is_empty());
        assert!(capabilities("CapEff:\tzz").is_empty());
    }
}

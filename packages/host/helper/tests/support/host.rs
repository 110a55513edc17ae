//! What the kernel shows of a test's remains, and waiting for it.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What is missing is not tested. `./berth test` has everything, so nothing may be missing there.
fn leave_out(test: &str, missing: &str) {
    assert!(
        std::env::var_os("BERTH_TEST_COMPLETE").is_none(),
        "{test} needs {missing}"
    );
    println!("{test}: skipped, needs {missing}");
}

/// True for root; else says what is not tested.
pub fn is_root(test: &str) -> bool {
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        leave_out(test, "root");
    }
    root
}

/// True when the program is installed; else says what is not tested.
pub fn has_program(program: &str, test: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path
        .split(':')
        .chain(["/usr/sbin", "/sbin"])
        .any(|dir| PathBuf::from(dir).join(program).exists());
    if !found {
        leave_out(test, program);
    }
    found
}

/// A short word that no other test on this machine uses now.
pub fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let pid = std::process::id();
    format!("{:05x}{:x}", pid & 0xf_ffff, number)
}

/// How long a test waits here for what takes at most so long on a usual machine; `BERTH_TEST_PATIENCE` stretches it for slow ones.
pub fn patience(usual: Duration) -> Duration {
    let factor = std::env::var("BERTH_TEST_PATIENCE").ok();
    usual * factor.map_or(1, |text| text.parse().unwrap())
}

/// Waits for a condition that other processes or the kernel bring about.
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + patience(Duration::from_secs(30));
    while !condition() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn interfaces(prefix: &str) -> Vec<String> {
    let entries = fs::read_dir("/sys/class/net").unwrap();
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| name.starts_with(&format!("{prefix}-")))
        .collect()
}

/// Lines of a process's mount table that name `path`.
pub fn mounts(pid: &str, path: &str) -> Vec<String> {
    let table = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
    table
        .lines()
        .filter(|line| line.contains(path))
        .map(str::to_owned)
        .collect()
}

pub fn is_alive(pid: i32) -> bool {
    berth_helper::process::pidfd::stat(pid).is_some_and(|stat| stat.state != b'Z')
}

/// Pids whose command line contains `word`.
pub fn processes_with(word: &str) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    })
    .collect()
}

/// The directories that a cgroup of this path may have, over all hierarchies.
pub fn cgroup_directories(path: &str) -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts = table.lines().filter(|line| line.contains(" - cgroup"));
    mounts
        .filter_map(|line| Some(format!("{}{path}", line.split(' ').nth(4)?)))
        .collect()
}

//! Cgroup directories of boxes: emptied and removed, in any hierarchy.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path};
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result};
use crate::paths::{AbsolutePath, c_path};
use crate::process::pidfd::Process;

const ROOT: &str = "/sys/fs/cgroup";
/// A box may nest cgroups; deeper than this nobody does in earnest.
const MAX_DEPTH: usize = 64;
const MAX_AWAITED: usize = 16;
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// `v1`, `hybrid` (v1 controllers and a v2 tree beside them) or `v2`.
pub fn layout() -> &'static str {
    if is_cgroup2(Path::new(ROOT)) {
        "v2"
    } else if is_cgroup2(&Path::new(ROOT).join("unified")) {
        "hybrid"
    } else {
        "v1"
    }
}

fn is_cgroup2(path: &Path) -> bool {
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    let returned = unsafe { libc::statfs(c_path(path).as_ptr(), &mut found) };
    returned == 0 && found.f_type == libc::CGROUP2_SUPER_MAGIC
}

/// Removes each directory with all below it, killing what is in them; tries until `timeout` is over. An absent one is a success.
pub fn remove_all(paths: &[AbsolutePath], timeout: Duration) -> Result<()> {
    for path in paths {
        guard(path)?;
    }
    let deadline = Instant::now() + timeout;
    paths.iter().try_for_each(|path| remove(path, deadline))
}

/// Kills some of what is in the groups, and waits for nobody: [`remove_all`] does.
pub fn kill_some(paths: &[AbsolutePath]) {
    // Each hierarchy has the same members.
    let Some(path) = paths.iter().find(|path| !members(path).is_empty()) else {
        return;
    };
    if guard(path).is_err() {
        return;
    }
    for pid in members(path).into_iter().take(MAX_AWAITED) {
        // Held first, then looked for once more: a pid that has gone to a stranger meanwhile is no member.
        if let Ok(Some((process, _))) = Process::open_any(pid)
            && members(path).contains(&pid)
        {
            let _ = process.kill();
        }
    }
}

/// Only what an installation has made: `berth-…` in a hierarchy, or what is below; and nothing that the helper itself lives in.
pub(crate) fn guard(path: &Path) -> Result<()> {
    let refuse = |why| Err(Error::bad_request(format!("{} {why}", path.display())));
    let Some(group) = path.strip_prefix(ROOT).ok().and_then(in_hierarchy) else {
        return refuse("is not the cgroup of a box");
    };
    let mine = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut mine = mine.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    if mine.any(|own| Path::new(own.trim_start_matches('/')).starts_with(group)) {
        return refuse("holds the helper itself");
    }
    Ok(())
}

/// The part of a path below [`ROOT`] that names the group: all of it in pure v2, else without the hierarchy's own directory.
fn in_hierarchy(rest: &Path) -> Option<&Path> {
    let is_ours = |group: &Path| match group.components().next() {
        Some(Component::Normal(first)) => first.as_encoded_bytes().starts_with(b"berth-"),
        _ => false,
    };
    let mut components = rest.components();
    if layout() != "v2" {
        components.next();
    }
    let group = components.as_path();
    is_ours(group).then_some(group)
}

fn remove(path: &Path, deadline: Instant) -> Result<()> {
    let mut pause = Duration::from_millis(1);
    loop {
        let cause = match fs::remove_dir(path) {
            Ok(()) => return Ok(()),
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
            Err(cause) => cause,
        };
        if Instant::now() >= deadline {
            let mut error = Error::os("rmdir", path.display(), &cause);
            error.code = Code::Timeout;
            return Err(error);
        }
        let dying = kill_all(path, 0)?;
        remove_children(path, 0);
        // Who has ended is in no group any more.
        let ended = dying.iter().all(|process| process.wait(LONGEST_PAUSE));
        if !ended || dying.is_empty() {
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn child_groups(path: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    let is_directory = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries
        .flatten()
        .filter(is_directory)
        .map(|entry| entry.path())
        .collect()
}

/// Some of those that were killed, to be waited for.
fn kill_all(path: &Path, depth: usize) -> Result<Vec<Process>> {
    let mut dying = Vec::new();
    // v2 kills a whole tree by one write; in v1 a frozen process does not die before it is thawed.
    if fs::write(path.join("cgroup.kill"), "1").is_ok() {
        for pid in members(path).into_iter().take(MAX_AWAITED) {
            dying.extend(Process::open_any(pid)?.map(|(process, _)| process));
        }
        return Ok(dying);
    }
    let _ = fs::write(path.join("freezer.state"), "THAWED");
    for pid in members(path) {
        // Held first, then looked for once more: a pid that has gone to a stranger meanwhile is no member.
        match Process::open_any(pid)? {
            Some((process, _)) if members(path).contains(&pid) => {
                process.kill()?;
                if dying.len() < MAX_AWAITED {
                    dying.push(process);
                }
            }
            _ => {}
        }
    }
    if depth < MAX_DEPTH {
        for child in child_groups(path) {
            dying.extend(kill_all(&child, depth + 1)?);
            dying.truncate(MAX_AWAITED);
        }
    }
    Ok(dying)
}

fn members(path: &Path) -> Vec<i32> {
    let text = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.parse().ok())
        .filter(|pid| *pid > 1)
        .collect()
}

fn remove_children(path: &Path, depth: usize) {
    if depth >= MAX_DEPTH {
        return;
    }
    for child in child_groups(path) {
        remove_children(&child, depth + 1);
        let _ = fs::remove_dir(&child);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_box() {
        for path in [
            "/",
            "/sys/fs/cgroup",
            "/sys/fs/cgroup/memory",
            "/sys/fs/cgroup/memory/",
            "/sys/fs/cgroup/system.slice",
            "/sys/fs/cgroup/memory/system.slice/berth-x",
            "/tmp/a/b/c",
            "/tmp/berth-x/box",
        ] {
            assert!(guard(Path::new(path)).is_err(), "{path}");
        }
        let hierarchy = if layout() == "v2" { "" } else { "memory/" };
        for group in ["berth-x", "berth-x/box"] {
            let path = format!("{ROOT}/{hierarchy}{group}");
            assert!(guard(Path::new(&path)).is_ok(), "{path}");
        }
    }
}

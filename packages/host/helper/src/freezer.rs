//! Boxes that stand still: the freezer of either cgroup version.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cgroup::guard;
use crate::error::{Code, Error, Result};
use crate::paths::AbsolutePath;

/// Lets no process of the groups run on, and returns when none does. Where `timeout` is over before, they run on and it is an error.
pub fn freeze_all(paths: &[AbsolutePath], timeout: Duration) -> Result<()> {
    let freezers = freezers(paths)?;
    // In the hybrid layout a box is in a group of either version: one that holds it is enough.
    let Some(freezer) = freezers.first() else {
        return Err(Error::bad_request("none of the groups can be frozen"));
    };
    let frozen = freezer.freeze(Instant::now() + timeout);
    if frozen.is_err() {
        let _ = thaw_all(paths);
    }
    frozen
}

/// Lets them run on. What is gone, or was not frozen, is a success. A frozen v1 process does not even die before that.
pub fn thaw_all(paths: &[AbsolutePath]) -> Result<()> {
    for freezer in freezers(paths)? {
        freezer.thaw()?;
    }
    Ok(())
}

/// Those of version 1 before those of version 2.
fn freezers(paths: &[AbsolutePath]) -> Result<Vec<Freezer>> {
    for path in paths {
        guard(path)?;
    }
    let found = |name: &str, on, off, report, sign| {
        let files = paths.iter().map(move |path| path.join(name));
        let there = files.filter(|switch| switch.exists());
        let freezers: Vec<Freezer> = there
            .map(|switch| Freezer {
                report: switch.with_file_name(report),
                switch,
                on,
                off,
                sign,
            })
            .collect();
        freezers
    };
    let mut all = found(
        "freezer.state",
        "FROZEN",
        "THAWED",
        "freezer.state",
        "FROZEN",
    );
    all.extend(found(
        "cgroup.freeze",
        "1",
        "0",
        "cgroup.events",
        "frozen 1",
    ));
    Ok(all)
}

struct Freezer {
    switch: PathBuf,
    on: &'static str,
    off: &'static str,
    /// Where the kernel tells with the line `sign` that all stand still.
    report: PathBuf,
    sign: &'static str,
}

/// How long the first attempt may take, and how long what runs is let run between two.
const FIRST_ATTEMPT: Duration = Duration::from_millis(40);
const BREATH: Duration = Duration::from_millis(2);

impl Freezer {
    /// In attempts, each longer than the one before. With v1 a program that replaces itself waits for its other threads to end, and those that stand still
    /// already never do: only after a thaw can it go on.
    fn freeze(&self, deadline: Instant) -> Result<()> {
        let mut length = FIRST_ATTEMPT;
        loop {
            if self.attempt((Instant::now() + length).min(deadline))? {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let message = format!("{} does not freeze", self.switch.display());
                return Err(Error::new(Code::Timeout, message));
            }
            self.thaw()?;
            std::thread::sleep(BREATH);
            length *= 2;
        }
    }

    /// Whether all stand still before the time is over.
    fn attempt(&self, end: Instant) -> Result<bool> {
        let mut pause = Duration::from_micros(200);
        loop {
            // Again each time: v1 gives up on a process that was just being made.
            write(&self.switch, self.on)?;
            if self.is_frozen() {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn is_frozen(&self) -> bool {
        let text = fs::read_to_string(&self.report).unwrap_or_default();
        text.lines().any(|line| line == self.sign)
    }

    fn thaw(&self) -> Result<()> {
        match write(&self.switch, self.off) {
            // Gone since it was found: ENOENT, or ENODEV on a file that was open already.
            Err(error) if error.is_errno(libc::ENOENT) || error.is_errno(libc::ENODEV) => Ok(()),
            result => result,
        }
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|cause| Error::os("write", path.display(), &cause))
}

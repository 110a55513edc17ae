//! Freezing processes that run.

mod support;

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};
use std::time::Duration;

use berth_helper::cgroup::remove_all;
use berth_helper::freezer::{freeze_all, thaw_all};
use berth_helper::paths::AbsolutePath;
use support::host::{cgroup_directories, eventually, is_root, unique};

/// Nothing here takes so long, on a slow machine either.
const PATIENCE: Duration = Duration::from_secs(120);

/// Groups of one name in every hierarchy that can freeze, with a process in them that always runs.
struct Busy {
    parents: Vec<String>,
    groups: Vec<AbsolutePath>,
    process: Child,
}

impl Busy {
    fn new() -> Busy {
        Busy::with(Command::new("sh").args(["-c", "while :; do :; done"]))
    }

    fn with(command: &mut Command) -> Busy {
        let parent = format!("/berth-freezer-test-{}", unique());
        let able = |path: &String| {
            let _ = fs::create_dir(path);
            let found = ["freezer.state", "cgroup.freeze"]
                .map(|name| fs::exists(format!("{path}/{name}")).unwrap());
            let able = found.contains(&true);
            if !able {
                let _ = fs::remove_dir(path);
            }
            able
        };
        let parents: Vec<String> = cgroup_directories(&parent)
            .into_iter()
            .filter(able)
            .collect();
        assert!(!parents.is_empty(), "nothing here can freeze");
        let process = command.spawn().unwrap();
        let groups: Vec<AbsolutePath> = parents
            .iter()
            .map(|parent| AbsolutePath::parse(&format!("{parent}/box")).unwrap())
            .collect();
        for group in &groups {
            fs::create_dir(&**group).unwrap();
            fs::write(group.join("cgroup.procs"), process.id().to_string()).unwrap();
        }
        Busy {
            parents,
            groups,
            process,
        }
    }

    fn ticks(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = text
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    fn stands(&self) -> bool {
        let before = self.ticks();
        std::thread::sleep(Duration::from_millis(300));
        before == self.ticks()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = thaw_all(&self.groups);
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = remove_all(&self.groups, PATIENCE);
        for path in &self.parents {
            let _ = fs::remove_dir(path);
        }
    }
}

#[test]
fn a_frozen_process_stands_still_until_it_is_thawed() {
    if !is_root("a_frozen_process_stands_still_until_it_is_thawed") {
        return;
    }
    let busy = Busy::new();
    // Each version alone, where there are two, and both.
    for groups in busy.groups.chunks(1).chain([&*busy.groups]) {
        for _ in 0..2 {
            freeze_all(groups, PATIENCE).unwrap();
        }
        assert!(busy.stands(), "runs on in {groups:?}");
        for _ in 0..2 {
            thaw_all(groups).unwrap();
        }
        let before = busy.ticks();
        eventually("it runs on", || busy.ticks() > before);
    }
}

#[test]
fn a_frozen_process_is_killed_too() {
    if !is_root("a_frozen_process_is_killed_too") {
        return;
    }
    let mut busy = Busy::new();
    freeze_all(&busy.groups, PATIENCE).unwrap();
    let groups = busy.groups.clone();
    let removed = std::thread::spawn(move || remove_all(&groups, PATIENCE));
    assert_eq!(busy.process.wait().unwrap().signal(), Some(libc::SIGKILL));
    removed.join().unwrap().unwrap();
    assert!(busy.groups.iter().all(|path| !path.exists()));
}

/// Not a test: a program of several threads that replaces itself for ever. Of the threads, those that stand still keep it from doing so.
#[test]
#[ignore = "started by another test"]
fn replace_itself() {
    for _ in 0..4 {
        std::thread::spawn(|| std::thread::sleep(PATIENCE));
    }
    let error = Command::new(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .exec();
    panic!("{error}");
}

#[test]
fn what_replaces_itself_can_be_frozen_at_any_moment() {
    if !is_root("what_replaces_itself_can_be_frozen_at_any_moment") {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "replace_itself"])
        .stdout(std::process::Stdio::null());
    let mut busy = Busy::with(&mut command);
    for _ in 0..200 {
        freeze_all(&busy.groups, PATIENCE).unwrap();
        thaw_all(&busy.groups).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(busy.process.try_wait().unwrap(), None);
}

#[test]
fn what_is_gone_is_thawed_but_not_frozen() {
    let gone = cgroup_directories("/berth-freezer-test-gone/box");
    let gone: Vec<AbsolutePath> = gone
        .iter()
        .map(|path| AbsolutePath::parse(path).unwrap())
        .collect();
    assert!(freeze_all(&gone, PATIENCE).is_err());
    thaw_all(&gone).unwrap();
    let machine = [AbsolutePath::parse("/sys/fs/cgroup/freezer").unwrap()];
    assert!(freeze_all(&machine, PATIENCE).is_err());
    assert!(thaw_all(&machine).is_err());
}

//! Cgroups with something in them.

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::Duration;

use berth_helper::cgroup::remove_all;
use berth_helper::paths::AbsolutePath;
use support::host::{cgroup_directories, is_root, unique};

struct Parent(Vec<String>);

impl Parent {
    fn new() -> Parent {
        let directories = cgroup_directories(&format!("/berth-cgroup-test-{}", unique()));
        Parent(
            directories
                .into_iter()
                .filter(|path| fs::create_dir(path).is_ok())
                .collect(),
        )
    }

    fn child(&self, hierarchy: &str, name: &str) -> Option<AbsolutePath> {
        let parent = self.0.iter().find(|path| path.starts_with(hierarchy))?;
        let path = format!("{parent}/{name}");
        fs::create_dir(&path).unwrap();
        Some(AbsolutePath::parse(&path).unwrap())
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_dir(path);
        }
    }
}

fn sleeper_in(path: &str) -> Child {
    let child = Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(format!("{path}/cgroup.procs"), child.id().to_string()).unwrap();
    child
}

#[test]
fn stragglers_are_killed_in_nested_groups_of_every_hierarchy() {
    if !is_root("stragglers_are_killed_in_nested_groups_of_every_hierarchy") {
        return;
    }
    let parent = Parent::new();
    assert!(!parent.0.is_empty());
    let boxes: Vec<AbsolutePath> = parent
        .0
        .iter()
        .filter_map(|path| parent.child(path, "box"))
        .collect();
    let mut sleepers = Vec::new();
    for path in &boxes {
        let nested = path.join("nested");
        // A cpuset takes no process before it has processors.
        if path.to_string().contains("/cpuset/") || fs::create_dir(&nested).is_err() {
            continue;
        }
        sleepers.push(sleeper_in(nested.to_str().unwrap()));
    }
    // A zombie leaves its cgroup only when it is reaped, in v1 at once.
    let waits = sleepers
        .into_iter()
        .map(|mut child| std::thread::spawn(move || child.wait().unwrap()));
    let waits: Vec<_> = waits.collect();
    remove_all(&boxes, Duration::from_secs(60)).unwrap();
    for wait in waits {
        assert_eq!(wait.join().unwrap().signal(), Some(libc::SIGKILL));
    }
    assert!(boxes.iter().all(|path| !path.exists()));
    remove_all(&boxes, Duration::from_secs(1)).unwrap();
}

#[test]
fn what_is_not_a_boxs_group_is_refused_before_anything_is_touched() {
    if !is_root("what_is_not_a_boxs_group_is_refused_before_anything_is_touched") {
        return;
    }
    let parent = Parent::new();
    let good = parent.child("/sys/fs/cgroup/", "box").unwrap();
    let bad = AbsolutePath::parse("/sys/fs/cgroup/memory").unwrap();
    assert!(remove_all(&[good.clone(), bad], Duration::from_secs(1)).is_err());
    assert!(good.exists());
    remove_all(&[good], Duration::from_secs(60)).unwrap();
}

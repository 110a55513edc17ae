//! What a box sees from inside.

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use support::client::Helper;
use support::fixture::{Fixture, OWNER_BASE};
use support::host::{eventually, has_program, is_root};

/// A box that has written down what it sees.
struct Seen {
    fixture: Fixture,
    started: Value,
    _helper: Helper,
}

impl Seen {
    fn by_a_box(test: &str) -> Option<Seen> {
        if !is_root(test) || !has_program("runc", test) || !has_program("nft", test) {
            return None;
        }
        let fixture = Fixture::new();
        let mut helper = fixture.helper(1);
        let started = helper
            .call("boxStart", fixture.box_wish("one", &["view"]))
            .unwrap();
        let seen = Seen {
            fixture,
            started,
            _helper: helper,
        };
        eventually("the box's report", || seen.directory().exists());
        Some(seen)
    }

    fn directory(&self) -> PathBuf {
        self.fixture.bundle("one").join("upper/view")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory().join(name)).unwrap()
    }

    fn namespace(&self, pid: &str, kind: &str) -> PathBuf {
        fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap()
    }
}

#[test]
fn no_mount_of_the_host_or_of_another_box_is_there() {
    let Some(seen) = Seen::by_a_box("no_mount_of_the_host_or_of_another_box_is_there") else {
        return;
    };
    let mounts = seen.read("mounts");
    let points: Vec<&str> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .collect();
    assert!(
        points.contains(&"/") && points.contains(&"/proc"),
        "{mounts}"
    );
    // The runtime's own: proc, and the harmless devices one by one.
    let expected =
        |point: &&str| **point == *"/" || point.starts_with("/proc") || point.starts_with("/dev/");
    assert!(points.iter().all(expected), "{mounts}");
    let directory = seen.fixture.directory.to_str().unwrap();
    assert!(
        !mounts.contains(directory),
        "the host's paths show: {mounts}"
    );
}

#[test]
fn no_descriptor_leads_out() {
    let Some(seen) = Seen::by_a_box("no_descriptor_leads_out") else {
        return;
    };
    let descriptors = seen.read("descriptors");
    let foreign: Vec<&str> = descriptors
        .lines()
        .filter(|link| *link != "/dev/null" && !link.starts_with("/proc/"))
        .collect();
    assert_eq!(foreign, Vec::<&str>::new());
}

#[test]
fn its_namespaces_and_ids_are_its_own() {
    let Some(seen) = Seen::by_a_box("its_namespaces_and_ids_are_its_own") else {
        return;
    };
    let pid = seen.started["pid"].to_string();
    for kind in ["net", "mnt", "pid", "user", "ipc", "uts"] {
        assert_ne!(
            seen.namespace(&pid, kind),
            seen.namespace("self", kind),
            "{kind}"
        );
    }
    let map: Vec<u32> = seen
        .read("uid-map")
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    assert_eq!(map, [0, OWNER_BASE, 65_536]);
}

#[test]
fn root_inside_has_no_say_in_the_machine_or_the_network() {
    let Some(seen) = Seen::by_a_box("root_inside_has_no_say_in_the_machine_or_the_network") else {
        return;
    };
    let refused = seen.read("refused");
    assert_eq!(
        refused,
        r#"[("hostname", true), ("forward", true), ("ports", true)]"#
    );
}

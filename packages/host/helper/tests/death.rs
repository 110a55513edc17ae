//! kill -9 of the helper, at any moment.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::fixture::Fixture;
use support::host::{
    cgroup_directories, eventually, has_program, interfaces, is_alive, is_root, mounts,
    processes_with,
};

fn ready(test: &str) -> bool {
    is_root(test) && has_program("runc", test) && has_program("nft", test)
}

#[test]
fn boxes_live_on_and_the_next_helper_takes_over() {
    if !ready("boxes_live_on_and_the_next_helper_takes_over") {
        return;
    }
    let fixture = Fixture::new();
    let mut first = fixture.helper(3);
    let started = first
        .call("boxStart", fixture.box_wish("one", &[]))
        .unwrap();
    first
        .call("boxWatch", fixture.watch_wish("one", &started))
        .unwrap();
    let pid = started["pid"].as_i64().unwrap() as i32;
    first.kill();
    assert!(is_alive(pid));
    eventually("only the box's interface is left", || {
        interfaces(&fixture.prefix).len() == 1
    });

    let mut second = support::client::Helper::start();
    let mut wish = fixture.network_wish(2);
    wish["inUse"] = json!([started["netSlot"]]);
    second.call("networkSetup", wish).unwrap();
    second
        .call("boxWatch", fixture.watch_wish("one", &started))
        .unwrap();
    let other = second
        .call("boxStart", fixture.box_wish("two", &[]))
        .unwrap();
    assert_ne!(other["netSlot"], started["netSlot"]);
    assert_eq!(
        second
            .call("boxKill", fixture.kill_wish("one", &started))
            .unwrap()["killed"],
        true
    );
    let expected = json!({ "event": "exited", "boxId": "one", "pid": pid, "waitStatus": null });
    assert_eq!(second.event_named("exited"), expected);
    second
        .call("boxKill", fixture.kill_wish("two", &other))
        .unwrap();
    assert!(fixture.cgroups_left("one").is_empty() && fixture.cgroups_left("two").is_empty());
}

#[test]
fn a_box_that_ended_between_two_helpers_is_reported_without_a_status() {
    if !ready("a_box_that_ended_between_two_helpers_is_reported_without_a_status") {
        return;
    }
    let fixture = Fixture::new();
    let mut first = fixture.helper(0);
    let started = first
        .call("boxStart", fixture.box_wish("one", &[]))
        .unwrap();
    first.kill();
    let pid = started["pid"].as_i64().unwrap() as i32;
    unsafe { libc::kill(pid, libc::SIGKILL) };
    eventually("the box's end", || !is_alive(pid));
    let mut second = support::client::Helper::start();
    second
        .call("boxWatch", fixture.watch_wish("one", &started))
        .unwrap();
    assert_eq!(second.event_named("exited")["waitStatus"], Value::Null);
    second
        .call("boxKill", fixture.kill_wish("one", &started))
        .unwrap();
    assert!(fixture.cgroups_left("one").is_empty());
}

#[test]
fn killed_in_the_middle_of_a_start_it_leaves_no_mount_no_namespace_and_no_runtime() {
    if !ready("killed_in_the_middle_of_a_start_it_leaves_no_mount_no_namespace_and_no_runtime") {
        return;
    }
    let fixture = Fixture::new();
    for (round, delay_ms) in [0, 1, 3, 6, 9, 12, 16, 20, 25, 30, 40]
        .into_iter()
        .enumerate()
    {
        let name = format!("box{round}");
        let mut helper = fixture.helper(1);
        let _reply = helper.send("boxStart", fixture.box_wish(&name, &[]));
        std::thread::sleep(Duration::from_millis(delay_ms));
        helper.kill();
        // What the host does next: it ends what the runtime had made by then.
        let mut next = support::client::Helper::start();
        let paths = cgroup_directories(&fixture.cgroup(&name));
        eventually("no runtime and no box", || {
            let left = processes_with(&fixture.container(&name));
            left.is_empty()
        });
        next.call("cgroupsRemove", json!({ "paths": paths }))
            .unwrap();
        assert!(fixture.cgroups_left(&name).is_empty());
        assert!(mounts("self", fixture.directory.to_str().unwrap()).is_empty());
        eventually("no interface", || interfaces(&fixture.prefix).is_empty());
    }
}

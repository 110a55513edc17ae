//! Boxes under the real runtime, from start to end.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::fixture::{Fixture, OWNER_BASE};
use support::host::{
    eventually, has_program, interfaces, is_alive, is_root, mounts, processes_with,
};

fn ready(test: &str) -> bool {
    is_root(test) && has_program("runc", test) && has_program("nft", test)
}

fn pid_of(started: &Value) -> i32 {
    started["pid"].as_i64().unwrap() as i32
}

fn assert_no_trace(fixture: &Fixture, box_id: &str, helper_pid: i32) {
    assert_eq!(fixture.cgroups_left(box_id), Vec::<String>::new());
    let bundle = fixture.bundle(box_id);
    for pid in ["self", &helper_pid.to_string()] {
        assert_eq!(mounts(pid, bundle.to_str().unwrap()), Vec::<String>::new());
    }
    eventually("no process of the box", || {
        processes_with(&fixture.container(box_id)).is_empty()
    });
}

#[test]
fn root_inside_is_nobody_outside_and_sees_its_files_as_its_own() {
    if !ready("root_inside_is_nobody_outside_and_sees_its_files_as_its_own") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let started = helper
        .call("boxStart", fixture.box_wish("one", &["owners"]))
        .unwrap();
    let pid = pid_of(&started);
    let upper = fixture.bundle("one").join("upper");
    eventually("the box's report", || upper.join("owners").exists());
    assert_eq!(
        fs::read_to_string(upper.join("owners")).unwrap(),
        "0 0 1000"
    );
    assert_eq!(
        fs::metadata(upper.join("made")).unwrap().uid(),
        OWNER_BASE + 1000
    );
    assert_eq!(
        fs::metadata(format!("/proc/{pid}")).unwrap().uid(),
        OWNER_BASE
    );
    assert_eq!(
        fs::metadata(fixture.layer().join("bin/init"))
            .unwrap()
            .uid(),
        0
    );
    for table in ["self", &helper.pid().to_string()] {
        assert!(
            mounts(table, fixture.bundle("one").to_str().unwrap()).is_empty(),
            "mounts left in {table}"
        );
    }
    helper
        .call("boxKill", fixture.kill_wish("one", &started))
        .unwrap();
    assert_no_trace(&fixture, "one", helper.pid());
}

#[test]
fn a_start_after_a_killed_one_is_not_in_the_way_of_its_pid_file() {
    if !ready("a_start_after_a_killed_one_is_not_in_the_way_of_its_pid_file") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let wish = fixture.box_wish("again", &["owners"]);
    let pid_file = std::path::PathBuf::from(wish["pidFile"].as_str().unwrap());
    let name = pid_file.file_name().unwrap().to_str().unwrap();
    for stale in [format!(".{name}"), name.to_owned()] {
        fs::write(pid_file.with_file_name(stale), "999999999").unwrap();
    }
    let started = helper.call("boxStart", wish).unwrap();
    assert!(is_alive(pid_of(&started)));
    helper
        .call("boxKill", fixture.kill_wish("again", &started))
        .unwrap();
    assert_no_trace(&fixture, "again", helper.pid());
}

#[test]
fn the_end_is_reported_with_its_status() {
    if !ready("the_end_is_reported_with_its_status") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let started = helper
        .call(
            "boxStart",
            fixture.box_wish("one", &["exit-later", "300", "7"]),
        )
        .unwrap();
    for _ in 0..2 {
        helper
            .call("boxWatch", fixture.watch_wish("one", &started))
            .unwrap();
    }
    let expected =
        json!({ "event": "exited", "boxId": "one", "pid": started["pid"], "waitStatus": 7 << 8 });
    assert_eq!(helper.event_named("exited"), expected);
    // Gone already: told at once, with the same status.
    helper
        .call("boxWatch", fixture.watch_wish("one", &started))
        .unwrap();
    assert_eq!(helper.event_named("exited"), expected);
    let killed = helper
        .call("boxKill", fixture.kill_wish("one", &started))
        .unwrap();
    assert_eq!(killed["killed"], false);
    assert_no_trace(&fixture, "one", helper.pid());
}

#[test]
fn a_kill_ends_all_and_can_be_repeated() {
    if !ready("a_kill_ends_all_and_can_be_repeated") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(0);
    let started = helper
        .call("boxStart", fixture.box_wish("one", &[]))
        .unwrap();
    helper
        .call("boxWatch", fixture.watch_wish("one", &started))
        .unwrap();
    let mut stranger = fixture.kill_wish("one", &started);
    stranger["startTimeTicks"] = json!(started["startTimeTicks"].as_u64().unwrap() + 1);
    stranger["cgroups"] = json!([]);
    assert_eq!(helper.call("boxKill", stranger).unwrap()["killed"], false);
    assert!(
        is_alive(pid_of(&started)),
        "a process of another start time was killed"
    );
    for expected in [true, false, false] {
        let killed = helper
            .call("boxKill", fixture.kill_wish("one", &started))
            .unwrap();
        assert_eq!(killed["killed"], expected);
    }
    assert_eq!(helper.event_named("exited")["waitStatus"], libc::SIGKILL);
    assert_no_trace(&fixture, "one", helper.pid());
    eventually("the box's interface goes", || {
        interfaces(&fixture.prefix).is_empty()
    });
}

#[test]
fn a_frozen_box_is_killed_too() {
    if !ready("a_frozen_box_is_killed_too") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(0);
    let started = helper
        .call("boxStart", fixture.box_wish("one", &[]))
        .unwrap();
    let root = fixture.runtime_root();
    let paused = Command::new("runc")
        .arg("--root")
        .arg(root)
        .args(["pause", &fixture.container("one")])
        .status();
    assert!(paused.unwrap().success());
    let killed = helper
        .call("boxKill", fixture.kill_wish("one", &started))
        .unwrap();
    assert_eq!(killed["killed"], true);
    assert_no_trace(&fixture, "one", helper.pid());
}

#[test]
fn a_box_frozen_by_command_is_thawed_or_killed() {
    if !ready("a_box_frozen_by_command_is_thawed_or_killed") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(0);
    let started = helper
        .call(
            "boxStart",
            // Time enough to freeze it on a busy machine.
            fixture.box_wish("one", &["exit-later", "4000", "3"]),
        )
        .unwrap();
    let ends = Instant::now() + Duration::from_millis(4_500);
    helper
        .call("boxWatch", fixture.watch_wish("one", &started))
        .unwrap();
    let kill = fixture.kill_wish("one", &started);
    let wish =
        |frozen: bool| json!({ "boxId": "one", "cgroups": kill["cgroups"], "frozen": frozen });
    for _ in 0..2 {
        helper.call("boxFreeze", wish(true)).unwrap();
    }
    std::thread::sleep(ends.saturating_duration_since(Instant::now()));
    assert!(!helper.has_event() && is_alive(pid_of(&started)));
    for _ in 0..2 {
        helper.call("boxFreeze", wish(false)).unwrap();
    }
    assert_eq!(helper.event_named("exited")["waitStatus"], 3 << 8);
    helper.call("boxKill", kill.clone()).unwrap();
    let gone = helper.call("boxFreeze", wish(true)).unwrap_err();
    assert_eq!(gone["code"], "badRequest");
    helper.call("boxFreeze", wish(false)).unwrap();

    let started = helper
        .call("boxStart", fixture.box_wish("two", &[]))
        .unwrap();
    let kill = fixture.kill_wish("two", &started);
    let freeze = json!({ "boxId": "two", "cgroups": kill["cgroups"], "frozen": true });
    helper.call("boxFreeze", freeze).unwrap();
    assert_eq!(helper.call("boxKill", kill).unwrap()["killed"], true);
    assert_no_trace(&fixture, "two", helper.pid());
}

#[test]
fn a_start_that_fails_leaves_nothing_and_says_why() {
    if !ready("a_start_that_fails_leaves_nothing_and_says_why") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(0);
    let mut no_program = fixture.box_wish("one", &[]);
    let config = fixture.bundle("one").join("config.json");
    let text = fs::read_to_string(&config)
        .unwrap()
        .replace("/bin/init", "/bin/absent");
    fs::write(&config, text).unwrap();
    let error = helper.call("boxStart", no_program.clone()).unwrap_err();
    assert_eq!(error["code"], "runtimeFailed");
    assert!(
        error["message"].as_str().unwrap().contains("/bin/absent"),
        "{error}"
    );
    assert_no_trace(&fixture, "one", helper.pid());
    no_program["runtime"][0] = json!("no-such-runtime");
    assert_eq!(
        helper.call("boxStart", no_program).unwrap_err()["osError"],
        "ENOENT"
    );
    let mut no_layer = fixture.box_wish("two", &[]);
    no_layer["layers"][0]["path"] = json!("/nowhere");
    assert_eq!(
        helper.call("boxStart", no_layer).unwrap_err()["osError"],
        "ENOENT"
    );
    eventually("their interfaces go", || {
        interfaces(&fixture.prefix).is_empty()
    });
    eventually("no process of them is left", || {
        let me = std::process::id() as i32;
        processes_with(&fixture.name).iter().all(|pid| *pid == me)
    });
}

#[test]
fn a_runtime_that_hangs_is_ended() {
    if !ready("a_runtime_that_hangs_is_ended") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(0);
    let mut wish = fixture.box_wish("one", &[]);
    let marker = format!("300.{}", u32::from_str_radix(&fixture.name, 16).unwrap());
    wish["runtime"] = json!(["/bin/sh", "-c", format!("sleep {marker}; true")]);
    wish["timeoutMs"] = json!(200);
    let error = helper.call("boxStart", wish).unwrap_err();
    assert_eq!(error["code"], "timeout");
    eventually("the runtime's processes are gone", || {
        processes_with(&marker).is_empty()
    });
    assert!(
        mounts(
            &helper.pid().to_string(),
            fixture.bundle("one").to_str().unwrap()
        )
        .is_empty()
    );
    eventually("its interface goes", || {
        interfaces(&fixture.prefix).is_empty()
    });
}

#[test]
fn without_a_network_no_box_starts() {
    if !ready("without_a_network_no_box_starts") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = support::client::Helper::start();
    let error = helper
        .call("boxStart", fixture.box_wish("one", &[]))
        .unwrap_err();
    assert_eq!(error["code"], "networkNotReady");
}

#[test]
fn many_start_at_once_each_with_its_own_network() {
    if !ready("many_start_at_once_each_with_its_own_network") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(4);
    let names: Vec<String> = (0..12).map(|number| format!("box{number}")).collect();
    let replies: Vec<_> = names
        .iter()
        .map(|name| helper.send("boxStart", fixture.box_wish(name, &[])))
        .collect();
    let started: Vec<Value> = replies
        .iter()
        .map(|reply| support::client::outcome(reply).unwrap())
        .collect();
    let mut addresses: Vec<&str> = started
        .iter()
        .map(|one| one["ipv4"].as_str().unwrap())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 12);
    for (name, one) in names.iter().zip(&started) {
        assert_eq!(
            helper
                .call("boxKill", fixture.kill_wish(name, one))
                .unwrap()["killed"],
            true
        );
        assert_no_trace(&fixture, name, helper.pid());
    }
}

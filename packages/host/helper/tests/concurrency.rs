//! Many commands at once, slow ones among them.

mod support;

use std::collections::HashMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::TryRecvError;

use serde_json::{Value, json};
use support::client::{Helper, outcome};
use support::fixture::Fixture;
use support::host::{eventually, has_program, is_root, unique};

#[test]
fn slow_starts_hold_nothing_else() {
    let test = "slow_starts_hold_nothing_else";
    if !is_root(test) || !has_program("nft", test) {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(0);
    // More than start at once; each ends when the file is there.
    let gate = fixture.directory.join("gate");
    let starts: Vec<_> = (0..12)
        .map(|number| {
            let mut wish = fixture.box_wish(&format!("box{number}"), &[]);
            let script = format!(
                "until [ -e {} ]; do sleep 0.05; done; exit 3",
                gate.display()
            );
            wish["runtime"] = json!(["/bin/sh", "-c", script]);
            helper.send("boxStart", wish)
        })
        .collect();
    assert_eq!(
        helper.call("hello", json!({})).unwrap()["version"],
        env!("CARGO_PKG_VERSION")
    );
    let kill = json!({ "boxId": "x", "pid": 4_000_000, "startTimeTicks": 1, "cgroups": [], "netSlot": 1, "timeoutMs": 1 });
    assert_eq!(helper.call("boxKill", kill).unwrap()["killed"], false);
    let started = starts
        .iter()
        .filter(|reply| !matches!(reply.try_recv(), Err(TryRecvError::Empty)));
    assert_eq!(started.count(), 0, "a start ended before its runtime did");
    fs::write(&gate, "").unwrap();
    for reply in &starts {
        let error = outcome(reply).unwrap_err();
        assert_eq!(error["code"], "runtimeFailed");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("exit status: 3"),
            "{error}"
        );
    }
}

#[test]
fn every_reply_has_the_id_of_its_request_whatever_its_kind() {
    if !is_root("every_reply_has_the_id_of_its_request_whatever_its_kind") {
        return;
    }
    let mut helper = Helper::start();
    let ids = [
        json!(0),
        json!(-5),
        json!(1.5),
        json!(u64::MAX),
        json!("a\"b\n☃"),
        json!(""),
    ];
    let replies: Vec<_> = ids
        .iter()
        .map(|id| {
            let line = json!({ "id": id, "command": "hello", "args": {} }).to_string();
            helper.send_raw(id, line.as_bytes())
        })
        .collect();
    assert!(replies.iter().all(|reply| outcome(reply).is_ok()));
}

#[test]
fn many_watched_processes_end_each_with_its_own_event() {
    let test = "many_watched_processes_end_each_with_its_own_event";
    if !is_root(test) {
        return;
    }
    let mut helper = Helper::start();
    let mut sleepers: Vec<_> = (0..60)
        .map(|_| Command::new("sleep").arg("600").spawn().unwrap())
        .collect();
    let mut names = HashMap::new();
    for (number, sleeper) in sleepers.iter().enumerate() {
        let pid = sleeper.id() as i32;
        let ticks = berth_helper::process::pidfd::stat(pid)
            .unwrap()
            .start_time_ticks;
        let name = format!("{}-{number}", unique());
        let wish = json!({ "boxId": name, "pid": pid, "startTimeTicks": ticks });
        helper.call("boxWatch", wish).unwrap();
        names.insert(name, pid);
    }
    assert!(!helper.has_event());
    for sleeper in &mut sleepers {
        sleeper.kill().unwrap();
        assert_eq!(sleeper.wait().unwrap().signal(), Some(libc::SIGKILL));
    }
    for _ in 0..60 {
        let event = helper.event_named("exited");
        let pid = names.remove(event["boxId"].as_str().unwrap());
        assert_eq!(pid.map(i64::from), event["pid"].as_i64());
        assert_eq!(
            event["waitStatus"],
            Value::Null,
            "another's child has no status"
        );
    }
    assert!(names.is_empty());
}

#[test]
fn a_crowd_of_boxes_that_end_by_themselves_is_reported_exactly() {
    let test = "a_crowd_of_boxes_that_end_by_themselves_is_reported_exactly";
    if !is_root(test) || !has_program("runc", test) || !has_program("nft", test) {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(8);
    let codes: Vec<i32> = (0..8).map(|number| 10 + number).collect();
    let replies: Vec<_> = codes
        .iter()
        .map(|code| {
            let wish = fixture.box_wish(
                &format!("box{code}"),
                &["exit-later", "2000", &code.to_string()],
            );
            helper.send("boxStart", wish)
        })
        .collect();
    let started: Vec<Value> = replies
        .iter()
        .map(|reply| outcome(reply).unwrap())
        .collect();
    for (code, one) in codes.iter().zip(&started) {
        helper
            .call("boxWatch", fixture.watch_wish(&format!("box{code}"), one))
            .unwrap();
    }
    let mut seen: Vec<i32> = codes
        .iter()
        .map(|_| {
            let event = helper.event_named("exited");
            let status = ExitStatus::from_raw(event["waitStatus"].as_i64().unwrap() as i32);
            assert_eq!(event["boxId"], format!("box{}", status.code().unwrap()));
            status.code().unwrap()
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, codes);
    for (code, one) in codes.iter().zip(&started) {
        let name = format!("box{code}");
        assert_eq!(
            helper
                .call("boxKill", fixture.kill_wish(&name, one))
                .unwrap()["killed"],
            false
        );
        eventually("its cgroups are gone", || {
            fixture.cgroups_left(&name).is_empty()
        });
    }
}

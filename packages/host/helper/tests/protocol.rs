//! The command line as a hostile or broken host might use it.

mod support;

use berth_helper::protocol::{Command, MAX_LINE_BYTES, decode};
use serde_json::{Value, json};
use support::client::{Helper, outcome};

fn error_of(line: &str) -> (Value, String) {
    let (id, error) = decode(line.as_bytes()).unwrap_err();
    assert_eq!(error.code.name(), "badRequest");
    (id, error.message)
}

#[test]
fn what_is_no_request_is_named_and_keeps_the_id_where_there_is_one() {
    for junk in [
        "",
        "x",
        "[]",
        "null",
        "{}",
        "{\"id\":",
        "{\"id\":true}",
        "{\"id\":[1]}",
        "{\"id\":null,\"command\":\"hello\"}",
    ] {
        assert_eq!(error_of(junk).0, Value::Null, "{junk}");
    }
    for (id, command, args) in [
        (json!(1), json!("nonsense"), json!({})),
        (json!("a"), json!("hello"), Value::Null),
        (json!(2), json!("boxKill"), json!({ "boxId": 5 })),
        (
            json!(3),
            json!("subvolumeUsage"),
            json!({ "path": "relative" }),
        ),
        (
            json!(3),
            json!("subvolumeUsage"),
            json!({ "path": "/a/../b" }),
        ),
        (
            json!(3),
            json!("subvolumeUsage"),
            json!({ "path": "/a\0b" }),
        ),
        (
            json!(4),
            json!("subvolumeCreate"),
            json!({ "path": "/a", "limitBytes": -1, "ownerBase": 0 }),
        ),
        (
            json!(5),
            json!("subvolumeCreate"),
            json!({ "path": "/a", "limitBytes": 1, "ownerBase": 4_294_967_296u64 }),
        ),
        (
            json!(6),
            json!("boxWatch"),
            json!({ "boxId": "x", "pid": 1, "startTimeTicks": 1 }),
        ),
        (
            json!(6),
            json!("boxWatch"),
            json!({ "boxId": "x", "pid": -1, "startTimeTicks": 1 }),
        ),
    ] {
        let line = json!({ "id": id, "command": command, "args": args }).to_string();
        assert_eq!(error_of(&line).0, id, "{line}");
    }
}

#[test]
fn a_start_needs_a_runtime_and_a_layer() {
    let good = json!({
        "boxId": "b", "bundle": "/b", "layers": [{ "path": "/l", "ownerBase": 0 }], "upper": "/u", "work": "/w",
        "ownerBase": 1, "runtime": ["runc"], "runtimeDelete": [], "pidFile": "/p", "timeoutMs": 1,
    });
    let line = |args: &Value| json!({ "id": 1, "command": "boxStart", "args": args }).to_string();
    assert!(matches!(
        decode(line(&good).as_bytes()).unwrap().command,
        Command::BoxStart(_)
    ));
    for (name, value) in [
        ("runtime", json!([])),
        ("layers", json!([])),
        ("runtime", json!(["a\0b"])),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(decode(line(&bad).as_bytes()).is_err(), "{name}");
    }
}

#[test]
fn mangled_lines_never_panic() {
    let line = json!({ "id": 7, "command": "boxKill", "args": {
        "boxId": "b", "pid": 77, "startTimeTicks": 5, "cgroups": ["/sys/fs/cgroup/a/b"], "netSlot": 1, "timeoutMs": 10 } });
    let line = line.to_string().into_bytes();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut mangled = line.clone();
        for _ in 0..=random(4) {
            let at = random(mangled.len());
            match random(3) {
                0 => mangled[at] = random(256) as u8,
                1 => mangled.truncate(at.max(1)),
                _ => mangled.insert(at, b"{}[]\",:0\\"[random(9)]),
            }
        }
        refused += usize::from(decode(&mangled).is_err());
    }
    assert!(refused > 10_000, "{refused}");
}

#[test]
fn the_helper_outlives_junk_and_ends_with_its_input() {
    if !support::host::is_root("the_helper_outlives_junk_and_ends_with_its_input") {
        return;
    }
    let mut helper = Helper::start();
    let long = "x".repeat(MAX_LINE_BYTES + 1);
    let junk: [&[u8]; 6] = [
        b"",
        b"\xff\xfe\0",
        b"{",
        b"[[[[[[[[",
        long.as_bytes(),
        b"{\"id\":{}}",
    ];
    for bytes in junk {
        let reply = helper.send_raw(&Value::Null, bytes);
        assert_eq!(outcome(&reply).unwrap_err()["code"], "badRequest");
    }
    let deep = format!("{{\"id\":1,\"command\":{}", "[".repeat(100_000));
    let reply = helper.send_raw(&Value::Null, deep.as_bytes());
    assert_eq!(outcome(&reply).unwrap_err()["code"], "badRequest");
    let hello = helper.call("hello", json!({})).unwrap();
    assert_eq!(hello["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        hello["capabilities"]
            .as_array()
            .unwrap()
            .iter()
            .any(|name| name == "CAP_SYS_ADMIN")
    );
    assert!(["v1", "hybrid", "v2"].contains(&hello["cgroup"].as_str().unwrap()));
    assert_eq!(helper.finish(), Some(0));
}

#[test]
fn errors_name_the_call_the_path_and_the_errno() {
    if !support::host::is_root("errors_name_the_call_the_path_and_the_errno") {
        return;
    }
    let mut helper = Helper::start();
    let error = helper
        .call("subvolumeUsage", json!({ "path": "/nowhere/at/all" }))
        .unwrap_err();
    assert_eq!(error["code"], "os");
    assert_eq!(error["osError"], "ENOENT");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("open") && message.contains("/nowhere/at/all"),
        "{message}"
    );
    let error = helper
        .call("quotaEnable", json!({ "volume": "/proc" }))
        .unwrap_err();
    assert_eq!(error["osError"], "ENOTTY");
}

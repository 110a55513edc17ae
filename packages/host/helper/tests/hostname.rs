//! The host name of a box, given from outside.

mod support;

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use support::fixture::Fixture;
use support::host::{has_program, is_root};

#[test]
fn a_box_gets_its_name_and_only_while_it_lives() {
    let test = "a_box_gets_its_name_and_only_while_it_lives";
    if !is_root(test) || !has_program("runc", test) || !has_program("nft", test) {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let started = helper
        .call("boxStart", fixture.box_wish("one", &[]))
        .unwrap();
    let before = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let wish = |name: &str| json!({ "boxId": "one", "pid": started["pid"], "startTimeTicks": started["startTimeTicks"], "hostname": name });
    for name in ["first", "second"] {
        helper.call("boxHostname", wish(name)).unwrap();
        assert_eq!(name_inside(&started), name);
    }
    assert_eq!(
        fs::read_to_string("/proc/sys/kernel/hostname").unwrap(),
        before
    );
    let too_long = helper
        .call("boxHostname", wish(&"x".repeat(65)))
        .unwrap_err();
    assert_eq!(too_long["osError"], "EINVAL", "{too_long}");
    helper
        .call("boxKill", fixture.kill_wish("one", &started))
        .unwrap();
    let gone = helper.call("boxHostname", wish("third")).unwrap_err();
    assert_eq!(gone["code"], "badRequest", "{gone}");
}

fn name_inside(started: &Value) -> String {
    let pid = started["pid"].to_string();
    let output = Command::new("nsenter")
        .args(["--uts", "--target", &pid, "uname", "-n"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

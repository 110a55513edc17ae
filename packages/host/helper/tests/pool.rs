//! Network namespaces made ahead.

mod support;

use std::collections::HashSet;
use std::fs;
use std::process::Command;

use serde_json::json;
use support::client::Helper;
use support::fixture::Fixture;
use support::host::{eventually, has_program, interfaces, is_root};

const MANY: usize = 200;

fn ready(test: &str) -> bool {
    is_root(test) && has_program("nft", test)
}

#[test]
fn two_hundred_are_made_each_with_addresses_of_its_own_and_go_with_the_helper() {
    if !ready("two_hundred_are_made_each_with_addresses_of_its_own_and_go_with_the_helper") {
        return;
    }
    let fixture = Fixture::new();
    let helper = fixture.helper(MANY);
    eventually("200 interfaces", || {
        interfaces(&fixture.prefix).len() >= MANY
    });
    eventually("200 namespaces held", || {
        namespaces_held_by(helper.pid()) == MANY
    });
    assert_eq!(interfaces(&fixture.prefix).len(), MANY);
    let routes = fs::read_to_string("/proc/net/route").unwrap();
    let ours = routes
        .lines()
        .filter(|line| line.starts_with(&format!("{}-", fixture.prefix)));
    let networks: HashSet<&str> = ours
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(networks.len(), MANY);
    helper.kill();
    eventually("no interface is left", || {
        interfaces(&fixture.prefix).is_empty()
    });
}

fn namespaces_held_by(pid: i32) -> usize {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links
        .filter(|link| link.to_string_lossy().starts_with("net:"))
        .count()
}

#[test]
fn wishes_that_cannot_be_are_refused_and_change_nothing() {
    if !ready("wishes_that_cannot_be_are_refused_and_change_nothing") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = Helper::start();
    for (name, value) in [
        ("table", json!("x { } flush ruleset")),
        ("interfacePrefix", json!("eth0\"; drop")),
        ("interfacePrefix", json!("")),
        ("subnet", json!("10.0.0.1/16")),
        ("subnet", json!("fd00::/64")),
        ("ready", json!(1_000_000)),
    ] {
        let mut wish = fixture.network_wish(1);
        wish[name] = value;
        assert_eq!(
            helper.call("networkSetup", wish).unwrap_err()["code"],
            "badRequest",
            "{name}"
        );
    }
    assert!(interfaces(&fixture.prefix).is_empty());
    let listed = Command::new("nft")
        .args(["list", "table", "inet", &fixture.table])
        .output()
        .unwrap();
    assert!(!listed.status.success());
}

#[test]
fn an_interface_that_was_deleted_under_the_pool_is_not_given_out() {
    if !ready("an_interface_that_was_deleted_under_the_pool_is_not_given_out")
        || !has_program("runc", "pool")
    {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    eventually("one is ready", || interfaces(&fixture.prefix).len() == 1);
    let name = interfaces(&fixture.prefix).remove(0);
    let mut host = berth_helper::net::netlink::Socket::open().unwrap();
    berth_helper::net::link::delete(&mut host, &name).unwrap();
    let started = helper
        .call("boxStart", fixture.box_wish("one", &[]))
        .unwrap();
    assert!(
        interfaces(&fixture.prefix).contains(&format!("{}-{}", fixture.prefix, started["netSlot"]))
    );
    helper
        .call("boxKill", fixture.kill_wish("one", &started))
        .unwrap();
}

#[test]
fn a_small_subnet_is_used_up_and_used_again() {
    if !ready("a_small_subnet_is_used_up_and_used_again") || !has_program("runc", "pool") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = Helper::start();
    let mut wish = fixture.network_wish(0);
    wish["subnet"] = json!(fixture.subnet.replace("/22", "/28"));
    wish["inUse"] = json!([1, 2, 3, 4, 5]);
    helper.call("networkSetup", wish).unwrap();
    let first = helper.call("boxStart", fixture.box_wish("a", &[])).unwrap();
    let second = helper.call("boxStart", fixture.box_wish("b", &[])).unwrap();
    let slots: HashSet<u64> = [&first, &second]
        .map(|one| one["netSlot"].as_u64().unwrap())
        .into();
    assert_eq!(slots, HashSet::from([6, 7]));
    assert_eq!(
        helper
            .call("boxStart", fixture.box_wish("c", &[]))
            .unwrap_err()["code"],
        "slotsExhausted"
    );
    helper
        .call("boxKill", fixture.kill_wish("a", &first))
        .unwrap();
    eventually("its interface goes", || {
        interfaces(&fixture.prefix).len() == 1
    });
    let third = helper.call("boxStart", fixture.box_wish("d", &[])).unwrap();
    assert_eq!(third["netSlot"], first["netSlot"]);
    for (name, started) in [("b", &second), ("d", &third)] {
        helper
            .call("boxKill", fixture.kill_wish(name, started))
            .unwrap();
    }
}

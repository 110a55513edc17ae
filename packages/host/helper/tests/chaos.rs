//! kill -9 of the helper at random points of a busy life. `BERTH_CHAOS_ROUNDS` runs it longer.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use support::client::{Helper, outcome};
use support::fixture::Fixture;
use support::host::{
    cgroup_directories, eventually, has_program, interfaces, is_alive, is_root, mounts,
    processes_with,
};

const DEFAULT_ROUNDS: u32 = 12;
const STARTS_A_ROUND: usize = 3;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The network of the installation again, with the slots of the boxes that live.
fn next_helper(fixture: &Fixture, alive: &HashMap<String, Value>) -> Helper {
    let mut helper = Helper::start();
    let mut wish = fixture.network_wish(2);
    wish["inUse"] = alive
        .values()
        .map(|started| started["netSlot"].clone())
        .collect();
    helper.call("networkSetup", wish).unwrap();
    helper
}

#[test]
fn nothing_leaks_and_no_box_dies_wherever_the_helper_is_killed() {
    let test = "nothing_leaks_and_no_box_dies_wherever_the_helper_is_killed";
    if !is_root(test) || !has_program("runc", test) || !has_program("nft", test) {
        return;
    }
    let rounds = std::env::var("BERTH_CHAOS_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut random = Random(0x2545_f491_4f6c_dd1d ^ seed);
    let fixture = Fixture::new();
    let mut alive: HashMap<String, Value> = HashMap::new();
    for round in 0..rounds.unwrap_or(DEFAULT_ROUNDS) {
        let mut helper = next_helper(&fixture, &alive);
        let doomed: Vec<String> = alive
            .keys()
            .take(random.below(2) as usize)
            .cloned()
            .collect();
        for name in &doomed {
            let _unread = helper.send("boxKill", fixture.kill_wish(name, &alive[name]));
        }
        let names: Vec<String> = (0..STARTS_A_ROUND)
            .map(|number| format!("r{round}n{number}"))
            .collect();
        let starts: Vec<_> = names
            .iter()
            .map(|name| helper.send("boxStart", fixture.box_wish(name, &[])))
            .collect();
        std::thread::sleep(Duration::from_millis(random.below(180)));
        helper.kill();

        let mut answered: Vec<(String, Value)> = Vec::new();
        let mut unanswered = Vec::new();
        for (name, reply) in names.iter().zip(&starts) {
            // The reading thread may still be passing on what the helper wrote last.
            match reply.recv_timeout(Duration::from_millis(100)) {
                Ok(message) if message["ok"].is_object() => {
                    answered.push((name.clone(), message["ok"].clone()))
                }
                _ => unanswered.push(name.clone()),
            }
        }
        for name in &unanswered {
            eventually("the runtime ends with the helper", || {
                processes_with(&fixture.container(name)).is_empty()
            });
        }

        // What the host does: finish what was begun to end, take away what was begun to start.
        let mut next = next_helper(&fixture, &alive);
        for name in doomed {
            let started = alive.remove(&name).unwrap();
            next.call("boxKill", fixture.kill_wish(&name, &started))
                .unwrap();
            assert!(fixture.cgroups_left(&name).is_empty());
        }
        for name in &unanswered {
            let paths = cgroup_directories(&fixture.cgroup(name));
            next.call("cgroupsRemove", json!({ "paths": paths }))
                .unwrap();
            assert!(fixture.cgroups_left(name).is_empty());
        }
        alive.extend(answered);
        for (name, started) in &alive {
            assert!(
                is_alive(started["pid"].as_i64().unwrap() as i32),
                "box {name} died with the helper"
            );
        }
        assert!(mounts("self", fixture.directory.to_str().unwrap()).is_empty());
        next.finish();
        eventually("an interface a box and none else", || {
            interfaces(&fixture.prefix).len() == alive.len()
        });
    }
    let mut last = next_helper(&fixture, &alive);
    let kills: Vec<_> = alive
        .iter()
        .map(|(name, started)| last.send("boxKill", fixture.kill_wish(name, started)))
        .collect();
    assert!(
        kills
            .iter()
            .all(|reply| outcome(reply).unwrap()["killed"] == true)
    );
    last.finish();
    eventually("no interface", || interfaces(&fixture.prefix).is_empty());
}

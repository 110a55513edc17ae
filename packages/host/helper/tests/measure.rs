//! Figures, not checks: `cargo test --release --test measure -- --ignored --nocapture`.

mod support;

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::lchown;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use berth_helper::net::namespace;
use serde_json::Value;
use support::fixture::{Fixture, OWNER_BASE};
use support::host::{eventually, interfaces, is_root};

const ROUNDS: usize = 30;
const NAMESPACES: usize = 200;

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn own(path: &Path) {
    lchown(path, Some(OWNER_BASE), Some(OWNER_BASE)).unwrap();
    if path.is_dir() {
        fs::read_dir(path)
            .unwrap()
            .flatten()
            .for_each(|entry| own(&entry.path()));
    }
}

/// `runc run --detach` by itself: the root a plain directory, the network namespace made before.
fn plain_runtime(fixture: &Fixture) -> f64 {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let name = format!("plain{round}");
        let wish = fixture.box_wish(&name, &[]);
        let bundle = fixture.bundle(&name);
        let copied = Command::new("cp")
            .arg("-a")
            .arg(fixture.layer())
            .arg(bundle.join("rootfs"))
            .status();
        assert!(copied.unwrap().success());
        own(&bundle.join("rootfs"));
        let network = namespace::create().unwrap();
        let path = format!("/proc/{}/fd/{}", std::process::id(), network.fd.as_raw_fd());
        let config = bundle.join("config.json");
        let text = fs::read_to_string(&config)
            .unwrap()
            .replace("@NETNS@", &path);
        fs::write(config, text).unwrap();
        let words: Vec<&str> = wish["runtime"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let began = Instant::now();
        let status = Command::new(words[0])
            .args(&words[1..])
            .stdin(std::process::Stdio::null())
            .status()
            .unwrap();
        times.push(began.elapsed());
        assert!(status.success());
        let delete: Vec<&str> = wish["runtimeDelete"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert!(
            Command::new(delete[0])
                .args(&delete[1..])
                .status()
                .unwrap()
                .success()
        );
    }
    median_ms(times)
}

fn by_the_helper(fixture: &Fixture) -> (f64, f64) {
    let mut helper = fixture.helper(2);
    let (mut starts, mut kills) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = format!("box{round}");
        let wish = fixture.box_wish(&name, &[]);
        let began = Instant::now();
        let started = helper.call("boxStart", wish).unwrap();
        starts.push(began.elapsed());
        let began = Instant::now();
        helper
            .call("boxKill", fixture.kill_wish(&name, &started))
            .unwrap();
        kills.push(began.elapsed());
    }
    (median_ms(starts), median_ms(kills))
}

#[test]
#[ignore = "a measurement"]
fn figures() {
    if !is_root("figures") {
        return;
    }
    let fixture = Fixture::new();
    let began = Instant::now();
    let helper = fixture.helper(NAMESPACES);
    eventually("the pool is full", || {
        interfaces(&fixture.prefix).len() >= NAMESPACES
    });
    let each_ms = began.elapsed().as_secs_f64() * 1000.0 / NAMESPACES as f64;
    println!("network namespace with its link: {each_ms:.2} ms each, {NAMESPACES} in a row");
    let status = fs::read_to_string(format!("/proc/{}/status", helper.pid())).unwrap();
    let memory = status
        .lines()
        .filter(|line| line.starts_with("RssAnon") || line.starts_with("VmRSS"));
    println!("helper: {}", memory.collect::<Vec<_>>().join(", "));
    helper.finish();
    eventually("the pool is gone", || {
        interfaces(&fixture.prefix).is_empty()
    });
    let plain = plain_runtime(&fixture);
    let (start, kill) = by_the_helper(&fixture);
    println!(
        "boxStart {start:.1} ms, runc run --detach alone {plain:.1} ms, ratio {:.2}",
        start / plain
    );
    println!("boxKill {kill:.1} ms (medians of {ROUNDS})");
}

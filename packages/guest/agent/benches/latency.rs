//! Prints how long `true` takes over the link, against starting bash directly in the same run, and the guest's memory.

#[path = "../tests/support/mod.rs"]
mod support;

use berth_guest::messages::{Exec, Metrics, Request};
use std::process::Command;
use std::time::{Duration, Instant};
use support::Host;
use support::requests::{exec, run};

const ROUNDS: usize = 300;

fn median(mut work: impl FnMut(usize)) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|round| {
            let start = Instant::now();
            work(round);
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn main() {
    let mut host = Host::start();
    std::thread::sleep(Duration::from_secs(1));
    let private = |host: &mut Host| {
        let view = host.call(Request::Metrics(Metrics {}));
        let metrics = view.status.clone().and_then(|status| status.metrics);
        metrics.map_or(0, |metrics| metrics.guest_private_bytes / 1024)
    };
    println!("idle private memory        {:>8} KiB", private(&mut host));
    let home = host.path("home");
    let direct = |login: bool| {
        let mut command = Command::new("/bin/bash");
        if login {
            command.arg("-l");
        }
        let environment = [("HOME", home.as_str()), ("PATH", "/usr/bin:/bin")];
        command
            .args(["-c", "true"])
            .env_clear()
            .envs(environment)
            .status()
    };
    let plain = median(|_| assert!(direct(false).is_ok()));
    let login = median(|_| assert!(direct(true).is_ok()));
    let linked = median(|round| {
        let id = host.open(run(&format!("t{round}"), "true"));
        host.finish(id);
        host.close(id);
    });
    let program = Command::new("/bin/true");
    let bare = median(|_| assert!(Command::new(program.get_program()).status().is_ok()));
    let argv = median(|round| {
        let wish = Exec {
            argv: vec!["/bin/true".into()],
            ..exec(&format!("a{round}"), "")
        };
        let id = host.open(Request::Exec(wish));
        host.finish(id);
        host.close(id);
    });
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    println!("bash -c true, directly     {:>8} us", plain.as_micros());
    println!("bash -l -c true, directly  {:>8} us", login.as_micros());
    println!("true over the link         {:>8} us", linked.as_micros());
    println!("/bin/true, directly        {:>8} us", bare.as_micros());
    println!("/bin/true over the link    {:>8} us", argv.as_micros());
    println!("ratio to bash -c true      {:>8.2}", ratio(linked, plain));
    println!("ratio to bash -l -c true   {:>8.2}", ratio(linked, login));
    println!("ratio of /bin/true         {:>8.2}", ratio(argv, bare));
    std::thread::sleep(Duration::from_millis(500));
    println!("private memory afterwards  {:>8} KiB", private(&mut host));
}

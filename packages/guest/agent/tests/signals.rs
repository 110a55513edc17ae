//! Signals, orphans, the end of the box.

mod support;

use berth_guest::messages::How;
use support::Host;
use support::requests::{run, signal};

fn alive(pid: i32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !text.is_empty() && !text.contains(") Z ")
}

#[test]
fn to_the_leader_only_or_to_the_whole_session() {
    let mut host = Host::start();
    let id = host.open(run("a", "sleep 1000 & echo $!; wait"));
    let child: i32 = host
        .until(id, |view| view.out[0].ends_with(b"\n"))
        .text()
        .trim()
        .parse()
        .unwrap();
    host.call(signal("a", 15, false));
    let exit = host.finish(id).exit();
    assert_eq!(
        (exit.how, exit.signalled_by_host),
        (Some(How::Signal(15)), 15)
    );
    assert!(alive(child), "only the leader was meant");
    // SAFETY: the test's own process.
    unsafe { libc::kill(child, libc::SIGKILL) };

    let id = host.open(run(
        "b",
        "sleep 1000 & echo $!; bash -c 'set -m; sleep 1000 & echo $!; wait' & wait",
    ));
    let text = host
        .until(id, |view| {
            view.out[0].iter().filter(|&&b| b == b'\n').count() == 2
        })
        .text();
    let children: Vec<i32> = text.lines().map(|line| line.parse().unwrap()).collect();
    host.call(signal("b", 9, true));
    assert_eq!(host.finish(id).exit().how, Some(How::Signal(9)));
    support::eventually("the session is gone", || {
        !children.iter().any(|&pid| alive(pid))
    });
}

#[test]
fn a_trap_decides_the_exit_status() {
    let mut host = Host::start();
    let id = host.open(run(
        "a",
        "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done",
    ));
    host.until(id, |view| view.out[0] == b"ready\n");
    host.call(signal("a", 15, false));
    let view = host.finish(id);
    assert_eq!((view.code(), view.text().as_str()), (5, "ready\ncaught\n"));
    assert_eq!(view.exit().signalled_by_host, 15);
}

#[test]
fn of_finished_unknown_and_impossible() {
    let mut host = Host::start();
    host.call(run("a", "true"));
    assert_eq!(
        host.call(signal("a", 9, true))
            .status
            .as_ref()
            .unwrap()
            .error,
        None
    );
    assert_eq!(
        host.call(signal("nope", 9, true)).error().message,
        "no such execution: nope"
    );
    assert_eq!(
        host.call(signal("a", 99, true)).error().message,
        "no such signal: 99"
    );
}

#[test]
fn orphans_are_reaped() {
    let mut host = Host::start();
    let view = host.call(run("a", "(setsid sleep 0.2 >/dev/null 2>&1 & echo $!)"));
    let _ = view.text();
    let guest = host.guest.id();
    let children = move || {
        std::fs::read_to_string(format!("/proc/{guest}/task/{guest}/children")).unwrap_or_default()
    };
    support::eventually("the orphan came to the guest and was reaped", || {
        children().trim().is_empty()
    });
}

#[test]
fn sigterm_ends_everything_in_order() {
    let mut host = Host::start();
    let mark = host.path("mark");
    let id = host.open(run(
        "a",
        &format!("trap 'echo bye >{mark}; exit' TERM; echo $$; while :; do sleep 0.05; done"),
    ));
    let polite: i32 = host
        .until(id, |view| view.out[0].ends_with(b"\n"))
        .text()
        .trim()
        .parse()
        .unwrap();
    let id = host.open(run(
        "b",
        "trap '' TERM; echo $$; while :; do sleep 0.05; done",
    ));
    let stubborn: i32 = host
        .until(id, |view| view.out[0].ends_with(b"\n"))
        .text()
        .trim()
        .parse()
        .unwrap();
    // SAFETY: the test's own guest.
    unsafe { libc::kill(host.guest.id() as i32, libc::SIGTERM) };
    assert_eq!(host.guest.wait().unwrap().code(), Some(0));
    assert!(support::exists(mark));
    assert!(!alive(polite) && !alive(stubborn));
}

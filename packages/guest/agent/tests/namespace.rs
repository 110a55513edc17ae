//! The guest as process 1 of a user and process namespace with shifted ids, as in a real box.

mod support;

use berth_guest::messages::{Exec, Request};
use std::os::unix::fs::PermissionsExt;
use support::requests::{exec, in_shell, run, write};
use support::{Host, is_root};

/// Makes a user namespace whose ids are shifted by 100000, enters it, and a process namespace of its own.
const SHIFTED: &str = r#"
outside=$(readlink /proc/self/ns/user)
unshare --user sleep 10 & holder=$!
for _ in $(seq 500); do
    [ "$(readlink /proc/$holder/ns/user)" = "$outside" ] || break
    sleep 0.01
done
echo 0 100000 65536 >/proc/$holder/uid_map
echo 0 100000 65536 >/proc/$holder/gid_map
exec nsenter --user --target $holder --setuid 0 --setgid 0 \
    unshare --pid --fork --kill-child --mount-proc "$@"
"#;

fn boxed() -> Option<Host> {
    if !is_root("a user namespace with a range of ids") {
        return None;
    }
    let words = ["bash", "-c", SHIFTED, "boxed"];
    let open = |path: std::path::PathBuf| {
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777));
    };
    Some(Host::start_under(&words, |folder| {
        for name in ["", "host.sock", "home", "etc"] {
            open(folder.join(name));
        }
    }))
}

#[test]
fn commands_run_as_users_of_the_box() {
    let Some(mut host) = boxed() else { return };
    let view = host.call(run("a", "echo $PPID; id -u; cat /proc/self/oom_score_adj"));
    assert_eq!(view.text(), "1\n0\n500\n");
    let other = |id: &str, command: &str| {
        Request::Exec(Exec {
            user: "other".into(),
            ..exec(id, command)
        })
    };
    let view = host.call(other("b", "id -u; id -G; cat /proc/self/oom_score_adj"));
    assert_eq!(view.text(), "54321\n54322 54323\n500\n");
    let long = format!("true {}; id -u", "x".repeat(300_000));
    assert_eq!(host.call(other("c", &long)).text(), "54321\n");
    let shell = Request::Exec(Exec {
        user: "other".into(),
        ..match in_shell("d", "main", "id -u; cat /proc/self/oom_score_adj") {
            Request::Exec(exec) => exec,
            _ => unreachable!(),
        }
    });
    assert_eq!(host.call(shell).text(), "54321\n500\n");
}

#[test]
fn processes_of_the_box_cannot_harm_or_read_the_guest() {
    let Some(mut host) = boxed() else { return };
    let view = host.call(run(
        "a",
        "for s in KILL STOP SEGV USR1; do kill -$s 1; done; echo alive",
    ));
    assert_eq!(view.text(), "alive\n");
    // Root of a namespace with every capability may read all memory in it; another user may not.
    let nosy = Request::Exec(Exec {
        user: "other".into(),
        ..exec(
            "b",
            "head -c 1 /proc/1/mem; ls /proc/1/fd; cat /proc/1/environ; true",
        )
    });
    let view = host.call(nosy);
    assert_eq!((view.code(), view.text().as_str()), (0, ""));
    let orphans = "(sleep 0.1 & sleep 0.1 &) ; sleep 0.5; ps -e -o stat= | grep -c Z";
    let view = host.call(run("c", orphans));
    assert_eq!(view.text(), "0\n", "no zombie is left");
}

#[test]
fn files_belong_to_the_user_and_sigterm_ends_the_box() {
    let Some(mut host) = boxed() else { return };
    let wish = berth_guest::messages::WriteFile {
        user: "other".into(),
        make_parents: true,
        ..write("made/file")
    };
    let id = host.open(Request::WriteFile(wish));
    host.input(id, b"x", true);
    let info = host.finish(id).status.clone().unwrap().file.unwrap();
    assert_eq!((info.uid, info.gid), (54321, 54322));
    let stubborn = host.open(run(
        "a",
        "trap '' TERM; echo ready; while :; do sleep 0.1; done",
    ));
    host.until(stubborn, |view| view.out[0] == b"ready\n");
    let starter = host.guest.id();
    let children =
        std::fs::read_to_string(format!("/proc/{starter}/task/{starter}/children")).unwrap();
    // SAFETY: the guest of this test.
    unsafe {
        libc::kill(
            children.split_whitespace().last().unwrap().parse().unwrap(),
            libc::SIGTERM,
        )
    };
    assert_eq!(host.guest.wait().unwrap().code(), Some(0));
}

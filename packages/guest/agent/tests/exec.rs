//! Commands: output byte for byte, status, environment, stdin.

mod support;

use berth_guest::messages::{Exec, How, Phase, Request};
use support::Host;
use support::requests::{exec, run, with_stdin};

#[test]
fn reports_output_and_status_apart() {
    let mut host = Host::start();
    let view = host.call(run("a", "echo out; echo err >&2; exit 7"));
    assert_eq!(view.code(), 7);
    assert_eq!(view.out, [b"out\n".to_vec(), b"err\n".to_vec()]);
    assert!(view.status.as_ref().unwrap().pid > 0);
}

#[test]
fn output_is_exact_from_0_to_8_mib_with_any_window() {
    let mut host = Host::start();
    for (size, window) in [
        (0usize, 7u64),
        (1, 1),
        (1000, 7),
        (70_000, 4096),
        (8 << 20, 100_000),
        (8 << 20, 4 << 20),
    ] {
        host.window = window;
        let command =
            format!("head -c {size} /dev/zero | tr '\\0' 'x'; head -c {size} /dev/zero >&2");
        let view = host.call(run(&format!("e{size}-{window}"), &command));
        assert_eq!(view.code(), 0);
        assert_eq!(view.out[0].len(), size);
        assert!(view.out[0].iter().all(|&byte| byte == b'x'));
        assert_eq!(view.out[1], vec![0; size]);
    }
}

#[test]
fn is_a_login_bash_from_the_home_directory() {
    let mut host = Host::start();
    let view = host.call(run("a", "shopt -q login_shell && echo login; [ \"$PWD\" = \"$HOME\" ] && echo home; echo $LOGNAME; echo $USER; umask"));
    assert_eq!(view.text(), "login\nhome\nroot\nroot\n0022\n");
}

#[test]
fn variables_directory_and_argv() {
    let mut host = Host::start();
    let folder = host.folder.to_string_lossy().into_owned();
    let view = host.call(Request::Exec(Exec {
        environment: [("GREETING".to_string(), "a 'b' \"c\"\n".to_string())].into(),
        working_directory: folder.clone(),
        ..exec("a", "printf %s \"$GREETING\"; pwd")
    }));
    assert_eq!(view.text(), format!("a 'b' \"c\"\n{folder}\n"));
    let view = host.call(Request::Exec(Exec {
        argv: vec!["printf".into(), "%s|".into(), "a b".into(), "$HOME".into()],
        ..exec("b", "")
    }));
    assert_eq!(view.text(), "a b|$HOME|");
}

#[test]
fn says_clearly_what_cannot_start() {
    let mut host = Host::start();
    let missing = Exec {
        argv: vec!["/no/such/program".into()],
        ..exec("a", "")
    };
    let error = host.call(Request::Exec(missing)).error();
    assert_eq!(error.message, "file does not exist: /no/such/program");
    let nowhere = Exec {
        working_directory: "/no/such/directory".into(),
        ..exec("b", "true")
    };
    let error = host.call(Request::Exec(nowhere)).error();
    assert_eq!(error.message, "file does not exist: /no/such/directory");
    let nobody = Exec {
        user: "no-such-user".into(),
        ..exec("c", "true")
    };
    assert_eq!(
        host.call(Request::Exec(nobody)).error().message,
        "no such user: no-such-user"
    );
}

#[test]
fn stdin_is_dev_null_unless_attached() {
    let mut host = Host::start();
    assert_eq!(
        host.call(run("a", "cat; readlink /proc/self/fd/0")).text(),
        "/dev/null\n"
    );
    let id = host.open(with_stdin("b", "cat; echo end"));
    let bytes: Vec<u8> = (0..3_000_000u32).flat_map(|n| n.to_le_bytes()).collect();
    host.input(id, &bytes, true);
    let view = host.finish(id);
    assert_eq!(view.out[0].len(), bytes.len() + 4);
    assert!(view.out[0].starts_with(&bytes));
}

#[test]
fn stdin_stays_open_until_eof_and_a_deaf_process_does_not_block() {
    let mut host = Host::start();
    let id = host.open(with_stdin(
        "a",
        "read line; echo got $line; cat >/dev/null; echo closed",
    ));
    host.input(id, b"hello\n", false);
    host.until(id, |view| view.out[0] == b"got hello\n");
    host.input(id, b"", true);
    assert_eq!(host.finish(id).text(), "got hello\nclosed\n");
    let id = host.open(with_stdin("b", "exit 3"));
    host.input(id, &vec![b'x'; 2_000_000], true);
    assert_eq!(host.finish(id).code(), 3);
}

#[test]
fn a_background_process_neither_delays_nor_suffers() {
    let mut host = Host::start();
    let mark = host.path("mark");
    let command = format!(
        "(sleep 0.4; for i in $(seq 20000); do echo some more output; done; echo ok >{mark}) & echo started"
    );
    let view = host.call(run("a", &command));
    assert_eq!((view.code(), view.text().as_str()), (0, "started\n"));
    assert!(
        !support::exists(&mark),
        "finished before the background process"
    );
    support::eventually("the background process finds a reader", || {
        support::exists(&mark)
    });
}

#[test]
fn merged_stderr_keeps_the_order() {
    let mut host = Host::start();
    let view = host.call(Request::Exec(Exec {
        merge_stderr: true,
        ..exec("a", "for i in 1 2 3; do echo $i; echo $i >&2; done")
    }));
    assert_eq!(view.text(), "1\n1\n2\n2\n3\n3\n");
    assert_eq!(view.eof[1], Some(0));
}

#[test]
fn commands_of_megabytes() {
    let mut host = Host::start();
    for size in [
        131_000usize,
        131_071,
        131_072,
        200_000,
        4 << 20,
        (16 << 20) - 100,
    ] {
        let command = format!("x={}; echo ${{#x}}; exit 5", "y".repeat(size - 30));
        let view = host.call(run(&format!("s{size}"), &command));
        assert_eq!((view.code(), view.text()), (5, format!("{}\n", size - 30)));
    }
    let view = host.call(run("too-long", &"#".repeat((16 << 20) + 1)));
    assert_eq!(view.error().message, "command is longer than 16 MiB");
}

#[test]
fn children_inherit_no_descriptor_and_no_blocked_signal() {
    let mut host = Host::start();
    let view = host.call(run(
        "a",
        "ls /proc/self/fd | wc -l; grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -s '\\t' ' '",
    ));
    assert_eq!(
        view.text(),
        "4\nSigBlk: 0000000000000000\nSigIgn: 0000000000000000\n"
    );
}

#[test]
fn two_hundred_at_once() {
    let mut host = Host::start();
    let ids: Vec<u64> = (0..200)
        .map(|n| {
            host.open(run(
                &format!("e{n}"),
                &format!("sleep 0.2; seq 1 {n}; exit {}", n % 100),
            ))
        })
        .collect();
    for (n, id) in ids.into_iter().enumerate() {
        let view = host.finish(id);
        assert_eq!(view.code(), n as i32 % 100);
        assert_eq!(view.text().lines().count(), n);
    }
}

#[test]
fn a_signal_death_is_reported_as_such() {
    let mut host = Host::start();
    let exit = host.call(run("a", "kill -9 $$")).exit();
    assert_eq!(exit.how, Some(How::Signal(9)));
    assert_eq!((exit.out_of_memory, exit.signalled_by_host), (false, 0));
    let status = host.views[&1].status.clone().unwrap();
    assert_eq!(status.phase, Phase::Finished as i32);
    assert!(status.finished_unix_ms >= status.started_unix_ms && status.started_unix_ms > 0);
}

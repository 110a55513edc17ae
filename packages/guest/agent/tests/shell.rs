//! Named shells.

mod support;

use berth_guest::messages::{Exec, How, Phase, Request};
use support::Host;
use support::requests::{exec, in_shell, run, signal};

struct Shell {
    host: Host,
    count: u32,
}

impl Shell {
    fn new() -> Shell {
        Shell {
            host: Host::start(),
            count: 0,
        }
    }

    /// Status, stdout and stderr of the next command in the shell.
    fn call(&mut self, command: &str) -> (i32, String, String) {
        self.count += 1;
        let view = self
            .host
            .call(in_shell(&format!("c{}", self.count), "main", command));
        let stderr = String::from_utf8_lossy(&view.out[1]).into_owned();
        (view.code(), view.text(), stderr)
    }

    fn out(&mut self, command: &str) -> String {
        self.call(command).1
    }
}

#[test]
fn keeps_directory_variables_and_functions() {
    let mut shell = Shell::new();
    shell.call("cd /usr; plain=1; export exported=2; declare -A map=([k]=3); f() { echo \"f $1\"; }; set -o pipefail");
    assert_eq!(
        shell.out("pwd; echo $plain $exported ${map[k]}; f x; env | grep ^exported; shopt -qo pipefail && echo pipefail"),
        "/usr\n1 2 3\nf x\nexported=2\npipefail\n"
    );
}

#[test]
fn reports_each_status_and_output_apart() {
    let mut shell = Shell::new();
    assert_eq!(
        shell.call("echo a; echo b >&2; false"),
        (1, "a\n".into(), "b\n".into())
    );
    assert_eq!(shell.call("(exit 42)").0, 42);
    assert_eq!(shell.call("kill -9 $BASHPID & wait $!").0, 137);
    assert_eq!(
        shell.call("printf 'no newline'"),
        (0, "no newline".into(), String::new())
    );
    assert_eq!(shell.call("").0, 0);
    let (code, out, err) = shell.call("cat; ls /proc/self/fd | wc -l");
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (0, "4\n", ""),
        "stdin is /dev/null, nothing else inherited"
    );
}

#[test]
fn survives_syntax_errors_and_stray_keywords() {
    let mut shell = Shell::new();
    shell.call("x=kept");
    let (code, _, err) = shell.call("if then (");
    assert_ne!(code, 0);
    assert!(err.contains("syntax error"), "{err}");
    shell.call("echo 'unterminated");
    shell.call("return 3");
    shell.call("break");
    shell.call("continue");
    shell.call("local y=1");
    assert_eq!(shell.out("echo $x"), "kept\n");
}

#[test]
fn redirections_by_exec_last_for_one_command() {
    let mut shell = Shell::new();
    let file = shell.host.path("file");
    shell.call(&format!("exec >{file} 2>&1; echo hidden"));
    assert_eq!(shell.out("echo seen"), "seen\n");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "hidden\n");
    shell.call("exec 1>&- 2>&- 0<&-");
    assert_eq!(shell.out("echo again"), "again\n");
}

#[test]
fn tracing_shows_the_command_only() {
    let mut shell = Shell::new();
    shell.call("set -x");
    let (code, out, err) = shell.call("echo a");
    assert_eq!(
        (code, out.as_str(), err.trim_start_matches('+')),
        (0, "a\n", " echo a\n")
    );
}

#[test]
fn exit_ends_the_shell_and_the_next_command_gets_a_new_one() {
    let mut shell = Shell::new();
    shell.call("x=1");
    assert_eq!(
        shell.call("echo bye; exit 9"),
        (9, "bye\n".into(), String::new())
    );
    assert_eq!(shell.out("echo new$x"), "new\n");
    assert_eq!(
        shell.call("set -e; false; echo not reached"),
        (1, String::new(), String::new())
    );
    assert_eq!(shell.out("echo new again"), "new again\n");
    assert_eq!(
        shell.call("exec sh -c 'echo replaced; exit 4'"),
        (4, "replaced\n".into(), String::new())
    );
    assert_eq!(shell.out("echo third"), "third\n");
}

#[test]
fn commands_run_one_after_another() {
    let mut host = Host::start();
    let file = host.path("order");
    let ids: Vec<u64> = (0..20)
        .map(|n| {
            host.open(in_shell(
                &format!("c{n}"),
                "main",
                &format!("sleep 0.0{}; echo {n} >>{file}", 9 - n % 10),
            ))
        })
        .collect();
    let last = host.until(ids[19], |view| view.status.is_some());
    assert_eq!(last.status.as_ref().unwrap().phase, Phase::Queued as i32);
    let other = host.call(in_shell("o", "other", "echo independent"));
    assert_eq!(other.text(), "independent\n");
    for id in ids {
        host.finish(id);
    }
    let expected: String = (0..20).map(|n| format!("{n}\n")).collect();
    assert_eq!(std::fs::read_to_string(file).unwrap(), expected);
}

#[test]
fn big_commands_and_big_outputs() {
    let mut shell = Shell::new();
    let text = "z".repeat(3 << 20);
    assert_eq!(
        shell.out(&format!("v='{text}'; echo ${{#v}}")),
        format!("{}\n", text.len())
    );
    let (code, out, err) = shell.call("printf %s \"$v\"; printf %s \"$v\" >&2; false");
    assert_eq!(code, 1);
    assert!(out == text && err == text);
    assert_eq!(
        shell.out("echo ${#v}; printf 'a\\nb\\n\\n'"),
        format!("{}\na\nb\n\n", text.len())
    );
}

#[test]
fn background_jobs_do_not_hold_a_command() {
    let mut shell = Shell::new();
    let mark = shell.host.path("mark");
    let command = format!("(sleep 0.3; seq 100000; echo done >{mark}) & echo started");
    assert_eq!(shell.out(&command), "started\n");
    support::eventually("the job writes on", || support::exists(&mark));
    assert_eq!(shell.out("wait; echo next"), "next\n");
}

#[test]
fn killing_a_command_and_removing_a_queued_one() {
    let mut host = Host::start();
    let first = host.open(in_shell("first", "main", "echo begun; sleep 100"));
    host.until(first, |view| view.out[0] == b"begun\n");
    let mark = host.path("mark");
    let second = host.open(in_shell("second", "main", &format!("touch {mark}")));
    let third = host.open(in_shell("third", "main", "echo alive"));
    host.call(signal("second", 15, true));
    let exit = host.finish(second).exit();
    assert_eq!(
        (exit.how, exit.signalled_by_host),
        (Some(How::Signal(15)), 15)
    );
    host.call(signal("first", 9, true));
    let exit = host.finish(first).exit();
    assert_eq!(
        (exit.how, exit.signalled_by_host),
        (Some(How::Signal(9)), 9)
    );
    assert_eq!(host.finish(third).text(), "alive\n");
    assert!(!support::exists(mark));
}

#[test]
fn directory_and_variables_of_one_command() {
    let mut host = Host::start();
    let request = |id: &str, command: &str| {
        Request::Exec(Exec {
            shell_name: "main".into(),
            working_directory: "/usr".into(),
            environment: [("ONCE".to_string(), "it's".to_string())].into(),
            ..exec(id, command)
        })
    };
    let view = host.call(request("a", "pwd; echo $ONCE; sh -c 'echo $ONCE'"));
    assert_eq!(view.text(), "/usr\nit's\nit's\n");
    let view = host.call(in_shell("b", "main", "echo [$ONCE]"));
    assert_eq!(view.text(), "[]\n");
    assert_eq!(host.call(run("c", "echo apart")).text(), "apart\n");
}

#[test]
fn dropping_a_shell_forgets_its_state() {
    let mut host = Host::start();
    host.call(in_shell("a", "main", "x=1"));
    host.call(Request::DropShell(berth_guest::messages::DropShell {
        shell_name: "main".into(),
    }));
    assert_eq!(host.call(in_shell("b", "main", "echo [$x]")).text(), "[]\n");
}

#[test]
fn a_command_given_to_a_shell_that_has_died_runs_in_a_new_one() {
    let mut host = Host::start();
    for round in 0..20 {
        let pid = host
            .call(in_shell(&format!("a{round}"), "main", "echo $BASHPID"))
            .text();
        // SAFETY: kills the shell that this test started.
        unsafe { libc::kill(pid.trim().parse().unwrap(), libc::SIGKILL) };
        let view = host.call(in_shell(&format!("b{round}"), "main", "echo ran"));
        assert_eq!((view.code(), view.text().as_str()), (0, "ran\n"));
    }
}

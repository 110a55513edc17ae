//! Commands without a shell show what they show with one, byte for byte, and see every change of what a login reads.

mod support;

use berth_guest::messages::{Configure, Exec, How, Request, UserAccount};
use std::fs::{read_to_string, write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use support::requests::{exec, run, write as write_file};
use support::{Host, View, is_root};

/// Start files of the default image, and a bash that counts how often it is started.
const MOUNTS: &str = r#"
folder=$(dirname "$2")
cp --dereference /bin/bash "$folder/real-bash"
mkdir "$folder/profile.d"
mount --bind "$folder/profile" /etc/profile
mount --bind "$folder/profile.d" /etc/profile.d
mount --bind "$folder/bash" "$(readlink -f /bin/bash)"
exec "$@"
"#;

struct Box {
    host: Host,
    count: u32,
}

/// A guest whose start files are known; `None` without the right to mount.
fn start() -> Option<Box> {
    if !is_root("a mount namespace with start files of its own") {
        return None;
    }
    let words = ["unshare", "--mount", "/bin/dash", "-c", MOUNTS, "direct"];
    let host = Host::start_under(&words, |folder| {
        let image =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host/images/default/files/etc");
        let copy = |from: &str, to: &str| {
            std::fs::copy(image.join(from), folder.join(to)).unwrap();
        };
        copy("profile", "profile");
        copy("skel/.profile", "home/.profile");
        copy("skel/.bashrc", "home/.bashrc");
        let counting = format!(
            "#!/usr/bin/perl\nopen(F, '>>', '{0}/count'); print F 'x'; close F;\nexec {{ '{0}/real-bash' }} 'bash', @ARGV;\n",
            folder.display()
        );
        write(folder.join("count"), "").unwrap();
        put(&folder.join("bash"), &counting);
        for (name, text) in [
            ("no-first-line", "echo $0 $1 $SHLVL\n"),
            ("bad-first-line", "#!/no/such/interpreter\n"),
            (
                "script",
                "#!/bin/sh\nenv; echo $0 $#; readlink /proc/self/fd/0\n",
            ),
            ("killed", "#!/bin/sh\nkill -TERM $$\n"),
        ] {
            put(&folder.join("home").join(name), text);
        }
        write(folder.join("home/not-executable"), "").unwrap();
    });
    Some(Box { host, count: 0 })
}

fn put(path: &Path, text: &str) {
    write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Output, errors, and how it ended.
fn shown(view: &View) -> (String, String, Option<How>) {
    let [out, errors] = view
        .out
        .each_ref()
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (out, errors, view.exit().how)
}

impl Box {
    fn path(&self, name: &str) -> String {
        self.host.path(name)
    }

    /// Output, errors, and how it ended.
    fn show(&mut self, command: &str) -> (String, String, Option<How>) {
        self.count += 1;
        shown(self.host.call(run(&format!("e{}", self.count), command)))
    }

    fn text(&mut self, command: &str) -> String {
        self.show(command).0
    }

    /// How many shells a command starts.
    fn shells(&mut self, command: &str) -> usize {
        let path = self.path("count");
        let count = || read_to_string(&path).unwrap().len();
        let before = count();
        self.show(command);
        count() - before
    }

    /// Waits until plain commands go without a shell.
    fn learn(&mut self) {
        for _ in 0..200 {
            if self.shells("true") == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("plain commands still start a shell");
    }

    /// Makes the start files unknown, without another effect.
    fn unlearn(&mut self) {
        let path = self.path("home/.profile");
        let text = read_to_string(&path).unwrap();
        write(&path, text + ":\n").unwrap();
        assert_eq!(self.shells("true"), 1);
    }
}

const COMMANDS: &[&str] = &[
    "env",
    "/usr/bin/env",
    "printenv SHLVL",
    "printenv _ PATH HOME PWD OLDPWD",
    "cat /proc/self/environ",
    "cat /proc/self/cmdline",
    "cat   /proc/self/comm ",
    "cat /proc/self/limits",
    "cat /proc/self/cgroup",
    "cat /proc/self/timerslack_ns",
    "cat /proc/self/personality",
    "ls /proc/self/fd",
    "readlink /proc/self/fd/0 /proc/self/cwd /proc/self/exe",
    "grep -e SigP -e SigB -e SigI -e SigC /proc/self/status",
    "grep Shd /proc/self/status",
    "grep Umask /proc/self/status",
    "grep Groups /proc/self/status",
    "grep Cap /proc/self/status",
    "grep NoNewPrivs /proc/self/status",
    "cat",
    "id",
    "true",
    "false",
    "true x",
    "true --help",
    "ls no-such-file",
    "no-such-program x",
    "./no-such-program",
    "/tmp",
    "not-executable",
    "./not-executable",
    "./no-first-line a",
    "./bad-first-line",
    "./script a b",
    "./killed",
    "sh -c kill",
    "env A=b printenv A SHLVL",
    "dd if=/dev/zero bs=1 count=3 status=none",
    "echo a b",
    "pwd",
    "seq 3",
    "printenv no-such-variable",
];

#[test]
fn shows_what_a_login_bash_shows() {
    let Some(mut boxed) = start() else { return };
    boxed.learn();
    let direct: Vec<_> = COMMANDS.iter().map(|command| boxed.show(command)).collect();
    assert_eq!(
        boxed.shells("env"),
        0,
        "nothing in between made it doubtful"
    );
    boxed.unlearn();
    for (command, direct) in COMMANDS.iter().zip(direct) {
        assert_eq!(direct, boxed.show(command), "{command}");
    }
    assert_eq!(boxed.show("./killed").2, Some(How::Signal(libc::SIGTERM)));
}

#[test]
fn many_at_once_show_what_each_shows_alone() {
    let Some(mut boxed) = start() else { return };
    boxed.learn();
    let alone: Vec<_> = COMMANDS.iter().map(|command| boxed.show(command)).collect();
    for round in 0..3 {
        let ids: Vec<u64> = COMMANDS
            .iter()
            .enumerate()
            .map(|(number, command)| boxed.host.open(run(&format!("m{round}-{number}"), command)))
            .collect();
        for ((command, alone), id) in COMMANDS.iter().zip(&alone).zip(ids) {
            assert_eq!(shown(boxed.host.finish(id)), *alone, "{command}");
        }
    }
}

#[test]
fn what_needs_a_shell_gets_one() {
    let Some(mut boxed) = start() else { return };
    boxed.learn();
    for command in [
        "echo a",
        "ls; ls",
        "ls >/dev/null",
        "x=1",
        "cd /",
        "ls *",
        "true --help",
        "no-such-program",
        "./no-first-line",
    ] {
        assert!(boxed.shells(command) >= 1, "{command}");
    }
    for command in ["ls", "env A=b true", "./script", "true", "false"] {
        assert_eq!(boxed.shells(command), 0, "{command}");
    }
}

#[test]
fn wishes_beyond_the_command_go_to_the_shell() {
    let Some(mut boxed) = start() else { return };
    boxed.learn();
    let wishes = [
        Exec {
            environment: [("A".to_string(), "b".to_string())].into(),
            ..exec("a", "printenv A")
        },
        Exec {
            working_directory: "/tmp".into(),
            ..exec("b", "printenv PWD")
        },
        Exec {
            user: "other".into(),
            ..exec("c", "printenv USER")
        },
    ];
    for (wish, text) in wishes.into_iter().zip(["b\n", "/tmp\n", "other\n"]) {
        assert_eq!(boxed.host.call(Request::Exec(wish)).text(), text);
    }
}

#[test]
fn the_next_command_sees_a_changed_start_file() {
    let Some(mut boxed) = start() else { return };
    let home = boxed.path("home");
    let original = read_to_string(format!("{home}/.profile")).unwrap();
    boxed.learn();
    boxed.text("echo 'export NEWS=1' >>~/.profile");
    assert_eq!(boxed.text("printenv NEWS"), "1\n");
    // As long as before and with the same time: the change of the file itself cannot be hidden.
    boxed.text("touch -r ~/.profile ~/time; sed -i s/NEWS=1/NEWS=2/ ~/.profile; touch -r ~/time ~/.profile");
    assert_eq!(boxed.text("printenv NEWS"), "2\n");
    write(format!("{home}/.profile"), &original).unwrap();
    boxed.learn();
    boxed.text("echo 'export NEWS=3' >~/.bash_profile");
    assert_eq!(boxed.text("printenv NEWS"), "3\n");
    boxed.text("rm ~/.bash_profile");
    boxed.learn();
    boxed.text("echo 'export NEWS=4' >/etc/profile.d/news.sh");
    assert_eq!(boxed.text("printenv NEWS"), "4\n");
    boxed.text("rm /etc/profile.d/news.sh");
    boxed.learn();
    boxed.text("sed -i '1i export NEWS=5' ~/.bashrc");
    assert_eq!(boxed.text("printenv NEWS"), "5\n");
    boxed.text("sed -i 1d ~/.bashrc; echo 'export NEWS=6' >>~/.bashrc");
    boxed.learn();
    assert_eq!(boxed.text("printenv NEWS"), "", "behind the return");
    let id = boxed
        .host
        .open(Request::WriteFile(write_file("~/.bash_login")));
    boxed.host.input(id, b"export NEWS=7\n", true);
    boxed.host.finish(id);
    assert_eq!(boxed.text("printenv NEWS"), "7\n");
}

#[test]
fn the_next_command_sees_what_a_background_process_changed() {
    let Some(mut boxed) = start() else { return };
    boxed.learn();
    boxed.text("(sleep 0.5; echo 'export NEWS=1' >>~/.profile; touch ~/done) >/dev/null 2>&1 &");
    let done = boxed.path("home/done");
    while !Path::new(&done).exists() {
        assert_eq!(boxed.show("true").2, Some(How::Code(0)));
    }
    assert_eq!(boxed.text("printenv NEWS"), "1\n");
}

#[test]
fn the_next_command_sees_new_programs_and_a_new_environment() {
    let Some(mut boxed) = start() else { return };
    boxed.learn();
    boxed.text("mkdir -p ~/.local/bin; printf '#!/bin/sh\\necho mine\\n' >~/.local/bin/seq; chmod +x ~/.local/bin/seq");
    assert_eq!(boxed.text("seq 1"), "mine\n");
    boxed.learn();
    assert_eq!(
        (boxed.text("seq 1"), boxed.shells("seq 1")),
        ("mine\n".to_string(), 0)
    );
    boxed.text("chmod -x ~/.local/bin/seq");
    assert_eq!(
        boxed.text("seq 1"),
        "1\n",
        "what may not be executed is passed over"
    );
    boxed.text("rm ~/.local/bin/seq");
    assert_eq!(boxed.text("seq 1"), "1\n");
    let home = boxed.path("home");
    let configure = |news: &str, name: &str| {
        Request::Configure(Configure {
            environment: [(name.to_string(), news.to_string())].into(),
            user: Some(UserAccount {
                name: "root".into(),
                uid: 0,
                gid: 0,
                home: home.clone(),
            }),
            ..Configure::default()
        })
    };
    boxed.host.call(configure("8", "NEWS"));
    assert_eq!(boxed.text("printenv NEWS"), "8\n");
    boxed.learn();
    assert_eq!(
        (boxed.text("printenv NEWS"), boxed.shells("printenv NEWS")),
        ("8\n".to_string(), 0)
    );
    boxed.host.call(configure("9", "NEWS"));
    assert_eq!(boxed.text("printenv NEWS"), "9\n");
    // A variable that bash obeys.
    boxed.host.call(configure("xtrace", "SHELLOPTS"));
    std::thread::sleep(Duration::from_millis(1500));
    boxed.text("true");
    std::thread::sleep(Duration::from_millis(500));
    assert!(boxed.show("true").1.ends_with("+ true\n"));
}

#[test]
fn a_guest_that_was_asked_to_prepare_needs_no_shell_for_the_first_command() {
    let Some(mut boxed) = start() else { return };
    let home = boxed.path("home");
    let configure = |hostname: &str, news: &str, prepare: bool| {
        Request::Configure(Configure {
            hostname: hostname.into(),
            environment: [("NEWS".to_string(), news.to_string())].into(),
            user: Some(UserAccount {
                name: "root".into(),
                uid: 0,
                gid: 0,
                home: home.clone(),
            }),
            prepare,
            ..Configure::default()
        })
    };
    boxed.host.call(configure("", "8", true));
    let count = boxed.path("count");
    while read_to_string(&count).unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(boxed.shells("printenv NEWS"), 0);
    // What it is called, and what it is told of time and entropy, changes nothing.
    boxed.host.call(configure("box-1", "8", false));
    assert_eq!(
        (boxed.shells("printenv NEWS"), boxed.text("printenv NEWS")),
        (0, "8\n".to_string())
    );
    boxed.host.call(configure("box-1", "9", false));
    assert_eq!(
        (boxed.shells("printenv NEWS"), boxed.text("printenv NEWS")),
        (1, "9\n".to_string())
    );
}

#[test]
fn a_guest_that_waited_gets_what_it_did_not_wait_with() {
    let Some(mut boxed) = start() else { return };
    let configure = |hostname: &str, name: &str, uid: u32, prepare: bool| {
        Request::Configure(Configure {
            hostname: hostname.into(),
            user: Some(UserAccount {
                name: name.into(),
                uid,
                gid: uid,
                home: format!("/tmp/berth-{name}"),
            }),
            prepare,
            ..Configure::default()
        })
    };
    let passwd = boxed.path("etc/passwd");
    let has = |name: &str| {
        read_to_string(&passwd)
            .unwrap()
            .contains(&format!("\n{name}:"))
    };
    boxed.host.call(configure("box-0", "first", 4001, true));
    assert!(has("first"));
    // The same user again, whose entry somebody has taken away since: only while it waits is it known to be there.
    boxed.host.call(configure("box-1", "first", 4001, false));
    let gone = read_to_string(&passwd)
        .unwrap()
        .replace("\nfirst:", "\nnobody-now:");
    write(&passwd, gone).unwrap();
    boxed.host.call(configure("box-1", "first", 4001, false));
    assert!(has("first"));
    boxed.host.call(configure("box-0", "first", 4001, true));
    boxed.host.call(configure("box-2", "second", 4002, false));
    assert!(has("second"));
    for name in ["first", "second"] {
        let _ = std::fs::remove_dir(format!("/tmp/berth-{name}"));
    }
}

#[test]
fn a_login_that_says_something_is_not_skipped() {
    let Some(mut boxed) = start() else { return };
    let path = boxed.path("home/.profile");
    let text = read_to_string(&path).unwrap();
    write(&path, text + "echo hello\n").unwrap();
    for _ in 0..4 {
        assert_eq!(boxed.text("true"), "hello\n");
        std::thread::sleep(Duration::from_millis(400));
    }
}

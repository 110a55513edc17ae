//! The environment of what is run: sudo's own idea of a clean one, as Debian sets it up.

use crate::accounts::Account;
use crate::arguments::{Mode, Wish};

pub type Variables = Vec<(Vec<u8>, Vec<u8>)>;

const SECURE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Kept of the environment it is called with.
const KEPT: &[&str] = &[
    "COLORS",
    "COLORTERM",
    "DISPLAY",
    "HOSTNAME",
    "LANG",
    "LANGUAGE",
    "LINGUAS",
    "LS_COLORS",
    "PS1",
    "PS2",
    "TERM",
    "TZ",
    "XAUTHORITY",
];
/// Never kept, whatever is asked for: with these a program of the user's own would run as another.
const NEVER: &[&str] = &["BASH_ENV", "ENV", "IFS", "CDPATH", "SHELLOPTS", "PS4"];

/// Of `wish`, asked by `caller`, run as `target`.
pub fn environment(
    wish: &Wish,
    given: &Variables,
    caller: &Account,
    target: &Account,
) -> Variables {
    let login = wish.mode == Mode::Login;
    let keep_all = wish.keep_all && !login;
    let is_never = |name: &str| {
        NEVER.contains(&name) || name.starts_with("LD_") || name.starts_with("BASH_FUNC_")
    };
    let mut all: Variables = given
        .iter()
        .filter(|(name, _)| {
            let name = String::from_utf8_lossy(name);
            let is_kept = KEPT.contains(&&*name)
                || name.starts_with("LC_")
                || wish.keep.iter().any(|one| *one == name);
            !is_never(&name) && !name.starts_with("SUDO_") && (keep_all || is_kept)
        })
        .cloned()
        .collect();
    set(&mut all, "PATH", &path(given));
    if wish.set_home || !keep_all && !wish.keep.iter().any(|name| name == "HOME") {
        set(&mut all, "HOME", target.home.as_bytes());
    }
    set(&mut all, "USER", target.name.as_bytes());
    set(&mut all, "LOGNAME", target.name.as_bytes());
    if !keep_all {
        set(&mut all, "SHELL", target.shell.as_bytes());
        set(
            &mut all,
            "MAIL",
            format!("/var/mail/{}", target.name).as_bytes(),
        );
    }
    set(&mut all, "SUDO_COMMAND", &wish.command.join(&b' '));
    set(&mut all, "SUDO_USER", caller.name.as_bytes());
    set(&mut all, "SUDO_UID", caller.uid.to_string().as_bytes());
    set(&mut all, "SUDO_GID", caller.gid.to_string().as_bytes());
    for assignment in &wish.assignments {
        if let Some(at) = assignment.iter().position(|&byte| byte == b'=') {
            let (name, value) = (
                String::from_utf8_lossy(&assignment[..at]),
                &assignment[at + 1..],
            );
            if !is_never(&name) {
                set(&mut all, &name, value);
            }
        }
    }
    all
}

/// The usual places, then those of the caller: an image without a package manager has its programs anywhere.
fn path(given: &Variables) -> Vec<u8> {
    let own = given
        .iter()
        .find(|(name, _)| name == b"PATH")
        .map_or(&b""[..], |(_, value)| value);
    let usual: Vec<&[u8]> = SECURE_PATH.as_bytes().split(|&byte| byte == b':').collect();
    let more = own
        .split(|&byte| byte == b':')
        .filter(|entry| entry.starts_with(b"/") && !usual.contains(entry));
    let all: Vec<&[u8]> = usual.iter().copied().chain(more).collect();
    all.join(&b':')
}

fn set(all: &mut Variables, name: &str, value: &[u8]) {
    all.retain(|(known, _)| known != name.as_bytes());
    all.push((name.as_bytes().to_vec(), value.to_vec()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::parse;

    fn account(name: &str, uid: u32, home: &str) -> Account {
        let shell = "/bin/sh".into();
        Account {
            name: name.into(),
            uid,
            gid: uid,
            home: home.into(),
            shell,
        }
    }

    fn of(words: &[&str], given: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
        let wish = parse(words.iter().map(|word| word.as_bytes().to_vec()).collect()).unwrap();
        let given = given
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect();
        let all = environment(
            &wish,
            &given,
            &account("user", 1000, "/home/user"),
            &account("root", 0, "/root"),
        );
        move |name| {
            let found = all.iter().find(|(known, _)| known == name.as_bytes());
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        }
    }

    const GIVEN: &[(&str, &str)] = &[
        ("PATH", "/opt/bin:/usr/bin:relative:."),
        ("HOME", "/home/user"),
        ("USER", "user"),
        ("OWN", "yes"),
        ("LC_ALL", "C"),
        ("LD_PRELOAD", "/tmp/evil.so"),
        ("SUDO_USER", "liar"),
    ];

    #[test]
    fn is_clean_unless_asked_otherwise() {
        let value = of(&["env"], GIVEN);
        assert_eq!(value("HOME").as_deref(), Some("/root"));
        assert_eq!(value("USER").as_deref(), Some("root"));
        assert_eq!(value("OWN"), None);
        assert_eq!(value("LC_ALL").as_deref(), Some("C"));
        assert_eq!(value("SUDO_USER").as_deref(), Some("user"));
        assert_eq!(value("SUDO_UID").as_deref(), Some("1000"));
        assert_eq!(value("PATH").unwrap(), format!("{SECURE_PATH}:/opt/bin"));
    }

    #[test]
    fn keeps_what_is_to_be_kept_but_what_would_run_other_code() {
        let value = of(&["-E", "env"], GIVEN);
        assert_eq!(value("OWN").as_deref(), Some("yes"));
        assert_eq!(value("HOME").as_deref(), Some("/home/user"));
        assert_eq!(value("LD_PRELOAD"), None);
        assert_eq!(of(&["-EH", "env"], GIVEN)("HOME").as_deref(), Some("/root"));
        assert_eq!(
            of(&["--preserve-env=OWN", "env"], GIVEN)("OWN").as_deref(),
            Some("yes")
        );
        assert_eq!(of(&["-iE"], GIVEN)("OWN"), None);
    }

    #[test]
    fn takes_variables_of_the_command_line() {
        let value = of(&["OWN=no", "PATH=/x", "LD_PRELOAD=/y", "env"], GIVEN);
        assert_eq!(value("OWN").as_deref(), Some("no"));
        assert_eq!(value("PATH").as_deref(), Some("/x"));
        assert_eq!(value("LD_PRELOAD"), None);
    }
}

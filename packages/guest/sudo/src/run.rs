//! Becomes another user, then the command.

use std::ffi::{CString, c_char};
use std::os::unix::fs::MetadataExt;

use crate::accounts::{self, Account};
use crate::arguments::{Mode, Wish, parse};
use crate::environment::{Variables, environment};

const RULES: &str = "/etc/sudoers.d";
const USAGE: &str = "usage: sudo [-EHPSbn] [-u user] [-g group] [-D directory] [VAR=value] [-i | -s] [command [argument ...]]";
/// Exit status of everything that keeps the command from being run.
const FAILED: i32 = 1;

/// Does what the words say; does not come back when there is something to run. Answers the exit status.
pub fn run(words: Vec<Vec<u8>>, given: Variables) -> i32 {
    match attempt(words, &given) {
        Ok(()) => 0,
        Err(message) => {
            eprintln!("sudo: {message}");
            FAILED
        }
    }
}

fn attempt(words: Vec<Vec<u8>>, given: &Variables) -> Result<(), String> {
    let mut wish = parse(words).map_err(|message| format!("{message}\n{USAGE}"))?;
    match wish.mode {
        Mode::Version => {
            println!("Sudo version 1.9 (berth: no password, no policy)");
            return Ok(());
        }
        Mode::Help => return Err(USAGE.into()),
        _ => (),
    }
    // SAFETY: no arguments, cannot fail.
    let (uid, gid, effective) = unsafe { (libc::getuid(), libc::getgid(), libc::geteuid()) };
    if effective != 0 {
        return Err("it must be owned by uid 0 and have the setuid bit set".into());
    }
    let (passwd, groups) = (accounts::read("/etc/passwd"), accounts::read("/etc/group"));
    let caller = accounts::by_uid(&passwd, uid).unwrap_or_else(|| Account {
        name: format!("#{uid}"),
        uid,
        gid,
        home: "/".into(),
        shell: "/bin/sh".into(),
    });
    if uid != 0 && !is_named(&caller.name) {
        return Err(format!("{} is not in the sudoers file.", caller.name));
    }
    match wish.mode {
        Mode::Nothing => return Ok(()),
        Mode::List => {
            println!(
                "User {} may run the following commands:\n    (ALL : ALL) NOPASSWD: ALL",
                caller.name
            );
            return Ok(());
        }
        _ => (),
    }
    // With a group alone it stays the caller's.
    let name = wish.user.clone().unwrap_or_else(|| match wish.group {
        Some(_) => format!("#{uid}"),
        None => "root".into(),
    });
    let target =
        accounts::by_name(&passwd, &name).ok_or_else(|| format!("unknown user: {name}"))?;
    let group = match &wish.group {
        Some(name) => {
            accounts::group(&groups, name).ok_or_else(|| format!("unknown group: {name}"))?
        }
        None => target.gid,
    };
    let own_shell = value_of(given, "SHELL").unwrap_or_else(|| caller.shell.clone());
    let called = by_shell(&mut wish, &target, own_shell);
    let variables = environment(&wish, given, &caller, &target);
    let path = value_of(&variables, "PATH").unwrap_or_default();
    if wish.background {
        go_on_in_the_background()?;
    }
    become_user(
        &wish,
        &target,
        group,
        &accounts::memberships(&groups, &target.name),
    )?;
    if let Some(directory) = wish
        .directory
        .as_deref()
        .or((wish.mode == Mode::Login).then_some(target.home.as_str()))
    {
        std::env::set_current_dir(directory)
            .map_err(|error| format!("unable to change directory to {directory}: {error}"))?;
    }
    Err(execute(&wish.command, called.as_deref(), &variables, &path))
}

/// Whether root has written a rule for this user.
fn is_named(user: &str) -> bool {
    let fits = !user.contains('/') && !user.starts_with('.');
    fits && std::fs::symlink_metadata(format!("{RULES}/{user}"))
        .is_ok_and(|file| file.is_file() && file.uid() == 0 && file.mode() & 0o022 == 0)
}

/// Puts the shell of `-s` and `-i` before the command. Answers the name it is called by, where that is not its own.
fn by_shell(wish: &mut Wish, target: &Account, own_shell: String) -> Option<Vec<u8>> {
    let shell = match wish.mode {
        Mode::Shell => own_shell,
        Mode::Login => target.shell.clone(),
        _ => return None,
    };
    let base = shell.rsplit('/').next().unwrap_or("sh").to_string();
    let words: Vec<Vec<u8>> = std::mem::take(&mut wish.command)
        .iter()
        .map(|word| escaped(word))
        .collect();
    wish.command = vec![shell.into_bytes()];
    if !words.is_empty() {
        wish.command.extend([b"-c".to_vec(), words.join(&b' ')]);
    }
    (wish.mode == Mode::Login).then(|| format!("-{base}").into_bytes())
}

/// For the shell: as sudo does it, which leaves `$` alone.
fn escaped(word: &[u8]) -> Vec<u8> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_-$".contains(&byte);
    word.iter()
        .flat_map(|&byte| {
            if plain(byte) {
                vec![byte]
            } else {
                vec![b'\\', byte]
            }
        })
        .collect()
}

fn go_on_in_the_background() -> Result<(), String> {
    // SAFETY: the process has one thread.
    match unsafe { libc::fork() } {
        -1 => Err("unable to fork".into()),
        0 => Ok(()),
        _ => std::process::exit(0),
    }
}

fn become_user(
    wish: &Wish,
    target: &Account,
    group: u32,
    memberships: &[u32],
) -> Result<(), String> {
    let check = |result: i32, what: &str| match result {
        0 => Ok(()),
        _ => Err(format!(
            "unable to {what}: {}",
            std::io::Error::last_os_error()
        )),
    };
    let mut all = vec![group];
    all.extend(memberships.iter().filter(|one| **one != group));
    // SAFETY: plain numbers, and an array that outlives the call.
    unsafe {
        if !wish.keep_groups {
            check(libc::setgroups(all.len(), all.as_ptr()), "set the groups")?;
        }
        check(libc::setresgid(group, group, group), "change to the group")?;
        check(
            libc::setresuid(target.uid, target.uid, target.uid),
            "change to the user",
        )?;
        libc::umask(libc::umask(0o022) | 0o022);
        // What the caller has open beyond the standard three is not handed on.
        libc::close_range(3, libc::c_uint::MAX, 0);
    }
    Ok(())
}

/// Comes back only with the reason why it could not be run.
fn execute(
    command: &[Vec<u8>],
    called: Option<&[u8]>,
    variables: &Variables,
    path: &str,
) -> String {
    let name = command.first().map_or(&b""[..], |word| word);
    let shown = String::from_utf8_lossy(name).into_owned();
    let strings = |all: Vec<Vec<u8>>| {
        all.into_iter()
            .map(CString::new)
            .collect::<Result<Vec<_>, _>>()
    };
    let mut words = command.to_vec();
    if let (Some(called), Some(first)) = (called, words.first_mut()) {
        *first = called.to_vec();
    }
    let pairs = variables
        .iter()
        .map(|(name, value)| [name.as_slice(), value].join(&b'='))
        .collect();
    let candidates = if name.contains(&b'/') {
        vec![name.to_vec()]
    } else {
        path.split(':')
            .map(|folder| [folder.as_bytes(), name].join(&b'/'))
            .collect()
    };
    let (Ok(words), Ok(pairs), Ok(candidates)) =
        (strings(words), strings(pairs), strings(candidates))
    else {
        return format!("{shown}: a word holds a NUL");
    };
    let pointers = |all: &[CString]| -> Vec<*const c_char> {
        all.iter()
            .map(|one| one.as_ptr())
            .chain([std::ptr::null()])
            .collect()
    };
    let (words, pairs) = (pointers(&words), pointers(&pairs));
    let mut refused = None;
    for candidate in &candidates {
        // SAFETY: all strings end with a NUL, both arrays with a null pointer, and outlive the call.
        unsafe { libc::execve(candidate.as_ptr(), words.as_ptr(), pairs.as_ptr()) };
        let error = std::io::Error::last_os_error();
        if !matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) {
            refused.get_or_insert(error);
        }
    }
    match refused {
        Some(error) => format!("unable to execute {shown}: {error}"),
        None => format!("{shown}: command not found"),
    }
}

fn value_of(variables: &Variables, name: &str) -> Option<String> {
    let (_, value) = variables
        .iter()
        .find(|(known, _)| known == name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_words_to_a_shell_as_they_are() {
        assert_eq!(escaped(b"a b;'$HOME\""), b"a\\ b\\;\\'$HOME\\\"");
        assert_eq!(escaped("ü-_1".as_bytes()), "ü-_1".as_bytes());
    }

    #[test]
    fn is_of_no_use_without_its_bit() {
        // SAFETY: no arguments.
        if unsafe { libc::geteuid() } != 0 {
            assert_eq!(run(vec![b"true".to_vec()], Vec::new()), FAILED);
        }
        assert_eq!(run(vec![b"-Z".to_vec()], Vec::new()), FAILED);
        assert_eq!(run(vec![b"-V".to_vec()], Vec::new()), 0);
    }
}

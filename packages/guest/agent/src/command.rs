//! Turns a wish to execute into program, arguments, environment and directory.

use crate::failure::{Outcome, invalid, os_failure};
use crate::messages::Exec;
use crate::settings::Settings;
use crate::sys;
use crate::users::Identity;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};

/// Linux passes no single argument of 128 KiB or more.
const MAX_ARGUMENT_BYTES: usize = 131_071;
/// Longest command.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024 * 1024;
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Everything that execve needs.
pub struct Plan {
    /// Programs to try in order.
    pub programs: Vec<CString>,
    pub arguments: Vec<CString>,
    pub environment: Vec<CString>,
    pub directory: CString,
    /// Go to `/` when the directory is not there (a missing home).
    pub directory_optional: bool,
    /// A descriptor that the program inherits under its own number: the text of a long command.
    pub script: Option<OwnedFd>,
    /// Set when no shell is between: the search for the program is then as strict as a shell's.
    pub direct: Option<Direct>,
    /// What to name in errors.
    pub subject: String,
}

/// A program that is started as a shell would have started it.
pub struct Direct {
    /// Index of the variable `_` in the environment.
    pub slot: usize,
    /// That variable for each of the programs.
    pub names: Vec<CString>,
}

/// The shell of this box: bash, else sh.
pub fn shell_program() -> (&'static CStr, bool) {
    for path in [c"/bin/bash", c"/usr/bin/bash", c"/usr/local/bin/bash"] {
        // SAFETY: the path is a C string.
        if unsafe { libc::access(path.as_ptr(), libc::X_OK) } == 0 {
            return (path, true);
        }
    }
    (c"/bin/sh", false)
}

/// Plans a fresh command.
pub fn plan(settings: &Settings, wish: &Exec, identity: &Identity) -> Outcome<Plan> {
    let variables = environment(settings, identity, &wish.environment)?;
    let mut script = None;
    let (programs, words, subject) = match wish.argv.first() {
        Some(program) => (
            search(program, &variables),
            wish.argv.clone(),
            program.clone(),
        ),
        None => {
            let (program, bash) = shell_program();
            let text = command_text(&wish.command, bash, &mut script)?;
            let name = if bash { "bash" } else { "sh" };
            let words = [name, "-l", "-c", &text].map(String::from).to_vec();
            (vec![program.into()], words, name.into())
        }
    };
    let (directory, directory_optional) = directory_of(&wish.working_directory, identity)?;
    Ok(Plan {
        programs,
        arguments: c_strings(words, "argument")?,
        environment: join(variables)?,
        directory,
        directory_optional,
        script,
        direct: None,
        subject,
    })
}

/// The directory to start in, and whether it may be missing.
pub fn directory_of(wish: &str, identity: &Identity) -> Outcome<(CString, bool)> {
    let path = crate::paths::resolve(if wish.is_empty() { "~" } else { wish }, identity)?;
    Ok((path, wish.is_empty()))
}

fn command_text(command: &str, bash: bool, script: &mut Option<OwnedFd>) -> Outcome<String> {
    if command.len() > MAX_COMMAND_BYTES {
        return Err(invalid("command is longer than 16 MiB"));
    }
    if command.as_bytes().contains(&0) {
        return Err(invalid("command holds a NUL byte"));
    }
    if command.len() < MAX_ARGUMENT_BYTES {
        return Ok(command.into());
    }
    let file = sys::memory_file(c"berth-command").map_err(|error| os_failure(&error, "command"))?;
    write_all(&file, command.as_bytes()).map_err(|error| os_failure(&error, "command"))?;
    let fd = file.as_raw_fd();
    *script = Some(file);
    Ok(if bash {
        format!("eval \"$(</proc/self/fd/{fd})\" {fd}<&-")
    } else {
        format!("eval \"$(cat /proc/self/fd/{fd})\"")
    })
}

/// Writes everything to a file.
pub fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let count = sys::write(file.as_raw_fd(), bytes)?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// The environment of a process: defaults, then the box's, then the account's, then the request's.
pub fn environment(
    settings: &Settings,
    identity: &Identity,
    extra: &BTreeMap<String, String>,
) -> Outcome<BTreeMap<String, String>> {
    let mut variables = BTreeMap::from([
        ("PATH".to_string(), DEFAULT_PATH.to_string()),
        ("LANG".into(), "C.UTF-8".into()),
        ("SHELL".into(), identity.shell.clone()),
    ]);
    variables.extend(settings.environment.clone());
    let own = [
        ("HOME", &identity.home),
        ("USER", &identity.name),
        ("LOGNAME", &identity.name),
    ];
    let is_default = settings.is_default_user(&identity.name);
    for (name, value) in own {
        if !is_default || !settings.environment.contains_key(name) {
            variables.insert(name.into(), value.clone());
        }
    }
    for (name, value) in extra {
        if name.is_empty() || name.contains('=') || name.contains('\0') || value.contains('\0') {
            return Err(invalid(format!("bad environment variable: {name:?}")));
        }
        variables.insert(name.clone(), value.clone());
    }
    Ok(variables)
}

/// `NAME=value` strings for execve; those that cannot be are left out.
pub fn join(variables: BTreeMap<String, String>) -> Outcome<Vec<CString>> {
    let lines = variables
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    c_strings(lines, "environment variable")
}

fn c_strings(words: Vec<String>, what: &str) -> Outcome<Vec<CString>> {
    words
        .into_iter()
        .map(|word| CString::new(word).map_err(|_| invalid(format!("{what} holds a NUL byte"))))
        .collect()
}

fn search(program: &str, variables: &BTreeMap<String, String>) -> Vec<CString> {
    if program.contains('/') {
        return CString::new(program).into_iter().collect();
    }
    let path = variables.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    path.split(':')
        .filter(|folder| !folder.is_empty())
        .filter_map(|folder| CString::new(format!("{folder}/{program}")).ok())
        .collect()
}

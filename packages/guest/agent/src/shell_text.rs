//! What named shells read.

use crate::command::MAX_COMMAND_BYTES;
use crate::failure::{Outcome, invalid};
use crate::messages::Exec;
use std::os::fd::RawFd;

/// Index of the memory file in [`descriptors`].
pub const FD_COMMAND: usize = 0;
/// Index of the status pipe in [`descriptors`].
pub const FD_STATUS: usize = 1;

/// The shell's numbers of its private descriptors. POSIX shells only know single digits.
pub fn descriptors(bash: bool) -> [RawFd; 2] {
    if bash { [203, 204] } else { [8, 9] }
}

/// Written once. Afterwards the shell's own outputs are /dev/null, so that `set -x` shows the command only.
pub const BASH_DRIVER: &str = "readonly __berth='\
IFS= read -r -d \"\" -u 203 __berth_command
eval \"$__berth_command\" </dev/null >&201 2>&202 201>&- 202>&- 203<&- 204>&-
printf \"%s\\n\" \"$?\" >&204'
exec 201>&1 202>&2 >/dev/null 2>&1
";

/// The same for a shell without `read -d`.
pub const SH_DRIVER: &str = "readonly __berth='\
__berth_command=$(cat <&8)
eval \"$__berth_command\" </dev/null >&6 2>&7 6>&- 7>&- 8<&- 9>&-
printf \"%s\\n\" \"$?\" >&9'
exec 6>&1 7>&2 >/dev/null 2>&1
";

/// Written for each command.
pub const NEXT_LINE: &str = "eval \"$__berth\"\n";

/// The text of a command with its directory and variables in front.
pub fn command_text(wish: &Exec) -> Outcome<String> {
    if wish.attach_stdin {
        return Err(crate::failure::failure(
            crate::messages::ErrorCode::Unsupported,
            "attach_stdin does not go with shell_name",
        ));
    }
    if wish.command.len() > MAX_COMMAND_BYTES {
        return Err(invalid("command is longer than 16 MiB"));
    }
    if wish.command.contains('\0') || wish.working_directory.contains('\0') {
        return Err(invalid("command holds a NUL byte"));
    }
    if wish.working_directory.is_empty() && wish.environment.is_empty() && !wish.merge_stderr {
        return Ok(wish.command.clone());
    }
    let mut text = String::new();
    if !wish.working_directory.is_empty() {
        text += &format!("cd -- {} && ", directory_word(&wish.working_directory));
    }
    for (name, value) in &wish.environment {
        let mut letters = name.chars();
        let first = letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !first || letters.any(|c| !c.is_ascii_alphanumeric() && c != '_') || value.contains('\0')
        {
            return Err(invalid(format!("bad environment variable: {name:?}")));
        }
        text += &format!("{name}={} ", quote(value));
    }
    text += &format!("eval {}", quote(&wish.command));
    if wish.merge_stderr {
        text += " 2>&1";
    }
    Ok(text)
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn directory_word(path: &str) -> String {
    match path.strip_prefix("~/") {
        _ if path == "~" => "~".into(),
        Some(rest) => format!("~/{}", quote(rest)),
        None if path.starts_with('/') => quote(path),
        None => format!("~/{}", quote(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_directory_and_variables_in_front() {
        let wish = Exec {
            command: "echo 'x'".into(),
            working_directory: "~/a b".into(),
            environment: [("K".to_string(), "v'w".to_string())].into(),
            ..Exec::default()
        };
        assert_eq!(
            command_text(&wish).unwrap(),
            "cd -- ~/'a b' && K='v'\\''w' eval 'echo '\\''x'\\'''"
        );
        let bad = Exec {
            environment: [("a;b".to_string(), String::new())].into(),
            ..Exec::default()
        };
        assert!(command_text(&bad).is_err());
    }
}

//! Tells commands of plain words from those that a shell must look at.

/// Longer commands go to the shell.
const MAX_BYTES: usize = 4096;

/// What bash does itself under these names is not what a program of that name does.
const BUILTINS_AND_KEYWORDS: &[&str] = &[
    ".",
    ":",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "while",
];

/// The words of a command that means the same without a shell, or `None`. The first is a program, not a builtin, but for
/// `true` and `false` alone, which mean the same both ways.
pub fn plain_words(command: &str) -> Option<Vec<&str>> {
    if command.len() > MAX_BYTES || !command.bytes().all(is_plain) {
        return None;
    }
    let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
    let (first, rest) = words.split_first()?;
    let same_both_ways = rest.is_empty() && matches!(*first, "true" | "false");
    let shells = BUILTINS_AND_KEYWORDS.contains(first) || first.contains('=');
    (!shells || same_both_ways).then_some(words)
}

/// Bytes that are themselves wherever they stand, and the blank. Tilde, braces, brackets, quotes and all that expands or
/// separates is missing, and so is everything beyond ASCII.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" _./:,@%+=-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_plain_words() {
        assert_eq!(
            plain_words("ls  -la /tmp "),
            Some(vec!["ls", "-la", "/tmp"])
        );
        assert_eq!(plain_words("true"), Some(vec!["true"]));
        assert_eq!(
            plain_words("./a.out x=1 50% a@b"),
            Some(vec!["./a.out", "x=1", "50%", "a@b"])
        );
    }

    #[test]
    fn leaves_the_rest_to_the_shell() {
        for command in [
            "",
            "  ",
            "ls\n",
            "ls\t-l",
            "ls;ls",
            "ls|cat",
            "ls&",
            "ls >x",
            "cat <x",
            "ls *",
            "ls ?",
            "ls [a]",
            "echo a",
            "ls $HOME",
            "ls ~",
            "ls `a`",
            "ls 'a'",
            "ls \"a\"",
            "ls \\a",
            "a=b ls",
            "a=b",
            "ls {a,b}",
            "ls #x",
            "! ls",
            "(ls)",
            "true x",
            "true --help",
            "cd /",
            ".",
            ": x",
            "if",
            "time ls",
            "kill 1",
            "[ a ]",
            "ls \u{e4}",
            "ls \r",
            "a=b",
        ] {
            assert_eq!(plain_words(command), None, "{command:?}");
        }
        assert_eq!(plain_words(&"a".repeat(MAX_BYTES + 1)), None);
    }

    #[test]
    fn knows_every_builtin_and_keyword_of_the_bash_here() {
        let Ok(output) = std::process::Command::new("bash")
            .args(["-c", "compgen -b; compgen -k"])
            .output()
        else {
            return;
        };
        for name in String::from_utf8_lossy(&output.stdout).lines() {
            let alone = matches!(name, "true" | "false");
            assert!(alone || plain_words(name).is_none(), "{name}");
        }
    }
}

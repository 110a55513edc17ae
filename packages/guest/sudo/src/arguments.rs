//! The command line of sudo(8), as far as it means anything without passwords and a policy.

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub user: Option<String>,
    pub group: Option<String>,
    /// Names of variables to keep.
    pub keep: Vec<String>,
    pub keep_all: bool,
    pub set_home: bool,
    pub keep_groups: bool,
    pub background: bool,
    pub directory: Option<String>,
    pub mode: Mode,
    /// `NAME=value` before the command.
    pub assignments: Vec<Vec<u8>>,
    pub command: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Command,
    /// `-s`: by the shell of whoever asks.
    Shell,
    /// `-i`: as the user's own login.
    Login,
    /// `-v`, `-k`, `-K`: there is nothing to remember or to forget.
    Nothing,
    List,
    Version,
    Help,
}

/// Options that take a value, in both spellings; those without a meaning here are read and forgotten.
const WITH_VALUE: &[(char, &str)] = &[
    ('u', "user"),
    ('g', "group"),
    ('D', "chdir"),
    ('C', "close-from"),
    ('h', "host"),
    ('p', "prompt"),
    ('R', "chroot"),
    ('r', "role"),
    ('t', "type"),
    ('T', "command-timeout"),
    ('U', "other-user"),
];
const FLAGS: &[(char, &str)] = &[
    ('A', "askpass"),
    ('b', "background"),
    ('B', "bell"),
    ('E', "preserve-env"),
    ('H', "set-home"),
    ('i', "login"),
    ('k', "reset-timestamp"),
    ('K', "remove-timestamp"),
    ('l', "list"),
    ('n', "non-interactive"),
    ('N', "no-update"),
    ('P', "preserve-groups"),
    ('s', "shell"),
    ('S', "stdin"),
    ('v', "validate"),
    ('V', "version"),
];
/// They would change what is run, and cannot be kept.
const REFUSED: &[char] = &['R', 'T'];

/// Reads the words behind the program's name. The error is for its user.
pub fn parse(words: Vec<Vec<u8>>) -> Result<Wish, String> {
    let mut wish = Wish::default();
    let mut words = words.into_iter().peekable();
    let mut forgets = false;
    while let Some(word) = words.next_if(|word| word.starts_with(b"-") && word.len() > 1) {
        if word == b"--" {
            break;
        }
        let text = String::from_utf8(word).map_err(|_| "an option is no text".to_string())?;
        let mut value_of = |given: Option<&str>, option: &str| match given {
            Some(value) => Ok(value.to_string()),
            None => words
                .next()
                .and_then(|value| String::from_utf8(value).ok())
                .ok_or_else(|| format!("option requires an argument -- '{option}'")),
        };
        if let Some(long) = text.strip_prefix("--") {
            let (name, given) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            if name == "help" {
                wish.mode = Mode::Help;
            } else if let Some(&(short, _)) = WITH_VALUE.iter().find(|(_, known)| *known == name) {
                let value = value_of(given, name)?;
                set(&mut wish, short, value)?;
            } else if let (Some(&(short, _)), true) = (
                FLAGS.iter().find(|(_, known)| *known == name),
                given.is_none() || name == "preserve-env",
            ) {
                match given {
                    Some(list) => wish.keep.extend(list.split(',').map(str::to_string)),
                    None => flag(&mut wish, short, &mut forgets),
                }
            } else {
                return Err(format!("unrecognized option '{text}'"));
            }
            continue;
        }
        for (at, short) in text.char_indices().skip(1) {
            if WITH_VALUE.iter().any(|(known, _)| *known == short) {
                let rest = &text[at + short.len_utf8()..];
                // `-h` alone asks for help.
                if short == 'h' && rest.is_empty() {
                    wish.mode = Mode::Help;
                    break;
                }
                let value = value_of((!rest.is_empty()).then_some(rest), &short.to_string())?;
                set(&mut wish, short, value)?;
                break;
            }
            if !FLAGS.iter().any(|(known, _)| *known == short) {
                return Err(format!("invalid option -- '{short}'"));
            }
            flag(&mut wish, short, &mut forgets);
        }
    }
    while let Some(word) = words.next_if(|word| is_assignment(word)) {
        wish.assignments.push(word);
    }
    wish.command = words.collect();
    if wish.mode == Mode::Command && wish.command.is_empty() {
        wish.mode = if forgets { Mode::Nothing } else { Mode::Help };
    }
    Ok(wish)
}

fn set(wish: &mut Wish, short: char, value: String) -> Result<(), String> {
    match short {
        _ if REFUSED.contains(&short) => {
            return Err(format!("this sudo has no option -- '{short}'"));
        }
        'u' => wish.user = Some(value),
        'g' => wish.group = Some(value),
        'D' => wish.directory = Some(value),
        _ => (),
    }
    Ok(())
}

fn flag(wish: &mut Wish, short: char, forgets: &mut bool) {
    match short {
        'b' => wish.background = true,
        'E' => wish.keep_all = true,
        'H' => wish.set_home = true,
        'P' => wish.keep_groups = true,
        'i' => wish.mode = Mode::Login,
        's' => wish.mode = Mode::Shell,
        'l' => wish.mode = Mode::List,
        'v' | 'K' => wish.mode = Mode::Nothing,
        // Before a command it means that the password is asked for again.
        'k' => *forgets = true,
        'V' => wish.mode = Mode::Version,
        _ => (),
    }
}

fn is_assignment(word: &[u8]) -> bool {
    let name = word
        .iter()
        .position(|&byte| byte == b'=')
        .map(|at| &word[..at]);
    name.is_some_and(|name| {
        name.first().is_some_and(|byte| !byte.is_ascii_digit())
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Wish, String> {
        parse(words.iter().map(|word| word.as_bytes().to_vec()).collect())
    }

    #[test]
    fn reads_options_in_every_spelling() {
        for words in [
            &["-n", "-E", "-u", "user", "-H", "--", "id", "-u"][..],
            &["-nEHuuser", "id", "-u"],
            &[
                "--user=user",
                "--set-home",
                "--preserve-env",
                "--non-interactive",
                "id",
                "-u",
            ],
            &["--user", "user", "-HE", "id", "-u"],
        ] {
            let wish = of(words).unwrap();
            assert_eq!(wish.user.as_deref(), Some("user"));
            assert!(wish.keep_all && wish.set_home && wish.mode == Mode::Command);
            assert_eq!(wish.command, [b"id".to_vec(), b"-u".to_vec()]);
        }
        assert_eq!(of(&["--preserve-env=A,B", "env"]).unwrap().keep, ["A", "B"]);
        assert_eq!(
            of(&["-g", "tty", "-D", "/tmp", "pwd"])
                .unwrap()
                .directory
                .as_deref(),
            Some("/tmp")
        );
    }

    #[test]
    fn tells_variables_from_the_command() {
        let wish = of(&["A=1", "_b2=", "env", "C=3"]).unwrap();
        assert_eq!(wish.assignments, [b"A=1".to_vec(), b"_b2=".to_vec()]);
        assert_eq!(wish.command, [b"env".to_vec(), b"C=3".to_vec()]);
        assert_eq!(of(&["--", "1=2"]).unwrap().command, [b"1=2".to_vec()]);
    }

    #[test]
    fn knows_what_is_no_command() {
        for (words, mode) in [
            (&["-i"][..], Mode::Login),
            (&["-s", "ls"], Mode::Shell),
            (&["-v"], Mode::Nothing),
            (&["-k"], Mode::Nothing),
            (&["-k", "ls"], Mode::Command),
            (&["-l"], Mode::List),
            (&["-V"], Mode::Version),
            (&["-h"], Mode::Help),
            (&[], Mode::Help),
        ] {
            assert_eq!(of(words).unwrap().mode, mode, "{words:?}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for words in [
            &["-Z"][..],
            &["--nothing"],
            &["-u"],
            &["--user"],
            &["--login=x"],
            &["-R", "/x", "ls"],
        ] {
            assert!(of(words).is_err(), "{words:?}");
        }
        assert!(parse(vec![vec![b'-', 0xff]]).is_err());
    }
}

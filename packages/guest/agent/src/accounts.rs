//! Makes sure that the box's user exists: passwd, group, shadow, home, sudoers. Changes only what is missing.

use crate::failure::{Outcome, invalid, os_failure};
use crate::messages::UserAccount;
use crate::users::parse_passwd;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Creates what is missing of the account. Names and ids that belong to another are an error.
pub fn ensure(etc: &Path, account: &UserAccount) -> Outcome<()> {
    check(account)?;
    let text = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let passwd = text(&etc.join("passwd"));
    let known = parse_passwd(&passwd).find(|line| line.name == account.name);
    match known {
        Some(line) if line.uid != account.uid => {
            return Err(invalid(format!(
                "user {} exists with uid {}, not {}",
                account.name, line.uid, account.uid
            )));
        }
        Some(_) => {}
        None => {
            let UserAccount {
                name,
                uid,
                gid,
                home,
            } = account;
            let shell = if Path::new("/bin/bash").exists() {
                "/bin/bash"
            } else {
                "/bin/sh"
            };
            append(
                &etc.join("passwd"),
                &passwd,
                &format!("{name}:x:{uid}:{gid}::{home}:{shell}"),
            )?;
            let shadow = text(&etc.join("shadow"));
            if !shadow.is_empty() && !has_entry(&shadow, name) {
                append(
                    &etc.join("shadow"),
                    &shadow,
                    &format!("{name}:*:19000:0:99999:7:::"),
                )?;
            }
        }
    }
    let group = text(&etc.join("group"));
    let gid = account.gid.to_string();
    if !group
        .lines()
        .any(|line| line.split(':').nth(2) == Some(&gid))
    {
        let name = if has_entry(&group, &account.name) {
            format!("{}-{gid}", account.name)
        } else {
            account.name.clone()
        };
        append(&etc.join("group"), &group, &format!("{name}:x:{gid}:"))?;
    }
    make_home(account)?;
    grant_sudo(etc, account)
}

fn has_entry(text: &str, name: &str) -> bool {
    text.lines()
        .any(|line| line.split(':').next() == Some(name))
}

fn append(path: &Path, old: &str, line: &str) -> Outcome<()> {
    let gap = if old.is_empty() || old.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    use std::io::Write;
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{gap}{line}\n").as_bytes()))
        .map_err(|error| os_failure(&error, &path.to_string_lossy()))
}

fn make_home(account: &UserAccount) -> Outcome<()> {
    let home = Path::new(&account.home);
    if home.is_dir() {
        return Ok(());
    }
    let make = || -> io::Result<()> {
        std::fs::create_dir_all(home)?;
        copy_skeleton(Path::new("/etc/skel"), home, account)?;
        own(home, account)?;
        std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o755))
    };
    make().map_err(|error| os_failure(&error, &account.home))
}

/// Copies the plain files of the skeleton (`.bashrc`, `.profile`, …).
fn copy_skeleton(from: &Path, to: &Path, account: &UserAccount) -> io::Result<()> {
    let Ok(entries) = std::fs::read_dir(from) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if entry.file_type()?.is_file() {
            let target = to.join(entry.file_name());
            std::fs::copy(entry.path(), &target)?;
            own(&target, account)?;
        }
    }
    Ok(())
}

fn own(path: &Path, account: &UserAccount) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(account.uid), Some(account.gid))
}

/// The user may become root without a password, where sudo is installed or comes later.
fn grant_sudo(etc: &Path, account: &UserAccount) -> Outcome<()> {
    if account.uid == 0 {
        return Ok(());
    }
    let folder = etc.join("sudoers.d");
    let path = folder.join("90-berth-user");
    let text = format!("{} ALL=(ALL:ALL) NOPASSWD:ALL\n", account.name);
    if std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    let write = || -> io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(&path, &text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440))
    };
    write().map_err(|error| os_failure(&error, &path.to_string_lossy()))
}

fn check(account: &UserAccount) -> Outcome<()> {
    let mut letters = account.name.bytes();
    let first = letters
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let rest = letters.all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !first || !rest || account.name.len() > 32 {
        return Err(invalid(format!("bad user name: {:?}", account.name)));
    }
    if !account.home.starts_with('/') || account.home.contains([':', '\n', '\0']) {
        return Err(invalid(format!("bad home directory: {:?}", account.home)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_a_user_once_and_keeps_what_is_there() {
        let folder = std::env::temp_dir().join(format!("berth-etc-{}", crate::sys::random_name()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("passwd"), "root:x:0:0::/root:/bin/sh").unwrap();
        // SAFETY: no arguments.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        let account = UserAccount {
            name: "someone".into(),
            uid,
            gid,
            home: folder.join("home").to_string_lossy().into_owned(),
        };
        ensure(&folder, &account).unwrap();
        let first = std::fs::read_to_string(folder.join("passwd")).unwrap();
        ensure(&folder, &account).unwrap();
        let second = std::fs::read_to_string(folder.join("passwd")).unwrap();
        assert_eq!(first, second);
        assert_eq!(first.lines().count(), 2);
        assert!(folder.join("home").is_dir());
        let other = UserAccount {
            uid: uid + 1,
            ..account
        };
        assert!(ensure(&folder, &other).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn refuses_names_that_would_break_the_files() {
        for name in ["", "a:b", "a\nb", "-a", "ALL "] {
            let account = UserAccount {
                name: name.into(),
                home: "/h".into(),
                ..UserAccount::default()
            };
            assert!(check(&account).is_err(), "{name:?}");
        }
    }
}

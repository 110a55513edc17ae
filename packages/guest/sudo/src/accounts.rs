//! Users and groups as `/etc/passwd` and `/etc/group` name them: a static program has no other source of names.

use std::fs::File;
use std::io::Read;

const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// One line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    pub shell: String,
}

/// The file's text as far as it is bearable; empty when there is none.
pub fn read(path: &str) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(MAX_FILE_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let (name, _password) = (fields.next()?, fields.next()?);
    let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let (_comment, home, shell) = (fields.next()?, fields.next()?, fields.next().unwrap_or(""));
    let or = |text: &str, other: &str| {
        if text.is_empty() {
            other.into()
        } else {
            text.into()
        }
    };
    (!name.is_empty()).then(|| Account {
        name: name.into(),
        uid,
        gid,
        home: or(home, "/"),
        shell: or(shell, "/bin/sh"),
    })
}

/// The account of this number; the first that has it.
pub fn by_uid(passwd: &str, uid: u32) -> Option<Account> {
    passwd
        .lines()
        .filter_map(account)
        .find(|one| one.uid == uid)
}

/// The account of this name, or of a number as `#1000`, which need not be anybody's.
pub fn by_name(passwd: &str, name: &str) -> Option<Account> {
    if let Some(number) = name.strip_prefix('#') {
        let uid = number.parse().ok()?;
        return Some(by_uid(passwd, uid).unwrap_or_else(|| Account {
            name: name.into(),
            uid,
            gid: 0,
            home: "/".into(),
            shell: "/bin/sh".into(),
        }));
    }
    passwd
        .lines()
        .filter_map(account)
        .find(|one| one.name == name)
}

/// Number of the group of this name, or of `#1000`.
pub fn group(groups: &str, name: &str) -> Option<u32> {
    if let Some(number) = name.strip_prefix('#') {
        return number.parse().ok();
    }
    groups
        .lines()
        .find(|line| line.split(':').next() == Some(name))
        .and_then(|line| line.split(':').nth(2)?.parse().ok())
}

/// The groups that list this user as a member.
pub fn memberships(groups: &str, name: &str) -> Vec<u32> {
    groups
        .lines()
        .filter(|line| {
            line.split(':')
                .nth(3)
                .unwrap_or("")
                .split(',')
                .any(|member| member.trim() == name)
        })
        .filter_map(|line| line.split(':').nth(2)?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbad\nx:y:z:0:::\nuser:x:1000:1001::/home/user:\nother:x:1000:7:::/bin/false\n";

    #[test]
    fn finds_accounts_by_name_and_number() {
        assert_eq!(by_uid(PASSWD, 0).map(|one| one.home), Some("/root".into()));
        let user = by_uid(PASSWD, 1000).unwrap();
        assert_eq!(
            (user.name.as_str(), user.gid, user.shell.as_str()),
            ("user", 1001, "/bin/sh")
        );
        assert_eq!(by_name(PASSWD, "#1000"), Some(user));
        assert_eq!(
            by_name(PASSWD, "#77").map(|one| (one.uid, one.gid)),
            Some((77, 0))
        );
        assert_eq!(
            by_name(PASSWD, "other").map(|one| one.home),
            Some("/".into())
        );
        for unknown in ["nobody", "", "#", "#-1", "#99999999999"] {
            assert_eq!(by_name(PASSWD, unknown), None);
        }
    }

    #[test]
    fn finds_groups_and_their_members() {
        let groups = "root:x:0:\nwheel:x:10:user, other\nbad\ntty:x:q:user\n";
        assert_eq!(group(groups, "wheel"), Some(10));
        assert_eq!(group(groups, "#12"), Some(12));
        assert_eq!(group(groups, "none"), None);
        assert_eq!(memberships(groups, "user"), [10]);
        assert_eq!(memberships(groups, "other"), [10]);
        assert!(memberships(groups, "root").is_empty());
    }
}

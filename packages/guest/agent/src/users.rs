//! Users and groups, read from passwd and group without the C library's name service.

use crate::failure::{Outcome, failure};
use crate::messages::{ErrorCode, UserAccount};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The credentials and home of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// All groups, the primary one included.
    pub groups: Vec<u32>,
    pub home: String,
    pub shell: String,
}

/// One line of passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswdLine {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    pub shell: String,
}

/// Parses passwd; lines that make no sense are skipped.
pub fn parse_passwd(text: &str) -> impl Iterator<Item = PasswdLine> + '_ {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let home = fields.nth(1)?;
        Some(PasswdLine {
            name: name.into(),
            uid,
            gid,
            home: home.into(),
            shell: fields.next().unwrap_or_default().into(),
        })
    })
}

/// Ids of the groups that list `name` as a member.
pub fn member_groups<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = u32> + 'a {
    text.lines().filter_map(move |line| {
        let mut fields = line.split(':');
        let gid = fields.nth(2)?.parse().ok()?;
        let members = fields.next()?;
        members
            .split(',')
            .any(|member| member == name)
            .then_some(gid)
    })
}

type Stamp = Option<(u64, i64, i64, u64)>;

fn stamp(path: &Path) -> Stamp {
    let data = std::fs::metadata(path).ok()?;
    Some((data.ino(), data.mtime(), data.mtime_nsec(), data.size()))
}

/// Finds identities; the last one found is kept while the files stay the same.
pub struct UserCache {
    passwd: PathBuf,
    group: PathBuf,
    last: Option<(String, [Stamp; 2], Rc<Identity>)>,
    /// When the files were last found to be the same.
    batch: u64,
}

impl UserCache {
    pub fn new(etc: &Path) -> UserCache {
        UserCache {
            passwd: etc.join("passwd"),
            group: etc.join("group"),
            last: None,
            batch: 0,
        }
    }

    /// A user by name, `uid` or `uid:gid`; empty means the account of the box, else root, else whoever runs this.
    pub fn find(
        &mut self,
        user: &str,
        account: Option<&UserAccount>,
        batch: u64,
    ) -> Outcome<Rc<Identity>> {
        let wanted = match (user, account) {
            ("", Some(account)) => account.name.as_str(),
            _ => user,
        };
        let last = self.last.as_ref().filter(|(name, ..)| name == wanted);
        if let Some((_, _, identity)) = last.filter(|_| self.batch == batch) {
            return Ok(Rc::clone(identity));
        }
        let stamps = [stamp(&self.passwd), stamp(&self.group)];
        self.batch = batch;
        if let Some((_, _, identity)) = last.filter(|(_, known, _)| *known == stamps) {
            return Ok(Rc::clone(identity));
        }
        let identity = Rc::new(self.look_up(wanted, account)?);
        self.last = Some((wanted.into(), stamps, Rc::clone(&identity)));
        Ok(identity)
    }

    fn look_up(&self, user: &str, account: Option<&UserAccount>) -> Outcome<Identity> {
        let text = read_lossy(&self.passwd);
        // SAFETY: no arguments.
        let own_uid = unsafe { libc::geteuid() };
        let numbers = numeric(user);
        let line = parse_passwd(&text).find(|line| match (user, numbers) {
            ("", _) => line.uid == own_uid,
            (_, Some((uid, _))) => line.uid == uid,
            _ => line.name == user,
        });
        let line = line
            .or_else(|| fallback(user, numbers, own_uid, account))
            .ok_or_else(|| failure(ErrorCode::NoSuchUser, format!("no such user: {user}")))?;
        let gid = numbers.and_then(|(_, gid)| gid).unwrap_or(line.gid);
        let mut groups = vec![gid];
        groups.extend(member_groups(&read_lossy(&self.group), &line.name).filter(|&id| id != gid));
        groups.truncate(65_536);
        let or = |text: String, other: &str| if text.is_empty() { other.into() } else { text };
        Ok(Identity {
            uid: line.uid,
            gid,
            groups,
            home: or(line.home, "/"),
            shell: or(line.shell, "/bin/sh"),
            name: line.name,
        })
    }
}

fn read_lossy(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn numeric(user: &str) -> Option<(u32, Option<u32>)> {
    let (uid, gid) = match user.split_once(':') {
        Some((uid, gid)) => (uid, Some(gid.parse().ok()?)),
        None => (user, None),
    };
    Some((uid.parse().ok()?, gid))
}

fn fallback(
    user: &str,
    numbers: Option<(u32, Option<u32>)>,
    own_uid: u32,
    account: Option<&UserAccount>,
) -> Option<PasswdLine> {
    let line = |name: &str, uid, gid, home: &str| PasswdLine {
        name: name.into(),
        uid,
        gid,
        home: home.into(),
        shell: "/bin/bash".into(),
    };
    if let Some(account) = account.filter(|account| account.name == user) {
        return Some(line(&account.name, account.uid, account.gid, &account.home));
    }
    match (user, numbers) {
        ("root", _) => Some(line("root", 0, 0, "/root")),
        ("", _) => Some(line(&own_uid.to_string(), own_uid, own_uid, "/")),
        (_, Some((uid, gid))) => Some(line(&uid.to_string(), uid, gid.unwrap_or(uid), "/")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_passwd_and_skips_nonsense() {
        let text = "root:x:0:0:root:/root:/bin/bash\n# no\n:x:1:1::/:\nbad:x:a:0::/:\nu:x:1000:1001::/home/u:\n";
        let lines: Vec<_> = parse_passwd(text).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            (lines[1].uid, lines[1].gid, lines[1].home.as_str()),
            (1000, 1001, "/home/u")
        );
    }

    #[test]
    fn finds_supplementary_groups() {
        let text = "a:x:1:u,v\nb:x:2:\nc:x:3:v\nd:x:4:uu\nbroken\n";
        assert_eq!(member_groups(text, "u").collect::<Vec<_>>(), vec![1]);
        assert_eq!(member_groups(text, "v").collect::<Vec<_>>(), vec![1, 3]);
    }

    #[test]
    fn finds_by_number_and_falls_back() {
        let mut cache = UserCache::new(Path::new("/nonexistent"));
        let identity = cache.find("1234:77", None, 1).unwrap();
        assert_eq!(
            (identity.uid, identity.gid, identity.home.as_str()),
            (1234, 77, "/")
        );
        assert_eq!(cache.find("root", None, 2).unwrap().home, "/root");
        assert!(cache.find("nobody-here", None, 3).is_err());
        let account = UserAccount {
            name: "user".into(),
            uid: 1000,
            gid: 1000,
            home: "/home/user".into(),
        };
        assert_eq!(cache.find("", Some(&account), 4).unwrap().uid, 1000);
    }
}

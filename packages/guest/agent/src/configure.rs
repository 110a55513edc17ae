//! Configure: name, addresses, environment and default user of the box. Idempotent.

use crate::failure::{Outcome, invalid};
use crate::guest::Guest;
use crate::messages::Configure;
use crate::tombs::Tombs;
use std::fs::File;
use std::io::Read;
use std::path::Path;

impl Guest {
    /// Applies a Configure. What the system does not permit (a read-only file, no right to set the name) is skipped; only
    /// a wish that makes no sense, or a user that cannot be made, is an error.
    pub fn configure(&mut self, wish: Configure) -> Outcome<()> {
        check(&wish)?;
        crate::refresh::refresh(&wish.entropy, wish.clock_unix_ns);
        let etc = self.settings.etc.clone();
        let waited = std::mem::take(&mut self.settings.waiting);
        if !wish.hostname.is_empty() {
            // SAFETY: the name is valid for its length.
            unsafe { libc::sethostname(wish.hostname.as_ptr().cast(), wish.hostname.len()) };
            put(&etc.join("hostname"), &format!("{}\n", wish.hostname));
            put(&etc.join("hosts"), &hosts(&wish));
        }
        if !wish.nameservers.is_empty() {
            let lines = wish
                .nameservers
                .iter()
                .map(|one| format!("nameserver {one}\n"));
            put(&etc.join("resolv.conf"), &lines.collect::<String>());
        }
        if !wish.machine_id.is_empty() {
            put(&etc.join("machine-id"), &format!("{}\n", wish.machine_id));
            if self.settings.machine_id != wish.machine_id {
                // What ended in another box has never begun in this one.
                self.tombs = Tombs::default();
                self.settings.machine_id = wish.machine_id;
            }
        }
        self.settings.memory_bytes = wish.memory_bytes;
        let same_user = wish.user.is_none() || self.settings.account == wish.user;
        let is_there = waited && same_user;
        if !same_user || self.settings.environment != wish.environment {
            self.forget_login();
        }
        self.settings.environment = wish.environment;
        if let Some(account) = wish.user.filter(|_| !is_there) {
            crate::accounts::ensure(&etc, &account)?;
            self.settings.account = Some(account);
        }
        self.write_meminfo();
        if wish.prepare {
            self.settings.waiting = true;
            self.prepare_login();
        }
        Ok(())
    }
}

fn hosts(wish: &Configure) -> String {
    let mut text =
        String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    let named = wish
        .hosts
        .iter()
        .any(|entry| entry.names.contains(&wish.hostname));
    if !named {
        text += &format!("127.0.1.1\t{}\n", wish.hostname);
    }
    for entry in &wish.hosts {
        text += &format!("{}\t{}\n", entry.address, entry.names.join(" "));
    }
    text
}

fn check(wish: &Configure) -> Outcome<()> {
    let host_name = |name: &str| {
        name.len() <= 64
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    let machine_id = |text: &str| {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        text.is_empty() || (text.len() == 32 && text.bytes().all(digit))
    };
    if !machine_id(&wish.machine_id) {
        return Err(invalid(format!("bad machine id: {:?}", wish.machine_id)));
    }
    if !host_name(&wish.hostname) {
        return Err(invalid(format!("bad host name: {:?}", wish.hostname)));
    }
    for entry in &wish.hosts {
        if !address(&entry.address) || !entry.names.iter().all(|name| host_name(name)) {
            return Err(invalid(format!("bad hosts entry: {:?}", entry.address)));
        }
    }
    if let Some(bad) = wish.nameservers.iter().find(|text| !address(text)) {
        return Err(invalid(format!("bad name server: {bad:?}")));
    }
    let bad = |name: &str, value: &str| {
        name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
    };
    if let Some((name, _)) = wish
        .environment
        .iter()
        .find(|(name, value)| bad(name, value))
    {
        return Err(invalid(format!("bad environment variable: {name:?}")));
    }
    Ok(())
}

/// Writes a file in place when its content differs (it may be a mount point, so no rename).
pub fn put(path: &Path, text: &str) -> bool {
    is_content(path, text.as_bytes()).unwrap_or(false) || std::fs::write(path, text).is_ok()
}

/// In as few system calls as may be: they are dear under some kernels.
fn is_content(path: &Path, wanted: &[u8]) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut content = vec![0; wanted.len() + 1];
    let mut length = 0;
    while length < content.len() {
        match file.read(&mut content[length..])? {
            0 => break,
            more => length += more,
        }
        // The end of a file of that length need not be looked for when it begins otherwise.
        if content[..length.min(wanted.len())] != wanted[..length.min(wanted.len())] {
            return Ok(false);
        }
    }
    Ok(content[..length] == *wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_file_whose_content_is_another() {
        let folder = std::env::temp_dir().join(format!("berth-put-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        for text in ["", "one\n", "one\n", "one\ntwo\n", "one\n", "ane\n", ""] {
            assert!(put(&path, text));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert!(!put(&folder, "a folder\n"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn refuses_what_would_break_the_files() {
        let good = Configure {
            hostname: "box-1".into(),
            nameservers: vec!["10.0.0.1".into()],
            ..Configure::default()
        };
        assert!(check(&good).is_ok());
        let bad = [
            Configure {
                hostname: "a\nb".into(),
                ..good.clone()
            },
            Configure {
                nameservers: vec!["x\ny".into()],
                ..good.clone()
            },
            Configure {
                environment: [("a=b".into(), String::new())].into(),
                ..good.clone()
            },
        ];
        for machine_id in [
            "0123",
            "0123456789ABCDEF0123456789ABCDEF",
            "../../../../../../../etc/passwd0",
        ] {
            let wish = Configure {
                machine_id: machine_id.into(),
                ..good.clone()
            };
            assert!(check(&wish).is_err());
        }
        for wish in bad {
            assert!(check(&wish).is_err());
        }
        assert!(hosts(&good).contains("127.0.1.1\tbox-1\n"));
    }
}

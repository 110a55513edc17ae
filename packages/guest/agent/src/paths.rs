//! Paths as callers write them.

use crate::failure::{Outcome, invalid};
use crate::users::Identity;
use std::ffi::CString;

const MAX_PATH_BYTES: usize = 4095;

/// Makes a path absolute: `~` and `~/x` are the user's home, other relative ones start there.
pub fn resolve(path: &str, identity: &Identity) -> Outcome<CString> {
    if path.is_empty() {
        return Err(invalid("path is empty"));
    }
    let home = identity.home.trim_end_matches('/');
    let full = if path == "~" {
        identity.home.clone()
    } else if let Some(rest) = path.strip_prefix("~/") {
        format!("{home}/{rest}")
    } else if path.starts_with('/') {
        path.into()
    } else {
        format!("{home}/{path}")
    };
    if full.len() > MAX_PATH_BYTES {
        return Err(invalid("path is too long"));
    }
    CString::new(full).map_err(|_| invalid("path holds a NUL byte"))
}

/// The resolved path as text, for messages and file information.
pub fn resolve_text(path: &str, identity: &Identity) -> Outcome<String> {
    Ok(resolve(path, identity)?.to_string_lossy().into_owned())
}

/// Whether a name can be the last part of a path and nothing else.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name != "."
        && name != ".."
        && !name.contains('/')
        && !name.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn someone(home: &str) -> Identity {
        Identity {
            name: "u".into(),
            uid: 1,
            gid: 1,
            groups: vec![1],
            home: home.into(),
            shell: "/bin/sh".into(),
        }
    }

    #[test]
    fn resolves_home_and_relative_paths() {
        let user = someone("/home/u");
        let resolve = |path| resolve_text(path, &user).unwrap();
        assert_eq!(resolve("~"), "/home/u");
        assert_eq!(resolve("~/a/b"), "/home/u/a/b");
        assert_eq!(resolve("a"), "/home/u/a");
        assert_eq!(resolve("/a"), "/a");
        assert_eq!(resolve("~x"), "/home/u/~x");
        assert_eq!(resolve_text("a", &someone("/")).unwrap(), "/a");
    }

    #[test]
    fn refuses_what_no_path_can_be() {
        let user = someone("/");
        assert!(resolve("", &user).is_err());
        assert!(resolve("a\0b", &user).is_err());
        assert!(resolve(&"a".repeat(5000), &user).is_err());
        for name in ["", ".", "..", "a/b", "a\0"] {
            assert!(!is_plain_name(name), "{name:?}");
        }
        assert!(is_plain_name("..a"));
    }
}

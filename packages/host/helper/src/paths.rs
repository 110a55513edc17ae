//! Absolute paths that contain no way back.

use std::ffi::CString;
use std::fmt;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Deserializer, de};

/// A path that starts at the root, has no `..` and no NUL, and fits into PATH_MAX.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AbsolutePath(PathBuf);

impl AbsolutePath {
    /// Errors with a sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = Path::new(text);
        if !path.is_absolute() {
            return Err(format!("{text:?} is not an absolute path"));
        }
        if text.contains('\0') || text.len() >= libc::PATH_MAX as usize {
            return Err("a path contains NUL or is too long".to_owned());
        }
        if path
            .components()
            .any(|component| component == Component::ParentDir)
        {
            return Err(format!("{text:?} contains '..'"));
        }
        Ok(AbsolutePath(path.to_owned()))
    }
}

impl Deref for AbsolutePath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for AbsolutePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for AbsolutePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AbsolutePath::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// For system calls. A path with NUL cannot come this far (see [`AbsolutePath`]); it is cut there if it does.
pub fn c_path(path: &Path) -> CString {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

//! What a file is: Stat, and the description that other operations answer with.

use crate::failure::{Outcome, os_failure};
use crate::guest::Guest;
use crate::identity::as_user;
use crate::messages::{FileInfo, FileKind, Stat};
use crate::paths::resolve_text;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Describes a file from its metadata.
pub fn describe(path: &Path, data: &Metadata) -> FileInfo {
    let kind = match data.file_type() {
        kind if kind.is_file() => FileKind::File,
        kind if kind.is_dir() => FileKind::Directory,
        kind if kind.is_symlink() => FileKind::Symlink,
        _ => FileKind::Other,
    };
    let link_target = if kind == FileKind::Symlink {
        std::fs::read_link(path)
            .map(|target| target.to_string_lossy().into_owned())
            .unwrap_or_default()
    } else {
        String::new()
    };
    FileInfo {
        name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        path: path.to_string_lossy().into_owned(),
        kind: kind as i32,
        size_bytes: data.len(),
        mode: data.mode() & 0o7777,
        uid: data.uid(),
        gid: data.gid(),
        modified_unix_ms: data
            .mtime()
            .saturating_mul(1000)
            .saturating_add(data.mtime_nsec() / 1_000_000),
        link_target,
    }
}

impl Guest {
    /// Answers Stat.
    pub fn stat(&mut self, key: u64, wish: &Stat) -> Outcome<()> {
        let identity = self.settings.identity(&wish.user)?;
        let path = resolve_text(&wish.path, &identity)?;
        let file = as_user(&identity, || {
            let path = Path::new(&path);
            let data = if wish.follow {
                std::fs::metadata(path)
            } else {
                std::fs::symlink_metadata(path)
            };
            data.map(|data| describe(path, &data))
        })?
        .map_err(|error| os_failure(&error, &path))?;
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.status.file = Some(file);
        }
        self.done(key, Ok(()));
        Ok(())
    }
}

//! Directories: List, Remove, MakeDirectory.

use crate::failure::{Outcome, failure, os_failure};
use crate::files::info::describe;
use crate::guest::Guest;
use crate::identity::as_user;
use crate::messages::{ErrorCode, List, MakeDirectory, Remove};
use crate::paths::resolve_text;
use crate::worker::Hands;
use prost::Message;
use std::fs::{DirBuilder, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

impl Guest {
    /// Streams the entries of a directory, or the one file.
    pub fn list(&mut self, key: u64, wish: List) -> Outcome<()> {
        self.start_reader(key, (&wish.user, &wish.path), list_entries)
    }

    /// Removes a file or directory.
    pub fn remove(&mut self, key: u64, wish: Remove) -> Outcome<()> {
        let recursive = wish.recursive;
        self.start_reader(key, (&wish.user, &wish.path), move |_, path| {
            remove_entry(path, recursive)
        })
    }

    /// Makes a directory.
    pub fn make_directory(&mut self, key: u64, wish: &MakeDirectory) -> Outcome<()> {
        let identity = self.settings.identity(&wish.user)?;
        let path = resolve_text(&wish.path, &identity)?;
        let mode = match wish.mode {
            0 => 0o755,
            mode => mode & 0o7777,
        };
        as_user(&identity, || {
            let existed = Path::new(&path).is_dir();
            DirBuilder::new()
                .recursive(wish.parents)
                .mode(mode)
                .create(&path)?;
            if wish.mode != 0 && !existed {
                std::fs::set_permissions(&path, Permissions::from_mode(mode))?;
            }
            Ok(())
        })?
        .map_err(|error: std::io::Error| os_failure(&error, &path))?;
        self.done(key, Ok(()));
        Ok(())
    }
}

fn list_entries(hands: &mut Hands, path: &str) -> Outcome<()> {
    let fail = |error: std::io::Error| os_failure(&error, path);
    let mut output = BufWriter::with_capacity(32 * 1024, &hands.output);
    let mut put = |path: &Path| -> std::io::Result<()> {
        let data = match std::fs::symlink_metadata(path) {
            Ok(data) => data,
            // Gone since the directory was read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        output.write_all(&describe(path, &data).encode_length_delimited_to_vec())
    };
    let data = std::fs::metadata(path).map_err(fail)?;
    if !data.is_dir() {
        put(Path::new(path)).map_err(fail)?;
    } else {
        for entry in std::fs::read_dir(path).map_err(fail)? {
            put(&entry.map_err(fail)?.path()).map_err(fail)?;
        }
    }
    output.flush().map_err(fail)
}

fn remove_entry(path: &str, recursive: bool) -> Outcome<()> {
    let fail = |error: std::io::Error| os_failure(&error, path);
    let data = std::fs::symlink_metadata(path).map_err(fail)?;
    if !data.is_dir() {
        return std::fs::remove_file(path).map_err(fail);
    }
    if path.trim_end_matches('/').is_empty() {
        return Err(failure(ErrorCode::Refused, "will not remove /"));
    }
    if recursive {
        std::fs::remove_dir_all(path).map_err(fail)
    } else {
        std::fs::remove_dir(path).map_err(fail)
    }
}

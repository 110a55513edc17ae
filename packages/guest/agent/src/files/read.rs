//! ReadFile: bytes go from the file into the link within credit; nothing is kept, since they can be read again.

use crate::failure::{Outcome, failure, invalid, os_failure};
use crate::files::info::describe;
use crate::guest::Guest;
use crate::identity::as_user;
use crate::messages::{ErrorCode, ReadFile};
use crate::paths::resolve_text;
use crate::stream::{Job, Origin, Source};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;

impl Guest {
    /// Opens a regular file and begins to send it.
    pub fn read_file(&mut self, key: u64, wish: &ReadFile) -> Outcome<()> {
        let identity = self.settings.identity(&wish.user)?;
        let path = resolve_text(&wish.path, &identity)?;
        let (file, data) = as_user(&identity, || {
            // Without O_NONBLOCK the open of a fifo would wait for a writer.
            let file = OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
                .open(&path)?;
            let data = file.metadata()?;
            Ok((file, data))
        })?
        .map_err(|error: std::io::Error| os_failure(&error, &path))?;
        if data.is_dir() {
            return Err(failure(
                ErrorCode::IsDirectory,
                format!("{path} is a directory"),
            ));
        }
        if !data.is_file() {
            return Err(invalid(format!("not a regular file: {path}")));
        }
        // Files of /proc and /sys say 0 and have bytes all the same.
        let size = if data.len() == 0 {
            u64::MAX
        } else {
            data.len()
        };
        let end = match wish.length {
            0 => size,
            length => wish.offset.saturating_add(length).min(size),
        };
        let Some(stream) = self.streams.get_mut(&key) else {
            return Ok(());
        };
        stream.status.file = Some(describe(std::path::Path::new(&path), &data));
        if let Some(outlet) = &mut stream.outlets[0] {
            outlet.rereadable = true;
        }
        stream.sources[0] = Some(Source {
            origin: Origin::File {
                file: file.into(),
                start: wish.offset,
                end: end.max(wish.offset),
            },
            readable: true,
            remaining: None,
        });
        stream.job = Job::Read;
        Ok(())
    }
}

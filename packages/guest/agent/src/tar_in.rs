//! TarIn: extracts a tar stream into a directory. Entries never leave it: the worker's root directory is the target,
//! where the system allows that, and the tar library refuses names and links that point outside.

use crate::failure::{Outcome, failure, invalid, os_failure};
use crate::files::place::prepare_folder;
use crate::guest::Guest;
use crate::identity::as_user;
use crate::messages::{ErrorCode, TarIn};
use crate::paths::resolve_text;
use crate::users::Identity;
use crate::worker::{Hands, Task};
use flate2::read::MultiGzDecoder;
use std::io::{self, BufReader, Read};
use std::os::fd::AsRawFd;
use std::path::Path;
use tar::Archive;

/// Most entries of one archive.
const MAX_ENTRIES: usize = 1_000_000;

impl Guest {
    /// Extracts what comes on channel 0 into a directory, which is made when missing.
    pub fn tar_in(&mut self, key: u64, wish: TarIn) -> Outcome<()> {
        let mut identity = self.settings.identity(&wish.user)?;
        let path = resolve_text(&wish.path, &identity)?;
        if wish.place {
            let root = self.settings.identity("root")?;
            if !prepare_folder(&identity, &root, &path)? {
                identity = root;
            }
        }
        let task = Task {
            identity: &identity,
            path,
            takes_input: true,
            prepare: Some(enter),
        };
        let gzip = wish.gzip;
        self.start_worker(key, task, move |hands, path| extract(hands, path, gzip))
    }
}

/// Makes and enters the directory as the user; then, if permitted, makes it the root.
fn enter(identity: &Identity, path: &str) -> Outcome<()> {
    let target = as_user(identity, || {
        std::fs::create_dir_all(path)?;
        std::fs::File::open(path)
    })?
    .map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            failure(ErrorCode::NotDirectory, format!("not a directory: {path}"))
        }
        _ => os_failure(&error, path),
    })?;
    // SAFETY: plain calls on an open descriptor and a constant string.
    unsafe {
        crate::sys::check(libc::fchdir(target.as_raw_fd()))
            .map_err(|error| os_failure(&error, path))?;
        if libc::geteuid() == 0 {
            libc::chroot(c".".as_ptr());
        }
    }
    Ok(())
}

fn extract(hands: &mut Hands, path: &str, gzip: bool) -> Outcome<()> {
    let input = BufReader::with_capacity(64 * 1024, &hands.input);
    if gzip {
        unpack(MultiGzDecoder::new(input), path)?;
    } else {
        unpack(input, path)?;
    }
    // What follows the archive is read too, so that the sender comes to its end.
    io::copy(&mut &hands.input, &mut io::sink()).map_err(|error| os_failure(&error, path))?;
    Ok(())
}

fn unpack(input: impl Read, path: &str) -> Outcome<()> {
    let mut archive = Archive::new(input);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    archive.set_preserve_ownerships(false);
    archive.set_overwrite(true);
    let entries = archive.entries().map_err(|error| broken(&error, path))?;
    let mut folders = Vec::new();
    for (number, entry) in entries.enumerate() {
        if number >= MAX_ENTRIES {
            return Err(failure(ErrorCode::TooLarge, "archive has too many entries"));
        }
        let mut entry = entry.map_err(|error| broken(&error, path))?;
        entry.set_mask(0o6000);
        let name = entry.path().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            // Last, so that a directory without write permission can still be filled.
            folders.push(entry);
            continue;
        }
        if !(kind.is_file()
            || kind.is_symlink()
            || kind.is_hard_link()
            || kind.is_contiguous()
            || kind.is_gnu_sparse())
        {
            continue;
        }
        let done = entry
            .unpack_in(Path::new("."))
            .map_err(|error| entry_failure(&error, &name))?;
        if !done {
            return Err(invalid(format!("archive entry points outside: {name}")));
        }
    }
    for mut folder in folders.into_iter().rev() {
        let name = String::from_utf8_lossy(&folder.path_bytes()).into_owned();
        let done = folder
            .unpack_in(Path::new("."))
            .map_err(|error| entry_failure(&error, &name))?;
        if !done && !matches!(name.trim_matches('/'), "" | ".") {
            return Err(invalid(format!("archive entry points outside: {name}")));
        }
    }
    Ok(())
}

fn broken(error: &io::Error, path: &str) -> Box<crate::messages::Error> {
    match error.raw_os_error() {
        Some(_) => os_failure(error, path),
        None => invalid(format!("archive is damaged: {error}")),
    }
}

/// The library hides the operating system's error behind its own.
fn entry_failure(error: &io::Error, name: &str) -> Box<crate::messages::Error> {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = inner {
        if let Some(io) = current.downcast_ref::<io::Error>()
            && io.raw_os_error().is_some()
        {
            return os_failure(io, name);
        }
        inner = current.source();
    }
    invalid(format!("archive entry {name}: {error}"))
}

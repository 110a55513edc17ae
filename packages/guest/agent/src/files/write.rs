//! WriteFile: bytes gather beside the target and appear whole at EOF, or not at all.

use crate::failure::{Outcome, failure, invalid, os_failure};
use crate::files::info::describe;
use crate::files::place::{is_denied, make_folders_for};
use crate::guest::Guest;
use crate::identity::as_user;
use crate::inlet::{Inlet, UPLOAD_WINDOW_BYTES};
use crate::messages::{Error, ErrorCode, FileInfo, WriteFile};
use crate::paths::{is_plain_name, resolve_text};
use crate::stream::{Job, Stream};
use crate::users::Identity;
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// An upload in progress.
pub struct Upload {
    identity: Rc<Identity>,
    target: PathBuf,
    /// Beside the target; `None` when the bytes gather in an unlinked file and are copied into the target at the end.
    beside: Option<PathBuf>,
    spool: File,
    mode: Option<u32>,
    existing: Option<Metadata>,
    /// Of a new file, when it is not the identity's own.
    owner: Option<(u32, u32)>,
    append: bool,
}

impl Upload {
    /// Writes bytes that have just arrived; returns how many were taken. What fails is tried again, and reported, by `advance`.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        self.spool.write(bytes).unwrap_or(0)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(path) = self.beside.take() {
            let _ = as_user(&self.identity, || std::fs::remove_file(path));
        }
    }
}

impl Guest {
    /// Prepares an upload; the bytes come on channel 0.
    pub fn write_file(&mut self, key: u64, wish: &WriteFile) -> Outcome<()> {
        let identity = self.settings.identity(&wish.user)?;
        let path = resolve_text(&wish.path, &identity)?;
        let mut upload = as_user(&identity, || begin(&identity, &path, wish, None))?;
        if wish.place && is_denied(&upload) {
            let root = self.settings.identity("root")?;
            upload = as_user(&root, || begin(&root, &path, wish, Some(&identity)))?;
        }
        let upload = upload?;
        let Some(stream) = self.streams.get_mut(&key) else {
            return Ok(());
        };
        stream.job = Job::Upload(Box::new(upload));
        stream.inlet = Some(Inlet::new(UPLOAD_WINDOW_BYTES));
        Ok(())
    }
}

/// `owner`: whom what is new belongs to, when it is not the identity that writes.
fn begin(
    identity: &Rc<Identity>,
    path: &str,
    wish: &WriteFile,
    owner: Option<&Rc<Identity>>,
) -> Outcome<Upload> {
    let target = choose_target(path, wish)?;
    let text = target.to_string_lossy().into_owned();
    let fail = |error: io::Error| os_failure(&error, &text);
    let folder = target
        .parent()
        .ok_or_else(|| invalid(format!("{text} is a directory")))?
        .to_path_buf();
    if wish.make_parents {
        let made = match owner {
            Some(owner) => make_folders_for(owner, &folder),
            None => std::fs::create_dir_all(&folder),
        };
        made.map_err(|error| {
            // What is there already is something else than a directory.
            let error = match error.kind() {
                io::ErrorKind::AlreadyExists => io::Error::from_raw_os_error(libc::ENOTDIR),
                _ => error,
            };
            os_failure(&error, &folder.to_string_lossy())
        })?;
    }
    let existing = existing_file(&target, &text)?;
    // SAFETY: no arguments.
    let euid = unsafe { libc::geteuid() };
    // A rename would change the owner or cut a hard link.
    let in_place = existing
        .as_ref()
        .is_some_and(|data| (data.uid() != euid && euid != 0) || data.nlink() > 1);
    let mut beside = None;
    let spool = if wish.append || in_place {
        unlinked_spool(&folder)
    } else {
        let name = spool_name(&folder);
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&name) {
            Ok(file) => {
                beside = Some(name);
                Ok(file)
            }
            Err(_) if existing.is_some() => unlinked_spool(&folder),
            Err(error) => Err(error),
        }
    }
    .map_err(fail)?;
    Ok(Upload {
        identity: Rc::clone(identity),
        target,
        beside,
        spool,
        mode: (wish.mode != 0).then_some(wish.mode & 0o7777),
        existing,
        owner: owner.map(|owner| (owner.uid, owner.gid)),
        append: wish.append,
    })
}

/// The file that is there already, if the user may write it.
fn existing_file(target: &Path, text: &str) -> Outcome<Option<Metadata>> {
    let fail = |error: io::Error| os_failure(&error, text);
    match std::fs::metadata(target) {
        Ok(data) if data.is_dir() => Err(failure(
            ErrorCode::IsDirectory,
            format!("{text} is a directory"),
        )),
        Ok(data) if !data.is_file() => Err(invalid(format!("not a regular file: {text}"))),
        Ok(data) => {
            OpenOptions::new().write(true).open(target).map_err(fail)?;
            Ok(Some(data))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(error)),
    }
}

/// Where the bytes go: into a directory under the given name, through symlinks to what they name.
fn choose_target(path: &str, wish: &WriteFile) -> Outcome<PathBuf> {
    let mut target = PathBuf::from(path);
    if path.ends_with('/') || target.is_dir() {
        if wish.name_in_directory.is_empty() {
            return Err(failure(
                ErrorCode::IsDirectory,
                format!("{path} is a directory"),
            ));
        }
        if !is_plain_name(&wish.name_in_directory) {
            let text = format!("bad file name: {:?}", wish.name_in_directory);
            return Err(invalid(text));
        }
        target.push(&wish.name_in_directory);
    }
    for _ in 0..40 {
        let Ok(link) = std::fs::read_link(&target) else {
            return Ok(target);
        };
        target.pop();
        target.push(link);
    }
    Err(invalid(format!("too many symbolic links: {path}")))
}

fn spool_name(folder: &Path) -> PathBuf {
    folder.join(format!(".berth-upload-{}", crate::sys::random_name()))
}

/// A file without a name, for bytes that are copied into an existing file at the end.
fn unlinked_spool(folder: &Path) -> io::Result<File> {
    let mut last = io::Error::from_raw_os_error(libc::EACCES);
    for place in [folder, Path::new("/var/tmp"), Path::new("/tmp")] {
        let name = spool_name(place);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        match options.open(&name) {
            Ok(file) => {
                std::fs::remove_file(&name)?;
                return Ok(file);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Writes what has arrived; at the end the file appears.
pub fn advance(stream: &mut Stream) {
    if stream.finished() {
        return;
    }
    let (Job::Upload(upload), Some(inlet)) = (&mut stream.job, &mut stream.inlet) else {
        return;
    };
    let mut error = None;
    while error.is_none() && !inlet.front().is_empty() {
        match upload.spool.write(inlet.front()) {
            Ok(count) => inlet.deliver(count),
            Err(problem) if problem.kind() == io::ErrorKind::Interrupted => {}
            Err(problem) => error = Some(os_failure(&problem, &upload.target.to_string_lossy())),
        }
    }
    if error.is_none() && !inlet.exhausted() {
        return;
    }
    let outcome = match error {
        Some(error) => Err(error),
        None => commit(upload),
    };
    stream.job = Job::Done;
    match outcome {
        Ok(file) => {
            stream.status.file = Some(file);
            stream.finish(None);
        }
        Err(error) => stream.finish(Some(error)),
    }
}

fn commit(upload: &mut Upload) -> Result<FileInfo, Box<Error>> {
    let identity = Rc::clone(&upload.identity);
    let text = upload.target.to_string_lossy().into_owned();
    as_user(&identity, || {
        place(upload)?;
        let data = std::fs::metadata(&upload.target)?;
        Ok(describe(&upload.target, &data))
    })?
    .map_err(|error: io::Error| os_failure(&error, &text))
}

fn place(upload: &mut Upload) -> io::Result<()> {
    if let Some(beside) = upload.beside.take() {
        match rename_over(upload, &beside) {
            // The target is a mount point of its own: only its contents can change.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                upload.spool = OpenOptions::new().read(true).write(true).open(&beside)?;
                std::fs::remove_file(&beside)?;
            }
            outcome => {
                if outcome.is_err() {
                    let _ = std::fs::remove_file(&beside);
                }
                return outcome;
            }
        }
    }
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .append(upload.append)
        .truncate(!upload.append)
        .mode(upload.mode.unwrap_or(0o644))
        .open(&upload.target)?;
    upload.spool.rewind()?;
    io::copy(&mut upload.spool, &mut target)?;
    match upload.mode {
        Some(mode) => target.set_permissions(Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

fn rename_over(upload: &Upload, beside: &Path) -> io::Result<()> {
    let kept = upload
        .existing
        .as_ref()
        .map(|data| (data.uid(), data.gid()));
    if let Some((uid, gid)) = kept.or(upload.owner) {
        std::os::unix::fs::fchown(&upload.spool, Some(uid), Some(gid))?;
    }
    let kept = upload.existing.as_ref().map(|data| data.mode() & 0o7777);
    let mode = upload.mode.or(kept).unwrap_or(0o644);
    upload.spool.set_permissions(Permissions::from_mode(mode))?;
    std::fs::rename(beside, &upload.target)
}

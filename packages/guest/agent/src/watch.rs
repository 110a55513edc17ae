//! Watch: file events by inotify, in a worker whose output pipe gives the back-pressure.

use crate::failure::{Outcome, failure, os_failure};
use crate::guest::Guest;
use crate::messages::{ErrorCode, FileEvent, FileEventKind, Phase, Status, Watch};
use crate::sys;
use crate::worker::Hands;
use prost::Message;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Most directories that one recursive watch covers.
const MAX_WATCHES: usize = 8192;
const MASK: u32 = libc::IN_CREATE
    | libc::IN_MODIFY
    | libc::IN_DELETE
    | libc::IN_MOVED_FROM
    | libc::IN_MOVED_TO
    | libc::IN_DELETE_SELF
    | libc::IN_MOVE_SELF;

impl Guest {
    /// Streams events of a file or directory until CLOSE. The status says RUNNING once the watch is in place.
    pub fn watch(&mut self, key: u64, wish: Watch) -> Outcome<()> {
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.status.phase = Phase::Queued as i32;
        }
        let recursive = wish.recursive;
        self.start_reader(key, (&wish.user, &wish.path), move |hands, path| {
            watch_tree(hands, path, recursive)
        })
    }
}

struct Tree {
    inotify: OwnedFd,
    folders: BTreeMap<i32, PathBuf>,
    recursive: bool,
    full: bool,
}

impl Tree {
    fn add(&mut self, path: &Path) -> std::io::Result<()> {
        let name = sys::c_string(path.as_os_str().as_bytes())?;
        // SAFETY: the path is a C string.
        let id = sys::check(unsafe {
            libc::inotify_add_watch(self.inotify.as_raw_fd(), name.as_ptr(), MASK)
        })?;
        self.folders.insert(id, path.into());
        Ok(())
    }

    /// Adds the directories below; true when some could not be watched.
    fn add_below(&mut self, path: &Path) -> bool {
        let mut todo = vec![path.to_path_buf()];
        while let Some(folder) = todo.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    continue;
                }
                if self.folders.len() >= MAX_WATCHES || self.add(&entry.path()).is_err() {
                    self.full = true;
                    return true;
                }
                todo.push(entry.path());
            }
        }
        false
    }
}

fn watch_tree(hands: &mut Hands, path: &str, recursive: bool) -> Outcome<()> {
    let fail = |error: std::io::Error| os_failure(&error, path);
    // SAFETY: no pointers.
    let inotify = sys::check(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) })
        .map(sys::owned)
        .map_err(fail)?;
    let mut tree = Tree {
        inotify,
        folders: BTreeMap::new(),
        recursive,
        full: false,
    };
    tree.add(Path::new(path)).map_err(fail)?;
    let overflow = recursive && tree.add_below(Path::new(path));
    hands.report(&Status {
        phase: Phase::Running as i32,
        ..Status::default()
    });
    let mut out = Vec::new();
    if overflow {
        put(&mut out, FileEventKind::Overflow, path, "").map_err(fail)?;
    }
    hands.output.write_all(&out).map_err(fail)?;
    out.clear();
    let mut buffer = vec![0u8; 16 * 1024];
    while !tree.folders.is_empty() {
        let count = sys::read(tree.inotify.as_raw_fd(), &mut buffer).map_err(fail)?;
        relay(&mut out, &mut tree, &buffer[..count]).map_err(fail)?;
        hands.output.write_all(&out).map_err(fail)?;
        out.clear();
    }
    Err(failure(
        ErrorCode::NotFound,
        format!("no longer there: {path}"),
    ))
}

struct Notice<'a> {
    id: i32,
    mask: u32,
    cookie: u32,
    name: &'a OsStr,
}

fn notices(mut bytes: &[u8]) -> Vec<Notice<'_>> {
    let mut list = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<16>() {
        let word = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&head[at..at + 4]);
            u32::from_ne_bytes(word)
        };
        let length = (word(12) as usize).min(rest.len());
        let name = rest[..length]
            .split(|&byte| byte == 0)
            .next()
            .unwrap_or_default();
        list.push(Notice {
            id: word(0) as i32,
            mask: word(4),
            cookie: word(8),
            name: OsStr::from_bytes(name),
        });
        bytes = &rest[length..];
    }
    list
}

fn relay(out: &mut Vec<u8>, tree: &mut Tree, bytes: &[u8]) -> std::io::Result<()> {
    let list = notices(bytes);
    let mut moved: BTreeMap<u32, PathBuf> = BTreeMap::new();
    for notice in &list {
        if notice.mask & libc::IN_Q_OVERFLOW != 0 {
            put(out, FileEventKind::Overflow, "", "")?;
            continue;
        }
        if notice.mask & libc::IN_IGNORED != 0 {
            tree.folders.remove(&notice.id);
            continue;
        }
        let Some(folder) = tree.folders.get(&notice.id) else {
            continue;
        };
        let path = if notice.name.is_empty() {
            folder.clone()
        } else {
            folder.join(notice.name)
        };
        let text = path.to_string_lossy().into_owned();
        let gone = notice.mask & (libc::IN_DELETE_SELF | libc::IN_MOVE_SELF) != 0;
        let is_root = tree.folders.keys().next() == Some(&notice.id);
        let is_folder = notice.mask & libc::IN_ISDIR != 0;
        if notice.mask & libc::IN_MOVED_FROM != 0 {
            let answered = list
                .iter()
                .any(|other| other.cookie == notice.cookie && other.mask & libc::IN_MOVED_TO != 0);
            if answered {
                moved.insert(notice.cookie, path);
            } else {
                put(out, FileEventKind::Removed, &text, "")?;
            }
            continue;
        }
        if notice.mask & libc::IN_MOVED_TO != 0 {
            match moved.remove(&notice.cookie) {
                Some(from) => {
                    put(out, FileEventKind::Moved, &from.to_string_lossy(), &text)?;
                    rename_below(tree, &from, &path);
                }
                None => put(out, FileEventKind::Created, &text, "")?,
            }
        } else if notice.mask & libc::IN_CREATE != 0 {
            put(out, FileEventKind::Created, &text, "")?;
        } else if notice.mask & libc::IN_MODIFY != 0 {
            put(out, FileEventKind::Modified, &text, "")?;
        } else if notice.mask & libc::IN_DELETE != 0 || (gone && is_root) {
            put(out, FileEventKind::Removed, &text, "")?;
        }
        let appeared = notice.mask & (libc::IN_CREATE | libc::IN_MOVED_TO) != 0;
        if tree.recursive && is_folder && appeared {
            cover(out, tree, &path)?;
        }
    }
    Ok(())
}

/// A directory was moved within the tree: its watches go on under the new name.
fn rename_below(tree: &mut Tree, from: &Path, to: &Path) {
    for path in tree.folders.values_mut() {
        if let Ok(rest) = path.strip_prefix(from) {
            *path = if rest.as_os_str().is_empty() {
                to.into()
            } else {
                to.join(rest)
            };
        }
    }
}

/// Watches a directory that appeared and reports what was made in it before the watch.
fn cover(out: &mut Vec<u8>, tree: &mut Tree, path: &Path) -> std::io::Result<()> {
    if tree.folders.values().any(|known| known == path) {
        return Ok(());
    }
    if tree.folders.len() >= MAX_WATCHES || tree.add(path).is_err() {
        if !tree.full {
            tree.full = true;
            put(out, FileEventKind::Overflow, &path.to_string_lossy(), "")?;
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        let below = entry.path();
        put(out, FileEventKind::Created, &below.to_string_lossy(), "")?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            cover(out, tree, &below)?;
        }
    }
    Ok(())
}

fn put(out: &mut Vec<u8>, kind: FileEventKind, path: &str, moved_to: &str) -> std::io::Result<()> {
    let event = FileEvent {
        kind: kind as i32,
        path: path.into(),
        moved_to: moved_to.into(),
    };
    out.write_all(&event.encode_length_delimited_to_vec())
}

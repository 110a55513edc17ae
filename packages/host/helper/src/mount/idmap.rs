//! ID-mapped clones of layer directories: the same files, seen with the box's owners.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::userns::id_map;
use crate::error::{Result, check};
use crate::paths::c_path;

const MOVE_MOUNT_F_EMPTY_PATH: u32 = 4;

/// A read-only clone of the directory `path` as a mount of its own, attached nowhere: closing it ends it.
/// What `stored_base` + n owns on disk, `seen_base` + n owns in it.
pub fn clone_mapped(path: &Path, stored_base: u32, seen_base: u32) -> Result<OwnedFd> {
    let map = id_map(stored_base, seen_base)?;
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    let raw = unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            libc::AT_FDCWD,
            c_path(path).as_ptr(),
            flags,
        )
    };
    let raw = check(raw, "open_tree", path.display())?;
    let tree = unsafe { OwnedFd::from_raw_fd(raw as i32) };
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP | libc::MOUNT_ATTR_RDONLY,
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: map.as_raw_fd() as u64,
    };
    let returned = unsafe {
        let size = std::mem::size_of::<libc::mount_attr>();
        let empty = c"".as_ptr();
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            empty,
            libc::AT_EMPTY_PATH,
            &attributes,
            size,
        )
    };
    check(returned, "mount_setattr", path.display())?;
    Ok(tree)
}

/// Attaches a clone at `directory`, where it stays until it is detached.
pub fn attach(tree: &OwnedFd, directory: &Path) -> Result<()> {
    let target = c_path(directory);
    let returned = unsafe {
        let (from, empty) = (tree.as_raw_fd(), c"".as_ptr());
        libc::syscall(
            libc::SYS_move_mount,
            from,
            empty,
            libc::AT_FDCWD,
            target.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    check(returned, "move_mount", directory.display()).map(drop)
}

/// Whether the file system of `directory` can be ID-mapped, found out by doing it.
pub fn works_on(directory: &Path) -> bool {
    clone_mapped(directory, 0, 100_000).is_ok()
}

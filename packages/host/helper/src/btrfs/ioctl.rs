//! btrfs system calls (linux/btrfs.h) over an open directory of the file system.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{Error, Result, check};

const MAGIC: u64 = 0x94;
const READ: u64 = 2;
const WRITE: u64 = 1;
const SUBVOLUME_READ_ONLY: u64 = 1 << 1;
const SUBVOLUME_BY_ID: u64 = 1 << 4;
const LIMIT_REFERENCED: u64 = 1;
/// Ids below are the file system's own; it is also the inode of every subvolume's root.
pub const FIRST_FREE_OBJECT: u64 = 256;
const ROOT_TREE: u64 = 1;
const ROOT_ITEM_KEY: u32 = 132;
const ROOT_REF_KEY: u32 = 156;

pub const ENABLE_FULL: u64 = 1;
pub const ENABLE_SIMPLE: u64 = 4;

#[repr(C)]
struct VolumeArgs {
    fd: i64,
    transaction: u64,
    flags: u64,
    unused: [u64; 4],
    name_or_id: [u8; 4040],
}

#[repr(C)]
struct SearchArgs {
    tree_id: u64,
    min_objectid: u64,
    max_objectid: u64,
    min_offset: u64,
    max_offset: u64,
    min_transid: u64,
    max_transid: u64,
    min_type: u32,
    max_type: u32,
    items: u32,
    unused: [u32; 9],
    buffer: [u8; 3992],
}

fn request<T>(direction: u64, number: u64) -> u64 {
    direction << 30 | (size_of::<T>() as u64) << 16 | MAGIC << 8 | number
}

fn call<T>(directory: &File, direction: u64, number: u64, args: &mut T, name: &str) -> Result<()> {
    let code = request::<T>(direction, number);
    let returned =
        unsafe { libc::ioctl(directory.as_raw_fd(), code as _, std::ptr::from_mut(args)) };
    check(returned as i64, "ioctl", name).map(drop)
}

/// Opens a directory without following a link.
pub fn open_directory(path: &Path) -> Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    opened.map_err(|cause| Error::os("open", path.display(), &cause))
}

fn named(name: &OsStr) -> Result<VolumeArgs> {
    let mut args = VolumeArgs {
        fd: 0,
        transaction: 0,
        flags: 0,
        unused: [0; 4],
        name_or_id: [0; 4040],
    };
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > 255 {
        return Err(Error::bad_request("a subvolume's name has 1 to 255 bytes"));
    }
    args.name_or_id[..bytes.len()].copy_from_slice(bytes);
    Ok(args)
}

pub fn create_subvolume(parent: &File, name: &OsStr) -> Result<()> {
    call(
        parent,
        WRITE,
        24,
        &mut named(name)?,
        "BTRFS_IOC_SUBVOL_CREATE_V2",
    )
}

/// A subvolume `name` with what `source`, the root of one, holds now: no byte is copied.
pub fn snapshot_subvolume(
    source: &File,
    parent: &File,
    name: &OsStr,
    read_only: bool,
) -> Result<()> {
    let mut args = named(name)?;
    args.fd = source.as_raw_fd().into();
    args.flags = if read_only { SUBVOLUME_READ_ONLY } else { 0 };
    call(parent, WRITE, 23, &mut args, "BTRFS_IOC_SNAP_CREATE_V2")
}

pub fn destroy_subvolume(parent: &File, name: &OsStr) -> Result<()> {
    call(
        parent,
        WRITE,
        63,
        &mut named(name)?,
        "BTRFS_IOC_SNAP_DESTROY_V2",
    )
}

/// Deletes a subvolume wherever it hangs on this file system (Linux 5.7).
pub fn destroy_subvolume_by_id(directory: &File, id: u64) -> Result<()> {
    let mut args = named(OsStr::new("x"))?;
    args.flags = SUBVOLUME_BY_ID;
    args.name_or_id[..8].copy_from_slice(&id.to_ne_bytes());
    call(directory, WRITE, 63, &mut args, "BTRFS_IOC_SNAP_DESTROY_V2")
}

/// Id of the subvolume that holds this directory.
pub fn subvolume_id(directory: &File) -> Result<u64> {
    #[repr(C)]
    struct LookupArgs {
        tree_id: u64,
        object_id: u64,
        name: [u8; 4080],
    }
    let mut args = LookupArgs {
        tree_id: 0,
        object_id: FIRST_FREE_OBJECT,
        name: [0; 4080],
    };
    call(
        directory,
        READ | WRITE,
        18,
        &mut args,
        "BTRFS_IOC_INO_LOOKUP",
    )?;
    Ok(args.tree_id)
}

/// Ids of the subvolumes that hang directly in subvolume `id`.
pub fn child_subvolumes(directory: &File, id: u64) -> Result<Vec<u64>> {
    let mut children = Vec::new();
    let mut next = 0;
    loop {
        let found = search_root_tree(directory, id, ROOT_REF_KEY, next)?;
        match found.last() {
            None => return Ok(children),
            Some(last) => next = last.saturating_add(1),
        }
        children.extend(found);
    }
}

/// False once the subvolume has been deleted and cleaned away.
pub fn subvolume_exists(directory: &File, id: u64) -> Result<bool> {
    Ok(!search_root_tree(directory, id, ROOT_ITEM_KEY, 0)?.is_empty())
}

/// Offsets, from `min_offset` on, of some items of that kind that the tree of tree roots has for `id`.
fn search_root_tree(directory: &File, id: u64, kind: u32, min_offset: u64) -> Result<Vec<u64>> {
    let mut args = SearchArgs {
        tree_id: ROOT_TREE,
        min_objectid: id,
        max_objectid: id,
        min_offset,
        max_offset: u64::MAX,
        min_transid: 0,
        max_transid: u64::MAX,
        min_type: kind,
        max_type: kind,
        items: 4096,
        unused: [0; 9],
        buffer: [0; 3992],
    };
    let name = "BTRFS_IOC_TREE_SEARCH";
    call(directory, READ | WRITE, 17, &mut args, name)?;
    let mut offsets = Vec::new();
    let mut rest = &args.buffer[..];
    for _ in 0..args.items {
        // struct btrfs_ioctl_search_header: transid, objectid, offset, type, length; then the item.
        let (Some(offset), Some(length)) = (rest.get(16..24), rest.get(28..32)) else {
            break;
        };
        offsets.push(u64::from_ne_bytes(offset.try_into().unwrap_or_default()));
        let length = u32::from_ne_bytes(length.try_into().unwrap_or_default()) as usize;
        rest = rest.get(32 + length..).unwrap_or_default();
    }
    Ok(offsets)
}

/// Turns quotas on: [`ENABLE_SIMPLE`] or [`ENABLE_FULL`].
pub fn enable_quota(directory: &File, kind: u64) -> Result<()> {
    call(
        directory,
        READ | WRITE,
        40,
        &mut [kind, 0u64],
        "BTRFS_IOC_QUOTA_CTL",
    )
}

/// Bounds what quota group 0/`id` refers to.
pub fn limit_group(directory: &File, id: u64, limit_bytes: u64) -> Result<()> {
    // qgroupid; flags, max_rfer, max_excl, rsv_rfer, rsv_excl
    let mut args = [id, LIMIT_REFERENCED, limit_bytes, 0, 0, 0u64];
    call(directory, READ, 43, &mut args, "BTRFS_IOC_QGROUP_LIMIT")
}

/// Removes quota group 0/`id`.
pub fn destroy_group(directory: &File, id: u64) -> Result<()> {
    // create, qgroupid
    let mut args = [0, id];
    call(directory, WRITE, 42, &mut args, "BTRFS_IOC_QGROUP_CREATE")
}

/// UUID of the file system, as /sys/fs/btrfs writes it.
pub fn file_system_uuid(directory: &File) -> Result<String> {
    let mut args = [0u8; 1024];
    call(directory, READ, 31, &mut args, "BTRFS_IOC_FS_INFO")?;
    let mut text = String::new();
    for (index, byte) in args[16..32].iter().enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_kernel_header() {
        assert_eq!(
            (size_of::<VolumeArgs>(), size_of::<SearchArgs>()),
            (4096, 4096)
        );
        assert_eq!(request::<VolumeArgs>(WRITE, 24), 0x5000_9418);
        assert_eq!(request::<SearchArgs>(READ | WRITE, 17), 0xd000_9411);
        assert_eq!(request::<[u64; 2]>(READ | WRITE, 40), 0xc010_9428);
        assert_eq!(request::<[u64; 6]>(READ, 43), 0x8030_942b);
    }

    #[test]
    fn names_are_bounded() {
        assert!(named(OsStr::new("")).is_err());
        assert!(named(OsStr::new(&"x".repeat(256))).is_err());
        assert!(named(OsStr::new(&"x".repeat(255))).is_ok());
    }
}

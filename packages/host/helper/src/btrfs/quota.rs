//! Quota groups: the bound of a box's writable directory and what it uses of it.

use std::fs::{self, File};
use std::path::Path;

use super::ioctl;
use crate::error::{Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub used_bytes: u64,
    pub limit_bytes: u64,
}

/// Turns quotas on, where they are on already tidies up, and says which: `simple` (no bookkeeping of shared extents, Linux 6.7) or `full`.
pub fn enable(volume: &Path) -> Result<&'static str> {
    let directory = ioctl::open_directory(volume)?;
    if let Some(mode) = mode(&directory)? {
        sweep(&directory)?;
        return Ok(mode);
    }
    let enabled = ioctl::enable_quota(&directory, ioctl::ENABLE_SIMPLE)
        .or_else(|_| ioctl::enable_quota(&directory, ioctl::ENABLE_FULL));
    match mode(&directory)? {
        Some(mode) => Ok(mode),
        None => enabled.map(|()| "full"),
    }
}

/// Removes the groups of subvolumes that are gone: kernels before 6.12 keep them for ever.
fn sweep(directory: &File) -> Result<()> {
    let groups = group_directory(directory)?;
    let entries = fs::read_dir(&groups).map_err(|cause| Error::os("readdir", &groups, &cause))?;
    let id_of = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix("0_")?.parse().ok();
    for id in entries.flatten().filter_map(id_of) {
        if id >= ioctl::FIRST_FREE_OBJECT && !ioctl::subvolume_exists(directory, id)? {
            // Refused while the kernel still counts: the next sweep has it.
            let _ = ioctl::destroy_group(directory, id);
        }
    }
    Ok(())
}

fn group_directory(directory: &File) -> Result<String> {
    Ok(format!(
        "/sys/fs/btrfs/{}/qgroups",
        ioctl::file_system_uuid(directory)?
    ))
}

/// None while quotas are off. Kernels without simple quotas have no `mode` file.
fn mode(directory: &File) -> Result<Option<&'static str>> {
    let groups = group_directory(directory)?;
    Ok(match fs::read_to_string(format!("{groups}/mode")) {
        Ok(text) if text.trim() == "squota" => Some("simple"),
        Ok(text) if text.trim() == "qgroup" => Some("full"),
        Ok(_) => None,
        Err(_) => Path::new(&groups).is_dir().then_some("full"),
    })
}

/// Bounds the subvolume whose root is `root`. Told to its `parent` directory: one that has used up its limit has no room for the change itself.
pub fn limit(parent: &File, root: &File, limit_bytes: u64) -> Result<()> {
    ioctl::limit_group(parent, ioctl::subvolume_id(root)?, limit_bytes)
}

/// What the subvolume at `path` refers to. The kernel counts when it writes back: seconds may pass.
pub fn usage(path: &Path) -> Result<Usage> {
    let directory = ioctl::open_directory(path)?;
    let group = format!(
        "{}/0_{}",
        group_directory(&directory)?,
        ioctl::subvolume_id(&directory)?
    );
    let read = |name: &str| -> Result<u64> {
        let file = format!("{group}/{name}");
        let text = fs::read_to_string(&file).map_err(|cause| Error::os("read", &file, &cause))?;
        let text = text.trim();
        if text == "none" {
            return Ok(0);
        }
        text.parse()
            .map_err(|_| Error::bad_request(format!("{file}: {text:?} is not a number")))
    };
    Ok(Usage {
        used_bytes: read("referenced")?,
        limit_bytes: read("max_referenced")?,
    })
}

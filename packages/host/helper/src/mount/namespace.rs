//! The helper's mount namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::ptr::null;

use crate::error::{Result, check};
use crate::paths::c_path;

/// Leaves the host's mount namespace. What the host mounts later still arrives here; nothing goes the other way.
/// Call once, before any other thread.
pub fn enter_own() -> Result<()> {
    check(
        unsafe { libc::unshare(libc::CLONE_NEWNS) } as i64,
        "unshare",
        "mount namespace",
    )?;
    let flags = libc::MS_REC | libc::MS_SLAVE;
    let returned = unsafe { libc::mount(null(), c"/".as_ptr(), null(), flags, null()) };
    check(returned as i64, "mount", "/ as slave").map(drop)
}

/// Takes a mount out of this namespace; those who use it elsewhere keep it.
pub fn detach(path: &Path) -> Result<()> {
    let flags = libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW;
    let returned = unsafe { libc::umount2(c_path(path).as_ptr(), flags) };
    check(returned as i64, "umount2", path.display()).map(drop)
}

/// Lets go of the volumes of other installations, which came here as copies of the host's mounts: where the host's `/` is private, their
/// owners could unmount them but not free them while this process lives.
pub fn release_other_volumes(own: &Path) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for (mount_point, device) in loop_volumes(&mounts) {
        let backing = fs::read_to_string(format!("/sys/block/{device}/loop/backing_file"));
        let image = mount_point.with_file_name("volume.img");
        if mount_point != own && backing.is_ok_and(|path| Path::new(path.trim_end()) == image) {
            let _ = detach(&mount_point);
        }
    }
}

/// Mount points named `volume` of btrfs on a loop device, and that device's name.
fn loop_volumes(mountinfo: &str) -> Vec<(PathBuf, &str)> {
    let volume = |line| -> Option<(PathBuf, &str)> {
        let (place, what): (&str, &str) = str::split_once(line, " - ")?;
        let mount_point = PathBuf::from(place.split(' ').nth(4)?);
        let mut what = what.split(' ');
        let device = (what.next()? == "btrfs")
            .then(|| what.next()?.strip_prefix("/dev/"))
            .flatten()?;
        let ours = device.starts_with("loop") && mount_point.file_name()? == "volume";
        ours.then_some((mount_point, device))
    };
    mountinfo.lines().filter_map(volume).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_volumes_and_nothing_else() {
        let text = "91 69 0:39 / /var/lib/berth/volume rw,noatime - btrfs /dev/loop0 rw\n\
                    92 69 0:40 / /srv/volume rw shared:1 master:2 - btrfs /dev/loop7 rw\n\
                    93 69 0:41 / /volume rw - btrfs /dev/sda1 rw\n\
                    94 69 0:42 / /srv/data rw - btrfs /dev/loop1 rw\n\
                    95 69 0:43 / /x/volume rw - ext4 /dev/loop2 rw\njunk\n";
        let found = [("/var/lib/berth/volume", "loop0"), ("/srv/volume", "loop7")]
            .map(|(path, device)| (PathBuf::from(path), device));
        assert_eq!(loop_volumes(text), found);
    }
}

//! The helper's mount namespace.

use std::path::Path;
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

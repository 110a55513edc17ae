//! User namespaces as ID maps: never entered, only pointed at by `mount_setattr`.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::error::{Error, Result, check};

/// User and group ids of one box.
pub const IDS_PER_BOX: u32 = 65_536;
/// Maps kept ready. Boxes mostly share one range or use it again.
const CACHED: usize = 64;

type Cache = Mutex<HashMap<(u32, u32), Arc<OwnedFd>>>;
static CACHE: LazyLock<Cache> = LazyLock::new(Cache::default);

/// A map from the ids stored on disk (`stored_base` on) to those seen through the mount (`seen_base` on).
pub fn id_map(stored_base: u32, seen_base: u32) -> Result<Arc<OwnedFd>> {
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(fd) = cache.get(&(stored_base, seen_base)) {
        return Ok(fd.clone());
    }
    for base in [stored_base, seen_base] {
        if base.checked_add(IDS_PER_BOX).is_none() {
            return Err(Error::bad_request(format!(
                "owner base {base} leaves no room for {IDS_PER_BOX} ids"
            )));
        }
    }
    let fd = Arc::new(create(stored_base, seen_base)?);
    if cache.len() >= CACHED {
        cache.clear();
    }
    cache.insert((stored_base, seen_base), fd.clone());
    Ok(fd)
}

/// A process is needed for the moment in which its namespace gets its map and a descriptor.
fn create(stored_base: u32, seen_base: u32) -> Result<OwnedFd> {
    let parent = unsafe { libc::getpid() };
    // Without an exit signal it is no business of the reaper. A fork: the child must touch nothing but system calls.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::CLONE_NEWUSER, 0, 0, 0, 0) } as i32;
    if pid == 0 {
        sleep_as_long_as(parent);
    }
    check(pid as i64, "clone", "user namespace")?;
    let made = write_maps(pid, stored_base, seen_base);
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        libc::waitpid(pid, std::ptr::null_mut(), libc::__WCLONE);
    }
    made
}

fn sleep_as_long_as(parent: i32) -> ! {
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        while libc::getppid() == parent {
            libc::pause();
        }
        libc::_exit(0)
    }
}

fn write_maps(pid: i32, stored_base: u32, seen_base: u32) -> Result<OwnedFd> {
    let map = format!("{stored_base} {seen_base} {IDS_PER_BOX}\n");
    for name in ["uid_map", "gid_map"] {
        let path = format!("/proc/{pid}/{name}");
        std::fs::write(&path, &map).map_err(|cause| Error::os("write", &path, &cause))?;
    }
    let path = format!("/proc/{pid}/ns/user");
    let file = File::open(&path).map_err(|cause| Error::os("open", &path, &cause))?;
    Ok(file.into())
}

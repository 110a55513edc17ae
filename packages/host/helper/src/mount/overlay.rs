//! A box's root: its layers, ID-mapped, below its writable directory.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{idmap, namespace};
use crate::error::{Error, Result, check};
use crate::paths::c_path;
use crate::protocol::Layer;

/// The mount options are one page, its end a NUL.
const MAX_OPTIONS_BYTES: usize = 4095;

/// An overlay in the helper's mount namespace; dropped, it is detached there and lives on where else it is used.
#[derive(Debug)]
pub struct Overlay {
    target: PathBuf,
}

/// What a box's root is made of. `layers` has the top one first; `upper` and `work` belong to `owner_base` and lie on one file system.
pub struct Parts<'a> {
    pub layers: &'a [Layer],
    pub upper: &'a Path,
    pub work: &'a Path,
    pub owner_base: u32,
}

/// Mounts `parts` on `target`. `scratch` is a directory for mount points, made and removed here.
pub fn mount(parts: &Parts<'_>, target: &Path, scratch: &Path) -> Result<Overlay> {
    let mut clones = Clones::new(scratch)?;
    // By descriptor: no path needs escaping, long ones fit, and the box does not see where its layers lie.
    let mut held: Vec<OwnedFd> = Vec::new();
    let mut by_layer: HashMap<&Layer, i32> = HashMap::new();
    let mut lower = String::new();
    for layer in parts.layers {
        if by_layer.contains_key(layer) {
            continue;
        }
        let fd = if layer.owner_base == parts.owner_base {
            open_directory(&layer.path)?
        } else {
            clones.add(layer, parts.owner_base)?
        };
        if !lower.is_empty() {
            lower.push(':');
        }
        lower.push_str(&fd_path(&fd));
        by_layer.insert(layer, fd.as_raw_fd());
        held.push(fd);
    }
    let (upper, work) = (open_directory(parts.upper)?, open_directory(parts.work)?);
    let (upper, work) = ((fd_path(&upper), upper), (fd_path(&work), work));
    // Without these an upper says all by itself, and can be a layer of any other stack.
    let options = format!(
        "index=off,metacopy=off,redirect_dir=nofollow,lowerdir={lower},upperdir={},workdir={}",
        upper.0, work.0
    );
    if options.len() > MAX_OPTIONS_BYTES {
        return Err(Error::bad_request(format!(
            "{} layers are too many for one overlay",
            parts.layers.len()
        )));
    }
    let options_c = c_path(Path::new(&options));
    let returned = unsafe {
        let (kind, at) = (c"overlay".as_ptr(), c_path(target));
        libc::mount(kind, at.as_ptr(), kind, 0, options_c.as_ptr().cast())
    };
    check(
        returned as i64,
        "mount overlay",
        format_args!("{} ({options})", target.display()),
    )?;
    Ok(Overlay {
        target: target.to_owned(),
    })
}

impl Drop for Overlay {
    fn drop(&mut self) {
        let _ = namespace::detach(&self.target);
    }
}

fn fd_path(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn open_directory(path: &Path) -> Result<OwnedFd> {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    file.map(OwnedFd::from)
        .map_err(|cause| Error::os("open", path.display(), &cause))
}

/// Clones attached below the scratch directory: kernels before 6.15 take no detached mount as a layer.
struct Clones<'a> {
    scratch: &'a Path,
    attached: Vec<PathBuf>,
}

impl<'a> Clones<'a> {
    fn new(scratch: &'a Path) -> Result<Self> {
        match fs::create_dir(scratch) {
            Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(Error::os("mkdir", scratch.display(), &cause))
            }
            _ => Ok(Clones {
                scratch,
                attached: Vec::new(),
            }),
        }
    }

    fn add(&mut self, layer: &Layer, owner_base: u32) -> Result<OwnedFd> {
        let tree = idmap::clone_mapped(&layer.path, layer.owner_base, owner_base)?;
        let directory = self.scratch.join(self.attached.len().to_string());
        match fs::create_dir(&directory) {
            Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(Error::os("mkdir", directory.display(), &cause));
            }
            _ => {}
        }
        self.attached.push(directory.clone());
        idmap::attach(&tree, &directory)?;
        Ok(tree)
    }
}

impl Drop for Clones<'_> {
    fn drop(&mut self) {
        for directory in &self.attached {
            let _ = namespace::detach(directory);
            let _ = fs::remove_dir(directory);
        }
        let _ = fs::remove_dir(self.scratch);
    }
}

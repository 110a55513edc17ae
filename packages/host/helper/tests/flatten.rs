//! Layers merged into the snapshot above them, on a real btrfs.

mod support;

use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::attributes::{attribute, set_attribute};
use support::client::Helper;
use support::host::{has_program, is_root};
use support::volume::Volume;

const BASE: u32 = 700_000;
const OTHER: u32 = 900_000;
const OPAQUE: &str = "trusted.overlay.opaque";

/// A snapshot `top` over the layers `middle` (of another range of owners) and `bottom`.
struct Scene {
    volume: Volume,
    helper: Helper,
}

impl Scene {
    fn new(test: &str) -> Option<Scene> {
        if !is_root(test) || !has_program("mkfs.btrfs", test) {
            return None;
        }
        let volume = Volume::new();
        let mut helper = Helper::start();
        helper
            .call("quotaEnable", json!({ "volume": volume.path() }))
            .unwrap();
        for (name, base) in [("box", BASE), ("middle", OTHER), ("bottom", BASE)] {
            let path = volume.path().join(name);
            let wish = json!({ "path": path, "limitBytes": 1u64 << 29, "ownerBase": base });
            helper.call("subvolumeCreate", wish).unwrap();
        }
        Some(Scene { volume, helper })
    }

    fn layer(&self, name: &str) -> PathBuf {
        self.volume.path().join(name).join("upper")
    }

    fn keep(&mut self) {
        let path = |name| self.volume.path().join(name);
        let wish = json!({ "path": path("box"), "snapshot": path("top") });
        self.helper.call("subvolumeSnapshot", wish).unwrap();
    }

    fn flatten(&self) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_berth-helper"));
        command.arg("flatten").arg(self.volume.path().join("top"));
        command.arg(BASE.to_string());
        for (name, base) in [("middle", OTHER), ("bottom", BASE)] {
            command.arg(self.layer(name)).arg(base.to_string());
        }
        command.output().unwrap()
    }
}

fn make_node(path: &Path, kind: u32) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    assert_eq!(unsafe { libc::mknod(path.as_ptr(), kind | 0o600, 0) }, 0);
}

/// Files with their text, at these places below `root`, owned by `owner`.
fn write(root: &Path, owner: u32, names: &[&str]) {
    for name in names {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, *name).unwrap();
        chown(&path, Some(owner), Some(owner)).unwrap();
    }
}

fn names(root: &Path) -> Vec<String> {
    let read = fs::read_dir(root).unwrap();
    let mut names: Vec<_> = read
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_upper_layer_wins_and_what_was_hidden_stays_hidden() {
    let Some(mut scene) = Scene::new("the_upper_layer_wins_and_what_was_hidden_stays_hidden")
    else {
        return;
    };
    let (top, middle, bottom) = (
        scene.layer("box"),
        scene.layer("middle"),
        scene.layer("bottom"),
    );
    write(&bottom, BASE, &["same", "removed", "anew/old", "both/low"]);
    write(&bottom, BASE, &["once/file", "closed/low", "kept"]);
    write(
        &middle,
        OTHER,
        &["same", "anew/new", "both/mid", "closed/mid"],
    );
    make_node(&middle.join("removed"), libc::S_IFCHR);
    set_attribute(&middle.join("anew"), OPAQUE, b"y");
    // A file in the place of a directory.
    write(&middle, OTHER, &["once"]);
    write(&top, BASE, &["same", "both/high", "closed/high"]);
    set_attribute(&top.join("closed"), OPAQUE, b"y");
    // A directory over what no directory is, though nobody has marked it.
    fs::create_dir(top.join("once")).unwrap();
    scene.keep();
    for _ in 0..2 {
        let output = scene.flatten();
        assert!(output.status.success(), "{output:?}");
    }
    let flat = scene.layer("top");
    assert_eq!(
        names(&flat),
        ["anew", "both", "closed", "kept", "once", "removed", "same"]
    );
    assert_eq!(names(&flat.join("both")), ["high", "low", "mid"]);
    assert_eq!(names(&flat.join("anew")), ["new"]);
    assert_eq!(attribute(&flat.join("anew"), OPAQUE).unwrap(), b"y");
    assert_eq!(names(&flat.join("closed")), ["high"]);
    assert_eq!(names(&flat.join("once")), [] as [&str; 0]);
    assert_eq!(attribute(&flat.join("once"), OPAQUE).unwrap(), b"y");
    assert_eq!(attribute(&flat.join("both"), OPAQUE), None);
    let removed = fs::symlink_metadata(flat.join("removed")).unwrap();
    assert!(removed.file_type().is_char_device() && removed.rdev() == 0);
    for (name, owner) in [("same", BASE), ("both/mid", BASE), ("both/low", BASE)] {
        assert_eq!(fs::read_to_string(flat.join(name)).unwrap(), name);
        assert_eq!(fs::metadata(flat.join(name)).unwrap().uid(), owner);
    }
    assert_eq!(names(&middle.join("both")), ["mid"]);
    assert_eq!(
        names(&scene.volume.path()),
        ["bottom", "box", "middle", "top"]
    );
    // As any other snapshot, it cannot be written to.
    assert!(fs::write(flat.join("new"), "x").is_err());
}

#[test]
fn files_of_every_kind_are_taken_over_as_they_are() {
    let Some(mut scene) = Scene::new("files_of_every_kind_are_taken_over_as_they_are") else {
        return;
    };
    let middle = scene.layer("middle");
    write(&middle, OTHER + 5, &["inside/file"]);
    let file = middle.join("inside/file");
    fs::set_permissions(&file, Permissions::from_mode(0o4750)).unwrap();
    set_attribute(&file, "user.note", b"kept");
    // CAP_NET_RAW of a namespace whose root is OTHER.
    let capability = [1u32 | 0x0300_0000, 1 << 13, 0, 0, 0, OTHER]
        .map(u32::to_le_bytes)
        .concat();
    set_attribute(&file, "security.capability", &capability);
    // Version 2; owner, the user OTHER + 7, group, mask, others.
    let entry = |tag: u16, rights: u16, id: u32| {
        [
            &tag.to_le_bytes()[..],
            &rights.to_le_bytes(),
            &id.to_le_bytes(),
        ]
        .concat()
    };
    let acl = |user: u32| {
        let none = u32::MAX;
        [
            2u32.to_le_bytes().to_vec(),
            entry(0x01, 7, none),
            entry(0x02, 5, user),
            entry(0x04, 5, none),
            entry(0x10, 5, none),
            entry(0x20, 0, none),
        ]
        .concat()
    };
    set_attribute(&file, "system.posix_acl_access", &acl(OTHER + 7));
    fs::hard_link(&file, middle.join("again")).unwrap();
    symlink("/etc/shadow", middle.join("link")).unwrap();
    lchown(middle.join("link"), Some(OTHER), Some(OTHER)).unwrap();
    make_node(&middle.join("pipe"), libc::S_IFIFO);
    chown(middle.join("pipe"), Some(OTHER), Some(OTHER)).unwrap();
    drop(UnixListener::bind(middle.join("socket")).unwrap());
    chown(middle.join("socket"), Some(OTHER), Some(OTHER)).unwrap();
    set_attribute(&middle.join("inside"), "trusted.overlay.impure", b"y");
    chown(middle.join("inside"), Some(OTHER), Some(OTHER)).unwrap();
    scene.keep();
    let output = scene.flatten();
    assert!(output.status.success(), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["files"], 6);

    let flat = scene.layer("top");
    let (taken, before) = (
        fs::metadata(flat.join("again")).unwrap(),
        fs::metadata(&file).unwrap(),
    );
    assert_eq!(
        (taken.uid(), taken.gid(), taken.mode()),
        (BASE + 5, BASE + 5, before.mode())
    );
    assert_eq!(
        (taken.mtime(), taken.mtime_nsec()),
        (before.mtime(), before.mtime_nsec())
    );
    let taken_file = flat.join("inside/file");
    assert_eq!(taken.ino(), fs::metadata(&taken_file).unwrap().ino());
    assert_eq!(attribute(&taken_file, "user.note").unwrap(), b"kept");
    let moved = attribute(&taken_file, "security.capability").unwrap();
    assert_eq!(moved[20..24], BASE.to_le_bytes());
    assert_eq!(
        attribute(&taken_file, "system.posix_acl_access").unwrap(),
        acl(BASE + 7)
    );
    assert_eq!(
        fs::read_link(flat.join("link")).unwrap(),
        Path::new("/etc/shadow")
    );
    let kind = |name: &str| fs::symlink_metadata(flat.join(name)).unwrap().file_type();
    assert!(kind("pipe").is_fifo() && kind("socket").is_socket());
    assert_eq!(
        attribute(&flat.join("inside"), "trusted.overlay.impure"),
        None
    );
    // No file of the merged layer has a number that one of the snapshot has.
    assert!(taken.ino() > fs::metadata(&flat).unwrap().ino());
}

#[test]
fn deep_trees_are_merged_and_what_cannot_be_is_said() {
    let Some(mut scene) = Scene::new("deep_trees_are_merged_and_what_cannot_be_is_said") else {
        return;
    };
    let mut deep = scene.layer("bottom");
    for _ in 0..900 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    scene.keep();
    assert!(scene.flatten().status.success());
    fs::remove_dir_all(scene.volume.path().join("middle/upper")).unwrap();
    let output = scene.flatten();
    assert!(!output.status.success());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["error"]["osError"], "ENOENT");
    assert_eq!(
        names(&scene.volume.path()),
        ["bottom", "box", "middle", "top"]
    );
    assert!(scene.layer("top").join("d/d/d").is_dir());
}

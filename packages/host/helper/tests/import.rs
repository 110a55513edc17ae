//! Taking over what a build has left, on a real btrfs.

mod support;

use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::attributes::{attribute, set_attribute};
use support::client::Helper;
use support::host::{has_program, is_root};
use support::volume::Volume;

const BASE: u32 = 700_000;

struct Scene {
    volume: Volume,
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
        for name in ["build", "images", "seed"] {
            let path = volume.path().join(name);
            let wish = json!({ "path": path, "limitBytes": 1u64 << 29, "ownerBase": 0 });
            helper.call("subvolumeCreate", wish).unwrap();
        }
        fs::create_dir(volume.path().join("build/graph")).unwrap();
        Some(Scene { volume })
    }

    fn source(&self) -> PathBuf {
        self.volume.path().join("build/graph")
    }

    fn target(&self) -> PathBuf {
        self.volume.path().join("images/upper/one")
    }

    fn import(&self, max_files: u64) -> Output {
        Command::new(env!("CARGO_BIN_EXE_berth-helper"))
            .arg("import")
            .args([
                self.source(),
                self.target(),
                self.volume.path().join("seed"),
            ])
            .arg(max_files.to_string())
            .output()
            .unwrap()
    }
}

fn make_device(path: &Path, kind: u32, number: u64) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    assert_eq!(
        unsafe { libc::mknod(path.as_ptr(), kind | 0o600, number) },
        0
    );
}

#[test]
fn a_tree_is_taken_over_as_it_is() {
    let Some(scene) = Scene::new("a_tree_is_taken_over_as_it_is") else {
        return;
    };
    let from = scene.source();
    fs::create_dir(from.join("directory")).unwrap();
    let file = from.join("directory/file");
    fs::write(&file, vec![7u8; 300_000]).unwrap();
    chown(&file, Some(BASE + 5), Some(BASE + 6)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o4755)).unwrap();
    set_attribute(&file, "user.note", b"kept");
    // CAP_NET_RAW of a namespace whose root is BASE.
    let mut capability = [1u32 | 0x0300_0000, 1 << 13, 0, 0, 0, BASE]
        .map(u32::to_le_bytes)
        .concat();
    capability.truncate(24);
    set_attribute(&file, "security.capability", &capability);
    fs::hard_link(&file, from.join("again")).unwrap();
    symlink("/etc/shadow", from.join("link")).unwrap();
    lchown(from.join("link"), Some(BASE), Some(BASE)).unwrap();
    make_device(&from.join("removed"), libc::S_IFCHR, 0);
    set_attribute(&from.join("directory"), "user.overlay.opaque", b"y");
    set_attribute(&from.join("directory"), "user.overlay.redirect", b"/etc");

    let output = scene.import(1_000);
    assert!(output.status.success(), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["files"], 5);
    assert!(said["bytes"].as_u64().unwrap() >= 300_000);

    let to = scene.target();
    let made = fs::metadata(to.join("directory/file")).unwrap();
    assert_eq!(
        (made.uid(), made.gid(), made.mode() & 0o7777),
        (BASE + 5, BASE + 6, 0o4755)
    );
    assert_eq!(made.mtime(), fs::metadata(&file).unwrap().mtime());
    assert_eq!(
        fs::read(to.join("directory/file")).unwrap(),
        vec![7u8; 300_000]
    );
    assert_eq!(made.ino(), fs::metadata(to.join("again")).unwrap().ino());
    assert_eq!(attribute(&to.join("again"), "user.note").unwrap(), b"kept");
    assert!(attribute(&to.join("again"), "security.capability").is_some());
    assert_eq!(
        fs::read_link(to.join("link")).unwrap(),
        Path::new("/etc/shadow")
    );
    assert_eq!(fs::symlink_metadata(to.join("removed")).unwrap().rdev(), 0);
    let directory = to.join("directory");
    assert_eq!(
        attribute(&directory, "trusted.overlay.opaque").unwrap(),
        b"y"
    );
    assert_eq!(attribute(&directory, "user.overlay.opaque").unwrap(), b"y");
    assert_eq!(attribute(&directory, "user.overlay.redirect"), None);

    // What descends from the seed begins above all of it.
    let fresh = scene.volume.path().join("seed/fresh");
    File::create(&fresh).unwrap();
    let highest = [
        made.ino(),
        fs::symlink_metadata(to.join("removed")).unwrap().ino(),
    ];
    assert!(fs::metadata(&fresh).unwrap().ino() > *highest.iter().max().unwrap());
}

#[test]
fn what_is_no_part_of_a_layer_is_refused() {
    let Some(scene) = Scene::new("what_is_no_part_of_a_layer_is_refused") else {
        return;
    };
    make_device(
        &scene.source().join("disk"),
        libc::S_IFBLK,
        libc::makedev(7, 0),
    );
    let output = scene.import(1_000);
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("is a device"),
        "{output:?}"
    );
    assert!(!scene.target().join("disk").exists());
}

#[test]
fn too_many_files_are_refused_and_deep_trees_are_no_trouble() {
    let Some(scene) = Scene::new("too_many_files_are_refused_and_deep_trees_are_no_trouble") else {
        return;
    };
    let mut deep = scene.source();
    for _ in 0..900 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    for number in 0..200 {
        File::create(scene.source().join(number.to_string())).unwrap();
    }
    let refused = scene.import(1_000);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("more than 1000 files"),
        "{refused:?}"
    );
    fs::remove_dir_all(scene.target()).unwrap();
    let taken = scene.import(2_000);
    assert!(taken.status.success(), "{taken:?}");
}

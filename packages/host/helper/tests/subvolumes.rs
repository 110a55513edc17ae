//! Subvolumes, limits and usage on a real btrfs.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::client::Helper;
use support::host::{has_program, is_root};
use support::volume::{Volume, run};

const LIMIT_BYTES: u64 = 8 << 20;
const BASE: u32 = 500_000;

fn ready(test: &str) -> bool {
    is_root(test) && has_program("mkfs.btrfs", test)
}

/// The helper starts after the mount: its mount namespace has it then.
fn helper_on(volume: &Volume) -> Helper {
    let mut helper = Helper::start();
    for _ in 0..2 {
        let mode = helper
            .call("quotaEnable", json!({ "volume": volume.path() }))
            .unwrap();
        assert!(mode["mode"] == "simple" || mode["mode"] == "full", "{mode}");
    }
    helper
}

fn fill(path: &Path) -> std::io::Error {
    let mut file = File::create(path).unwrap();
    let block = vec![1u8; 1 << 20];
    for _ in 0..64 {
        if let Err(error) = file.write_all(&block).and_then(|()| file.sync_data()) {
            return error;
        }
    }
    panic!("64 MiB fit under a limit of {LIMIT_BYTES} bytes");
}

#[test]
fn a_subvolume_is_limited_counted_and_made_once() {
    if !ready("a_subvolume_is_limited_counted_and_made_once") {
        return;
    }
    let volume = Volume::new();
    let mut helper = helper_on(&volume);
    let path = volume.path().join("one");
    let wish = json!({ "path": path, "limitBytes": LIMIT_BYTES, "ownerBase": BASE });
    helper.call("subvolumeCreate", wish.clone()).unwrap();
    for (name, mode) in [("upper", 0o755), ("work", 0o700)] {
        let made = fs::metadata(path.join(name)).unwrap();
        assert_eq!(
            (made.uid(), made.gid(), made.permissions().mode() & 0o777),
            (BASE, BASE, mode)
        );
    }
    let usage = helper
        .call("subvolumeUsage", json!({ "path": path }))
        .unwrap();
    assert_eq!(usage["limitBytes"], LIMIT_BYTES);
    assert_eq!(
        fill(&path.join("upper/full")).raw_os_error(),
        Some(libc::EDQUOT)
    );
    run(&mut Command::new("sync"));
    let used = helper
        .call("subvolumeUsage", json!({ "path": path }))
        .unwrap()["usedBytes"]
        .as_u64()
        .unwrap();
    assert!((LIMIT_BYTES / 2..=LIMIT_BYTES).contains(&used), "{used}");

    // Again, after the box has made the root directory its own: nothing is taken back, the limit is set anew.
    chown(path.join("upper"), Some(BASE + 7), Some(BASE + 7)).unwrap();
    helper
        .call(
            "subvolumeCreate",
            json!({ "path": path, "limitBytes": 2 * LIMIT_BYTES, "ownerBase": BASE }),
        )
        .unwrap();
    assert_eq!(fs::metadata(path.join("upper")).unwrap().uid(), BASE + 7);
    assert!(path.join("upper/full").exists());
    let usage = helper
        .call("subvolumeUsage", json!({ "path": path }))
        .unwrap();
    assert_eq!(usage["limitBytes"], 2 * LIMIT_BYTES);
}

#[test]
fn deletion_takes_everything_whoever_owns_it_and_can_be_repeated() {
    if !ready("deletion_takes_everything_whoever_owns_it_and_can_be_repeated") {
        return;
    }
    let volume = Volume::new();
    let mut helper = helper_on(&volume);
    let path = volume.path().join("one");
    let neighbour = volume.path().join("two");
    for path in [&path, &neighbour] {
        let wish = json!({ "path": path, "limitBytes": LIMIT_BYTES, "ownerBase": BASE });
        helper.call("subvolumeCreate", wish).unwrap();
    }
    let upper = path.join("upper");
    fs::create_dir_all(upper.join("a/b/c")).unwrap();
    fs::write(upper.join("a/b/c/file"), "x").unwrap();
    fs::set_permissions(upper.join("a/b"), fs::Permissions::from_mode(0o000)).unwrap();
    chown(upper.join("a/b/c/file"), Some(BASE + 3), Some(12)).unwrap();
    for nested in ["n1", "n1/n2", "n1/n2/n3", "a/n4"] {
        run(Command::new("btrfs")
            .args(["subvolume", "create"])
            .arg(upper.join(nested)));
    }
    for _ in 0..2 {
        helper
            .call("subvolumeDelete", json!({ "path": path }))
            .unwrap();
        assert!(!path.exists());
    }
    assert!(neighbour.join("upper").exists());
    let listed = Command::new("btrfs")
        .args(["subvolume", "list"])
        .arg(volume.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), 1);
}

#[test]
fn tidying_up_keeps_the_limits_of_what_is_there() {
    if !ready("tidying_up_keeps_the_limits_of_what_is_there") {
        return;
    }
    let volume = Volume::new();
    let mut helper = helper_on(&volume);
    for name in ["gone", "kept"] {
        let wish = json!({ "path": volume.path().join(name), "limitBytes": LIMIT_BYTES, "ownerBase": BASE });
        helper.call("subvolumeCreate", wish).unwrap();
    }
    let path = |name: &str| json!({ "path": volume.path().join(name) });
    helper.call("subvolumeDelete", path("gone")).unwrap();
    run(Command::new("sync").arg("-f").arg(volume.path()));
    helper
        .call("quotaEnable", json!({ "volume": volume.path() }))
        .unwrap();
    assert_eq!(
        helper.call("subvolumeUsage", path("kept")).unwrap()["limitBytes"],
        LIMIT_BYTES
    );
    let full = fill(&volume.path().join("kept/upper/full"));
    assert_eq!(full.raw_os_error(), Some(libc::EDQUOT));
}

#[test]
fn what_is_no_subvolume_is_not_deleted() {
    if !ready("what_is_no_subvolume_is_not_deleted") {
        return;
    }
    let volume = Volume::new();
    let mut helper = helper_on(&volume);
    let directory = volume.path().join("plain");
    fs::create_dir(&directory).unwrap();
    let error = helper
        .call("subvolumeDelete", json!({ "path": directory }))
        .unwrap_err();
    assert_eq!(error["code"], "badRequest");
    let link = volume.path().join("link");
    std::os::unix::fs::symlink(&directory, &link).unwrap();
    assert!(
        helper
            .call("subvolumeDelete", json!({ "path": link }))
            .is_err()
    );
    assert!(directory.exists());
    let create = json!({ "path": directory, "limitBytes": 1, "ownerBase": 0 });
    assert_eq!(
        helper.call("subvolumeCreate", create).unwrap_err()["code"],
        "badRequest"
    );
}

#[test]
fn the_limit_of_a_full_subvolume_can_be_changed() {
    if !ready("the_limit_of_a_full_subvolume_can_be_changed") {
        return;
    }
    let volume = Volume::new();
    let mut helper = helper_on(&volume);
    let path = volume.path().join("one");
    let bounded = |bytes: u64| json!({ "path": path, "limitBytes": bytes });
    let wish = json!({ "path": path, "limitBytes": LIMIT_BYTES, "ownerBase": BASE });
    helper.call("subvolumeCreate", wish.clone()).unwrap();
    assert_eq!(
        fill(&path.join("upper/file")).raw_os_error(),
        Some(libc::EDQUOT)
    );
    let over = (0..10_000)
        .map(|number| fs::write(path.join(format!("upper/{number}")), [1u8; 2048]))
        .find_map(|written| written.err());
    assert_eq!(
        over.and_then(|error| error.raw_os_error()),
        Some(libc::EDQUOT)
    );
    for bytes in [LIMIT_BYTES / 2, LIMIT_BYTES] {
        helper.call("subvolumeLimit", bounded(bytes)).unwrap();
        assert!(fs::write(path.join("upper/more"), [1u8; 4096]).is_err());
    }
    helper.call("subvolumeCreate", wish).unwrap();
    helper
        .call("subvolumeLimit", bounded(2 * LIMIT_BYTES))
        .unwrap();
    fs::write(path.join("upper/more"), [1u8; 4096]).unwrap();
}

#[test]
fn a_snapshot_keeps_what_was_there_and_cannot_be_written() {
    if !ready("a_snapshot_keeps_what_was_there_and_cannot_be_written") {
        return;
    }
    let volume = Volume::new();
    let mut helper = helper_on(&volume);
    let (path, kept) = (volume.path().join("one"), volume.path().join("kept"));
    let wish = json!({ "path": path, "limitBytes": LIMIT_BYTES, "ownerBase": BASE });
    helper.call("subvolumeCreate", wish).unwrap();
    // Not synced: a snapshot has what was written, on the disk or not.
    fs::write(path.join("upper/file"), vec![7u8; 1 << 20]).unwrap();
    let raised = json!({ "path": path, "limitBytes": 2 * LIMIT_BYTES });
    helper.call("subvolumeLimit", raised).unwrap();
    let usage = helper
        .call("subvolumeUsage", json!({ "path": path }))
        .unwrap();
    assert_eq!(usage["limitBytes"], 2 * LIMIT_BYTES);
    let wish = json!({ "path": path, "snapshot": kept });
    let first = helper.call("subvolumeSnapshot", wish.clone()).unwrap();
    assert!(first["usedBytes"].as_u64().unwrap() >= 1 << 20, "{first}");
    fs::write(path.join("upper/file"), "changed").unwrap();
    helper.call("subvolumeSnapshot", wish).unwrap();
    assert_eq!(fs::read(kept.join("upper/file")).unwrap().len(), 1 << 20);
    let written = fs::write(kept.join("upper/file"), "x").unwrap_err();
    assert_eq!(written.raw_os_error(), Some(libc::EROFS));

    let delete = |path: &Path| json!({ "path": path });
    helper.call("subvolumeDelete", delete(&path)).unwrap();
    assert_eq!(fs::read(kept.join("upper/file")).unwrap().len(), 1 << 20);
    helper.call("subvolumeDelete", delete(&kept)).unwrap();
    assert!(!kept.exists());
    let wish = json!({ "path": path, "limitBytes": LIMIT_BYTES });
    let refused = helper.call("subvolumeLimit", wish).unwrap_err();
    assert_eq!(refused["osError"], "ENOENT", "{refused}");
    let missing = json!({ "path": path, "snapshot": kept });
    let refused = helper.call("subvolumeSnapshot", missing).unwrap_err();
    assert_eq!(refused["osError"], "ENOENT", "{refused}");
}

#[test]
fn descendants_use_no_inode_number_twice() {
    if !ready("descendants_use_no_inode_number_twice") {
        return;
    }
    let volume = Volume::new();
    let mut helper = helper_on(&volume);
    let mut seen = std::collections::HashSet::new();
    let mut snapshot = None;
    for generation in 0..4 {
        let path = volume.path().join(format!("box{generation}"));
        let mut wish = json!({ "path": path, "limitBytes": LIMIT_BYTES, "ownerBase": BASE });
        if let Some(snapshot) = &snapshot {
            wish["descendsFrom"] = json!(snapshot);
        }
        // What an interrupted try leaves is in nobody's way, and a second call changes nothing.
        let half = volume.path().join(format!("box{generation}.new"));
        run(Command::new("btrfs")
            .args(["-q", "subvolume", "create"])
            .arg(&half));
        for _ in 0..2 {
            helper.call("subvolumeCreate", wish.clone()).unwrap();
        }
        let upper = path.join("upper");
        assert_eq!(fs::read_dir(&upper).unwrap().count(), 0);
        for number in 0..50 {
            let file = upper.join(format!("file{number}"));
            fs::write(&file, "x").unwrap();
            assert!(seen.insert(fs::metadata(&file).unwrap().ino()));
        }
        let kept = volume.path().join(format!("kept{generation}"));
        let wish = json!({ "path": path, "snapshot": kept });
        helper.call("subvolumeSnapshot", wish).unwrap();
        // Gone again: the numbers stay taken.
        helper
            .call("subvolumeDelete", json!({ "path": path }))
            .unwrap();
        snapshot = Some(kept);
    }
}

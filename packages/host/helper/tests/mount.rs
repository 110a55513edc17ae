//! ID-mapped layers under an overlay, in a mount namespace of the test's own thread.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;

use berth_helper::mount::overlay::{self, Parts};
use berth_helper::mount::{idmap, namespace};
use berth_helper::paths::AbsolutePath;
use berth_helper::protocol::Layer;
use support::host::{is_root, mounts, unique};

const BASE: u32 = 400_000;

struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        let path = PathBuf::from(format!("/tmp/berth-mount-test-{}", unique()));
        for name in ["low", "a,b:c\\d", "upper", "work", "root"] {
            fs::create_dir_all(path.join(name)).unwrap();
        }
        for name in ["upper", "work"] {
            chown(path.join(name), Some(BASE), Some(BASE)).unwrap();
        }
        Place(path)
    }

    fn layer(&self, name: &str, owner_base: u32) -> Layer {
        let path = AbsolutePath::parse(self.0.join(name).to_str().unwrap()).unwrap();
        Layer { path, owner_base }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the body in a mount namespace that ends with it.
fn in_own_namespace(body: impl FnOnce(&Place) + Send) {
    let place = Place::new();
    std::thread::scope(|scope| {
        let run = || {
            namespace::enter_own().unwrap();
            body(&place);
        };
        scope.spawn(run).join().unwrap();
    });
}

#[test]
fn a_clone_shows_shifted_owners_and_is_read_only() {
    if !is_root("a_clone_shows_shifted_owners_and_is_read_only") {
        return;
    }
    in_own_namespace(|place| {
        let low = place.0.join("low");
        for (name, owner) in [("root", 0), ("user", 1000), ("outside", 70_000)] {
            fs::write(low.join(name), name).unwrap();
            chown(low.join(name), Some(owner), Some(owner)).unwrap();
        }
        let tree = idmap::clone_mapped(&low, 0, BASE).unwrap();
        let seen = place.0.join("root");
        idmap::attach(&tree, &seen).unwrap();
        assert_eq!(fs::metadata(seen.join("root")).unwrap().uid(), BASE);
        assert_eq!(fs::metadata(seen.join("user")).unwrap().gid(), BASE + 1000);
        assert_eq!(fs::metadata(seen.join("outside")).unwrap().uid(), 65_534);
        let refused = fs::write(seen.join("new"), "").unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EROFS));
        namespace::detach(&seen).unwrap();
    });
}

#[test]
fn an_overlay_joins_layers_of_different_owners_under_awkward_names() {
    if !is_root("an_overlay_joins_layers_of_different_owners_under_awkward_names") {
        return;
    }
    in_own_namespace(|place| {
        let (low, top) = (place.0.join("low"), place.0.join("a,b:c\\d"));
        fs::write(low.join("both"), "low").unwrap();
        fs::write(low.join("only-low"), "low").unwrap();
        fs::write(top.join("both"), "top").unwrap();
        chown(top.join("both"), Some(BASE + 5), Some(BASE + 5)).unwrap();
        let layers = [
            place.layer("a,b:c\\d", BASE),
            place.layer("low", 0),
            place.layer("low", 0),
        ];
        let parts = Parts {
            layers: &layers,
            upper: &place.0.join("upper"),
            work: &place.0.join("work"),
            owner_base: BASE,
        };
        let root = place.0.join("root");
        let scratch = place.0.join("scratch");
        let overlay = overlay::mount(&parts, &root, &scratch).unwrap();
        assert!(!scratch.exists(), "the mount points of the clones are left");
        assert_eq!(fs::read_to_string(root.join("both")).unwrap(), "top");
        assert_eq!(fs::metadata(root.join("both")).unwrap().uid(), BASE + 5);
        assert_eq!(fs::metadata(root.join("only-low")).unwrap().uid(), BASE);
        fs::write(root.join("only-low"), "changed").unwrap();
        assert_eq!(fs::read_to_string(low.join("only-low")).unwrap(), "low");
        assert_eq!(
            fs::metadata(place.0.join("upper/only-low")).unwrap().uid(),
            BASE
        );
        let thread_table = "thread-self";
        let lines = mounts(thread_table, place.0.to_str().unwrap());
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            !lines[0].contains("lowerdir=/tmp"),
            "the box would see where its layers lie: {}",
            lines[0]
        );
        drop(overlay);
        assert!(mounts(thread_table, place.0.to_str().unwrap()).is_empty());
    });
}

#[test]
fn a_mount_that_fails_leaves_nothing() {
    if !is_root("a_mount_that_fails_leaves_nothing") {
        return;
    }
    in_own_namespace(|place| {
        let layers = [place.layer("low", 0), place.layer("absent", 0)];
        let parts = Parts {
            layers: &layers,
            upper: &place.0.join("upper"),
            work: &place.0.join("work"),
            owner_base: BASE,
        };
        let failed =
            overlay::mount(&parts, &place.0.join("root"), &place.0.join("scratch")).unwrap_err();
        assert!(failed.message.contains("absent"), "{failed}");
        assert_eq!(failed.errno, Some(libc::ENOENT));
        assert!(!place.0.join("scratch").exists());
        assert!(mounts("thread-self", place.0.to_str().unwrap()).is_empty());
    });
}

#[test]
fn an_owner_base_without_room_is_refused() {
    let failed = idmap::clone_mapped(std::path::Path::new("/tmp"), 0, u32::MAX - 5).unwrap_err();
    assert!(failed.message.contains("65536"), "{failed}");
}

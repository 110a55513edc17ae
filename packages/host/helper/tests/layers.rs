//! Layer stacks under boxes: order, removal, and a box's upper as a layer of the next one.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::fixture::{Fixture, OWNER_BASE};
use support::host::{eventually, has_program, is_root};

const OTHER_BASE: u32 = 600_000;

fn ready(test: &str) -> bool {
    is_root(test) && has_program("runc", test) && has_program("nft", test)
}

/// Path as the host sees it through the box's init.
fn inside(started: &Value, path: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{path}", started["pid"]))
}

fn layer(path: &Path, owner_base: u32) -> Value {
    json!({ "path": path, "ownerBase": owner_base })
}

#[test]
fn the_first_layer_lies_on_top() {
    if !ready("the_first_layer_lies_on_top") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let mut stack = Vec::new();
    for name in ["top", "middle"] {
        let path = fixture.directory.join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("both"), name).unwrap();
        fs::write(path.join(name), name).unwrap();
        stack.push(layer(&path, 0));
    }
    stack.push(layer(&fixture.layer(), 0));
    let wish = fixture.box_wish_over("one", &[], json!(stack), OWNER_BASE);
    let started = helper.call("boxStart", wish).unwrap();
    let read = |name: &str| fs::read_to_string(inside(&started, name)).unwrap();
    assert_eq!(
        (read("/both"), read("/top"), read("/middle")),
        ("top".into(), "top".into(), "middle".into())
    );
    assert!(inside(&started, "/bin/init").exists());
    helper
        .call("boxKill", fixture.kill_wish("one", &started))
        .unwrap();
}

#[test]
fn a_hundred_layers_fit() {
    if !ready("a_hundred_layers_fit") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let mut stack = Vec::new();
    for number in 0..100 {
        let path = fixture.directory.join(format!("layer{number}"));
        fs::create_dir(&path).unwrap();
        fs::write(path.join(format!("file{number}")), "").unwrap();
        stack.push(layer(&path, 0));
    }
    stack.push(layer(&fixture.layer(), 0));
    let wish = fixture.box_wish_over("one", &[], json!(stack), OWNER_BASE);
    let started = helper.call("boxStart", wish).unwrap();
    for number in [0, 50, 99] {
        assert!(inside(&started, &format!("/file{number}")).exists());
    }
    helper
        .call("boxKill", fixture.kill_wish("one", &started))
        .unwrap();
    let layers = (0..400).map(|number| {
        let path = fixture.directory.join(format!("many/{number}"));
        fs::create_dir_all(&path).unwrap();
        layer(&path, OWNER_BASE)
    });
    let layers: Vec<Value> = layers.collect();
    let wish = fixture.box_wish_over("two", &[], json!(layers), OWNER_BASE);
    let error = helper.call("boxStart", wish).unwrap_err();
    assert_eq!(error["code"], "badRequest");
    assert!(
        error["message"].as_str().unwrap().contains("too many"),
        "{error}"
    );
}

#[test]
fn an_upper_becomes_a_layer_of_a_box_with_other_ids() {
    if !ready("an_upper_becomes_a_layer_of_a_box_with_other_ids") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(2);
    let first = helper
        .call("boxStart", fixture.box_wish("one", &["owners"]))
        .unwrap();
    let upper = fixture.bundle("one").join("upper");
    eventually("the first box's report", || upper.join("owners").exists());
    fs::remove_dir(inside(&first, "/tmp")).unwrap();
    helper
        .call("boxKill", fixture.kill_wish("one", &first))
        .unwrap();

    let stack = json!([layer(&upper, OWNER_BASE), layer(&fixture.layer(), 0)]);
    let second = helper
        .call(
            "boxStart",
            fixture.box_wish_over("two", &[], stack, OTHER_BASE),
        )
        .unwrap();
    let made = fs::metadata(inside(&second, "/made")).unwrap();
    assert_eq!(
        (made.uid(), made.gid()),
        (OTHER_BASE + 1000, OTHER_BASE + 1000)
    );
    let home = fs::metadata(inside(&second, "/home/user")).unwrap();
    assert_eq!(home.uid(), OTHER_BASE + 1000);
    assert!(
        !inside(&second, "/tmp").exists(),
        "what the first box removed is back"
    );
    fs::write(inside(&second, "/owners"), "changed").unwrap();
    assert_eq!(
        fs::read_to_string(upper.join("owners")).unwrap(),
        "0 0 1000"
    );
    helper
        .call("boxKill", fixture.kill_wish("two", &second))
        .unwrap();
}

#[test]
fn boxes_of_one_layer_do_not_see_each_others_writes() {
    if !ready("boxes_of_one_layer_do_not_see_each_others_writes") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(2);
    fs::write(fixture.layer().join("shared"), "layer").unwrap();
    chown(fixture.layer().join("shared"), Some(0), Some(0)).unwrap();
    let layers = json!([layer(&fixture.layer(), 0)]);
    let one = helper
        .call("boxStart", fixture.box_wish("one", &[]))
        .unwrap();
    let two = helper
        .call(
            "boxStart",
            fixture.box_wish_over("two", &[], layers, OTHER_BASE),
        )
        .unwrap();
    fs::write(inside(&one, "/shared"), "one").unwrap();
    assert_eq!(
        fs::read_to_string(inside(&two, "/shared")).unwrap(),
        "layer"
    );
    assert_eq!(
        fs::metadata(inside(&two, "/shared")).unwrap().uid(),
        OTHER_BASE
    );
    for (name, started) in [("one", &one), ("two", &two)] {
        helper
            .call("boxKill", fixture.kill_wish(name, started))
            .unwrap();
    }
}

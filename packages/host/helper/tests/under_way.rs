//! Commands of a runtime that hang, and whoever does not want to wait for them.

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::client::{Helper, outcome};
use support::host::is_root;

#[test]
fn a_command_that_hangs_is_ended_for_its_box_alone() {
    if !is_root("a_command_that_hangs_is_ended_for_its_box_alone") {
        return;
    }
    let mut helper = Helper::start();
    let hang = |box_id: &str| json!({ "boxId": box_id, "runtime": ["sleep", "3600"], "timeoutMs": 3_000_000 });
    let (one, other) = (
        helper.send("runtimeRun", hang("one")),
        helper.send("runtimeRun", hang("other")),
    );
    let limit = Instant::now() + Duration::from_secs(30);
    let abort = json!({ "boxId": "one" });
    while helper.call("runtimeAbort", abort.clone()).unwrap()["aborted"] != 1 {
        assert!(Instant::now() < limit, "the command never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    let error = outcome(&one).unwrap_err();
    assert_eq!(error["code"], "runtimeFailed");
    assert!(
        error["message"].as_str().unwrap().contains("SIGKILL"),
        "{error}"
    );
    assert!(other.try_recv().is_err());
    let none = json!({ "aborted": 0 });
    assert_eq!(helper.call("runtimeAbort", abort).unwrap(), none);
}

//! Calls to a sandbox over its control socket, and sandboxes that answer badly.

mod support;

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::client::{Helper, outcome};
use support::host::is_root;

/// A directory with the state of a box, and somebody at its socket who treats one connection as it is told.
struct Sandbox {
    directory: PathBuf,
    served: Option<JoinHandle<Value>>,
}

impl Sandbox {
    fn new(name: &str, serve: impl FnOnce(&UnixStream) + Send + 'static) -> Self {
        let directory =
            std::env::temp_dir().join(format!("berth-call-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let socket = directory.join("control.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let state = json!({ "status": "running", "sandbox": { "controlSocketPath": socket }, "big": u64::MAX });
        fs::write(directory.join("state"), state.to_string()).unwrap();
        let served = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let request = serde_json::Deserializer::from_reader(BufReader::new(&stream))
                .into_iter::<Value>()
                .next();
            serve(&stream);
            request.unwrap().unwrap()
        });
        Sandbox {
            directory,
            served: Some(served),
        }
    }

    fn answering(name: &str, answer: &str) -> Self {
        let answer = answer.to_owned();
        Sandbox::new(name, move |mut stream| {
            stream.write_all(answer.as_bytes()).unwrap();
        })
    }

    /// The wish to pause it; what the command does in its stead is seen by a file.
    fn wish(&self, files: &[&str], timeout_ms: u64) -> Value {
        let paths: Vec<Value> = files
            .iter()
            .map(|name| json!({ "path": self.directory.join(name) }))
            .collect();
        json!({
            "boxId": self.directory,
            "runtime": ["touch", self.directory.join("commanded")],
            "call": {
                "state": self.directory.join("state"), "method": "manager.Pause", "argument": { "a": 1 },
                "files": paths, "from": "running", "to": "paused",
            },
            "timeoutMs": timeout_ms,
        })
    }

    fn has(&self, name: &str) -> bool {
        self.directory.join(name).exists()
    }

    fn status(&self) -> Value {
        read_state(&self.directory)["status"].clone()
    }

    fn request(&mut self) -> Value {
        self.served.take().unwrap().join().unwrap()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn read_state(directory: &Path) -> Value {
    serde_json::from_reader(File::open(directory.join("state")).unwrap()).unwrap()
}

const PATIENCE_MS: u64 = 60_000;

#[test]
fn what_the_sandbox_does_is_noted_in_its_state_and_no_command_is_run() {
    if !is_root("what_the_sandbox_does_is_noted_in_its_state_and_no_command_is_run") {
        return;
    }
    let mut helper = Helper::start();
    let mut sandbox = Sandbox::answering("done", r#"{"success":true,"err":"","result":null}"#);
    helper
        .call("runtimeRun", sandbox.wish(&[], PATIENCE_MS))
        .unwrap();
    assert_eq!(
        sandbox.request(),
        json!({ "method": "manager.Pause", "arg": { "a": 1 } })
    );
    assert_eq!(sandbox.status(), "paused");
    assert_eq!(read_state(&sandbox.directory)["big"], u64::MAX);
    assert!(!sandbox.has("commanded"));
    // As the command would: it does not stand in the state that it can be paused in.
    let error = helper
        .call("runtimeRun", sandbox.wish(&[], PATIENCE_MS))
        .unwrap_err();
    assert_eq!(error["code"], "runtimeFailed");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("in state paused")
    );
    assert!(!sandbox.has("commanded"));
}

#[test]
fn the_command_does_it_where_the_sandbox_does_not_know_the_call() {
    if !is_root("the_command_does_it_where_the_sandbox_does_not_know_the_call") {
        return;
    }
    let mut helper = Helper::start();
    for (name, answer) in [
        ("method", r#"{"success":false,"err":"unknown method"}"#),
        (
            "argument",
            r#"{"success":false,"err":"json: cannot unmarshal string"}"#,
        ),
        // It has done something else than was meant: nothing is in the file.
        ("empty", r#"{"success":true,"err":""}"#),
    ] {
        let sandbox = Sandbox::answering(name, answer);
        helper
            .call("runtimeRun", sandbox.wish(&["image"], PATIENCE_MS))
            .unwrap();
        assert!(
            sandbox.has("commanded") && !sandbox.has("image"),
            "{answer}"
        );
        assert_eq!(sandbox.status(), "running");
    }
    for name in ["socket", "state"] {
        let sandbox = Sandbox::answering(name, "");
        let missing = if name == "state" {
            "state"
        } else {
            "control.sock"
        };
        fs::remove_file(sandbox.directory.join(missing)).unwrap();
        helper
            .call("runtimeRun", sandbox.wish(&[], PATIENCE_MS))
            .unwrap();
        assert!(sandbox.has("commanded"), "{name}");
    }
}

#[test]
fn a_sandbox_that_fails_hangs_up_or_talks_nonsense_is_an_error() {
    if !is_root("a_sandbox_that_fails_hangs_up_or_talks_nonsense_is_an_error") {
        return;
    }
    let mut helper = Helper::start();
    let long = "x".repeat(3 << 20);
    for (name, answer, message) in [
        (
            "refuses",
            r#"{"success":false,"err":"no space left"}"#,
            "no space left",
        ),
        ("hangs-up", "", "hung up"),
        ("nonsense", "][", "hung up"),
        ("endless", long.as_str(), "hung up"),
    ] {
        let answer = answer.to_owned();
        let sandbox = Sandbox::new(name, move |mut stream| {
            let _ = stream.write_all(answer.as_bytes());
        });
        let error = helper
            .call("runtimeRun", sandbox.wish(&["image"], PATIENCE_MS))
            .unwrap_err();
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{error}"
        );
        assert!(!sandbox.has("commanded") && !sandbox.has("image"), "{name}");
        assert_eq!(sandbox.status(), "running");
    }
}

#[test]
fn a_sandbox_that_answers_too_slowly_is_given_up() {
    if !is_root("a_sandbox_that_answers_too_slowly_is_given_up") {
        return;
    }
    let mut helper = Helper::start();
    // A byte now and then does not extend its time.
    let sandbox = Sandbox::new("slow", |mut stream| {
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let error = helper
        .call("runtimeRun", sandbox.wish(&["image"], 500))
        .unwrap_err();
    assert_eq!(error["code"], "timeout");
    assert!(!sandbox.has("image"));
}

#[test]
fn a_call_that_hangs_is_ended_for_its_box_alone() {
    if !is_root("a_call_that_hangs_is_ended_for_its_box_alone") {
        return;
    }
    let mut helper = Helper::start();
    let hang = |mut stream: &UnixStream| {
        let _ = stream.read(&mut [0]);
    };
    let (one, other) = (Sandbox::new("one", hang), Sandbox::new("other", hang));
    let calls =
        [&one, &other].map(|sandbox| helper.send("runtimeRun", sandbox.wish(&[], 3_000_000)));
    let limit = Instant::now() + Duration::from_secs(60);
    let abort = json!({ "boxId": one.directory });
    while helper.call("runtimeAbort", abort.clone()).unwrap()["aborted"] != 1 {
        assert!(Instant::now() < limit, "the call never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(outcome(&calls[0]).unwrap_err()["code"], "runtimeFailed");
    assert!(calls[1].try_recv().is_err());
}

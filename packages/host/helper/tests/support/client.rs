//! The helper under test, spoken to as the host does.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::host::patience;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Waiting {
    replies: HashMap<String, Sender<Value>>,
}

pub struct Helper {
    child: Child,
    stdin: Option<ChildStdin>,
    waiting: Arc<Mutex<Waiting>>,
    events: Receiver<Value>,
    next_id: u64,
}

impl Helper {
    pub fn start() -> Helper {
        let mut command = Command::new(env!("CARGO_BIN_EXE_berth-helper"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (sender, events) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let shared = waiting.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let message: Value =
                    serde_json::from_str(&line).expect("the helper wrote a line that is not JSON");
                if message.get("event").is_some() {
                    let _ = sender.send(message);
                } else if let Some(reply) = shared
                    .lock()
                    .unwrap()
                    .replies
                    .remove(&message["id"].to_string())
                {
                    let _ = reply.send(message);
                }
            }
        });
        Helper {
            stdin: child.stdin.take(),
            child,
            waiting,
            events,
            next_id: 0,
        }
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Writes bytes as they are, and expects a reply under that id (`null` for what cannot be read).
    pub fn send_raw(&mut self, id: &Value, bytes: &[u8]) -> Receiver<Value> {
        let (sender, receiver) = channel();
        self.waiting
            .lock()
            .unwrap()
            .replies
            .insert(id.to_string(), sender);
        let stdin = self.stdin.as_mut().unwrap();
        stdin
            .write_all(bytes)
            .and_then(|()| stdin.write_all(b"\n"))
            .expect("the helper reads no more");
        receiver
    }

    pub fn send(&mut self, command: &str, args: Value) -> Receiver<Value> {
        self.next_id += 1;
        let id = json!(self.next_id);
        let line = json!({ "id": id, "command": command, "args": args }).to_string();
        self.send_raw(&id, line.as_bytes())
    }

    /// The result, or the error object.
    pub fn call(&mut self, command: &str, args: Value) -> Result<Value, Value> {
        outcome(&self.send(command, args))
    }

    pub fn event(&self) -> Value {
        self.events
            .recv_timeout(patience(PATIENCE))
            .expect("no event came")
    }

    /// The next event of this name; others are passed over.
    pub fn event_named(&self, name: &str) -> Value {
        loop {
            let event = self.event();
            if event["event"] == name {
                return event;
            }
        }
    }

    pub fn has_event(&self) -> bool {
        self.events.try_recv().is_ok()
    }

    /// Ends its stdin and gives its exit code.
    pub fn finish(mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.child.wait().unwrap().code()
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn outcome(reply: &Receiver<Value>) -> Result<Value, Value> {
    let mut message = reply
        .recv_timeout(patience(PATIENCE))
        .expect("no reply came");
    match message["error"].take() {
        Value::Null => Ok(message["ok"].take()),
        error => Err(error),
    }
}

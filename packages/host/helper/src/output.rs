//! Replies and events: one JSON line each, never interleaved.

use std::io::Write;

use serde_json::{Value, json};

use crate::error::{Error, Result, errno_name};

/// Writes the line at once. A host that reads no more has ended: so does the helper.
fn write_line(value: &Value) {
    let mut line = value.to_string();
    line.push('\n');
    let mut stdout = std::io::stdout().lock();
    if stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

pub fn reply(id: &Value, outcome: Result<Value>) {
    match outcome {
        Ok(result) => write_line(&json!({ "id": id, "ok": result })),
        Err(error) => write_line(&json!({ "id": id, "error": error_json(&error) })),
    }
}

/// An error as replies carry it.
pub fn error_json(error: &Error) -> Value {
    let mut value = json!({ "code": error.code.name(), "message": error.message });
    if let Some(errno) = error.errno {
        value["osError"] = json!(errno_name(errno));
    }
    value
}

/// The init process of a box has ended; `wait_status` as wait(2) gives it, unknown for one that was no child of this helper.
pub fn exited(box_id: &str, pid: i32, wait_status: Option<i32>) {
    write_line(
        &json!({ "event": "exited", "boxId": box_id, "pid": pid, "waitStatus": wait_status }),
    );
}

/// `level` is one of info, warn, error.
pub fn log(level: &str, message: &str) {
    write_line(&json!({ "event": "log", "level": level, "message": message }));
}

//! Commands of the runtime about a box that runs.

use std::time::Duration;

use crate::boxes::{bundle, call};
use crate::error::{Code, Error, Result};
use crate::process::spawn;
use crate::protocol::RuntimeRun;

/// Runs it to its end. What its log says is the message of a failure.
pub fn run(wish: &RuntimeRun) -> Result<()> {
    let timeout = Duration::from_millis(wish.timeout_ms);
    if let Some(call) = &wish.call
        && call::call(&wish.box_id, call, timeout)? == call::Outcome::Done
    {
        return Ok(());
    }
    bundle::clear_log(&wish.runtime)?;
    let status = spawn::run_about(&wish.box_id, &wish.runtime, timeout)?;
    if status.success() {
        return Ok(());
    }
    let said = bundle::runtime_errors(&wish.runtime);
    let message = format!("{}: {status}: {said}", wish.runtime[0]);
    Err(Error::new(Code::RuntimeFailed, message))
}

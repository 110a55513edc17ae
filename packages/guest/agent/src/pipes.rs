//! The pipes between an execution and its stream.

use crate::failure::{Outcome, os_failure};
use crate::sys;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// One pipe, non-blocking at both ends: what the guest keeps, what the process gets.
struct Pipe {
    ours: OwnedFd,
    theirs: OwnedFd,
}

/// What an execution reads and writes.
pub struct Pipes {
    output: Pipe,
    /// Absent when it goes where the output goes.
    errors: Option<Pipe>,
    /// Absent when there is nothing to read.
    input: Option<Pipe>,
}

impl Pipes {
    /// Makes them.
    pub fn open(merge_stderr: bool, attach_stdin: bool) -> Outcome<Pipes> {
        Ok(Pipes {
            output: outgoing()?,
            errors: (!merge_stderr).then(outgoing).transpose()?,
            input: attach_stdin.then(incoming).transpose()?,
        })
    }

    /// The descriptors of the process: (from, to).
    pub fn descriptors(&self) -> Vec<(RawFd, RawFd)> {
        let errors = self.errors.as_ref().unwrap_or(&self.output);
        let input = self.input.as_ref().map(|pipe| pipe.theirs.as_raw_fd());
        vec![
            (input.unwrap_or(0), 0),
            (self.output.theirs.as_raw_fd(), 1),
            (errors.theirs.as_raw_fd(), 2),
        ]
    }

    /// The guest's ends: output, errors, input. The others are closed.
    pub fn into_ours(self) -> (OwnedFd, Option<OwnedFd>, Option<OwnedFd>) {
        let ours = |pipe: Pipe| pipe.ours;
        (
            self.output.ours,
            self.errors.map(ours),
            self.input.map(ours),
        )
    }
}

fn outgoing() -> Outcome<Pipe> {
    let (ours, theirs) = open()?;
    Ok(Pipe { ours, theirs })
}

fn incoming() -> Outcome<Pipe> {
    let (theirs, ours) = open()?;
    Ok(Pipe { ours, theirs })
}

fn open() -> Outcome<(OwnedFd, OwnedFd)> {
    sys::nonblocking_pipe().map_err(|error| os_failure(&error, "pipe"))
}

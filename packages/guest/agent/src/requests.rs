//! Starts and settles the jobs behind streams.

use crate::failure::{Outcome, failure};
use crate::guest::Guest;
use crate::messages::{Error, ErrorCode, Request};
use crate::stream::{Job, Stream};

impl Guest {
    /// Begins what an OPEN asks for.
    pub fn start(&mut self, key: u64, request: Request) -> Outcome<()> {
        if self.inert {
            return self.start_inert(key, request);
        }
        if !matches!(request, Request::Exec(_)) {
            // It may change what the commands behind it are to see.
            self.settings.batch += 1;
        }
        match request {
            Request::Configure(wish) => {
                let outcome = self.configure(wish);
                self.done(key, outcome);
            }
            Request::Exec(wish) => self.execute(key, wish)?,
            Request::Signal(wish) => {
                let outcome = self.signal(&wish);
                self.done(key, outcome);
            }
            Request::ReadFile(wish) => self.read_file(key, &wish)?,
            Request::WriteFile(wish) => self.write_file(key, &wish)?,
            Request::Stat(wish) => self.stat(key, &wish)?,
            Request::List(wish) => self.list(key, wish)?,
            Request::Remove(wish) => self.remove(key, wish)?,
            Request::MakeDirectory(wish) => self.make_directory(key, &wish)?,
            Request::Watch(wish) => self.watch(key, wish)?,
            Request::TarOut(wish) => self.tar_out(key, wish)?,
            Request::TarIn(wish) => self.tar_in(key, wish)?,
            Request::Forward(wish) => self.forward(key, &wish)?,
            Request::Metrics(_) => {
                let report = self.metrics();
                if let Some(stream) = self.streams.get_mut(&key) {
                    stream.status.metrics = Some(report);
                }
                self.done(key, Ok(()));
            }
            Request::Refresh(wish) => {
                crate::refresh::refresh(&wish.entropy, wish.clock_unix_ns);
                self.done(key, Ok(()));
            }
            Request::DropShell(wish) => {
                self.drop_shell(&wish.shell_name);
                self.done(key, Ok(()));
            }
            Request::Sync(_) => self.sync(key),
        }
        Ok(())
    }

    /// Ends a stream whose work was done at once.
    pub fn done(&mut self, key: u64, outcome: Outcome<()>) {
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.finish(outcome.err());
        }
    }

    /// Ends a stream that could not begin or go on.
    pub fn fail(&mut self, key: u64, error: Box<Error>) {
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.sources = [None, None];
            stream.finish(Some(error));
        }
    }

    /// Ends a stream whose job has come to its end.
    pub fn settle(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else {
            return;
        };
        match &stream.job {
            Job::Execution(_) => self.settle_execution(key),
            Job::Worker(_) => self.settle_worker(key),
            Job::Forward { connected: true }
                if stream.outlets_finished() && stream.sink.is_none() =>
            {
                stream.finish(None);
            }
            _ => {}
        }
    }

    /// Stops the work of a stream that is no longer held.
    pub fn cancel(&mut self, stream: Stream) {
        if let Job::Worker(worker) = &stream.job {
            worker.kill();
        }
    }

    /// Fuzzing has no outside world: executions echo their command and run until told otherwise, the rest is refused.
    fn start_inert(&mut self, key: u64, request: Request) -> Outcome<()> {
        let Request::Exec(wish) = request else {
            return Err(failure(ErrorCode::Unsupported, "inert"));
        };
        let execution = crate::exec::Execution::new(&wish.execution_id);
        self.executions.insert(wish.execution_id.clone(), key);
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.status.execution_id = wish.execution_id;
            stream.job = Job::Execution(Box::new(execution));
            stream.inlet = wish
                .attach_stdin
                .then(|| crate::inlet::Inlet::new(crate::inlet::WINDOW_BYTES));
            if let Some(outlet) = &mut stream.outlets[0] {
                outlet.push(wish.command.as_bytes());
            }
            if wish.merge_stderr {
                stream.finish(None);
            }
        }
        Ok(())
    }
}

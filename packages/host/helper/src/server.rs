//! Reads commands, runs each on its lane, replies in any order.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Value, json};

use crate::boxes::{hostname, kill, run, start};
use crate::btrfs::{descent, quota, subvolume};
use crate::error::{Code, Error, Result};
use crate::lane::Lane;
use crate::net::pool::Network;
use crate::net::setup;
use crate::process::exits;
use crate::process::under_way;
use crate::process::watch::{self, Watch};
use crate::protocol::{self, Command, MAX_LINE_BYTES, Request};
use crate::{cgroup, disk, freezer, kernel, mount, output};

use std::time::Duration;

/// Runtimes that start at once: more would only share the same processors.
const STARTS_AT_ONCE: usize = 8;
const KILLS_AT_ONCE: usize = 16;
const OTHERS_AT_ONCE: usize = 4;
const FREEZE_TIMEOUT: Duration = Duration::from_secs(5);
const CGROUP_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Context {
    network: Network,
    watch: &'static Watch,
}

/// Runs until stdin ends. Must be called before any other thread is there.
pub fn serve() -> Result<()> {
    kernel::raise_open_files();
    exits::start_reaper()?;
    mount::namespace::enter_own()?;
    let context = Context {
        network: Network::default(),
        watch: watch::start()?,
    };
    let filled = context.network.clone();
    let filler = std::thread::Builder::new()
        .name("pool".into())
        .stack_size(256 << 10)
        .spawn(move || filled.fill());
    filler.map_err(|cause| Error::os("spawn", "pool thread", &cause))?;
    let lanes = Lanes {
        starts: Lane::new("start", STARTS_AT_ONCE),
        kills: Lane::new("kill", KILLS_AT_ONCE),
        others: Lane::new("command", OTHERS_AT_ONCE),
    };
    let mut input = BufReader::new(std::io::stdin().lock());
    while let Some(line) = read_line(&mut input) {
        match line.and_then(|line| protocol::decode(&line)) {
            Ok(request) => lanes.submit(request, &context),
            Err((id, error)) => output::reply(&id, Err(error)),
        }
    }
    Ok(())
}

struct Lanes {
    starts: Lane,
    kills: Lane,
    others: Lane,
}

impl Lanes {
    fn submit(&self, request: Request, context: &Context) {
        let lane = match request.command {
            Command::BoxStart(_) | Command::BoxJoin(_) | Command::RuntimeRun(_) => &self.starts,
            Command::BoxKill(_)
            | Command::CgroupsRemove { .. }
            | Command::RuntimeAbort { .. }
            | Command::SubvolumeRestore { .. }
            | Command::SubvolumeDelete { .. } => &self.kills,
            _ => &self.others,
        };
        let (id, context) = (request.id.clone(), context.clone());
        let accepted = lane.submit(move || run(request, &context));
        if !accepted {
            output::reply(
                &id,
                Err(Error::new(Code::Busy, "too many commands are waiting")),
            );
        }
    }
}

type Line = std::result::Result<Vec<u8>, (Value, Error)>;

/// One line without its end; None at the end of input. What is too long is skipped to its end.
fn read_line(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    let limit = MAX_LINE_BYTES as u64 + 1;
    let count = input
        .by_ref()
        .take(limit)
        .read_until(b'\n', &mut line)
        .ok()?;
    if count == 0 {
        return None;
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Some(Ok(line));
    }
    if line.len() <= MAX_LINE_BYTES {
        // The end of input cut it: the host has ended in the middle of a word.
        return None;
    }
    skip_line(input)?;
    let message = format!("a line is longer than {MAX_LINE_BYTES} bytes");
    Some(Err((Value::Null, Error::bad_request(message))))
}

fn skip_line(input: &mut impl BufRead) -> Option<()> {
    loop {
        let buffer = input.fill_buf().ok()?;
        if buffer.is_empty() {
            return None;
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        input.consume(used);
        if end.is_some() {
            return Some(());
        }
    }
}

fn run(request: Request, context: &Context) {
    if let Command::BoxWatch(wish) = &request.command {
        // The reply comes before the event, which may follow at once.
        let added = context
            .watch
            .add(&wish.box_id, wish.pid, wish.start_time_ticks);
        let gone = matches!(added, Ok(false));
        output::reply(&request.id, added.map(|_| json!({})));
        if gone {
            let status = watch::status_of_gone(wish.pid, wish.start_time_ticks);
            output::exited(&wish.box_id, wish.pid, status);
        }
        return;
    }
    output::reply(&request.id, execute(request.command, context));
}

fn execute(command: Command, context: &Context) -> Result<Value> {
    let network = &context.network;
    let empty = |()| json!({});
    match command {
        Command::Hello {} => Ok(kernel::describe()),
        Command::QuotaEnable { volume } => {
            mount::namespace::release_other_volumes(&volume);
            Ok(json!({ "mode": quota::enable(&volume)? }))
        }
        Command::SubvolumeCreate {
            path,
            limit_bytes,
            owner_base,
            descends_from,
        } => {
            if let Some(snapshot) = descends_from {
                descent::create(&path, &snapshot)?;
            }
            subvolume::create(&path, limit_bytes, owner_base).map(empty)
        }
        Command::SubvolumeLimit { path, limit_bytes } => {
            subvolume::limit(&path, limit_bytes).map(empty)
        }
        Command::SubvolumeSnapshot { path, snapshot } => {
            let usage = subvolume::snapshot(&path, &snapshot)?;
            Ok(json!({ "usedBytes": usage.used_bytes }))
        }
        Command::SubvolumeRestore { path, snapshot } => {
            subvolume::restore(&path, &snapshot).map(empty)
        }
        Command::SubvolumeDelete { path } => {
            descent::discard(&path)?;
            subvolume::delete(&path).map(empty)
        }
        Command::SubvolumeUsage { path } => {
            let usage = quota::usage(&path)?;
            Ok(json!({ "usedBytes": usage.used_bytes, "limitBytes": usage.limit_bytes }))
        }
        Command::NetworkSetup(wish) => {
            Ok(json!({ "nameserver": setup::setup(&wish, network)?.to_string() }))
        }
        Command::NetworkTeardown {
            table,
            interface_prefix,
            subnet,
        } => setup::teardown(&table, &interface_prefix, &subnet, network).map(empty),
        Command::BoxStart(wish) => {
            let started = start::start(&wish, network)?;
            Ok(json!({
                "pid": started.pid,
                "startTimeTicks": started.start_time_ticks,
                "netSlot": started.net_slot,
                "ipv4": started.ipv4,
                "gateway": started.gateway,
            }))
        }
        Command::BoxJoin(wish) => {
            let (pid, start_time_ticks) = start::join(&wish)?;
            Ok(json!({ "pid": pid, "startTimeTicks": start_time_ticks }))
        }
        Command::RuntimeRun(wish) => run::run(&wish).map(empty),
        Command::RuntimeAbort { box_id } => Ok(json!({ "aborted": under_way::abort(&box_id)? })),
        Command::FileSystemSync { path } => disk::sync_file_system(&path).map(empty),
        Command::BoxKill(wish) => Ok(json!({ "killed": kill::kill(&wish, network)? })),
        Command::BoxFreeze {
            cgroups, frozen, ..
        } => {
            let frozen = match frozen {
                true => freezer::freeze_all(&cgroups, FREEZE_TIMEOUT),
                false => freezer::thaw_all(&cgroups),
            };
            frozen.map(empty)
        }
        Command::BoxHostname(wish) => hostname::set(&wish).map(empty),
        Command::CgroupsRemove { paths } => cgroup::remove_all(&paths, CGROUP_TIMEOUT).map(empty),
        Command::BoxWatch(wish) => context
            .watch
            .add(&wish.box_id, wish.pid, wish.start_time_ticks)
            .map(|_| json!({})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_bounded_and_the_next_one_is_whole() {
        let long = "x".repeat(MAX_LINE_BYTES + 5);
        let mut input = std::io::Cursor::new(format!("one\n\n{long}\ntwo\ncut off"));
        assert_eq!(read_line(&mut input).unwrap().unwrap(), b"one");
        assert_eq!(read_line(&mut input).unwrap().unwrap(), b"");
        let (_, error) = read_line(&mut input).unwrap().unwrap_err();
        assert!(error.message.contains("longer than"));
        assert_eq!(read_line(&mut input).unwrap().unwrap(), b"two");
        assert!(read_line(&mut input).is_none());
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_read() {
        let full = "y".repeat(MAX_LINE_BYTES);
        let mut input = std::io::Cursor::new(format!("{full}\nz\n"));
        let first = read_line(&mut input).unwrap();
        assert!(first.is_err() || first.unwrap().len() == MAX_LINE_BYTES);
        assert_eq!(read_line(&mut input).unwrap().unwrap(), b"z");
    }
}

//! Commands as they come over stdin (`packages/host/src/helper/protocol.ts` is the specification), decoded and validated.

use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::paths::AbsolutePath;

/// Longest line that is read; a longer one is answered by an error and skipped.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// One line: what to do, and the id that the reply repeats.
#[derive(Debug)]
pub struct Request {
    pub id: Value,
    pub command: Command,
}

#[derive(Debug, Deserialize)]
#[serde(
    tag = "command",
    content = "args",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Command {
    Hello {},
    QuotaEnable {
        volume: AbsolutePath,
    },
    SubvolumeCreate {
        path: AbsolutePath,
        limit_bytes: u64,
        owner_base: u32,
        #[serde(default)]
        descends_from: Option<AbsolutePath>,
    },
    SubvolumeLimit {
        path: AbsolutePath,
        limit_bytes: u64,
    },
    SubvolumeSnapshot {
        path: AbsolutePath,
        snapshot: AbsolutePath,
    },
    SubvolumeRestore {
        path: AbsolutePath,
        snapshot: AbsolutePath,
    },
    SubvolumeDelete {
        path: AbsolutePath,
    },
    SubvolumeUsage {
        path: AbsolutePath,
    },
    NetworkSetup(NetworkWish),
    NetworkTeardown {
        table: String,
        interface_prefix: String,
        subnet: String,
    },
    BoxStart(BoxStart),
    BoxJoin(BoxJoin),
    BoxKill(BoxKill),
    RuntimeRun(RuntimeRun),
    RuntimeAbort {
        box_id: String,
    },
    FileSystemSync {
        path: AbsolutePath,
    },
    BoxFreeze {
        box_id: String,
        cgroups: Vec<AbsolutePath>,
        frozen: bool,
    },
    BoxHostname(BoxHostname),
    CgroupsRemove {
        paths: Vec<AbsolutePath>,
    },
    BoxWatch(BoxWatch),
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkWish {
    pub table: String,
    pub interface_prefix: String,
    pub subnet: String,
    pub ready: usize,
    pub in_use: Vec<u32>,
    pub nameservers: Vec<String>,
    /// How boxes reach the control plane; none, and they do not.
    #[serde(default)]
    pub door: Option<Door>,
    /// Open to boxes and builds even if private or on this machine.
    #[serde(default)]
    pub registries: Vec<Entrance>,
}

/// The one port of this machine that boxes may use, at the address of their name server.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Door {
    pub port: u16,
    /// The port leads to the door on every other address of this machine too.
    pub everywhere: bool,
    /// Where the control plane is entered from outside: open to boxes even if private or on this machine.
    pub entrances: Vec<Entrance>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Entrance {
    pub address: Ipv4Addr,
    pub port: u16,
}

/// One read-only directory and the outer owner of what root owns in it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    pub path: AbsolutePath,
    pub owner_base: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoxStart {
    pub box_id: String,
    pub bundle: AbsolutePath,
    pub layers: Vec<Layer>,
    pub upper: AbsolutePath,
    pub work: AbsolutePath,
    pub owner_base: u32,
    pub runtime: Vec<String>,
    #[serde(default)]
    pub runtime_delete: Vec<String>,
    pub pid_file: AbsolutePath,
    /// What the runtime reads late in the start, and may not be in memory.
    #[serde(default)]
    pub read_ahead: Option<AbsolutePath>,
    pub timeout_ms: u64,
}

/// The init of a box that runs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Init {
    pub pid: i32,
    pub start_time_ticks: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoxJoin {
    #[serde(flatten)]
    pub start: BoxStart,
    pub network_of: Init,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeRun {
    pub box_id: String,
    pub runtime: Vec<String>,
    /// Does the same, where the sandbox knows it.
    #[serde(default)]
    pub call: Option<RuntimeCall>,
    pub timeout_ms: u64,
}

/// What runsc's command would ask of the sandbox of a box.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeCall {
    /// The file in which runsc keeps the state of the box.
    pub state: AbsolutePath,
    pub method: String,
    pub argument: Value,
    /// Made anew, and given along in this order.
    #[serde(default)]
    pub files: Vec<CallFile>,
    /// What the state has to say before, and says afterwards.
    #[serde(default)]
    pub from: Option<String>,
    #[serde(default)]
    pub to: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallFile {
    pub path: AbsolutePath,
    /// Past the page cache.
    #[serde(default)]
    pub direct: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoxKill {
    pub box_id: String,
    pub pid: i32,
    pub start_time_ticks: u64,
    pub cgroups: Vec<AbsolutePath>,
    #[serde(default)]
    pub net_slot: Option<u32>,
    pub timeout_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoxWatch {
    pub box_id: String,
    pub pid: i32,
    pub start_time_ticks: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoxHostname {
    pub box_id: String,
    pub pid: i32,
    pub start_time_ticks: u64,
    pub hostname: String,
}

/// Reads one line. The error carries the id where it could be read, so that the caller's wait ends.
pub fn decode(line: &[u8]) -> std::result::Result<Request, (Value, Error)> {
    let mut value: Value = serde_json::from_slice(line).map_err(|cause| {
        (
            Value::Null,
            Error::bad_request(format!("not JSON: {cause}")),
        )
    })?;
    let id = match value.as_object_mut().and_then(|object| object.remove("id")) {
        Some(id @ (Value::Number(_) | Value::String(_))) => id,
        _ => {
            let message = "a request needs an id (number or string)";
            return Err((Value::Null, Error::bad_request(message)));
        }
    };
    match Command::deserialize(value)
        .map_err(|cause| Error::bad_request(cause.to_string()))
        .and_then(validate)
    {
        Ok(command) => Ok(Request { id, command }),
        Err(error) => Err((id, error)),
    }
}

fn validate(command: Command) -> Result<Command> {
    match &command {
        Command::BoxStart(start) | Command::BoxJoin(BoxJoin { start, .. }) => {
            if start.runtime.is_empty() {
                return Err(Error::bad_request("runtime is empty"));
            }
            if start.layers.is_empty() {
                return Err(Error::bad_request("layers is empty"));
            }
            if start
                .runtime
                .iter()
                .chain(&start.runtime_delete)
                .any(|word| word.contains('\0'))
            {
                return Err(Error::bad_request(
                    "an argument of the runtime contains NUL",
                ));
            }
        }
        Command::RuntimeRun(RuntimeRun { runtime, .. })
            if runtime.is_empty() || runtime.iter().any(|word| word.contains('\0')) =>
        {
            return Err(Error::bad_request("runtime is no command line"));
        }
        Command::BoxKill(BoxKill { pid, .. })
        | Command::BoxWatch(BoxWatch { pid, .. })
        | Command::BoxHostname(BoxHostname { pid, .. })
            if *pid <= 1 =>
        {
            return Err(Error::bad_request(format!(
                "{pid} is not the process of a box"
            )));
        }
        _ => {}
    }
    Ok(command)
}

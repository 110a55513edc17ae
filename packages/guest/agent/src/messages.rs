//! The messages of `guest.proto`, by hand: `tests/schema.rs` holds them against that file.

use std::collections::BTreeMap;

use prost::{Enumeration, Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub struct Hello {
    #[prost(uint32, tag = "1")]
    pub protocol_min: u32,
    #[prost(uint32, tag = "2")]
    pub protocol_max: u32,
    #[prost(string, tag = "3")]
    pub agent_version: String,
    #[prost(bytes = "vec", tag = "4")]
    pub boot_id: Vec<u8>,
    #[prost(uint32, tag = "5")]
    pub max_payload_bytes: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Open {
    #[prost(uint64, tag = "1")]
    pub stdout_limit: u64,
    #[prost(uint64, tag = "2")]
    pub stderr_limit: u64,
    #[prost(
        oneof = "Request",
        tags = "10, 11, 12, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 31, 32, 33, 34"
    )]
    pub request: Option<Request>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Request {
    #[prost(message, tag = "10")]
    Configure(Configure),
    #[prost(message, tag = "11")]
    Exec(Exec),
    #[prost(message, tag = "12")]
    Signal(Signal),
    #[prost(message, tag = "20")]
    ReadFile(ReadFile),
    #[prost(message, tag = "21")]
    WriteFile(WriteFile),
    #[prost(message, tag = "22")]
    Stat(Stat),
    #[prost(message, tag = "23")]
    List(List),
    #[prost(message, tag = "24")]
    Remove(Remove),
    #[prost(message, tag = "25")]
    MakeDirectory(MakeDirectory),
    #[prost(message, tag = "26")]
    Watch(Watch),
    #[prost(message, tag = "27")]
    TarOut(TarOut),
    #[prost(message, tag = "28")]
    TarIn(TarIn),
    #[prost(message, tag = "30")]
    Forward(Forward),
    #[prost(message, tag = "31")]
    Metrics(Metrics),
    #[prost(message, tag = "32")]
    Refresh(Refresh),
    #[prost(message, tag = "33")]
    DropShell(DropShell),
    #[prost(message, tag = "34")]
    Sync(Sync),
}

#[derive(Clone, PartialEq, Message)]
pub struct Configure {
    #[prost(string, tag = "1")]
    pub hostname: String,
    #[prost(btree_map = "string, string", tag = "2")]
    pub environment: BTreeMap<String, String>,
    #[prost(message, optional, tag = "3")]
    pub user: Option<UserAccount>,
    #[prost(string, repeated, tag = "4")]
    pub nameservers: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub hosts: Vec<HostEntry>,
    #[prost(uint64, tag = "6")]
    pub memory_bytes: u64,
    #[prost(bytes = "vec", tag = "7")]
    pub entropy: Vec<u8>,
    #[prost(uint64, tag = "8")]
    pub clock_unix_ns: u64,
    #[prost(string, tag = "9")]
    pub machine_id: String,
    #[prost(bool, tag = "10")]
    pub prepare: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct UserAccount {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(uint32, tag = "2")]
    pub uid: u32,
    #[prost(uint32, tag = "3")]
    pub gid: u32,
    #[prost(string, tag = "4")]
    pub home: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct HostEntry {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(string, repeated, tag = "2")]
    pub names: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Exec {
    #[prost(string, tag = "1")]
    pub execution_id: String,
    #[prost(string, tag = "2")]
    pub command: String,
    #[prost(string, repeated, tag = "3")]
    pub argv: Vec<String>,
    #[prost(string, tag = "4")]
    pub shell_name: String,
    #[prost(btree_map = "string, string", tag = "5")]
    pub environment: BTreeMap<String, String>,
    #[prost(string, tag = "6")]
    pub working_directory: String,
    #[prost(string, tag = "7")]
    pub user: String,
    #[prost(bool, tag = "8")]
    pub attach_stdin: bool,
    #[prost(bool, tag = "9")]
    pub merge_stderr: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Signal {
    #[prost(string, tag = "1")]
    pub execution_id: String,
    #[prost(uint32, tag = "2")]
    pub signal: u32,
    #[prost(bool, tag = "3")]
    pub process_group: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct ReadFile {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
    #[prost(uint64, tag = "3")]
    pub offset: u64,
    #[prost(uint64, tag = "4")]
    pub length: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct WriteFile {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
    #[prost(uint32, tag = "3")]
    pub mode: u32,
    #[prost(bool, tag = "4")]
    pub make_parents: bool,
    #[prost(string, tag = "5")]
    pub name_in_directory: String,
    #[prost(bool, tag = "6")]
    pub append: bool,
    #[prost(bool, tag = "7")]
    pub place: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Stat {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
    #[prost(bool, tag = "3")]
    pub follow: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct List {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Remove {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
    #[prost(bool, tag = "3")]
    pub recursive: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct MakeDirectory {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
    #[prost(bool, tag = "3")]
    pub parents: bool,
    #[prost(uint32, tag = "4")]
    pub mode: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Watch {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
    #[prost(bool, tag = "3")]
    pub recursive: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct TarOut {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct TarIn {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub user: String,
    #[prost(bool, tag = "3")]
    pub gzip: bool,
    #[prost(bool, tag = "4")]
    pub place: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Forward {
    #[prost(string, tag = "1")]
    pub host: String,
    #[prost(uint32, tag = "2")]
    pub port: u32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Metrics {}

#[derive(Clone, PartialEq, Message)]
pub struct Refresh {
    #[prost(bytes = "vec", tag = "1")]
    pub entropy: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub clock_unix_ns: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct DropShell {
    #[prost(string, tag = "1")]
    pub shell_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Sync {}

#[derive(Clone, PartialEq, Message)]
pub struct FileInfo {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub path: String,
    #[prost(enumeration = "FileKind", tag = "3")]
    pub kind: i32,
    #[prost(uint64, tag = "4")]
    pub size_bytes: u64,
    #[prost(uint32, tag = "5")]
    pub mode: u32,
    #[prost(uint32, tag = "6")]
    pub uid: u32,
    #[prost(uint32, tag = "7")]
    pub gid: u32,
    #[prost(int64, tag = "8")]
    pub modified_unix_ms: i64,
    #[prost(string, tag = "9")]
    pub link_target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum FileKind {
    Unknown = 0,
    File = 1,
    Directory = 2,
    Symlink = 3,
    Other = 4,
}

#[derive(Clone, PartialEq, Message)]
pub struct FileEvent {
    #[prost(enumeration = "FileEventKind", tag = "1")]
    pub kind: i32,
    #[prost(string, tag = "2")]
    pub path: String,
    #[prost(string, tag = "3")]
    pub moved_to: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum FileEventKind {
    Unknown = 0,
    Created = 1,
    Modified = 2,
    Removed = 3,
    Moved = 4,
    Overflow = 5,
}

#[derive(Clone, PartialEq, Message)]
pub struct Status {
    #[prost(enumeration = "Phase", tag = "1")]
    pub phase: i32,
    #[prost(message, optional, tag = "2")]
    pub error: Option<Error>,
    #[prost(string, tag = "3")]
    pub execution_id: String,
    #[prost(uint32, tag = "4")]
    pub pid: u32,
    #[prost(message, optional, tag = "5")]
    pub exit: Option<Exit>,
    #[prost(message, optional, tag = "6")]
    pub file: Option<FileInfo>,
    #[prost(message, optional, tag = "7")]
    pub metrics: Option<MetricsReport>,
    #[prost(uint64, tag = "8")]
    pub started_unix_ms: u64,
    #[prost(uint64, tag = "9")]
    pub finished_unix_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum Phase {
    Unknown = 0,
    Queued = 1,
    Running = 2,
    Finished = 3,
}

#[derive(Clone, PartialEq, Message)]
pub struct Exit {
    #[prost(oneof = "How", tags = "1, 2")]
    pub how: Option<How>,
    #[prost(bool, tag = "3")]
    pub out_of_memory: bool,
    #[prost(uint32, tag = "4")]
    pub signalled_by_host: u32,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub enum How {
    #[prost(int32, tag = "1")]
    Code(i32),
    #[prost(int32, tag = "2")]
    Signal(i32),
}

#[derive(Clone, PartialEq, Message)]
pub struct Error {
    #[prost(enumeration = "ErrorCode", tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(uint32, tag = "3")]
    pub os_error: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum ErrorCode {
    Unknown = 0,
    NotFound = 1,
    IsDirectory = 2,
    NotDirectory = 3,
    Permission = 4,
    Exists = 5,
    NoSpace = 6,
    Invalid = 7,
    TooLarge = 8,
    Refused = 9,
    Busy = 10,
    Cancelled = 11,
    Io = 12,
    Unsupported = 13,
    NoSuchUser = 14,
    NotEmpty = 15,
}

#[derive(Clone, PartialEq, Message)]
pub struct MetricsReport {
    #[prost(uint64, tag = "1")]
    pub memory_used_bytes: u64,
    #[prost(uint64, tag = "2")]
    pub memory_limit_bytes: u64,
    #[prost(uint64, tag = "3")]
    pub cpu_usage_us: u64,
    #[prost(uint32, tag = "4")]
    pub processes: u32,
    #[prost(uint64, tag = "5")]
    pub disk_used_bytes: u64,
    #[prost(uint64, tag = "6")]
    pub disk_total_bytes: u64,
    #[prost(uint64, tag = "7")]
    pub guest_private_bytes: u64,
    #[prost(uint64, tag = "8")]
    pub uptime_ms: u64,
    #[prost(uint64, tag = "9")]
    pub oom_kills: u64,
}

impl Error {
    /// An error of the guest's own, without an operating-system cause.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code as i32,
            message: message.into(),
            os_error: 0,
        }
    }
}

impl Status {
    /// A status in `phase` with nothing else said.
    pub fn phase_only(phase: Phase) -> Self {
        Self {
            phase: phase as i32,
            ..Self::default()
        }
    }

    /// The end of a stream that failed.
    pub fn failed(error: Error) -> Self {
        Self {
            phase: Phase::Finished as i32,
            error: Some(error),
            ..Self::default()
        }
    }
}

//! What Configure has set, and where things lie.

use crate::cgroup::Cgroup;
use crate::failure::Outcome;
use crate::meminfo::Meminfo;
use crate::messages::UserAccount;
use crate::users::{Identity, UserCache};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

/// The box as the guest knows it.
pub struct Settings {
    /// `/etc`, or another folder in tests.
    pub etc: PathBuf,
    /// Base of every process's environment.
    pub environment: BTreeMap<String, String>,
    /// The default user.
    pub account: Option<UserAccount>,
    pub memory_bytes: u64,
    /// Tells this box from those whose disk or memory it began with.
    pub machine_id: String,
    pub meminfo: Meminfo,
    pub cgroup: Cgroup,
    pub started: Instant,
    /// The kernel is a program beside the box's own: each system call and each wake-up costs many times what it does elsewhere, and what it is told about
    /// running out of memory is heard by nobody.
    pub emulated: bool,
    /// Configured for whoever will come, and nothing has run since.
    pub waiting: bool,
    /// Counts what came from the host at once. All of it was sent before anything was done about it, so that a file looked
    /// at for one command of it need not be looked at for the next.
    pub batch: u64,
    users: UserCache,
    /// OOM kills counted in a batch.
    oom_kills: (u64, u64),
}

impl Settings {
    /// Settings before any Configure. `run` is the folder shared with the host.
    pub fn new(etc: PathBuf, run: &Path) -> Settings {
        Settings {
            users: UserCache::new(&etc),
            etc,
            environment: BTreeMap::new(),
            account: None,
            memory_bytes: 0,
            machine_id: String::new(),
            meminfo: Meminfo::new(run.join("meminfo")),
            cgroup: Cgroup::find(),
            started: Instant::now(),
            emulated: false,
            waiting: false,
            batch: 0,
            oom_kills: (u64::MAX, 0),
        }
    }

    /// The user that a request names, or the default one.
    pub fn identity(&mut self, user: &str) -> Outcome<Rc<Identity>> {
        self.users.find(user, self.account.as_ref(), self.batch)
    }

    /// The cgroup's count of OOM kills, read once in a batch.
    pub fn oom_kills(&mut self) -> u64 {
        if self.oom_kills.0 != self.batch {
            self.oom_kills = (self.batch, self.cgroup.oom_kills());
        }
        self.oom_kills.1
    }

    /// Whether this is the user of requests that name none.
    pub fn is_default_user(&self, name: &str) -> bool {
        self.account
            .as_ref()
            .map_or(name == "root", |account| account.name == name)
    }
}

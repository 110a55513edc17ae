//! An installation of the test's own: network, cgroups, a layer, bundles. All of it goes with the value.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Helper;
use super::host::{cgroup_directories, patience, unique};

/// Outer id of root in the test boxes.
pub const OWNER_BASE: u32 = 300_000;

pub struct Fixture {
    pub name: String,
    pub directory: PathBuf,
    pub prefix: String,
    pub table: String,
    pub subnet: String,
}

impl Fixture {
    pub fn new() -> Fixture {
        let name = unique();
        let directory = PathBuf::from(format!("/tmp/berth-helper-test-{name}"));
        fs::DirBuilder::new()
            .mode(0o711)
            .create(&directory)
            .unwrap();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id()
            .wrapping_mul(64)
            .wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let fixture = Fixture {
            prefix: format!("t{name}"),
            table: format!("berth_test_{name}"),
            // 512 pairs each, in a part of 10/8 that no other fixture of this program has.
            subnet: format!("10.{}.{}.0/22", 64 + number / 64 % 128, number % 64 * 4),
            directory,
            name,
        };
        fixture.make_layer();
        fixture
    }

    pub fn layer(&self) -> PathBuf {
        self.directory.join("layer")
    }

    fn make_layer(&self) {
        for name in ["bin", "dev", "proc", "tmp", "home/user"] {
            fs::create_dir_all(self.layer().join(name)).unwrap();
        }
        chown(self.layer().join("home/user"), Some(1000), Some(1000)).unwrap();
        fs::copy(init_program(), self.layer().join("bin/init")).unwrap();
    }

    pub fn network_wish(&self, ready: usize) -> Value {
        json!({
            "table": self.table,
            "interfacePrefix": self.prefix,
            "subnet": self.subnet,
            "ready": ready,
            "inUse": [],
            "nameservers": resolvers(),
        })
    }

    /// A helper with its network set up.
    pub fn helper(&self, ready: usize) -> Helper {
        let mut helper = Helper::start();
        helper
            .call("networkSetup", self.network_wish(ready))
            .unwrap();
        helper
    }

    /// The arguments of boxStart for a box whose init gets `words`; its bundle, upper and work are made here.
    pub fn box_wish(&self, box_id: &str, words: &[&str]) -> Value {
        let layers = json!([{ "path": self.layer(), "ownerBase": 0 }]);
        self.box_wish_over(box_id, words, layers, OWNER_BASE)
    }

    /// As [`Fixture::box_wish`], over other layers and with other outer ids.
    pub fn box_wish_over(
        &self,
        box_id: &str,
        words: &[&str],
        layers: Value,
        owner_base: u32,
    ) -> Value {
        let bundle = self.bundle(box_id);
        for name in ["", "upper", "work"] {
            let made = bundle.join(name);
            fs::create_dir_all(&made).unwrap();
            if !name.is_empty() {
                chown(&made, Some(owner_base), Some(owner_base)).unwrap();
            }
        }
        let config = self.oci_config(box_id, words, owner_base);
        fs::write(bundle.join("config.json"), config.to_string()).unwrap();
        let id = self.container(box_id);
        let path = |name: &str| bundle.join(name).to_str().unwrap().to_owned();
        let root = self.runtime_root();
        json!({
            "boxId": box_id,
            "bundle": bundle,
            "layers": layers,
            "upper": path("upper"),
            "work": path("work"),
            "ownerBase": owner_base,
            "runtime": ["runc", "--root", root, "--log", path("log"), "--log-format", "json", "run", "--detach",
                "--bundle", bundle, "--pid-file", path("pid"), id],
            "runtimeDelete": ["runc", "--root", root, "delete", "--force", id],
            "pidFile": path("pid"),
            "timeoutMs": patience(Duration::from_secs(30)).as_millis() as u64,
        })
    }

    pub fn bundle(&self, box_id: &str) -> PathBuf {
        self.directory.join(box_id)
    }

    pub fn container(&self, box_id: &str) -> String {
        format!("{}-{box_id}", self.name)
    }

    pub fn runtime_root(&self) -> PathBuf {
        self.directory.join("runtime")
    }

    fn oci_config(&self, box_id: &str, words: &[&str], owner_base: u32) -> Value {
        let mapping = json!([{ "containerID": 0, "hostID": owner_base, "size": 65_536 }]);
        let mut args = vec!["/bin/init"];
        args.extend(words);
        let namespaces = ["pid", "ipc", "uts", "mount", "user"].map(|kind| json!({ "type": kind }));
        let mut namespaces = namespaces.to_vec();
        namespaces.push(json!({ "type": "network", "path": "@NETNS@" }));
        let capabilities = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_SETUID", "CAP_SETGID"];
        json!({
            "ociVersion": "1.0.2",
            "root": { "path": "rootfs", "readonly": false },
            "process": {
                "args": args,
                "cwd": "/",
                "env": ["PATH=/bin"],
                "user": { "uid": 0, "gid": 0 },
                "capabilities": { "bounding": capabilities, "effective": capabilities, "permitted": capabilities },
            },
            "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
            "linux": {
                "namespaces": namespaces,
                "uidMappings": mapping,
                "gidMappings": mapping,
                "cgroupsPath": self.cgroup(box_id),
            },
        })
    }

    pub fn cgroup(&self, box_id: &str) -> String {
        format!("/berth-test-{}/{box_id}", self.name)
    }

    /// The arguments of boxKill for what boxStart gave.
    pub fn kill_wish(&self, box_id: &str, started: &Value) -> Value {
        json!({
            "boxId": box_id,
            "pid": started["pid"],
            "startTimeTicks": started["startTimeTicks"],
            "cgroups": cgroup_directories(&self.cgroup(box_id)),
            "netSlot": started["netSlot"],
            "timeoutMs": patience(Duration::from_secs(10)).as_millis() as u64,
        })
    }

    pub fn watch_wish(&self, box_id: &str, started: &Value) -> Value {
        json!({ "boxId": box_id, "pid": started["pid"], "startTimeTicks": started["startTimeTicks"] })
    }

    /// Cgroup directories of this installation's boxes that are there.
    pub fn cgroups_left(&self, box_id: &str) -> Vec<String> {
        let all = cgroup_directories(&self.cgroup(box_id));
        all.into_iter()
            .filter(|path| fs::exists(path).unwrap())
            .collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let names =
            json!({ "table": self.table, "interfacePrefix": self.prefix, "subnet": self.subnet });
        let mut helper = Helper::start();
        let parent = format!("/berth-test-{}", self.name);
        let torn_down = helper.call("networkTeardown", names);
        for directory in cgroup_directories(&parent) {
            let boxes: Vec<PathBuf> = fs::read_dir(&directory)
                .map(|entries| {
                    entries
                        .flatten()
                        .map(|entry| entry.path())
                        .filter(|path| path.is_dir())
                        .collect()
                })
                .unwrap_or_default();
            let _ = helper.call("cgroupsRemove", json!({ "paths": boxes }));
            let _ = fs::remove_dir(directory);
        }
        let _ = fs::remove_dir_all(&self.directory);
        if !std::thread::panicking() {
            torn_down.unwrap();
        }
    }
}

/// The machine's IPv4 resolvers.
fn resolvers() -> Vec<String> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver "));
    servers.map(|word| word.trim().to_owned()).collect()
}

/// The static init: `BERTH_TEST_INIT` where no compiler is, else built once a test program.
fn init_program() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(path) = std::env::var_os("BERTH_TEST_INIT") {
            return path.into();
        }
        let target =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("init-{}", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/init.rs");
        let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        let mut command = Command::new(compiler);
        command.args([
            "--edition",
            "2024",
            "-C",
            "target-feature=+crt-static",
            "-C",
            "opt-level=1",
            "-o",
        ]);
        let status = command.arg(&target).arg(source).status().unwrap();
        assert!(status.success(), "the test init does not compile");
        target
    })
}

//! The OCI bundle directory, made by the host; the helper only fills in what it alone knows.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::process::spawn;

/// Longest config.json that is read.
const MAX_CONFIG_BYTES: u64 = 8 << 20;
const MAX_LOG_TAIL_BYTES: u64 = 4 << 10;

/// Makes the mount point of the box's root.
pub fn make_rootfs(bundle: &Path) -> Result<PathBuf> {
    let rootfs = bundle.join("rootfs");
    match fs::create_dir(&rootfs) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => {
            Err(Error::os("mkdir", rootfs.display(), &cause))
        }
        _ => Ok(rootfs),
    }
}

/// Points the `network` namespace of config.json at `namespace_path`, whatever an earlier try left there.
pub fn set_network_namespace(bundle: &Path, namespace_path: &str) -> Result<()> {
    let path = bundle.join("config.json");
    let shown = path.display();
    let length = fs::metadata(&path)
        .map_err(|cause| Error::os("stat", &shown, &cause))?
        .len();
    if length > MAX_CONFIG_BYTES {
        return Err(Error::bad_request(format!("{shown} is too large")));
    }
    let bytes = fs::read(&path).map_err(|cause| Error::os("read", &shown, &cause))?;
    let mut config: Value = serde_json::from_slice(&bytes)
        .map_err(|cause| Error::bad_request(format!("{shown}: {cause}")))?;
    let namespaces = config
        .pointer_mut("/linux/namespaces")
        .and_then(Value::as_array_mut);
    let network = namespaces
        .into_iter()
        .flatten()
        .find(|entry| entry["type"] == "network");
    let Some(Value::Object(network)) = network else {
        return Err(Error::bad_request(format!(
            "{shown} has no network namespace"
        )));
    };
    network.insert("path".to_owned(), namespace_path.into());
    let written = fs::write(&path, config.to_string());
    written.map_err(|cause| Error::os("write", &shown, &cause))
}

/// What the runtime logged (its `--log` file): the messages of errors where the log is JSON, else its last lines.
pub fn runtime_errors(argv: &[String]) -> String {
    let Some(path) = log_path(argv) else {
        return String::new();
    };
    let text = spawn::tail(path, MAX_LOG_TAIL_BYTES);
    let messages: Vec<String> = text.lines().filter_map(logged_error).collect();
    if messages.is_empty() {
        text.trim().to_owned()
    } else {
        messages.join("; ")
    }
}

/// Forgets what earlier commands wrote into the log of this one.
pub fn clear_log(argv: &[String]) -> Result<()> {
    let Some(path) = log_path(argv) else {
        return Ok(());
    };
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(Error::os("unlink", path, &cause)),
        _ => Ok(()),
    }
}

fn logged_error(line: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let grave = matches!(entry["level"].as_str(), Some("error" | "fatal"));
    entry["msg"].as_str().filter(|_| grave).map(str::to_owned)
}

fn log_path(argv: &[String]) -> Option<&str> {
    for (index, word) in argv.iter().enumerate() {
        if word == "--log" {
            return argv.get(index + 1).map(String::as_str);
        }
        if let Some(path) = word.strip_prefix("--log=") {
            return Some(path);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn finds_the_log_in_either_spelling() {
        assert_eq!(log_path(&words("runc --log /a run x")), Some("/a"));
        assert_eq!(log_path(&words("runc --log=/b run x")), Some("/b"));
        assert_eq!(log_path(&words("runc run x --log")), None);
    }

    #[test]
    fn errors_are_taken_out_of_a_json_log_and_junk_is_not() {
        let line = r#"{"level":"error","msg":"no such file","time":"…"}"#;
        assert_eq!(logged_error(line).as_deref(), Some("no such file"));
        for other in [
            r#"{"level":"info","msg":"x"}"#,
            r#"{"level":"error"}"#,
            "cut off\"}",
            "[]",
            "",
        ] {
            assert_eq!(logged_error(other), None, "{other}");
        }
    }

    #[test]
    fn sets_the_namespace_again_and_again() {
        let bundle = std::env::temp_dir().join(format!("berth-bundle-{}", std::process::id()));
        fs::create_dir_all(&bundle).unwrap();
        let config = r#"{"linux":{"namespaces":[{"type":"pid"},{"type":"network","path":"@NETNS@"}]},"big":18446744073709551615}"#;
        fs::write(bundle.join("config.json"), config).unwrap();
        for path in ["/proc/1/fd/3", "/proc/1/fd/4"] {
            set_network_namespace(&bundle, path).unwrap();
        }
        let read: Value =
            serde_json::from_slice(&fs::read(bundle.join("config.json")).unwrap()).unwrap();
        assert_eq!(read["linux"]["namespaces"][1]["path"], "/proc/1/fd/4");
        assert_eq!(read["big"], u64::MAX);
        fs::write(bundle.join("config.json"), r#"{"linux":{"namespaces":[]}}"#).unwrap();
        assert!(
            set_network_namespace(&bundle, "/x")
                .unwrap_err()
                .message
                .contains("no network namespace")
        );
        fs::remove_dir_all(bundle).unwrap();
    }
}

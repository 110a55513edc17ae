//! The files that a login bash reads before a command: whether all they do is to export variables, and whether they are
//! still the same.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file changed less than this ago could change again without a trace in its times.
const SETTLED: Duration = Duration::from_millis(200);
const MAX_FILE_BYTES: u64 = 64 * 1024;
const MAX_PROFILES: usize = 64;

/// Start files that do nothing but set and export `PATH` and read others of this kind, by [`fingerprint`].
const KNOWN: &[u128] = &[
    0xdd47_288e_88a3_17e3_4687_a03d_3130_072a, // default image: /etc/profile
    0xbb0a_8e2c_2552_94f2_4ce1_fe79_81ac_9f14, // default image: ~/.profile
    0x5910_fc87_adf6_f1d6_c1e9_ba31_6f75_2c19, // Debian 12, bash-completion: /etc/profile.d/bash_completion.sh
    0x145c_2555_748b_4132_4547_692f_c37a_321b, // Debian 12, base-files: /etc/profile
    0xac83_f30b_16a2_6d14_498b_7500_deda_211a, // Debian 12, base-files: /root/.profile
    0x9c38_f3ad_cb2b_c182_65dd_6547_c7fb_37b6, // Debian 12, bash: /etc/skel/.profile
];

/// What of a file must stay the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watched {
    /// Everything: content, names in a directory, permissions.
    Whole,
    /// That it is there and the same one; a directory's contents may change.
    Presence,
}

#[derive(PartialEq, Eq)]
struct Stamp {
    place: (u64, u64),
    rights: (u32, u32, u32),
    /// Size, and times of change of content and of anything; zero when only presence counts.
    content: (u64, i128, i128),
}

/// The start files of one home directory as they were looked at.
pub struct StartFiles(Vec<(PathBuf, Watched, Option<Stamp>)>);

impl StartFiles {
    /// Looks at them. `None` when one is not known, or was changed too short a time ago to tell a next change.
    pub fn look(home: &str) -> Option<StartFiles> {
        let home = Path::new(home);
        let folder = Path::new("/etc/profile.d");
        let mut scripts = Vec::new();
        if let Ok(entries) = std::fs::read_dir(folder) {
            for entry in entries {
                let path = entry.ok()?.path();
                if path.extension().is_some_and(|extension| extension == "sh") {
                    scripts.push(path);
                }
            }
        }
        if scripts.len() > MAX_PROFILES {
            return None;
        }
        scripts.push("/etc/profile".into());
        scripts.push(home.join(".profile"));
        let bashrc = home.join(".bashrc");
        let absent = [home.join(".bash_profile"), home.join(".bash_login")];
        let present = [
            home.join("bin"),
            home.join(".local"),
            home.join(".local/bin"),
            home.into(),
            "/etc".into(),
        ];
        let whole = scripts.iter().chain(&absent).chain([&bashrc]);
        let files = StartFiles(
            whole
                .map(|path| (path.clone(), Watched::Whole))
                .chain([
                    (folder.into(), Watched::Whole),
                    ("/bin/bash".into(), Watched::Whole),
                ])
                .chain(present.map(|path| (path, Watched::Presence)))
                .map(|(path, watched)| {
                    let stamp = stamp(&path, watched);
                    (path, watched, stamp)
                })
                .collect(),
        );
        let known = files.settled()
            && absent
                .iter()
                .all(|path| std::fs::symlink_metadata(path).is_err())
            && scripts
                .iter()
                .all(|path| read(path).is_some_and(|text| is_known(&text)))
            && read(&bashrc).is_some_and(|text| is_harmless_bashrc(&text));
        known.then_some(files)
    }

    /// Nothing has changed since.
    pub fn same(&self) -> bool {
        self.0
            .iter()
            .all(|(path, watched, known)| stamp(path, *watched) == *known)
    }

    fn settled(&self) -> bool {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_nanos() as i128);
        let newest = now - SETTLED.as_nanos() as i128;
        self.0
            .iter()
            .filter_map(|(_, _, stamp)| stamp.as_ref())
            .all(|stamp| stamp.content.2 < newest)
    }
}

fn stamp(path: &Path, watched: Watched) -> Option<Stamp> {
    let data: Metadata = std::fs::metadata(path).ok()?;
    let time = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    Some(Stamp {
        place: (data.dev(), data.ino()),
        rights: (data.mode(), data.uid(), data.gid()),
        content: match watched {
            Watched::Presence => (0, 0, 0),
            Watched::Whole => (
                data.size(),
                time(data.mtime(), data.mtime_nsec()),
                time(data.ctime(), data.ctime_nsec()),
            ),
        },
    })
}

/// The text of a start file, empty when there is none; `None` for what is not a short regular file.
fn read(path: &Path) -> Option<String> {
    let file: File = match OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(String::new()),
        Err(_) => return None,
    };
    let kind = file.metadata().ok()?.file_type();
    if !kind.is_file() || kind.is_fifo() {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .ok()?;
    (text.len() as u64 <= MAX_FILE_BYTES).then_some(text)
}

/// The lines that do something, with single blanks.
fn essence(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines()
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A number for the essence of a start file (FNV-1a). Whoever made another text with the same number in his own box would
/// fool himself.
fn fingerprint(text: &str) -> u128 {
    let mut number: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in essence(text).flat_map(|line| (line + "\n").into_bytes()) {
        number =
            (number ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    number
}

fn is_known(text: &str) -> bool {
    essence(text).next().is_none() || KNOWN.contains(&fingerprint(text))
}

/// Does nothing, or returns at once where nobody types: then the rest does not matter.
fn is_harmless_bashrc(text: &str) -> bool {
    let mut lines = essence(text);
    let head: String = lines.by_ref().take(4).collect::<Vec<_>>().join(" ");
    head.is_empty()
        || head
            .replace("return ;;", "return;;")
            .starts_with("case $- in *i*) ;; *) return;; esac")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_image(name: &str) -> String {
        let root = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../host/images/default/files/etc/"
        );
        std::fs::read_to_string(format!("{root}{name}")).unwrap()
    }

    #[test]
    fn knows_the_start_files_of_the_default_image() {
        for name in ["profile", "skel/.profile"] {
            let text = of_image(name);
            assert!(
                is_known(&text),
                "{name}: add {:#x} to KNOWN if it still does nothing else",
                fingerprint(&text)
            );
            assert!(!is_known(&(text + "\ndate\n")), "{name}");
        }
        assert!(is_harmless_bashrc(&of_image("skel/.bashrc")));
    }

    #[test]
    fn what_follows_the_return_of_a_bashrc_does_not_matter() {
        let text = of_image("skel/.bashrc");
        assert!(is_harmless_bashrc(&(text.clone() + "export A=1\n")));
        assert!(!is_harmless_bashrc(&("export A=1\n".to_string() + &text)));
        assert!(!is_harmless_bashrc(
            "case $- in\n *i*) ;;\n *) date; return;;\nesac\n"
        ));
        assert!(is_harmless_bashrc("# nothing\n\n"));
    }

    #[test]
    fn comments_and_blanks_do_not_count_but_all_else_does() {
        assert_eq!(fingerprint("# x\n\n  a   b\n"), fingerprint("a b\n# y\n"));
        assert_ne!(fingerprint("a b\n"), fingerprint("a\nb\n"));
    }
}

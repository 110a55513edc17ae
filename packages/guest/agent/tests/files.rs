//! Files: read, write, stat, list, remove, make directories; as which user; which errors.

mod support;

use berth_guest::messages::*;
use prost::Message;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use support::requests::{read, stat, write};
use support::{Host, is_root};

fn upload(host: &mut Host, wish: WriteFile, bytes: &[u8]) -> u64 {
    let id = host.open(Request::WriteFile(wish));
    host.input(id, bytes, true);
    host.finish(id);
    id
}

fn written(host: &mut Host, wish: WriteFile, bytes: &[u8]) -> FileInfo {
    let id = upload(host, wish, bytes);
    let status = host.views[&id].status.clone().unwrap();
    assert_eq!(status.error, None);
    status.file.unwrap()
}

fn refused(host: &mut Host, wish: WriteFile) -> String {
    let id = upload(host, wish, b"bytes");
    host.views[&id].error().message
}

fn entries(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_again() {
    let mut host = Host::start();
    for size in [0usize, 1, 131_064, 131_065, 9_000_001] {
        let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        let info = written(&mut host, write("~/file"), &bytes);
        assert_eq!(
            (info.size_bytes, info.mode, info.name.as_str()),
            (size as u64, 0o644, "file")
        );
        let view = host.call(read("file"));
        assert!(view.out[0] == bytes);
        let info = view.status.clone().unwrap().file.unwrap();
        assert_eq!(
            (info.size_bytes, info.kind),
            (size as u64, FileKind::File as i32)
        );
    }
    let part = Request::ReadFile(ReadFile {
        path: "~/file".into(),
        offset: 251,
        length: 3,
        ..ReadFile::default()
    });
    assert_eq!(host.call(part).out[0], [0, 1, 2]);
    assert!(
        host.call(read("/proc/self/status"))
            .text()
            .starts_with("Name:")
    );
}

#[test]
fn errors_name_the_path() {
    let mut host = Host::start();
    let folder = host.path("home");
    let message = |host: &mut Host, request| host.call(request).error().message;
    assert_eq!(
        message(&mut host, read("/no/file")),
        "file does not exist: /no/file"
    );
    assert_eq!(
        message(&mut host, read(&folder)),
        format!("{folder} is a directory")
    );
    assert_eq!(
        message(&mut host, stat("/no/file")),
        "file does not exist: /no/file"
    );
    assert_eq!(message(&mut host, read("")), "path is empty");
    assert_eq!(
        message(&mut host, read("/etc/passwd/x")),
        "not a directory: /etc/passwd/x"
    );
    assert_eq!(
        message(&mut host, read("/dev/zero")),
        "not a regular file: /dev/zero"
    );
    assert_eq!(
        refused(&mut host, write(&folder)),
        format!("{folder} is a directory")
    );
    assert_eq!(
        refused(&mut host, write("/no/dir/file")),
        "file does not exist: /no/dir/file"
    );
    assert_eq!(host.call(read("/no/file")).eof[0], Some(0));
}

#[test]
fn parents_directories_names_and_modes() {
    let mut host = Host::start();
    let folder = host.path("home");
    written(
        &mut host,
        WriteFile {
            make_parents: true,
            mode: 0o750,
            ..write("a/b/c")
        },
        b"x",
    );
    assert_eq!(
        std::fs::metadata(format!("{folder}/a/b/c")).unwrap().mode() & 0o7777,
        0o750
    );
    written(&mut host, write("a/b/c"), b"y");
    assert_eq!(
        std::fs::metadata(format!("{folder}/a/b/c")).unwrap().mode() & 0o7777,
        0o750,
        "kept"
    );
    for (number, path) in ["~", "a/", "a/b"].into_iter().enumerate() {
        let name = format!("n{number}");
        let info = written(
            &mut host,
            WriteFile {
                name_in_directory: name.clone(),
                ..write(path)
            },
            b"z",
        );
        assert_eq!(info.name, name);
    }
    for name in ["../x", "..", "a/b", "."] {
        let wish = WriteFile {
            name_in_directory: name.into(),
            ..write("a/")
        };
        assert!(
            refused(&mut host, wish).starts_with("bad file name"),
            "{name}"
        );
    }
    written(
        &mut host,
        WriteFile {
            append: true,
            ..write("a/b/c")
        },
        b"+more",
    );
    assert_eq!(
        std::fs::read_to_string(format!("{folder}/a/b/c")).unwrap(),
        "y+more"
    );
    written(
        &mut host,
        WriteFile {
            append: true,
            ..write("fresh")
        },
        b"new",
    );
    assert_eq!(
        entries(&folder),
        ["a", "fresh", "n0"],
        "nothing else is left"
    );
}

#[test]
fn links_are_written_through_and_hard_links_kept() {
    let mut host = Host::start();
    let folder = host.path("home");
    std::fs::write(format!("{folder}/real"), "old").unwrap();
    std::os::unix::fs::symlink("real", format!("{folder}/link")).unwrap();
    std::os::unix::fs::symlink("later", format!("{folder}/dangling")).unwrap();
    std::fs::hard_link(format!("{folder}/real"), format!("{folder}/twin")).unwrap();
    written(&mut host, write("link"), b"through");
    written(&mut host, write("dangling"), b"made");
    for (name, text) in [("real", "through"), ("twin", "through"), ("later", "made")] {
        assert_eq!(
            std::fs::read_to_string(format!("{folder}/{name}")).unwrap(),
            text
        );
    }
    assert!(
        std::fs::symlink_metadata(format!("{folder}/link"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn an_aborted_upload_leaves_nothing() {
    let mut host = Host::start();
    let folder = host.path("home");
    std::fs::write(format!("{folder}/file"), "old").unwrap();
    let id = host.open(Request::WriteFile(write("file")));
    host.input(id, &[b'x'; 500_000], false);
    host.until(id, |view| view.received == 500_000);
    assert_eq!(entries(&folder).len(), 2);
    host.close(id);
    host.call(stat("file"));
    assert_eq!(entries(&folder), ["file"]);
    assert_eq!(
        std::fs::read_to_string(format!("{folder}/file")).unwrap(),
        "old"
    );
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let mut host = Host::start();
    if !is_root("a file system of its own") {
        return;
    }
    let small = host.path("small");
    std::fs::create_dir(&small).unwrap();
    let mount = |words: &[&str]| {
        std::process::Command::new(words[0])
            .args(&words[1..])
            .status()
            .unwrap()
            .success()
    };
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=1m", "none", &small]) {
        return;
    }
    let id = upload(
        &mut host,
        write(&format!("{small}/file")),
        &vec![1; 3_000_000],
    );
    let error = host.views[&id].error();
    let left = entries(&small);
    assert!(mount(&["umount", &small]));
    assert_eq!(error.code, ErrorCode::NoSpace as i32);
    assert_eq!(
        error.message,
        format!("no space left on device: {small}/file")
    );
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn stat_list_make_and_remove() {
    let mut host = Host::start();
    let make = |path: &str, parents| {
        Request::MakeDirectory(MakeDirectory {
            path: path.into(),
            parents,
            ..MakeDirectory::default()
        })
    };
    assert_eq!(
        host.call(make("~/d", false)).status.as_ref().unwrap().error,
        None
    );
    assert!(
        host.call(make("~/d", false))
            .error()
            .message
            .starts_with("already exists")
    );
    assert!(
        host.call(make("~/x/y", false))
            .error()
            .message
            .starts_with("file does not exist")
    );
    assert_eq!(
        host.call(make("~/d/e/f", true))
            .status
            .as_ref()
            .unwrap()
            .error,
        None
    );
    std::os::unix::fs::symlink("e", host.path("home/d/link")).unwrap();
    for n in 0..500 {
        std::fs::write(host.path(&format!("home/d/file{n}")), "x").unwrap();
    }
    let list = Request::List(List {
        path: "d".into(),
        ..List::default()
    });
    let bytes = host.call(list).out[0].clone();
    let mut rest = bytes.as_slice();
    let mut kinds = [0; 5];
    while !rest.is_empty() {
        let info = FileInfo::decode_length_delimited(&mut rest).unwrap();
        kinds[info.kind as usize] += 1;
        if info.name == "link" {
            assert_eq!(info.link_target, "e");
        }
    }
    assert_eq!(kinds, [0, 500, 1, 1, 0]);
    let missing = Request::List(List {
        path: "/nope".into(),
        ..List::default()
    });
    assert_eq!(
        host.call(missing).error().message,
        "file does not exist: /nope"
    );
    let remove = |path: &str, recursive| {
        Request::Remove(Remove {
            path: path.into(),
            recursive,
            ..Remove::default()
        })
    };
    assert!(
        host.call(remove("d", false))
            .error()
            .message
            .starts_with("directory is not empty")
    );
    assert_eq!(
        host.call(remove("d", true)).status.as_ref().unwrap().error,
        None
    );
    assert!(
        host.call(remove("d", true))
            .error()
            .message
            .starts_with("file does not exist")
    );
    assert!(
        host.call(remove("/", true))
            .error()
            .message
            .starts_with("will not remove")
    );
}

#[test]
fn the_users_permissions_apply() {
    let mut host = Host::start();
    if !is_root("switching users") {
        return;
    }
    let folder = host.path("secret");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(format!("{folder}/file"), "x").unwrap();
    let path = format!("{folder}/file");
    let denied = format!("permission denied: {path}");
    let user = || "other".to_string();
    let requests = [
        Request::ReadFile(ReadFile {
            path: path.clone(),
            user: user(),
            ..ReadFile::default()
        }),
        Request::Stat(Stat {
            path: path.clone(),
            user: user(),
            ..Stat::default()
        }),
        Request::List(List {
            path: path.clone(),
            user: user(),
        }),
        Request::Remove(Remove {
            path: path.clone(),
            user: user(),
            ..Remove::default()
        }),
        Request::WriteFile(WriteFile {
            user: user(),
            ..write(&path)
        }),
        Request::TarOut(TarOut {
            path: path.clone(),
            user: user(),
        }),
    ];
    for request in requests {
        assert_eq!(host.call(request).error().message, denied);
    }
    let open = host.path("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
    let info = written(
        &mut host,
        WriteFile {
            user: user(),
            make_parents: true,
            ..write(&format!("{open}/a/b"))
        },
        b"x",
    );
    assert_eq!((info.uid, info.gid), (54321, 54322));
    let parent = std::fs::metadata(format!("{open}/a")).unwrap();
    assert_eq!((parent.uid(), parent.gid()), (54321, 54322));
    // Root overwrites: the owner stays. The user overwrites a file that it may write in a directory that it may not.
    let info = written(&mut host, write(&format!("{open}/a/b")), b"y");
    assert_eq!(info.uid, 54321);
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    let info = written(
        &mut host,
        WriteFile {
            user: user(),
            ..write(&path)
        },
        b"in place",
    );
    assert_eq!(
        (info.uid, std::fs::read_to_string(&path).unwrap().as_str()),
        (0, "in place")
    );
    let whoami = Request::Exec(Exec {
        user: user(),
        argv: vec!["id".into()],
        ..support::requests::exec("id", "")
    });
    let text = host.call(whoami).text();
    assert!(
        text.starts_with("uid=54321") && text.contains("gid=54322"),
        "{text}"
    );
    assert!(text.contains("groups=54322,54323"), "{text}");
}

#[test]
fn a_flush_ends_well() {
    let mut host = Host::start();
    written(&mut host, write("~/file"), b"bytes");
    let view = host.call(Request::Sync(Sync {}));
    assert_eq!(view.status.clone().unwrap().error, None);
}

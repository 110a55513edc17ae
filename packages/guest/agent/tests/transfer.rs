//! Tar in and out, and what hostile archives try.

mod support;

use berth_guest::messages::{Request, TarIn, TarOut};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use support::Host;
use tar::{Archive, Builder, EntryType, Header};

fn header(kind: EntryType, size: usize, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(mode);
    header.set_mtime(1_600_000_000);
    header
}

fn put_file(builder: &mut Builder<Vec<u8>>, name: &str, mode: u32, bytes: &[u8]) {
    let mut header = header(EntryType::Regular, bytes.len(), mode);
    builder.append_data(&mut header, name, bytes).unwrap();
}

/// A name that the library would refuse to write.
fn put_raw(builder: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, link: &str, bytes: &[u8]) {
    let mut header = header(kind, bytes.len(), 0o644);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.name[..name.len()].copy_from_slice(name.as_bytes());
    gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
}

fn extract(host: &mut Host, path: &str, archive: &[u8], gzip: bool) -> u64 {
    let id = host.open(Request::TarIn(TarIn {
        path: path.into(),
        gzip,
        ..TarIn::default()
    }));
    host.input(id, archive, true);
    host.finish(id);
    id
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let mut host = Host::start();
    let folder = host.path("home/tree");
    std::fs::create_dir_all(format!("{folder}/deep/empty")).unwrap();
    let big: Vec<u8> = (0..2_000_000u32).map(|n| (n % 253) as u8).collect();
    std::fs::write(format!("{folder}/deep/big"), &big).unwrap();
    std::fs::write(format!("{folder}/run.sh"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(format!("{folder}/run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    let long = "n".repeat(180);
    std::fs::write(format!("{folder}/deep/{long}"), "long").unwrap();
    std::os::unix::fs::symlink("deep/big", format!("{folder}/link")).unwrap();
    host.window = 100_000;
    let archive = host
        .call(Request::TarOut(TarOut {
            path: "tree".into(),
            ..TarOut::default()
        }))
        .out[0]
        .clone();
    let names: Vec<String> = Archive::new(archive.as_slice())
        .entries()
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(names.len() == 7, "{names:?}");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&archive).unwrap();
    let packed = gzip.finish().unwrap();
    for (target, bytes, is_gzip) in [("plain/new", &archive, false), ("packed", &packed, true)] {
        let id = extract(&mut host, target, bytes, is_gzip);
        assert_eq!(host.views[&id].status.as_ref().unwrap().error, None);
        let folder = host.path(&format!("home/{target}"));
        assert!(std::fs::read(format!("{folder}/deep/big")).unwrap() == big);
        assert_eq!(
            std::fs::read_to_string(format!("{folder}/deep/{long}")).unwrap(),
            "long"
        );
        assert_eq!(
            std::fs::metadata(format!("{folder}/run.sh"))
                .unwrap()
                .mode()
                & 0o777,
            0o755
        );
        assert_eq!(
            std::fs::read_link(format!("{folder}/link"))
                .unwrap()
                .to_str(),
            Some("deep/big")
        );
        assert!(
            std::fs::metadata(format!("{folder}/deep/empty"))
                .unwrap()
                .is_dir()
        );
    }
    let one = host
        .call(Request::TarOut(TarOut {
            path: "tree/run.sh".into(),
            ..TarOut::default()
        }))
        .out[0]
        .clone();
    let names: Vec<_> = Archive::new(one.as_slice())
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().into_owned())
        .collect();
    assert_eq!(names, [std::path::PathBuf::from("run.sh")]);
}

#[test]
fn no_entry_leaves_the_directory() {
    let mut host = Host::start();
    let outside = host.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(format!("{outside}/victim"), "safe").unwrap();
    type Attack = Box<dyn Fn(&mut Builder<Vec<u8>>)>;
    let attacks: Vec<Attack> = vec![
        Box::new(|b| put_raw(b, EntryType::Regular, "../outside/victim", "", b"bad")),
        Box::new(|b| {
            put_raw(
                b,
                EntryType::Regular,
                "a/../../../outside/victim",
                "",
                b"bad",
            )
        }),
        Box::new(|b| put_raw(b, EntryType::Symlink, "../outside/new", "/etc", b"")),
        Box::new({
            let outside = outside.clone();
            move |b| {
                put_raw(b, EntryType::Symlink, "out", &outside, b"");
                put_raw(b, EntryType::Regular, "out/victim", "", b"bad");
            }
        }),
        Box::new(|b| {
            put_raw(b, EntryType::Symlink, "out", "../../outside", b"");
            put_raw(b, EntryType::Regular, "out/new", "", b"bad");
        }),
        Box::new({
            let outside = outside.clone();
            move |b| {
                put_raw(
                    b,
                    EntryType::Link,
                    "hard",
                    &format!("{outside}/victim"),
                    b"",
                );
                put_raw(b, EntryType::Regular, "hard", "", b"bad");
            }
        }),
        Box::new(|b| {
            put_raw(b, EntryType::Link, "hard", "../../outside/victim", b"");
            put_raw(b, EntryType::Regular, "hard", "", b"bad");
        }),
        Box::new(|b| {
            put_raw(b, EntryType::Symlink, "x", ".", b"");
            put_raw(b, EntryType::Symlink, "x/y", "../..", b"");
            put_raw(b, EntryType::Regular, "x/y/outside/new", "", b"bad");
        }),
    ];
    for (number, attack) in attacks.iter().enumerate() {
        let mut builder = Builder::new(Vec::new());
        attack(&mut builder);
        put_file(&mut builder, "after", 0o644, b"x");
        let archive = builder.into_inner().unwrap();
        extract(&mut host, &format!("t{number}/in"), &archive, false);
        assert_eq!(
            std::fs::read_to_string(format!("{outside}/victim")).unwrap(),
            "safe",
            "attack {number}"
        );
        assert_eq!(
            std::fs::read_dir(&outside).unwrap().count(),
            1,
            "attack {number}"
        );
    }
}

#[test]
fn an_absolute_name_lands_inside_and_setuid_bits_are_dropped() {
    let mut host = Host::start();
    let mut builder = Builder::new(Vec::new());
    put_raw(&mut builder, EntryType::Regular, "/abs/file", "", b"x");
    put_file(&mut builder, "suid", 0o6755, b"x");
    let id = extract(&mut host, "in", &builder.into_inner().unwrap(), false);
    assert_eq!(host.views[&id].status.as_ref().unwrap().error, None);
    assert!(support::exists(host.path("home/in/abs/file")) && !support::exists("/abs/file"));
    assert_eq!(
        std::fs::metadata(host.path("home/in/suid")).unwrap().mode() & 0o7777,
        0o755
    );
}

#[test]
fn damaged_archives_are_refused() {
    let mut host = Host::start();
    let mut builder = Builder::new(Vec::new());
    put_file(&mut builder, "file", 0o644, &[1; 5000]);
    let archive = builder.into_inner().unwrap();
    let noise: Vec<u8> = (0..4096u32).map(|n| (n * 31 % 251) as u8).collect();
    for (bytes, gzip) in [
        (&archive[..1000], false),
        (&noise[..], false),
        (&noise[..], true),
        (&archive[..], true),
    ] {
        let id = extract(&mut host, "in", bytes, gzip);
        let error = host.views[&id].error();
        assert!(error.message.starts_with("archive"), "{}", error.message);
    }
    let id = extract(&mut host, "/proc/version/x", &archive, false);
    assert!(
        host.views[&id]
            .error()
            .message
            .starts_with("not a directory")
    );
}

#[test]
fn a_closed_transfer_ends_its_worker() {
    let mut host = Host::start();
    host.window = 10;
    std::fs::write(host.path("home/big"), vec![0; 3_000_000]).unwrap();
    let out = host.open(Request::TarOut(TarOut {
        path: "~".into(),
        ..TarOut::default()
    }));
    host.until(out, |view| !view.out[0].is_empty());
    let into = host.open(Request::TarIn(TarIn {
        path: "in".into(),
        ..TarIn::default()
    }));
    host.until(into, |view| view.limit > 0);
    let guest = host.guest.id();
    let children =
        move || std::fs::read_to_string(format!("/proc/{guest}/task/{guest}/children")).unwrap();
    assert_eq!(children().split_whitespace().count(), 2);
    host.close(out);
    host.close(into);
    support::eventually("no worker is left", || children().trim().is_empty());
}

//! Watch and Forward: streams that live until they are closed.

mod support;

use berth_guest::messages::{FileEvent, FileEventKind, Forward, Phase, Request, Watch};
use prost::Message;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use support::{Host, View};

fn events(view: &View) -> Vec<(FileEventKind, String, String)> {
    let mut rest = view.out[0].as_slice();
    let mut list = Vec::new();
    while let Ok(event) = FileEvent::decode_length_delimited(&mut rest) {
        if rest.is_empty() && event == FileEvent::default() {
            break;
        }
        list.push((event.kind(), event.path.clone(), event.moved_to.clone()));
        if rest.is_empty() {
            break;
        }
    }
    list
}

fn running(view: &View) -> bool {
    view.status
        .as_ref()
        .is_some_and(|status| status.phase == Phase::Running as i32)
}

#[test]
fn a_watch_reports_what_happens_below() {
    let mut host = Host::start();
    let home = host.path("home");
    std::fs::create_dir(format!("{home}/old")).unwrap();
    let id = host.open(Request::Watch(Watch {
        path: "~".into(),
        recursive: true,
        ..Watch::default()
    }));
    host.until(id, running);
    let mut expect = |kind: FileEventKind, path: &str, moved_to: &str| {
        let path = format!("{home}/{path}");
        let moved_to = if moved_to.is_empty() {
            String::new()
        } else {
            format!("{home}/{moved_to}")
        };
        let wanted = (kind, path, moved_to);
        host.until(id, |view| events(view).contains(&wanted));
    };
    let at = |name: &str| format!("{home}/{name}");
    std::fs::write(at("a"), "x").unwrap();
    expect(FileEventKind::Created, "a", "");
    expect(FileEventKind::Modified, "a", "");
    std::fs::rename(at("a"), at("b")).unwrap();
    expect(FileEventKind::Moved, "a", "b");
    std::fs::remove_file(at("b")).unwrap();
    expect(FileEventKind::Removed, "b", "");
    std::fs::write(at("old/in"), "x").unwrap();
    expect(FileEventKind::Modified, "old/in", "");
    std::fs::create_dir_all(at("new/deeper")).unwrap();
    expect(FileEventKind::Created, "new/deeper", "");
    std::fs::rename(at("old"), at("moved")).unwrap();
    expect(FileEventKind::Moved, "old", "moved");
    std::fs::write(at("moved/late"), "x").unwrap();
    expect(FileEventKind::Created, "moved/late", "");
    let guest = host.guest.id();
    host.close(id);
    support::eventually("the watcher ends", || {
        std::fs::read_to_string(format!("/proc/{guest}/task/{guest}/children"))
            .unwrap()
            .trim()
            .is_empty()
    });
}

#[test]
fn a_slow_reader_of_a_watch_is_told_of_an_overflow() {
    let mut host = Host::start();
    host.window = 200;
    let home = host.path("home");
    let id = host.open(Request::Watch(Watch {
        path: "~".into(),
        ..Watch::default()
    }));
    host.until(id, running);
    for _ in 0..15_000 {
        std::fs::create_dir(format!("{home}/d")).unwrap();
        std::fs::remove_dir(format!("{home}/d")).unwrap();
    }
    host.views.get_mut(&id).unwrap().window = 1 << 22;
    // An event of kind OVERFLOW without a path, as it is on the wire.
    let overflow = [2, 8, FileEventKind::Overflow as u8];
    let seen = std::cell::Cell::new(0);
    host.until(id, |view| {
        let from = seen.replace(view.out[0].len().saturating_sub(2)).max(2) - 2;
        view.out[0][from..]
            .windows(3)
            .any(|bytes| bytes == overflow)
    });
}

#[test]
fn a_watch_of_nothing_is_refused() {
    let mut host = Host::start();
    let view = host.call(Request::Watch(Watch {
        path: "/no/dir".into(),
        ..Watch::default()
    }));
    assert_eq!(view.error().message, "file does not exist: /no/dir");
}

fn forward(port: u16) -> Request {
    Request::Forward(Forward {
        host: "localhost".into(),
        port: u32::from(port),
    })
}

#[test]
fn a_forward_carries_bytes_and_half_closes() {
    let mut host = Host::start();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let serve = std::thread::spawn(move || {
        let (mut socket, _) = server.accept().unwrap();
        let mut request = Vec::new();
        socket.read_to_end(&mut request).unwrap();
        socket.write_all(&request).unwrap();
        socket.write_all(b"end").unwrap();
        socket.shutdown(Shutdown::Both).unwrap();
    });
    let bytes: Vec<u8> = (0..1_000_000u32).flat_map(|n| n.to_le_bytes()).collect();
    let id = host.open(forward(port));
    host.until(id, running);
    host.input(id, &bytes, true);
    let view = host.finish(id);
    assert_eq!(view.status.as_ref().unwrap().error, None);
    assert!(view.out[0][..bytes.len()] == bytes && view.out[0].ends_with(b"end"));
    serve.join().unwrap();
}

#[test]
fn the_far_end_may_close_first() {
    let mut host = Host::start();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let serve = std::thread::spawn(move || {
        let (mut socket, _) = server.accept().unwrap();
        socket.write_all(b"hello").unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap();
        rest
    });
    let id = host.open(forward(port));
    host.until(id, |view| view.eof[0].is_some());
    assert_eq!(host.views[&id].text(), "hello");
    host.input(id, b"answer", true);
    host.finish(id);
    assert_eq!(serve.join().unwrap(), b"answer");
}

#[test]
fn a_closed_port_is_refused_and_a_closed_stream_closes_the_socket() {
    let mut host = Host::start();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let id = host.open(forward(port));
    let (mut socket, _) = server.accept().unwrap();
    host.until(id, running);
    host.close(id);
    assert_eq!(socket.read(&mut [0; 8]).unwrap(), 0);
    drop((socket, server));
    let error = host.call(forward(port)).error();
    assert_eq!(error.code, berth_guest::messages::ErrorCode::Refused as i32);
    assert_eq!(host.call(forward(0)).error().message, "bad port: 0");
}

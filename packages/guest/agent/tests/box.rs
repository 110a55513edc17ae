//! The box as a whole: Configure, metrics, meminfo, breaches of the protocol, memory.

mod support;

use berth_guest::frame::{Kind, put_frame, put_header, put_words};
use berth_guest::messages::*;
use support::Host;
use support::requests::{exec, run};

fn configure(memory_bytes: u64) -> Configure {
    Configure {
        environment: [
            ("FROM_BOX".to_string(), "yes".to_string()),
            ("PATH".into(), "/opt/bin:/usr/bin:/bin".into()),
        ]
        .into(),
        memory_bytes,
        entropy: vec![7; 300],
        ..Configure::default()
    }
}

#[test]
fn configured_variables_reach_processes_and_exec_wins() {
    let mut host = Host::start();
    for _ in 0..2 {
        let view = host.call(Request::Configure(configure(0)));
        assert_eq!(view.status.as_ref().unwrap().error, None);
    }
    let argv = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
    let plain = Exec {
        argv: argv(&["printenv", "FROM_BOX", "PATH", "LANG"]),
        ..exec("a", "")
    };
    assert_eq!(
        host.call(Request::Exec(plain)).text(),
        "yes\n/opt/bin:/usr/bin:/bin\nC.UTF-8\n"
    );
    let own = Exec {
        argv: argv(&["printenv", "FROM_BOX"]),
        environment: [("FROM_BOX".to_string(), "own".to_string())].into(),
        ..exec("b", "")
    };
    assert_eq!(host.call(Request::Exec(own)).text(), "own\n");
}

#[test]
fn files_of_the_box_are_written() {
    let mut host = Host::start();
    let wish = Configure {
        nameservers: vec!["10.9.8.7".into()],
        hosts: vec![HostEntry {
            address: "10.1.2.3".into(),
            names: vec!["peer".into()],
        }],
        user: Some(UserAccount {
            name: "root".into(),
            uid: 0,
            gid: 0,
            home: host.path("home"),
        }),
        ..configure(0)
    };
    assert_eq!(
        host.call(Request::Configure(wish))
            .status
            .as_ref()
            .unwrap()
            .error,
        None
    );
    let text = |host: &Host, name: &str| {
        std::fs::read_to_string(host.path(&format!("etc/{name}"))).unwrap_or_default()
    };
    assert_eq!(text(&host, "resolv.conf"), "nameserver 10.9.8.7\n");
    assert!(
        !support::exists(host.path("etc/sudoers.d/90-berth-user")),
        "root needs none"
    );
    let bad = Configure {
        nameservers: vec!["x\ny".into()],
        ..configure(0)
    };
    assert!(
        host.call(Request::Configure(bad))
            .error()
            .message
            .starts_with("bad name server")
    );
}

#[test]
fn meminfo_is_kept_while_commands_run() {
    let mut host = Host::start();
    let path = host.path("meminfo");
    std::fs::write(&path, "").unwrap();
    host.call(Request::Configure(configure(3 << 30)));
    let first = std::fs::read_to_string(&path).unwrap();
    assert!(
        first.starts_with("MemTotal:               3145728 kB\n"),
        "{first}"
    );
    assert!(first.contains("SwapTotal:                    0 kB\n"));
    std::fs::write(&path, "x".repeat(first.len())).unwrap();
    let view = host.call(run("a", &format!("sleep 1.3; head -c 9 {path}")));
    assert_eq!(view.text(), "MemTotal:");
}

#[test]
fn metrics_are_real() {
    let mut host = Host::start();
    let metrics = host
        .call(Request::Metrics(Metrics {}))
        .status
        .clone()
        .unwrap()
        .metrics
        .unwrap();
    assert!(metrics.disk_total_bytes > metrics.disk_used_bytes && metrics.disk_used_bytes > 0);
    assert!(metrics.processes > 1);
    assert!(metrics.guest_private_bytes > 0);
}

#[test]
fn breaches_end_the_connection_and_harm_nothing() {
    let mut host = Host::start();
    let id = host.open(run("a", "sleep 0.5; echo done"));
    host.until(id, |view| view.status.is_some());
    type Breach = Box<dyn Fn(&mut Vec<u8>)>;
    let breaches: Vec<Breach> = vec![
        Box::new(|out| out.extend_from_slice(&[0xff; 64])),
        Box::new(|out| put_header(out, Kind::Open, 0, 9, 131_073)),
        Box::new(|out| put_frame(out, Kind::Open, 0, 99, &[0xff; 20])),
        Box::new(|out| put_frame(out, Kind::Data, 0, 12345, &[0; 20])),
        Box::new(move |out| put_frame(out, Kind::Data, 0, id, &[0; 20])),
        Box::new(move |out| put_words(out, Kind::Credit, 1, id, &[u64::MAX, u64::MAX])),
        Box::new(move |out| put_words(out, Kind::Credit, 0, id, &[0, 0])),
        Box::new(|out| put_frame(out, Kind::Ping, 0, 0, &[1])),
        Box::new(|out| put_frame(out, Kind::Hello, 0, 0, &[])),
        Box::new(|out| put_frame(out, Kind::Ready, 0, 0, &[])),
        Box::new(|out| {
            for _ in 0..150 {
                put_frame(out, Kind::Part, 0, 77, &[0; 131_072]);
            }
        }),
    ];
    for (number, breach) in breaches.iter().enumerate() {
        host.send(|out| breach(out));
        while host.step() {}
        host.connect();
        assert_eq!(host.connections as usize, number + 2);
    }
    assert_eq!(host.finish(id).text(), "done\n");
}

#[test]
fn unknown_requests_and_frame_types_are_survived() {
    let mut host = Host::start();
    host.send(|out| {
        out.extend_from_slice(&[3, 0, 0, 0, 200, 9, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3]);
        put_frame(out, Kind::Close, 0, 4242, &[]);
        put_words(out, Kind::Credit, 1, 4242, &[0, 5]);
        put_frame(out, Kind::Ping, 0, 0, b"12345678");
        put_frame(out, Kind::Open, 0, 4243, &[]);
    });
    let (kind, _, _, payload) = host.frame().unwrap();
    assert_eq!((kind, payload.as_slice()), (Kind::Pong, &b"12345678"[..]));
    let (kind, _, id, _) = host.frame().unwrap();
    assert_eq!((kind, id), (Kind::Status, 4243));
    assert_eq!(host.call(run("a", "echo ok")).text(), "ok\n");
}

#[test]
fn more_streams_than_allowed_are_refused_and_closed_ones_make_room() {
    let mut host = Host::start();
    let request = || {
        Request::Stat(Stat {
            path: "/".into(),
            ..Stat::default()
        })
    };
    let ids: Vec<u64> = (0..4096).map(|_| host.open(request())).collect();
    for &id in &ids {
        assert_eq!(host.finish(id).status.as_ref().unwrap().error, None);
    }
    assert_eq!(host.call(request()).error().code, ErrorCode::Busy as i32);
    host.close(ids[0]);
    assert_eq!(host.call(request()).status.as_ref().unwrap().error, None);
}

#[test]
fn memory_is_given_back_after_a_storm() {
    let mut host = Host::start();
    let metrics = |host: &mut Host| {
        let view = host.call(Request::Metrics(Metrics {}));
        view.status
            .clone()
            .unwrap()
            .metrics
            .unwrap()
            .guest_private_bytes
    };
    let ids: Vec<u64> = (0..50)
        .map(|n| host.open(run(&format!("e{n}"), "head -c 3000000 /dev/zero")))
        .collect();
    for id in ids {
        assert_eq!(host.finish(id).out[0].len(), 3_000_000);
        host.close(id);
    }
    host.call(run("big", &"#".repeat(10 << 20)));
    support::eventually("memory falls", || true);
    std::thread::sleep(std::time::Duration::from_millis(400));
    let private = metrics(&mut host);
    assert!(private < 4 << 20, "{private} bytes private (debug build)");
}

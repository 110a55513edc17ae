//! The connection may drop at any moment: nothing is lost, nothing happens twice.

mod support;

use berth_guest::frame::{Kind, put_frame};
use berth_guest::messages::Request;
use support::Host;
use support::requests::{in_shell, read, run, with_stdin, write};

/// A small generator, so that a failing run can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn hundreds_of_drops_leave_output_input_and_count_exact() {
    let mut host = Host::start();
    let mut dice = Dice(0x5eed);
    let input: Vec<u8> = (0..400_000u32).flat_map(|n| n.to_le_bytes()).collect();
    let mut drops = 0;
    let mut round = 0;
    while drops < 200 {
        round += 1;
        assert!(round < 100, "only {drops} drops");
        let counter = host.path(&format!("count{round}"));
        host.window = 4000 + dice.roll(30_000);
        let writer = host.open(run(
            &format!("w{round}"),
            &format!("echo x >>{counter}; seq 1 100000; seq 1 60000 >&2; exit 3"),
        ));
        let shell = host.open(in_shell(&format!("s{round}"), "main", "seq 1 50000; false"));
        let echo = host.open(with_stdin(&format!("i{round}"), "cat"));
        host.input(echo, &input, true);
        for id in [writer, shell, echo] {
            let mut until_drop = dice.roll(12);
            while !host.views[&id].finished() {
                if until_drop == 0 {
                    host.drop_link();
                    host.connect();
                    drops += 1;
                    until_drop = 1 + dice.roll(12);
                }
                if host.views[&id].finished() {
                    break;
                }
                until_drop -= 1;
                if !host.step() {
                    host.connect();
                }
            }
            assert!(host.views[&id].complete());
        }
        let lines = |last: u32| {
            (1..=last)
                .map(|n| format!("{n}\n"))
                .collect::<String>()
                .into_bytes()
        };
        assert!(host.views[&writer].out == [lines(100_000), lines(60_000)]);
        assert_eq!(host.views[&writer].code(), 3);
        assert!(host.views[&shell].out[0] == lines(50_000));
        assert_eq!(host.views[&shell].code(), 1);
        assert!(host.views[&echo].out[0] == input);
        assert_eq!(
            std::fs::read_to_string(counter).unwrap(),
            "x\n",
            "ran exactly once"
        );
        for id in [writer, shell, echo] {
            host.close(id);
        }
    }
    assert!(host.boot_ids.iter().all(|id| *id == host.boot_ids[0]));
}

#[test]
fn files_survive_drops_too() {
    let mut host = Host::start();
    let mut dice = Dice(0xf11e);
    let path = host.path("file");
    let bytes: Vec<u8> = (0..1_500_000u32)
        .flat_map(|n| (n * 7).to_le_bytes())
        .collect();
    host.window = 300_000;
    for upload in [true, false] {
        let id = if upload {
            let id = host.open(Request::WriteFile(write(&path)));
            host.input(id, &bytes, true);
            id
        } else {
            host.open(read(&path))
        };
        let mut until_drop = 1;
        while !host.views[&id].finished() {
            if until_drop == 0 {
                host.drop_link();
                host.connect();
                until_drop = 1 + dice.roll(if upload { 4 } else { 12 });
            }
            if host.views[&id].finished() {
                break;
            }
            until_drop -= 1;
            if !host.step() {
                host.connect();
            }
        }
        if upload {
            assert!(std::fs::read(&path).unwrap() == bytes);
        } else {
            assert!(host.views[&id].out[0] == bytes);
        }
    }
    assert!(host.connections > 5, "{} connections", host.connections);
}

#[test]
fn a_known_execution_id_never_starts_again() {
    let mut host = Host::start();
    let counter = host.path("count");
    let command = format!("echo x >>{counter}; sleep 0.2; echo out; exit 4");
    let first = host.open(run("same", &command));
    host.until(first, |view| view.status.is_some());
    let second = host.open(run("same", &command));
    host.views.remove(&first);
    let view = host.finish(second);
    assert_eq!((view.code(), view.text().as_str()), (4, "out\n"));
    // Again while it is finished and held, and again when it was closed.
    let third = host.open(run("same", &command));
    // What the host acknowledged is in its spool, whichever stream brought it.
    host.views.get_mut(&third).unwrap().out[0] = b"out\n".to_vec();
    host.views.remove(&second);
    assert_eq!(host.finish(third).code(), 4);
    host.close(third);
    let fourth = host.open(run("same", &command));
    host.views.get_mut(&fourth).unwrap().out[0] = b"out\n".to_vec();
    assert_eq!(host.finish(fourth).code(), 4);
    assert_eq!(std::fs::read_to_string(counter).unwrap(), "x\n");
}

#[test]
fn a_host_that_lost_its_memory_finds_the_execution_by_id() {
    let mut host = Host::start();
    let id = host.open(run("lost", "seq 1 30000; sleep 0.3; echo end"));
    host.until(id, |view| view.out[0].len() > 1000);
    host.drop_link();
    host.views.clear();
    host.connect();
    // The old stream was listed; the host does not know it and attaches by execution id, its spool empty but for what it had.
    let again = host.open(run("lost", ""));
    host.views.get_mut(&again).unwrap().out[0] = Vec::new();
    let mut status = None;
    while status.is_none() {
        let (kind, _, stream, payload) = host.frame().unwrap();
        if kind == Kind::Status && stream == again {
            use prost::Message;
            status = Some(berth_guest::messages::Status::decode(payload.as_slice()).unwrap());
        }
    }
    assert_eq!(status.unwrap().execution_id, "lost");
}

#[test]
fn output_waits_in_the_box_while_nobody_listens() {
    let mut host = Host::start();
    let mark = host.path("mark");
    host.window = 1000;
    let id = host.open(run("a", &format!("seq 1 100000; touch {mark}")));
    host.until(id, |view| view.out[0].len() >= 1000);
    host.drop_link();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!support::exists(&mark), "back-pressure reaches the process");
    host.views.get_mut(&id).unwrap().window = 1 << 20;
    host.connect();
    let expected: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
    assert!(host.finish(id).text() == expected);
}

#[test]
fn a_repeated_open_answers_with_the_present_status() {
    let mut host = Host::start();
    let id = host.open(run("a", "echo once"));
    host.finish(id);
    let open = host.views[&id].open.clone();
    host.views.get_mut(&id).unwrap().status = None;
    host.send(|out| {
        use prost::Message;
        put_frame(out, Kind::Open, 0, id, &open.encode_to_vec());
    });
    assert_eq!(host.until(id, |view| view.finished()).text(), "once\n");
}

//! Commands that start while others start: every outcome is its own, whatever comes in between.

mod support;

use berth_guest::frame::{Kind, put_frame};
use berth_guest::messages::{Error, ErrorCode, Exec, How, Open, Request};
use prost::Message;
use support::requests::{exec, run, signal};
use support::{Host, eventually, is_root};

fn program(id: &str, words: &[&str]) -> Exec {
    Exec {
        argv: words.iter().map(|word| (*word).into()).collect(),
        ..exec(id, "")
    }
}

fn missing(subject: &str) -> Error {
    Error {
        code: ErrorCode::NotFound as i32,
        message: format!("file does not exist: {subject}"),
        os_error: libc::ENOENT as u32,
    }
}

/// An OPEN as it goes over the link.
fn open(id: u64, request: Request, out: &mut Vec<u8>) {
    let open = Open {
        stdout_limit: 1 << 20,
        stderr_limit: 1 << 20,
        request: Some(request),
    };
    put_frame(out, Kind::Open, 0, id, &open.encode_to_vec());
}

/// Descriptors and children of the guest.
fn holds(host: &Host) -> (usize, String) {
    let pid = host.guest.id();
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    (descriptors, children)
}

#[test]
fn two_hundred_at_once_each_end_as_they_should() {
    each_ends_as_it_should(Host::start());
}

/// Where it is looked less often whether a program was loaded.
#[test]
fn two_hundred_at_once_in_an_emulated_kernel_do_too() {
    each_ends_as_it_should(Host::start_under(&["env", "BERTH_EMULATED=1"], |_| ()));
}

fn each_ends_as_it_should(mut host: Host) {
    let plain = host.path("not-a-program");
    std::fs::write(&plain, "").unwrap();
    host.call(run("first", "true"));
    let before = holds(&host);
    let ids: Vec<(usize, u64)> = (0..200)
        .map(|number| {
            let id = format!("e{number}");
            let text = number.to_string();
            let wish = match number % 5 {
                0 => program(&id, &["printf", "%s", &text]),
                1 => program(&id, &["/no/such/program"]),
                2 => program(&id, &[&plain]),
                3 => Exec {
                    working_directory: "/no/such/directory".into(),
                    ..program(&id, &["true"])
                },
                _ => exec(&id, &format!("printf {number}; exit {}", number % 100)),
            };
            (number, host.open(Request::Exec(wish)))
        })
        .collect();
    for (number, id) in ids {
        let view = host.finish(id);
        match number % 5 {
            0 => assert_eq!((view.code(), view.text()), (0, number.to_string())),
            1 => assert_eq!(view.error(), missing("/no/such/program")),
            2 => assert_eq!(view.error().message, format!("permission denied: {plain}")),
            3 => assert_eq!(view.error(), missing("/no/such/directory")),
            _ => assert_eq!(
                (view.code(), view.text()),
                (number as i32 % 100, number.to_string())
            ),
        }
        host.close(id);
    }
    eventually("no process and no descriptor is left", || {
        holds(&host) == before
    });
}

#[test]
fn users_of_many_starts_do_not_mix() {
    if !is_root("becoming a user") {
        return;
    }
    let mut host = Host::start();
    for round in 0..3 {
        let ids: Vec<(&str, u64)> = (0..60)
            .map(|number| {
                let (user, ids) =
                    [("root", "0:0"), ("other", "54321:54322"), ("7:8", "7:8")][number % 3];
                let wish = Exec {
                    user: user.into(),
                    ..program(
                        &format!("{round}-{number}"),
                        &["stat", "-c", "%u:%g", "/proc/self/"],
                    )
                };
                (ids, host.open(Request::Exec(wish)))
            })
            .collect();
        for (ids, id) in ids {
            assert_eq!(host.finish(id).text().trim(), ids);
        }
    }
}

#[test]
fn a_signal_right_behind_meets_the_command_or_its_failure() {
    let mut host = Host::start();
    for number in 0..60u64 {
        let (run_id, miss_id, signal_id) =
            (1000 + number * 4, 1001 + number * 4, 1002 + number * 4);
        let (good, bad) = (format!("g{number}"), format!("b{number}"));
        let number = if number % 2 == 0 {
            libc::SIGKILL
        } else {
            libc::SIGTERM
        };
        // Noted by the host, then sent in one piece, so that the signals are there while the processes start.
        let link = host.link.take();
        host.open_as(run_id, Request::Exec(program(&good, &["sleep", "100"])));
        host.open_as(miss_id, Request::Exec(program(&bad, &["/no/such/program"])));
        host.open_as(signal_id, signal(&good, number as u32, true));
        host.open_as(signal_id + 1, signal(&bad, number as u32, false));
        host.link = link;
        let mut out = Vec::new();
        open(
            run_id,
            Request::Exec(program(&good, &["sleep", "100"])),
            &mut out,
        );
        open(
            miss_id,
            Request::Exec(program(&bad, &["/no/such/program"])),
            &mut out,
        );
        open(signal_id, signal(&good, number as u32, true), &mut out);
        open(signal_id + 1, signal(&bad, number as u32, false), &mut out);
        host.send(|buffer| buffer.extend_from_slice(&out));
        let exit = host.finish(run_id).exit();
        assert_eq!(exit.how, Some(How::Signal(number)));
        assert_eq!(exit.signalled_by_host, number as u32);
        assert_eq!(host.finish(miss_id).error(), missing("/no/such/program"));
        assert_eq!(host.finish(signal_id).status.as_ref().unwrap().error, None);
        host.finish(signal_id + 1);
    }
}

#[test]
fn a_link_dropped_meanwhile_loses_nothing_and_starts_nothing_twice() {
    let mut host = Host::start();
    let counted = host.path("counted");
    let mut total = 0;
    for round in 0..15 {
        let ids: Vec<(u32, u64)> = (0..20)
            .map(|number| {
                let id = format!("{round}-{number}");
                let wish = match number % 4 {
                    0 => program(&id, &["/no/such/program"]),
                    _ => program(
                        &id,
                        &["sh", "-c", &format!("echo x >>{counted}; echo {id}")],
                    ),
                };
                (number, host.open(Request::Exec(wish)))
            })
            .collect();
        if round % 3 == 0 {
            std::thread::sleep(std::time::Duration::from_micros(200 * round));
        }
        host.drop_link();
        host.connect();
        for (number, id) in ids {
            let view = host.finish(id);
            if number % 4 == 0 {
                assert_eq!(view.error(), missing("/no/such/program"));
            } else {
                total += 1;
                assert_eq!(
                    (view.code(), view.text()),
                    (0, format!("{round}-{number}\n"))
                );
            }
        }
    }
    assert_eq!(
        std::fs::read_to_string(&counted).unwrap().lines().count(),
        total
    );
}

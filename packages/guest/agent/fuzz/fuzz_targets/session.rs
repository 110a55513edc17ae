//! A whole guest without an outside world, fed with arbitrary bytes after a proper greeting, dropped and resumed.
#![no_main]

use berth_guest::frame::{Kind, put_frame};
use berth_guest::guest::Guest;
use berth_guest::link::Phase;
use berth_guest::messages::Hello;
use berth_guest::settings::Settings;
use libfuzzer_sys::fuzz_target;
use prost::Message;
use std::path::{Path, PathBuf};

fn greet(guest: &mut Guest) {
    guest.link.phase = Phase::Greeting;
    let hello = Hello {
        protocol_min: 1,
        protocol_max: 1,
        ..Hello::default()
    };
    let mut out = Vec::new();
    put_frame(&mut out, Kind::Hello, 0, 0, &hello.encode_to_vec());
    guest.receive(&out);
    assert_eq!(guest.link.phase, Phase::Open);
}

fuzz_target!(|data: &[u8]| {
    let settings = Settings::new(PathBuf::from("/nonexistent"), Path::new("/nonexistent"));
    let Ok(mut guest) = Guest::new(PathBuf::from("/nonexistent"), settings, true) else { return };
    greet(&mut guest);
    for part in data.chunks(512) {
        guest.receive(part);
        for _ in 0..4 {
            guest.work();
        }
        guest.link.out.clear();
        if guest.link.phase == Phase::Down {
            greet(&mut guest);
        }
    }
    guest.hang_up();
    greet(&mut guest);
    guest.work();
});

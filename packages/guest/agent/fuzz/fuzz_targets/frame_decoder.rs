//! Any bytes, cut anywhere, give the same frames and never a panic.
#![no_main]

use berth_guest::frame::Decoder;
use libfuzzer_sys::fuzz_target;

fn frames(parts: &[&[u8]]) -> (Vec<(u8, u8, u64, Vec<u8>)>, bool) {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    for part in parts {
        decoder.feed(part);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    seen.push((frame.kind as u8, frame.channel, frame.stream, frame.payload.to_vec()));
                }
                Ok(None) => break,
                Err(_) => return (seen, true),
            }
        }
    }
    (seen, false)
}

fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let at = bytes.len() * usize::from(cut) / 255;
    assert_eq!(frames(&[bytes]), frames(&[&bytes[..at], &bytes[at..]]));
});

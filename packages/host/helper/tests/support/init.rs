//! Init of the test boxes: the first argument says what it does. Built by the tests, alone and static.

use std::os::unix::fs::MetadataExt;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let number = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(0);
    match words.get(1).map(String::as_str) {
        Some("exit") => std::process::exit(number as i32),
        Some("exit-later") => {
            std::thread::sleep(std::time::Duration::from_millis(number));
            std::process::exit(words[3].parse().unwrap());
        }
        Some("owners") => report_owners(),
        Some("view") => report_view(),
        _ => {}
    }
    loop {
        std::thread::sleep(std::time::Duration::from_secs(3600));
    }
}

/// Writes what it sees, and makes a file of its own for another user.
fn report_owners() {
    let me = std::fs::metadata("/proc/self").unwrap();
    let file = std::fs::metadata("/bin/init").unwrap();
    let other = std::fs::metadata("/home/user").unwrap();
    std::fs::write("/made", "").unwrap();
    std::os::unix::fs::chown("/made", Some(1000), Some(1000)).unwrap();
    let text = format!("{} {} {}", me.uid(), file.uid(), other.uid());
    std::fs::write("/owners.new", text).unwrap();
    std::fs::rename("/owners.new", "/owners").unwrap();
}

/// Writes its mounts, its descriptors, its ids, and how attempts on the machine end.
fn report_view() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let links = descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let links: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let forbidden = [
        (
            "hostname",
            std::fs::write("/proc/sys/kernel/hostname", "x").is_err(),
        ),
        (
            "forward",
            std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").is_err(),
        ),
        (
            "ports",
            std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "9").is_err(),
        ),
    ];
    std::fs::create_dir_all("/view.new").unwrap();
    std::fs::write("/view.new/mounts", read("/proc/self/mountinfo")).unwrap();
    std::fs::write("/view.new/descriptors", links.join("\n")).unwrap();
    std::fs::write("/view.new/uid-map", read("/proc/self/uid_map")).unwrap();
    std::fs::write("/view.new/refused", format!("{forbidden:?}")).unwrap();
    std::fs::rename("/view.new", "/view").unwrap();
}

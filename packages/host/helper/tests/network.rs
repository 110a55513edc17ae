//! What boxes reach and what reaches them, tried with packets.

mod support;

use std::fs;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use support::client::Helper;
use support::fixture::Fixture;
use support::host::{has_program, is_root};
use support::peer::{Peer, run_in_network_of};
use support::traffic::{Mailbox, answers, opens, send_forged, serve, serve_on};

fn ready(test: &str) -> bool {
    is_root(test) && has_program("runc", test) && has_program("nft", test)
}

/// A last octet that is even and that no other test of this program has.
fn octet() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::process::id().wrapping_add(number) % 120 * 2
}

struct TestBox {
    pid: i64,
    address: Ipv4Addr,
    gateway: Ipv4Addr,
    slot: u64,
}

impl TestBox {
    fn start(fixture: &Fixture, helper: &mut Helper, name: &str) -> TestBox {
        let started: Value = helper
            .call("boxStart", fixture.box_wish(name, &[]))
            .unwrap();
        TestBox {
            pid: started["pid"].as_i64().unwrap(),
            address: started["ipv4"].as_str().unwrap().parse().unwrap(),
            gateway: started["gateway"].as_str().unwrap().parse().unwrap(),
            slot: started["netSlot"].as_u64().unwrap(),
        }
    }

    fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        run_in_network_of(self.pid, body)
    }
}

const OPEN: (bool, bool) = (true, true);
const CLOSED: (bool, bool) = (false, false);

#[test]
fn the_host_is_closed_to_boxes_on_each_of_its_addresses() {
    if !ready("the_host_is_closed_to_boxes_on_each_of_its_addresses") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let one = TestBox::start(&fixture, &mut helper, "one");
    let elsewhere = Peer::new(&format!("198.51.100.{}", octet()));
    let port = serve(0);
    for address in [one.gateway, elsewhere.gateway] {
        assert_eq!(opens(address, port), OPEN, "{address} from the host itself");
        assert_eq!(
            one.run(|| answers(address, port)),
            CLOSED,
            "{address} from the box"
        );
    }
    assert_eq!(one.run(|| answers(Ipv4Addr::LOCALHOST, port)), CLOSED);
}

#[test]
fn boxes_are_closed_to_each_other_and_to_the_host() {
    if !ready("boxes_are_closed_to_each_other_and_to_the_host") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(2);
    let one = TestBox::start(&fixture, &mut helper, "one");
    let two = TestBox::start(&fixture, &mut helper, "two");
    let port = two.run(|| serve(0));
    assert_eq!(two.run(|| opens(two.address, port)), OPEN, "the box itself");
    assert_eq!(
        one.run(|| answers(two.address, port)),
        CLOSED,
        "another box"
    );
    assert_eq!(answers(two.address, port), CLOSED, "the host");
}

#[test]
fn private_ranges_and_metadata_are_closed_and_the_rest_is_open() {
    if !ready("private_ranges_and_metadata_are_closed_and_the_rest_is_open") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let one = TestBox::start(&fixture, &mut helper, "one");
    let last = octet();
    let closed = [
        "10.254.253",
        "172.31.253",
        "192.168.253",
        "100.127.253",
        "169.254.169",
        "198.19.253",
        "192.0.0",
    ];
    for (network, expected) in closed
        .map(|network| (network, CLOSED))
        .into_iter()
        .chain([("198.51.100", OPEN)])
    {
        let peer = Peer::new(&format!("{network}.{last}"));
        let port = peer.run(|| serve(0));
        assert_eq!(
            opens(peer.address, port),
            OPEN,
            "{} from the host",
            peer.address
        );
        assert_eq!(
            one.run(|| if expected == OPEN {
                opens(peer.address, port)
            } else {
                answers(peer.address, port)
            }),
            expected,
            "{} from the box",
            peer.address
        );
    }
}

#[test]
fn nobody_elsewhere_opens_a_connection_to_a_box() {
    if !ready("nobody_elsewhere_opens_a_connection_to_a_box") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let one = TestBox::start(&fixture, &mut helper, "one");
    let peer = Peer::new(&format!("198.51.100.{}", octet()));
    let (inside, outside) = (one.run(|| serve(0)), peer.run(|| serve(0)));
    assert_eq!(
        one.run(|| opens(peer.address, outside)),
        OPEN,
        "the way out, and its answers"
    );
    assert_eq!(
        peer.run(|| answers(one.address, inside)),
        CLOSED,
        "the way in"
    );
}

#[test]
fn a_forged_source_goes_nowhere() {
    if !ready("a_forged_source_goes_nowhere") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(2);
    let one = TestBox::start(&fixture, &mut helper, "one");
    let two = TestBox::start(&fixture, &mut helper, "two");
    let peer = Peer::new(&format!("198.51.100.{}", octet()));
    let mailbox = peer.run(Mailbox::open);
    let port = mailbox.port();
    for source in [
        two.address,
        one.gateway,
        Ipv4Addr::new(8, 8, 8, 8),
        Ipv4Addr::new(127, 0, 0, 1),
        peer.gateway,
    ] {
        one.run(|| send_forged(source, peer.address, port, "forged"));
    }
    one.run(|| send_forged(one.address, peer.address, port, "genuine"));
    assert_eq!(mailbox.next().as_deref(), Some("genuine"));
    assert_eq!(mailbox.next(), None);
}

/// Sets the network up with this resolver, and says what a box reaches of it.
fn resolve_through(upstream: Ipv4Addr) {
    let fixture = Fixture::new();
    let mut helper = Helper::start();
    let mut wish = fixture.network_wish(1);
    wish["nameservers"] = json!([upstream.to_string()]);
    let nameserver = helper.call("networkSetup", wish).unwrap()["nameserver"].clone();
    let nameserver: Ipv4Addr = nameserver.as_str().unwrap().parse().unwrap();
    let one = TestBox::start(&fixture, &mut helper, "one");
    assert_eq!(one.run(|| opens(nameserver, 53)), OPEN, "names");
    assert_eq!(
        one.run(|| answers(nameserver, 54)),
        CLOSED,
        "another port of the name server"
    );
    assert_eq!(
        one.run(|| answers(upstream, 53)),
        CLOSED,
        "the resolver's own address"
    );
}

#[test]
fn names_are_resolved_by_a_private_resolver_and_nothing_else_of_it_is_open() {
    if !ready("names_are_resolved_by_a_private_resolver_and_nothing_else_of_it_is_open") {
        return;
    }
    let resolver = Peer::new(&format!("192.168.252.{}", octet()));
    resolver.run(|| (serve(53), serve(54)));
    resolve_through(resolver.address);
}

#[test]
fn names_are_resolved_by_a_resolver_on_loopback() {
    if !ready("names_are_resolved_by_a_resolver_on_loopback") {
        return;
    }
    let address = Ipv4Addr::new(127, 77, 1, octet() as u8 + 1);
    serve_on(address, 53);
    serve_on(address, 54);
    resolve_through(address);
}

#[test]
fn the_box_has_one_address_no_ipv6_and_low_ports_for_everyone() {
    if !ready("the_box_has_one_address_no_ipv6_and_low_ports_for_everyone") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(1);
    let one = TestBox::start(&fixture, &mut helper, "one");
    let read = |name: &str| {
        one.run(|| fs::read_to_string(format!("/proc/sys/net/{name}")).unwrap_or_default())
    };
    assert_eq!(read("ipv4/ip_unprivileged_port_start").trim(), "0");
    assert_eq!(
        read("ipv4/ping_group_range")
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["0", "2147483647"]
    );
    assert_ne!(read("ipv6/conf/eth0/disable_ipv6").trim(), "0");
    let outer = format!("{}-{}", fixture.prefix, one.slot);
    let outer_ipv6 = fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{outer}/disable_ipv6"));
    assert!(outer_ipv6.map_or(true, |text| text.trim() == "1"));
}

#[test]
fn set_up_again_keeps_boxes_connected_and_tear_down_leaves_nothing() {
    if !ready("set_up_again_keeps_boxes_connected_and_tear_down_leaves_nothing") {
        return;
    }
    let fixture = Fixture::new();
    let mut helper = fixture.helper(2);
    let one = TestBox::start(&fixture, &mut helper, "one");
    let peer = Peer::new(&format!("198.51.100.{}", octet()));
    let port = peer.run(|| serve(0));
    let mut again = fixture.network_wish(1);
    again["inUse"] = json!([one.slot]);
    helper.call("networkSetup", again).unwrap();
    assert_eq!(one.run(|| opens(peer.address, port)), OPEN);
    let subnet = fixture.network_wish(1)["subnet"].take();
    let names =
        json!({ "table": fixture.table, "interfacePrefix": fixture.prefix, "subnet": subnet });
    for _ in 0..2 {
        helper.call("networkTeardown", names.clone()).unwrap();
        assert!(support::host::interfaces(&fixture.prefix).is_empty());
    }
    assert_eq!(one.run(|| answers(peer.address, port)), CLOSED);
}

//! The nftables table: what boxes may reach. By interface wildcard and set, so that its cost does not grow with boxes.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::subnet::Subnet;
use crate::error::Result;
use crate::process::spawn;
use crate::protocol::{Door, Entrance};

const NFT_TIMEOUT: Duration = Duration::from_secs(30);

/// Closed to boxes: private (RFC 1918), shared (RFC 6598), loopback, link-local with the clouds' metadata services, benchmark,
/// protocol assignments, multicast, reserved with broadcast.
const CLOSED: &str = "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, \
                      192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4";

/// Connections that a box may have at a time: no box fills the machine's table of them.
const MAX_CONNECTIONS: u32 = 4096;
/// Answers to refused packets, of all boxes together; what comes faster is dropped without one.
const REFUSALS: &str = "limit rate 500/second burst 1000 packets";

/// What the table is written for.
pub struct Ruleset<'a> {
    pub table: &'a str,
    pub interface_prefix: &'a str,
    pub subnet: Subnet,
    /// The resolver that the boxes' queries go to; none, and they have no names.
    pub upstream: Option<Ipv4Addr>,
    pub door: Option<&'a Door>,
    /// Container registries that the operator has opened.
    pub registries: &'a [Entrance],
}

impl Ruleset<'_> {
    /// Replaces the table in one transaction.
    pub fn load(&self) -> Result<()> {
        nft(&self.text())
    }

    fn text(&self) -> String {
        let Ruleset { table, subnet, .. } = self;
        let boxes = format!("\"{}-*\"", self.interface_prefix);
        let nameserver = subnet.nameserver();
        let (mut redirect, mut resolve) = (String::new(), String::new());
        if let Some(upstream) = self.upstream {
            redirect = format!(
                "iifname {boxes} ip daddr {nameserver} meta l4proto {{ tcp, udp }} th dport 53 dnat ip to {upstream}"
            );
            resolve = format!(
                "ct original ip daddr {nameserver} ip daddr {upstream} meta l4proto {{ tcp, udp }} th dport 53 jump bounded"
            );
        }
        let DoorRules {
            door,
            entrances,
            everywhere,
        } = self.door_rules(&boxes);
        let registries = opened(self.registries);
        format!(
            "table inet {table}
delete table inet {table}
table inet {table} {{
  set closed {{ type ipv4_addr; flags interval; auto-merge; elements = {{ {CLOSED}, {subnet} }}; }}
  set connections {{ type ipv4_addr; size 65536; flags dynamic; }}
  chain refuse {{
    meta nfproto != ipv4 drop
    meta l4proto tcp {REFUSALS} reject with tcp reset
    meta l4proto udp {REFUSALS} reject with icmp admin-prohibited
    drop
  }}
  chain bounded {{
    ct state new add @connections {{ ip saddr ct count over {MAX_CONNECTIONS} }} drop
    accept
  }}
  chain to_host {{
    {resolve}
    {door}
    {registries}
    jump refuse
  }}
  chain from_box {{
    meta nfproto != ipv4 drop
    oifname {boxes} jump refuse
    {resolve}
    {entrances}
    {registries}
    ip daddr @closed jump refuse
    jump bounded
  }}
  chain to_box {{
    ct state established,related accept
    drop
  }}
  chain prerouting {{ type nat hook prerouting priority dstnat; policy accept;
    {redirect}
    {everywhere}
  }}
  chain input {{ type filter hook input priority filter - 5; policy accept; iifname {boxes} jump to_host; }}
  chain forward {{ type filter hook forward priority filter - 5; policy accept;
    iifname {boxes} jump from_box
    oifname {boxes} jump to_box
    ip daddr {subnet} jump refuse comment \"whose box is gone: they are told so, and nothing leaves here for it\"
  }}
  chain output {{ type filter hook output priority filter - 5; policy accept; oifname {boxes} jump to_box; }}
  chain postrouting {{ type nat hook postrouting priority srcnat; policy accept;
    ip saddr {subnet} oifname != {boxes} masquerade
  }}
}}
"
        )
    }
}

/// Rules that let boxes in at the door; all empty where there is none.
#[derive(Default)]
struct DoorRules {
    door: String,
    entrances: String,
    everywhere: String,
}

impl Ruleset<'_> {
    fn door_rules(&self, boxes: &str) -> DoorRules {
        let Some(Door {
            port,
            everywhere,
            entrances,
        }) = self.door
        else {
            return DoorRules::default();
        };
        let address = self.subnet.nameserver();
        let open = opened(entrances);
        let lead = format!(
            "iifname {boxes} ip daddr != {address} fib daddr type local tcp dport {port} dnat ip to {address}"
        );
        DoorRules {
            door: format!("ip daddr {address} tcp dport {port} jump bounded\n    {open}"),
            entrances: open,
            everywhere: if *everywhere { lead } else { String::new() },
        }
    }
}

/// The rule that lets boxes through to these; empty for none.
fn opened(entrances: &[Entrance]) -> String {
    let list: Vec<String> = entrances
        .iter()
        .map(|one| format!("{} . {}", one.address, one.port))
        .collect();
    match list.is_empty() {
        true => String::new(),
        false => format!(
            "ip daddr . tcp dport {{ {} }} jump bounded",
            list.join(", ")
        ),
    }
}

/// Deletes the table; an absent one is a success.
pub fn delete(table: &str) -> Result<()> {
    nft(&format!("table inet {table}\ndelete table inet {table}\n"))
}

fn nft(text: &str) -> Result<()> {
    let argv = ["nft", "-f", "-"].map(str::to_owned);
    spawn::run_with_input(&argv, text, NFT_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(upstream: Option<&str>) -> String {
        text_with(upstream, None)
    }

    fn text_with(upstream: Option<&str>, door: Option<&Door>) -> String {
        let ruleset = Ruleset {
            table: "berth_test",
            interface_prefix: "bt",
            subnet: Subnet::parse("172.30.0.0/16").unwrap(),
            upstream: upstream.map(|address| address.parse().unwrap()),
            door,
            registries: &[],
        };
        ruleset.text()
    }

    #[test]
    fn registries_are_open_at_their_ports_whether_here_or_elsewhere() {
        let registry = Entrance {
            address: "10.7.7.7".parse().unwrap(),
            port: 5000,
        };
        let ruleset = Ruleset {
            table: "berth_test",
            interface_prefix: "bt",
            subnet: Subnet::parse("172.30.0.0/16").unwrap(),
            upstream: None,
            door: None,
            registries: &[registry],
        };
        let rule = "ip daddr . tcp dport { 10.7.7.7 . 5000 } jump bounded";
        assert_eq!(ruleset.text().matches(rule).count(), 2);
    }

    #[test]
    fn names_are_resolved_by_the_upstream_and_by_nothing_else() {
        let with = text(Some("10.255.255.53"));
        assert_eq!(
            with.matches("ct original ip daddr 172.30.0.1 ip daddr 10.255.255.53")
                .count(),
            2
        );
        assert_eq!(with.matches("dnat ip to 10.255.255.53").count(), 1);
        assert!(!text(None).contains("dnat"));
        assert!(!text(None).contains("th dport"));
    }

    #[test]
    fn packets_for_boxes_that_are_gone_are_refused() {
        let rules = text(None);
        let (living, gone) = (
            rules.find("oifname \"bt-*\" jump to_box\n    ip"),
            rules.find("ip daddr 172.30.0.0/16 jump refuse"),
        );
        assert!(living.unwrap() < gone.unwrap());
    }

    #[test]
    fn the_door_is_one_port_of_one_address_unless_more_is_asked_for() {
        let door = |everywhere, entrances: &[(&str, u16)]| Door {
            port: 8080,
            everywhere,
            entrances: entrances
                .iter()
                .map(|(address, port)| crate::protocol::Entrance {
                    address: address.parse().unwrap(),
                    port: *port,
                })
                .collect(),
        };
        assert!(!text(None).contains("8080"));
        let plain = text_with(None, Some(&door(false, &[])));
        assert_eq!(plain.matches("8080").count(), 1);
        assert!(plain.contains("ip daddr 172.30.0.1 tcp dport 8080 jump bounded"));
        let wide = text_with(None, Some(&door(true, &[("10.1.2.3", 443)])));
        assert!(wide.contains("fib daddr type local tcp dport 8080 dnat ip to 172.30.0.1"));
        assert_eq!(
            wide.matches("ip daddr . tcp dport { 10.1.2.3 . 443 } jump bounded")
                .count(),
            2
        );
    }

    #[test]
    fn the_boxes_own_subnet_is_closed_wherever_it_lies() {
        assert!(text(None).contains("240.0.0.0/4, 172.30.0.0/16 }"));
    }
}

//! Addresses by slot: slot n has the n-th pair of the subnet. Pair 0 is no box's: its second address is the name server that boxes see.

use std::net::Ipv4Addr;

use crate::error::{Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    base: u32,
    prefix_bits: u32,
}

/// The two ends of a box's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// On the host: the box's gateway.
    pub outer: Ipv4Addr,
    /// In the box.
    pub inner: Ipv4Addr,
}

impl Subnet {
    /// `a.b.c.d/bits`, host bits zero, 8 to 28 bits.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong =
            || Error::bad_request(format!("{text:?} is not an IPv4 subnet of 8 to 28 bits"));
        let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
        let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let prefix_bits: u32 = bits.parse().map_err(|_| wrong())?;
        let base = u32::from(address);
        if !(8..=28).contains(&prefix_bits) || base & (u32::MAX >> prefix_bits) != 0 {
            return Err(wrong());
        }
        Ok(Subnet { base, prefix_bits })
    }

    /// Highest slot; the lowest is 1.
    pub fn last_slot(self) -> u32 {
        // Interface names have room for five digits.
        ((1 << (31 - self.prefix_bits)) - 1).min(99_999)
    }

    pub fn addresses(self, slot: u32) -> Addresses {
        Addresses {
            outer: Ipv4Addr::from(self.base + 2 * slot),
            inner: Ipv4Addr::from(self.base + 2 * slot + 1),
        }
    }

    pub fn nameserver(self) -> Ipv4Addr {
        Ipv4Addr::from(self.base + 1)
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}/{}",
            Ipv4Addr::from(self.base),
            self.prefix_bits
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_have_disjoint_pairs_within_the_subnet() {
        let subnet = Subnet::parse("10.77.0.0/16").unwrap();
        assert_eq!(subnet.last_slot(), 32_767);
        let pair = |outer: &str, inner: &str| Addresses {
            outer: outer.parse().unwrap(),
            inner: inner.parse().unwrap(),
        };
        assert_eq!(subnet.addresses(1), pair("10.77.0.2", "10.77.0.3"));
        assert_eq!(
            subnet.addresses(subnet.last_slot()),
            pair("10.77.255.254", "10.77.255.255")
        );
        assert_eq!(subnet.nameserver().to_string(), "10.77.0.1");
        assert_eq!(subnet.to_string(), "10.77.0.0/16");
    }

    #[test]
    fn refuses_what_is_no_subnet() {
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.1/16",
            "10.0.0.0/7",
            "10.0.0.0/29",
            "::/64",
            "x/16",
            "10.0.0.0/-1",
        ] {
            assert!(Subnet::parse(text).is_err(), "{text}");
        }
    }
}

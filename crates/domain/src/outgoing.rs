//! Where we may connect to when others name the address: client metadata documents, key sets, logout endpoints.
//!
//! Somebody else chooses the host, so it must not lead to what only we can reach (server-side request forgery; OWASP, client id metadata documents
//! §6.5). Only addresses that are globally reachable unicast are allowed: everything in the special-purpose registries (RFC 6890 and
//! its updates) is refused, also where IPv6 carries an IPv4 address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether anybody on the internet is meant by this address.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Prefixes of IPv4 that are never connected to, with their lengths (IANA IPv4 Special-Purpose Address Registry).
const REFUSED_V4: [(Ipv4Addr, u32); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8), // this network (RFC 791 §3.2); 0.0.0.0 reaches this machine
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10), // shared by carriers (RFC 6598); some clouds' metadata
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback (RFC 1122 §3.2.1.3)
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link local (RFC 3927); the clouds' metadata services
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private (RFC 1918)
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments (RFC 6890); some clouds' metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays (RFC 7526)
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private (RFC 1918)
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks (RFC 2544)
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud's host agent, reachable from its machines only
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112 (RFC 7535)
    (Ipv4Addr::new(192, 175, 48, 0), 24), // AS112 (RFC 7534)
    (Ipv4Addr::new(224, 0, 0, 0), 3), // multicast (RFC 5771), reserved (RFC 1112 §4), broadcast
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(network, length): &(Ipv4Addr, u32)| {
        let mask = u32::MAX << (32 - length);
        address.to_bits() & mask == network.to_bits()
    };
    !REFUSED_V4.iter().any(is_in)
}

/// Only global unicast (RFC 4291 §2.4, 2000::/3) without what is special in it. Loopback, unspecified, IPv4-mapped, NAT64 (RFC 6052, RFC 8215),
/// unique local, link local, site local and multicast all lie outside of 2000::/3.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let is_global_unicast = segments[0] & 0xe000 == 0x2000;
    let is_special = match segments {
        [0x2001, second, ..] if second < 0x0200 => true, // protocol assignments (RFC 2928): Teredo, ORCHID, benchmarks
        [0x2001, 0x0db8, ..] => true,                    // documentation (RFC 3849)
        [0x2002, ..] => true,                            // 6to4 (RFC 3056): carries an IPv4 address
        [0x3fff, second, ..] if second < 0x1000 => true, // documentation (RFC 9637)
        [0x2620, 0x004f, 0x8000, ..] => true,            // AS112 (RFC 7534)
        _ => false,
    };
    is_global_unicast && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn e17_no_special_address_is_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn e17_addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn e17_no_way_of_writing_an_ipv4_address_in_ipv6_is_public(bits in any::<u32>(), prefix in 0..5_usize) {
            let v4 = u128::from(bits);
            let v6 = [v4, 0xffff << 32 | v4, 0x64_ff9b << 96 | v4, 0x64_ff9b_0001 << 80 | v4, 0x2002 << 112 | v4 << 80][prefix];
            prop_assert!(!is_public(Ipv6Addr::from_bits(v6).into()));
        }

        #[test]
        fn e17_whatever_the_standard_library_calls_special_is_not_public(bits in any::<u32>()) {
            let address = Ipv4Addr::from_bits(bits);
            let is_special = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast()
                || address.is_broadcast() || address.is_documentation() || address.is_unspecified();
            prop_assert!(!(is_special && is_public(address.into())));
        }
    }
}

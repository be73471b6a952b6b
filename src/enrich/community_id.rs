//! Community ID version 1 with seed 0: one short text for both directions of a flow.
//!
//! Source: Corelight, "Community ID Flow Hashing". The hashed bytes are seed, the two addresses in order, protocol, a
//! zero and, where the protocol has them, the two ports. That is 44 bytes at most, always one block of SHA-1.

use std::net::IpAddr;

use super::protocol;
use digest::DIGITS;

mod digest;

/// A flow's hashed bytes, padded to the one block of SHA-1 that they are.
pub(super) type Hashed = [u8; 64];

/// Length of every Community ID of this version: `1:` and 20 bytes in base64.
pub(super) const LEN: usize = 30;

/// Appends what the Community ID of a flow is made of to `flows`. Nothing for ICMP, whose type and code flow logs lack,
/// for a protocol with ports where a port is missing, and for two addresses of different families, between which no packet
/// goes; says whether there is one.
#[inline]
pub(super) fn put(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ports: Option<(u16, u16)>,
    flows: &mut Vec<Hashed>,
) -> bool {
    let ports = match protocol {
        protocol::ICMP | protocol::IPV6_ICMP => return false,
        protocol::TCP | protocol::UDP | protocol::SCTP if ports.is_none() => return false,
        protocol::TCP | protocol::UDP | protocol::SCTP => ports,
        _ => None,
    };
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            write(source.octets(), destination.octets(), protocol, ports, flows);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            write(source.octets(), destination.octets(), protocol, ports, flows);
        }
        _ => return false,
    }
    true
}

/// Appends the Community IDs of `flows`, each [`LEN`] bytes long.
pub(super) fn append(flows: &[Hashed], out: &mut Vec<u8>) {
    digest::each(flows, |digits| {
        let mut text = [b'='; LEN];
        text[..2].copy_from_slice(b"1:");
        text[2..2 + DIGITS].copy_from_slice(&digits);
        out.extend_from_slice(&text);
    });
}

/// Appends what is hashed, padded (FIPS 180-4, section 5.1.1): behind the two zeros of the seed the smaller end first.
#[inline]
fn write<const N: usize>(
    source: [u8; N],
    destination: [u8; N],
    protocol: u8,
    ports: Option<(u16, u16)>,
    flows: &mut Vec<Hashed>,
) {
    let (from, to) = ports.unwrap_or_default();
    let forward = (source, from) <= (destination, to);
    let ((first, first_port), (second, second_port)) =
        if forward { ((source, from), (destination, to)) } else { ((destination, to), (source, from)) };
    // Written where it stays: a copy right behind these small writes would wait for each of them.
    flows.push([0; 64]);
    let Some(block) = flows.last_mut() else { return };
    block[2..2 + N].copy_from_slice(&first);
    block[2 + N..2 + 2 * N].copy_from_slice(&second);
    block[2 + 2 * N] = protocol;
    let mut end = 4 + 2 * N;
    if ports.is_some() {
        block[end..end + 2].copy_from_slice(&first_port.to_be_bytes());
        block[end + 2..end + 4].copy_from_slice(&second_port.to_be_bytes());
        end += 4;
    }
    block[end] = 0x80;
    block[62..].copy_from_slice(&(end as u16 * 8).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::enrich::database::fixtures;

    fn of(source: IpAddr, destination: IpAddr, protocol: u8, ports: Option<(u16, u16)>) -> Option<Hashed> {
        let mut flows = Vec::new();
        let is_one = put(source, destination, protocol, ports, &mut flows);
        assert_eq!(is_one, !flows.is_empty());
        flows.pop()
    }

    fn said(flow: Option<Hashed>) -> Option<String> {
        let mut text = Vec::new();
        append(&[flow?], &mut text);
        String::from_utf8(text).ok()
    }

    fn oracle(source: IpAddr, destination: IpAddr, protocol: u8, ports: (u16, u16)) -> String {
        let has_ports = matches!(protocol, protocol::TCP | protocol::UDP | protocol::SCTP);
        let (from, to) = (has_ports.then_some(ports.0), has_ports.then_some(ports.1));
        ::community_id::calculate_community_id(0, source, destination, from, to, protocol, false).unwrap()
    }

    proptest! {
        #[test]
        fn every_id_is_the_one_that_the_reference_crate_finds(
            // Few addresses and ports, so that equal ones and both orders come up.
            v4 in any::<bool>(), wide in any::<bool>(), a in any::<u128>(), b in any::<u128>(),
            from in prop_oneof![0_u16..3, any::<u16>()], to in prop_oneof![0_u16..3, any::<u16>()],
            protocol in prop_oneof![Just(6_u8), Just(17), Just(132), Just(47), any::<u8>()],
        ) {
            prop_assume!(!matches!(protocol, protocol::ICMP | protocol::IPV6_ICMP));
            let (a, b) = if wide { (a, b) } else { (a % 3, b % 3) };
            let address = |bits: u128| match v4 {
                true => IpAddr::V4(Ipv4Addr::from(bits as u32)),
                false => IpAddr::V6(Ipv6Addr::from(bits)),
            };
            let expected = oracle(address(a), address(b), protocol, (from, to));
            prop_assert_eq!(said(of(address(a), address(b), protocol, Some((from, to)))), Some(expected.clone()));
            let back = of(address(b), address(a), protocol, Some((to, from)));
            prop_assert_eq!(said(back), Some(expected), "both directions have one id");
        }
    }

    #[test]
    fn a_flow_whose_hashed_bytes_are_not_all_known_has_no_id() {
        let (v4, v6) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([1, 2, 3, 4, 5, 6, 7, 8]));
        assert!(of(v4, v4, 1, Some((8, 0))).is_none(), "icmp");
        assert!(of(v6, v6, 58, Some((0, 0))).is_none(), "ipv6-icmp");
        assert!(of(v4, v4, 6, None).is_none(), "tcp without ports");
        assert!(of(v4, v6, 6, Some((1, 2))).is_none(), "two families");
        assert!(of(v4, v4, 47, None).is_some(), "gre needs no ports");
    }

    #[test]
    fn published_ids_of_real_traffic_are_found() {
        let Some(text) = fixtures::text("elastic/community_id.csv") else { return };
        let mut compared = 0;
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split(',').collect();
            let (source, destination): (IpAddr, IpAddr) =
                (columns[0].parse().unwrap(), columns[1].parse().unwrap());
            let (from, to, protocol) =
                (columns[2].parse().unwrap(), columns[3].parse().unwrap(), columns[4].parse().unwrap());
            let id = said(of(source, destination, protocol, Some((from, to))));
            if protocol == protocol::ICMP || source.is_ipv4() != destination.is_ipv4() {
                assert_eq!(id, None, "{line}");
            } else {
                assert_eq!(id.as_deref(), Some(columns[5]), "{line}");
                compared += 1;
            }
        }
        assert!(compared > 20, "only {compared} rows were compared");
    }
}

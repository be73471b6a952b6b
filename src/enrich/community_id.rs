//! Community ID version 1 with seed 0: one short text for both directions of a flow.
//!
//! Source: Corelight, "Community ID Flow Hashing". The hashed bytes are seed, the two addresses in order, protocol, a
//! zero and, where the protocol has them, the two ports. That is 44 bytes at most, always one block of SHA-1.

use std::net::IpAddr;

use sha1::block_api::compress;

use super::protocol;

/// Length of every Community ID of this version: `1:` and 20 bytes in base64.
pub(super) const LEN: usize = 30;

/// What SHA-1 starts from (FIPS 180-4, section 5.3.1).
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// The Community ID of a flow. None for ICMP, whose type and code flow logs lack, for a protocol with ports where a port
/// is missing, and for two addresses of different families, between which no packet goes.
#[inline]
pub(super) fn of(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ports: Option<(u16, u16)>,
) -> Option<[u8; LEN]> {
    let ports = match protocol {
        protocol::ICMP | protocol::IPV6_ICMP => return None,
        protocol::TCP | protocol::UDP | protocol::SCTP => Some(ports?),
        _ => None,
    };
    let mut block = [0; 64];
    let end = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            write(&mut block, source.octets(), destination.octets(), protocol, ports)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            write(&mut block, source.octets(), destination.octets(), protocol, ports)
        }
        _ => return None,
    };
    block[end] = 0x80;
    block[62..].copy_from_slice(&(end as u16 * 8).to_be_bytes());
    let mut state = START;
    compress(&mut state, &[block]);
    Some(text(state))
}

/// Writes what is hashed behind the two zeros of the seed, smaller end first; returns where it ends.
#[inline]
fn write<const N: usize>(
    block: &mut [u8; 64],
    source: [u8; N],
    destination: [u8; N],
    protocol: u8,
    ports: Option<(u16, u16)>,
) -> usize {
    let (from, to) = ports.unwrap_or_default();
    let forward = (source, from) <= (destination, to);
    let ((first, first_port), (second, second_port)) =
        if forward { ((source, from), (destination, to)) } else { ((destination, to), (source, from)) };
    block[2..2 + N].copy_from_slice(&first);
    block[2 + N..2 + 2 * N].copy_from_slice(&second);
    block[2 + 2 * N] = protocol;
    if ports.is_none() {
        return 4 + 2 * N;
    }
    block[4 + 2 * N..6 + 2 * N].copy_from_slice(&first_port.to_be_bytes());
    block[6 + 2 * N..8 + 2 * N].copy_from_slice(&second_port.to_be_bytes());
    8 + 2 * N
}

/// `1:` and the digest in base64 with padding (RFC 4648, section 4).
#[inline]
fn text(digest: [u32; 5]) -> [u8; LEN] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = [0; 24];
    for (place, word) in bytes.chunks_exact_mut(4).zip(digest) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    let mut text = [b'='; LEN];
    text[..2].copy_from_slice(b"1:");
    for (four, three) in text[2..].chunks_exact_mut(4).zip(bytes.chunks_exact(3)) {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        four[0] = ALPHABET[(bits >> 18) as usize & 63];
        four[1] = ALPHABET[(bits >> 12) as usize & 63];
        four[2] = ALPHABET[(bits >> 6) as usize & 63];
        four[3] = ALPHABET[bits as usize & 63];
    }
    // 20 bytes leave two over: three characters and a padding.
    text[LEN - 1] = b'=';
    text
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::enrich::database::fixtures;

    fn said(id: Option<[u8; LEN]>) -> Option<String> {
        id.map(|id| String::from_utf8(id.to_vec()).unwrap())
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
        assert_eq!(of(v4, v4, 1, Some((8, 0))), None, "icmp");
        assert_eq!(of(v6, v6, 58, Some((0, 0))), None, "ipv6-icmp");
        assert_eq!(of(v4, v4, 6, None), None, "tcp without ports");
        assert_eq!(of(v4, v6, 6, Some((1, 2))), None, "two families");
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

//! Who is outside: clients, scanners, the office, the services that everybody uses, and the intruder.

use std::net::{IpAddr, Ipv4Addr};

use super::draw::{Draw, scramble};
use super::geography::numbered_v6;
use super::record::Service;

/// The intruder's address; nobody else comes from its network.
pub(super) const INTRUDER: Outside = Outside::at([203, 0, 113, 77], Service::None);
/// The resolver that hosts ask beside Amazon's own, whose traffic flow logs do not show.
pub(super) const RESOLVER: Outside = Outside::at([192, 0, 2, 53], Service::None);
/// Where packages come from.
pub(super) const MIRROR: Outside = Outside::at([198, 51, 100, 140], Service::None);
/// Object storage, an AWS service.
pub(super) const STORAGE: Outside = Outside::at([192, 0, 2, 180], Service::S3);

/// Key-value tables, an AWS service.
pub(super) const TABLES: Outside = Outside::at([192, 0, 2, 190], Service::DynamoDb);
/// Queues, of one of AWS's services that records call `AMAZON`.
pub(super) const QUEUES: Outside = Outside::at([192, 0, 2, 200], Service::Amazon);
/// Where agents phone home.
pub(super) const AGENTS: Outside = Outside::at([198, 51, 100, 150], Service::None);
/// Somebody whose interface applications call.
pub(super) const PARTNER: Outside = Outside::at([198, 51, 100, 160], Service::None);
/// Where an attacker has what it takes sent to.
pub(super) const DROP: Outside = Outside::at([203, 0, 113, 90], Service::None);

/// First addresses of the networks of 2^14 addresses that clients come from.
const CLIENT_NETWORKS: [[u8; 2]; 5] = [[18, 0], [18, 64], [18, 128], [18, 192], [19, 0]];

/// An address outside and the service it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outside {
    pub(super) address: IpAddr,
    pub(super) service: Service,
}

/// Draws addresses of clients and scanners: three quarters of the externals are clients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Internet {
    externals: u64,
    ipv6_permille: u64,
}

impl Outside {
    const fn at(octets: [u8; 4], service: Service) -> Self {
        let [a, b, c, d] = octets;
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), service }
    }
}

impl Internet {
    /// With so many external addresses, of whose sessions a share is IPv6.
    pub(super) fn new(externals: u32, ipv6_permille: u32) -> Self {
        Self { externals: u64::from(externals), ipv6_permille: u64::from(ipv6_permille) }
    }

    /// A client; few come often and many seldom.
    pub(super) fn client(&self, draw: &mut Draw) -> Outside {
        let most = draw.below(self.externals * 3 / 4) + 1;
        let index = draw.below(most);
        if draw.permille(self.ipv6_permille) {
            return Outside { address: numbered_v6(index as u32), service: Service::None };
        }
        let [second, third] = CLIENT_NETWORKS[(index % 5) as usize];
        let [low, high] = ((scramble(index) & 0x3FFF) as u16).to_le_bytes();
        Outside::at([198, second, third | high, low], Service::None)
    }

    /// A scanner.
    pub(super) fn scanner(&self, draw: &mut Draw) -> Outside {
        let index = draw.below(self.externals / 4);
        let bits = scramble(index ^ 0x5CA7);
        match bits % 8 {
            0 => Outside::at([203, 0, 113, 128 | (bits >> 8 & 0x7F) as u8], Service::None),
            1..3 => Outside::at([198, 19, 64 | (bits >> 8 & 0x3F) as u8, (bits >> 16) as u8], Service::None),
            _ => Outside::at([198, 19, 128 | (bits >> 8 & 0x7F) as u8, (bits >> 16) as u8], Service::None),
        }
    }

    /// Somebody in the office.
    pub(super) fn office(draw: &mut Draw) -> Outside {
        Outside::at([198, 51, 100, 10 + draw.below(12) as u8], Service::None)
    }
}

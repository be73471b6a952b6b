//! The ground that a fleet stands on: accounts, regions, VPCs with their CIDRs and subnets, and their flow logs.
//!
//! Nothing here depends on the seed. The last of several VPCs has the CIDR of the first, in an account or region of its
//! own where there is one, and no transit gateway leads to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::generate::draw::scramble;
use crate::generate::estate::{ACCOUNT, numbered};

use super::options::FleetOptions;

/// Regions with the beginnings of their availability zones' ids, in the order in which they are taken.
pub(super) const REGIONS: [(&str, &str); 4] =
    [("eu-west-1", "euw1"), ("us-east-1", "use1"), ("eu-central-1", "euc1"), ("ap-southeast-2", "apse2")];

/// Most members of services in one VPC; some room is left for replacements.
pub(super) const PER_VPC: u32 = 20_000;

/// Subnets of a VPC: a public and a private one in each of two availability zones.
pub(super) const SUBNETS: usize = 4;
/// The first private one.
pub(super) const PRIVATE: usize = 2;

/// Where the subnets begin, in addresses from the VPC's first, and the bits of their prefixes.
const LAYOUT: [(u32, u8); SUBNETS] = [(0, 20), (4_096, 20), (16_384, 18), (32_768, 18)];

/// A VPC and its flow log.
#[derive(Debug, Clone)]
pub(super) struct Vpc {
    pub(super) account: String,
    pub(super) region: &'static str,
    pub(super) id: String,
    pub(super) flow_log: String,
    pub(super) subnets: [Subnet; SUBNETS],
    /// First address; the prefix has 16 bits.
    pub(super) four: u32,
    /// First address in Amazon's public space; the prefix has 56 bits.
    pub(super) six: u128,
    /// The VPC that the transit gateway leads to, if any.
    pub(super) partner: Option<usize>,
}

/// A subnet.
#[derive(Debug, Clone)]
pub(super) struct Subnet {
    pub(super) id: String,
    pub(super) zone: String,
}

/// All VPCs that `options` describe.
pub(super) fn vpcs(options: &FleetOptions) -> Vec<Vpc> {
    let count = options.vpcs as usize;
    let mut vpcs: Vec<Vpc> = (0..count).map(|ordinal| vpc(ordinal, options)).collect();
    for one in 0..count {
        vpcs[one].partner = (1..count).map(|step| (one + step) % count).find(|other| {
            let (near, far) = (&vpcs[one], &vpcs[*other]);
            let twin = one + 1 == count || other + 1 == count;
            near.region == far.region && near.four != far.four && !twin
        });
    }
    vpcs
}

fn vpc(ordinal: usize, options: &FleetOptions) -> Vpc {
    let (accounts, regions) = (options.accounts as usize, options.regions as usize);
    let (region, zones) = REGIONS[ordinal / accounts % regions];
    let serial = ordinal as u64;
    let twin = ordinal > 0 && ordinal + 1 == options.vpcs as usize;
    let net = if twin { 0 } else { ordinal as u32 };
    let subnets = [0, 1, 2, 3].map(|number: u64| Subnet {
        id: numbered("subnet-", serial * 4 + number),
        zone: format!("{zones}-az{}", number % 2 + 1),
    });
    Vpc {
        account: account(ordinal % accounts),
        region,
        id: numbered("vpc-", serial),
        flow_log: numbered("fl-", serial),
        subnets,
        four: (0x0A14 + net) << 16,
        six: (0x2600_1f10 + (ordinal / accounts % regions) as u128) << 96 | u128::from(serial + 1) << 72,
        partner: None,
    }
}

/// Whether `address` may be of a VPC: all CIDRs lie in 10.0.0.0/8 and 2600:1f10::/28.
pub(super) fn is_own(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.octets()[0] == 10,
        IpAddr::V6(six) => six.to_bits() >> 100 == 0x260_01f1,
    }
}

/// Twelve digits; the first account begins with a zero.
fn account(ordinal: usize) -> String {
    match ordinal {
        0 => ACCOUNT.to_owned(),
        _ => format!("{:012}", 100_000_000_000 + scramble(ordinal as u64 ^ 0xACC0) % 900_000_000_000),
    }
}

impl Vpc {
    /// Address number `index` of a subnet, from the first that AWS does not keep for itself.
    pub(super) fn address(&self, subnet: usize, index: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.four + LAYOUT[subnet].0 + 4 + index)
    }

    /// The IPv6 address of interface number `serial`.
    pub(super) fn address_six(&self, subnet: usize, serial: u64) -> Ipv6Addr {
        let host = u128::from(scramble(serial ^ 0x51C5) >> 16);
        Ipv6Addr::from_bits(self.six | (subnet as u128) << 64 | host)
    }

    /// The IPv4 network of the VPC.
    pub(super) fn cidr(&self) -> String {
        format!("{}/16", Ipv4Addr::from_bits(self.four))
    }

    /// The IPv6 network of the VPC.
    pub(super) fn cidr_six(&self) -> String {
        format!("{}/56", Ipv6Addr::from_bits(self.six))
    }

    /// The IPv4 and the IPv6 network of a subnet.
    pub(super) fn subnet_cidrs(&self, subnet: usize) -> [String; 2] {
        let (first, bits) = LAYOUT[subnet];
        let six = Ipv6Addr::from_bits(self.six | (subnet as u128) << 64);
        [format!("{}/{bits}", Ipv4Addr::from_bits(self.four + first)), format!("{six}/64")]
    }

    /// Whether `address` lies in the VPC.
    #[cfg(test)]
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(four) => four.to_bits() >> 16 == self.four >> 16,
            IpAddr::V6(six) => six.to_bits() >> 72 == self.six >> 72,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_vpc_has_the_cidr_of_the_first_and_no_transit_gateway_leads_to_it() {
        let vpcs = vpcs(&FleetOptions::default());
        assert_eq!(vpcs.len(), 4);
        assert_eq!(vpcs[3].cidr(), vpcs[0].cidr());
        assert_ne!((&vpcs[3].account, &vpcs[3].region), (&vpcs[0].account, &vpcs[0].region));
        assert_eq!(vpcs.iter().map(|vpc| vpc.partner).collect::<Vec<_>>(), [Some(1), Some(0), None, None]);
        assert!(vpcs.iter().all(|vpc| vpc.account.len() == 12 && vpc.cidr_six().starts_with("2600:1f1")));
    }
}

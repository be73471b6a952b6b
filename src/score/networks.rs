//! The internal networks, in a form that answers for an address in a few nanoseconds.

use std::net::IpAddr;

use ipnet::IpNet;

/// An address as one number: IPv6 as it is, IPv4 mapped into it.
pub(super) type Address = u128;

/// The networks whose addresses are the operator's own.
#[derive(Debug, Clone, Default)]
pub(super) struct Networks {
    four: Vec<(u32, u32)>,
    six: Vec<(u128, u128)>,
}

// === impl Networks ===

impl Networks {
    /// The networks `nets`.
    pub(super) fn new(nets: &[IpNet]) -> Self {
        let mut networks = Self::default();
        for net in nets {
            match net {
                IpNet::V4(net) => networks.four.push((net.network().into(), net.netmask().into())),
                IpNet::V6(net) => networks.six.push((net.network().into(), net.netmask().into())),
            }
        }
        networks
    }

    /// Whether `address` lies in one of them.
    #[inline]
    pub(super) fn contain(&self, address: Address) -> bool {
        if address >> 32 == 0xffff {
            let address = address as u32;
            self.four.iter().any(|(network, mask)| address & mask == *network)
        } else {
            self.six.iter().any(|(network, mask)| address & mask == *network)
        }
    }
}

/// `address` as a number.
#[inline]
pub(super) fn number(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(address) => 0xffff_0000_0000 | u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address that `number` stands for.
pub(super) fn address(number: Address) -> IpAddr {
    if number >> 32 == 0xffff { IpAddr::V4((number as u32).into()) } else { IpAddr::V6(number.into()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_internal_exactly_when_a_network_contains_it() {
        let nets: Vec<IpNet> =
            ["10.0.0.0/8", "192.168.1.128/25", "fc00::/7"].iter().map(|net| net.parse().unwrap()).collect();
        let networks = Networks::new(&nets);
        for text in
            ["10.0.0.0", "10.255.255.255", "11.0.0.1", "192.168.1.127", "192.168.1.128", "fd00::1", "fe80::1"]
        {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(networks.contain(number(ip)), nets.iter().any(|net| net.contains(&ip)), "{text}");
            assert_eq!(address(number(ip)), ip);
        }
    }
}

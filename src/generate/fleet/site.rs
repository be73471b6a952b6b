//! What every VPC has beside its services: gateways, endpoints, attachments, load balancers.

use std::net::Ipv4Addr;

use crate::generate::draw::scramble;

use super::ground::Vpc;
use super::nic::{Kind, NO_SERVICE, Nic, Nics};
use super::service::{Role, Service};

/// The interfaces of a VPC that stay; where there are two they are one in each zone.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) nat: [u32; 2],
    pub(super) endpoint: [u32; 2],
    pub(super) transit: [u32; 2],
    pub(super) spare: u32,
    /// The load balancer of each web service, by the service's index.
    pub(super) balancers: Vec<(u32, [u32; 2])>,
}

impl Site {
    /// Builds the interfaces of VPC number `place`.
    pub(super) fn new(place: usize, vpc: &Vpc, services: &[Service], nics: &mut Nics, start: u64) -> Self {
        // Places in a subnet, from the top down: members have theirs from the bottom up.
        let mut taken = 0;
        let mut add = |kind: Kind, zone: usize, service: u32| {
            let public = kind.is_public();
            let subnet = if public { zone } else { 2 + zone };
            let mut nic = Nic::new(place, subnet, kind, service, start);
            taken += 1;
            nic.four = vpc.address(subnet, if public { 4_000 - taken } else { 16_300 - taken });
            let serial = nics.next_serial();
            nic.six = vpc.address_six(subnet, serial);
            // Of a range that is reserved, since real ones are somebody's.
            nic.public =
                public.then(|| Ipv4Addr::from_bits(0xF100_0000 | (scramble(serial) & 0xFFFF) as u32));
            nics.add(nic, start)
        };
        let mut pair = |kind: Kind, service: u32| [add(kind, 0, service), add(kind, 1, service)];
        let [nat, endpoint, transit] =
            [Kind::Nat, Kind::Endpoint, Kind::Transit].map(|kind| pair(kind, NO_SERVICE));
        let webs = services
            .iter()
            .enumerate()
            .filter(|(_, service)| service.vpc == place && service.role == Role::Web);
        let balancers =
            webs.map(|(index, _)| (index as u32, pair(Kind::LoadBalancer, index as u32))).collect();
        Self { nat, endpoint, transit, spare: add(Kind::Spare, 0, NO_SERVICE), balancers }
    }

    /// The load balancer of a web service; the NAT gateway's interfaces where it has none.
    pub(super) fn balancer(&self, service: u32) -> [u32; 2] {
        self.balancers.iter().find(|(of, _)| *of == service).map_or(self.nat, |(_, pair)| *pair)
    }

    /// All its interfaces.
    pub(super) fn all(&self) -> impl Iterator<Item = u32> {
        let balancers = self.balancers.iter().flat_map(|(_, pair)| *pair);
        [self.nat, self.endpoint, self.transit].into_iter().flatten().chain([self.spare]).chain(balancers)
    }
}

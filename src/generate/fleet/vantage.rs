//! Vantage points: the interfaces that a flow passes on its way, each of which logs it as it sees it.
//!
//! Addresses and `pkt-*` are as AWS's examples of NAT and transit gateways have them: where a record shows an address of
//! the gateway, the packet still has the true one.

use crate::generate::draw::Draw;
use crate::generate::flow::{DELAY_MAX, Flow, ICMP, PATH_INTERNET_GATEWAY, PATH_SAME_VPC, Party};
use crate::generate::internet::Outside;
use crate::generate::record::{End, NOBODY, Record, Service};

use super::Fleet;
use super::late::Late;
use super::truth::Truth;

/// Path number of traffic through a gateway endpoint, from instances on Nitro.
const PATH_GATEWAY_ENDPOINT: u8 = 7;

/// Where records are left: for delivery, and for the truth.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) late: Late,
    pub(super) truth: Option<Truth>,
    late_seconds: u64,
    made: u64,
}

/// An interface on the way of a flow.
#[derive(Debug, Clone, Copy)]
struct Stand {
    host: u32,
    /// Whether the client's side is the interface's own, so that what goes up leaves it.
    at_client: bool,
    path: u8,
    next: u32,
    rejected: bool,
}

impl Post {
    /// Nothing left yet.
    pub(super) fn new(start: u64, late_seconds: u32, truth: Option<Truth>) -> Self {
        Self { late: Late::new(start), truth, late_seconds: late_seconds.into(), made: 0 }
    }

    /// How many records were left since this was last asked.
    pub(super) fn take_made(&mut self) -> u64 {
        std::mem::take(&mut self.made)
    }

    /// Leaves what every interface on the way logs of `flow`, over IPv6 where `six` says so or an end has nothing else.
    pub(super) fn flow(&mut self, fleet: &Fleet, draw: &mut Draw, flow: &Flow, six: bool) {
        let six = six || [flow.client, flow.server].iter().any(is_six);
        let near = end(fleet, flow.client, flow.client_port, six);
        let far = end(fleet, flow.server, flow.server_port, six);
        let rejected = flow.rejected;
        match (flow.client, flow.server) {
            (Party::Host(client), Party::Host(server)) => {
                let same = fleet.nics.get(client).vpc == fleet.nics.get(server).vpc;
                let [first, last] =
                    if same { [server, client] } else { self.by_transit(fleet, draw, flow, near, far) };
                // Whoever refuses is the server: what leaves the client was let through.
                let at_client = Stand {
                    host: client,
                    at_client: true,
                    path: PATH_SAME_VPC,
                    next: first,
                    rejected: false,
                };
                let at_server = Stand { host: server, at_client: false, next: last, rejected, ..at_client };
                self.both(fleet, draw, flow, (near, far), at_client);
                self.both(fleet, draw, flow, (near, far), at_server);
            }
            (Party::Host(client), Party::Outside(outside)) => {
                self.outward(fleet, draw, flow, (near, far), client, outside);
            }
            (Party::Outside(_), Party::Host(server)) => {
                let stand = Stand {
                    host: server,
                    at_client: false,
                    path: PATH_INTERNET_GATEWAY,
                    next: NOBODY,
                    rejected,
                };
                self.both(fleet, draw, flow, (near, far), stand);
            }
            (Party::Outside(_), Party::Outside(_)) => {}
        }
    }

    /// Leaves one record.
    pub(super) fn record(&mut self, fleet: &Fleet, draw: &mut Draw, record: Record) {
        let chance = draw.below(100 * DELAY_MAX);
        let delay = match chance / DELAY_MAX {
            0 => draw.below(self.late_seconds + 1),
            _ => chance % DELAY_MAX,
        };
        if let Some(truth) = &mut self.truth {
            truth.see(fleet, &record);
        }
        self.late.push(record.end + delay, record);
        self.made += 1;
    }

    /// From a host to the outside: through a gateway endpoint, the host's own address, or the NAT gateway of its zone.
    fn outward(
        &mut self,
        fleet: &Fleet,
        draw: &mut Draw,
        flow: &Flow,
        (near, far): (End, End),
        client: u32,
        outside: Outside,
    ) {
        let nic = fleet.nics.get(client);
        let six = near.address.is_ipv6();
        let path = match outside.service {
            Service::S3 | Service::DynamoDb if !six => PATH_GATEWAY_ENDPOINT,
            _ if six || nic.kind.is_public() => PATH_INTERNET_GATEWAY,
            _ => PATH_SAME_VPC,
        };
        let rejected = flow.rejected;
        let by_nat = path == PATH_SAME_VPC && !rejected;
        let nat = fleet.site(nic.vpc).nat[nic.subnet % 2];
        let next = if by_nat { nat } else { NOBODY };
        self.both(
            fleet,
            draw,
            flow,
            (near, far),
            Stand { host: client, at_client: true, path, next, rejected },
        );
        if by_nat {
            let own = fleet.nics.get(nat).four.into();
            let toward_host = End { address: own, ..far };
            let port = if flow.protocol == ICMP { 0 } else { draw.between(1_024, 65_535) as u16 };
            let inner = Stand { host: nat, at_client: false, path: PATH_SAME_VPC, next: client, rejected };
            let outer =
                Stand { host: nat, at_client: true, path: PATH_INTERNET_GATEWAY, next: NOBODY, rejected };
            self.both(fleet, draw, flow, (near, toward_host), inner);
            self.both(fleet, draw, flow, (End::plain(own, port), far), outer);
        }
    }

    /// What the attachments of the transit gateway log in both VPCs: what goes up where the client's zone is attached,
    /// what comes down where the server's is, and each with the attachment's own address for the end beyond. Returns the
    /// attachments next to the client and to the server.
    fn by_transit(&mut self, fleet: &Fleet, draw: &mut Draw, flow: &Flow, near: End, far: End) -> [u32; 2] {
        let (Party::Host(client), Party::Host(server)) = (flow.client, flow.server) else {
            return [NOBODY; 2];
        };
        let [client_nic, server_nic] = [client, server].map(|host| fleet.nics.get(host));
        let zones = [client_nic.subnet % 2, server_nic.subnet % 2];
        let [behind, before] = [client_nic, server_nic].map(|nic| fleet.site(nic.vpc).transit);
        let own = |host: u32, other: End| {
            let nic = fleet.nics.get(host);
            let address = if other.address.is_ipv6() { nic.six.into() } else { nic.four.into() };
            End { address, ..other }
        };
        // In the client's VPC, then in the server's.
        let legs = [
            (behind[zones[0]], near, own(behind[zones[0]], far), true, false, client),
            (behind[zones[1]], own(behind[zones[1]], far), near, false, true, client),
            (before[zones[0]], own(before[zones[0]], near), far, true, true, server),
            (before[zones[1]], far, own(before[zones[1]], near), false, false, server),
        ];
        for (host, source, destination, upward, egress, next) in legs {
            if let Some(record) = flow.sight(host, source, destination, upward, egress, PATH_SAME_VPC) {
                self.record(fleet, draw, Record { next, rejected: false, ..record });
            }
        }
        [behind[zones[0]], before[zones[1]]]
    }

    /// Both directions as one interface logs them.
    fn both(&mut self, fleet: &Fleet, draw: &mut Draw, flow: &Flow, (near, far): (End, End), stand: Stand) {
        let Stand { host, at_client, path, next, rejected } = stand;
        for (source, destination, upward, egress) in
            [(near, far, true, at_client), (far, near, false, !at_client)]
        {
            if let Some(record) = flow.sight(host, source, destination, upward, egress, path) {
                self.record(fleet, draw, Record { next, rejected, ..record });
            }
        }
    }
}

fn is_six(party: &Party) -> bool {
    matches!(party, Party::Outside(outside) if outside.address.is_ipv6())
}

fn end(fleet: &Fleet, party: Party, port: u16, six: bool) -> End {
    match party {
        Party::Host(host) => {
            let nic = fleet.nics.get(host);
            End::plain(if six { nic.six.into() } else { nic.four.into() }, port)
        }
        Party::Outside(outside) => End { service: outside.service, ..End::plain(outside.address, port) },
    }
}

//! One conversation and the records that AWS writes about it: one per direction at every interface it passes.

use super::draw::Draw;
use super::estate::{self, Estate, NAT};
use super::internet::Outside;
use super::record::{End, NOBODY, Record, Service, Status};

/// Largest delay, in seconds, between the end of a record and its delivery.
pub(super) const DELAY_MAX: u64 = 90;

/// Path number of traffic to a resource in the same VPC, a NAT gateway included.
pub(super) const PATH_SAME_VPC: u8 = 1;
/// Path number of traffic through an internet gateway.
pub(super) const PATH_INTERNET_GATEWAY: u8 = 8;

/// Bytes that IPv4 and TCP headers with time stamps take from a packet.
pub(super) const HEADER_BYTES: u64 = 52;
/// Largest packet to and from the internet.
pub(super) const INTERNET_PACKET_BYTES: u64 = 1500;
/// Largest packet inside a VPC.
pub(super) const VPC_PACKET_BYTES: u64 = 9001;

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMP: u8 = 1;

/// A side of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party {
    /// A host of the estate, by its index.
    Host(u32),
    /// An address outside.
    Outside(Outside),
}

/// Which part of a connection an interval saw; decides the TCP flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// All of it.
    Whole,
    /// Its beginning.
    Opening,
    /// Neither beginning nor end.
    Middle,
    /// Its end.
    Closing,
}

/// Packets and bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Volume {
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

/// What one aggregation interval saw of a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow {
    pub(super) client: Party,
    pub(super) server: Party,
    pub(super) client_port: u16,
    pub(super) server_port: u16,
    pub(super) protocol: u8,
    /// From client to server.
    pub(super) up: Volume,
    /// From server to client; no packets where nothing comes back.
    pub(super) down: Volume,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) stage: Stage,
    pub(super) rejected: bool,
}

/// A record with the time and rank by which it is delivered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    /// Seconds since 1970.
    pub(super) at: u64,
    /// Actor, interval and how manieth of both: the order among equal times, which no other actor moves.
    pub(super) rank: (u32, u64, u32),
    pub(super) record: Record,
}

/// Where actors leave their records.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) deliveries: Vec<Delivery>,
    rank: (u32, u64, u32),
    made: u64,
}

impl Volume {
    /// `content` bytes in packets of at most `packet_bytes`, with three packets of handshake and goodbye.
    pub(super) fn of(content: u64, packet_bytes: u64) -> Self {
        let packets = content.div_ceil(packet_bytes - HEADER_BYTES) + 3;
        Self { packets, bytes: content + packets * HEADER_BYTES }
    }

    /// Bare acknowledgements of `other`, one for two packets.
    pub(super) fn acknowledging(other: Self) -> Self {
        let packets = other.packets / 2 + 2;
        Self { packets, bytes: packets * HEADER_BYTES }
    }

    /// The sum of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { packets: self.packets + other.packets, bytes: self.bytes + other.bytes }
    }
}

impl Stage {
    /// Flags of the client's and of the server's direction; AWS shows no lone ACK.
    fn flags(self) -> (u8, u8) {
        match self {
            Self::Whole => (3, 19),
            Self::Opening => (2, 18),
            Self::Middle => (0, 0),
            Self::Closing => (1, 1),
        }
    }
}

impl Flow {
    /// What the interface `host` logs of one direction: what goes up from the client, or down from the server. Nothing
    /// where no packet goes.
    pub(super) fn sight(
        &self,
        host: u32,
        source: End,
        destination: End,
        upward: bool,
        egress: bool,
        path: u8,
    ) -> Option<Record> {
        let (up_flags, down_flags) = if self.protocol == TCP { self.stage.flags() } else { (0, 0) };
        let (volume, tcp_flags) = match (upward, self.rejected) {
            (true, true) => (self.up, up_flags & 2),
            (true, false) => (self.up, up_flags),
            (false, _) => (self.down, down_flags),
        };
        (volume.packets > 0).then_some(Record {
            host,
            source,
            destination,
            protocol: self.protocol,
            packets: volume.packets,
            bytes: volume.bytes,
            start: self.start,
            end: self.end,
            rejected: self.rejected,
            tcp_flags,
            egress,
            path: if egress { path } else { 0 },
            status: Status::Ok,
            next: NOBODY,
        })
    }
}

impl Outbox {
    /// Records that follow are of a new interval.
    pub(super) fn begin(&mut self) {
        self.made = 0;
    }

    /// Records that follow are the actor's, in the interval that starts at `start`.
    pub(super) fn speak_for(&mut self, actor: u32, start: u64) {
        self.rank = (actor, start, 0);
    }

    /// How many records the interval has so far.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// Adds the records of `flow`.
    pub(super) fn flow(&mut self, estate: &Estate, draw: &mut Draw, flow: &Flow) {
        let Flow { client, server, .. } = *flow;
        let six = [client, server].iter().any(|p| matches!(p, Party::Outside(o) if o.address.is_ipv6()));
        let (near, far) = (end(client, flow.client_port, six), end(server, flow.server_port, six));
        let internal = matches!((client, server), (Party::Host(_), Party::Host(_)));
        let path = if internal { PATH_SAME_VPC } else { PATH_INTERNET_GATEWAY };
        if let Party::Host(host) = client {
            let by_nat = !internal && !estate.is_public(host);
            self.pair(draw, flow, host, (near, far), true, if by_nat { PATH_SAME_VPC } else { path });
            if by_nat {
                self.through_nat(draw, flow, near, far);
            }
        }
        if let Party::Host(host) = server {
            self.pair(draw, flow, host, (near, far), false, path);
        }
    }

    /// The four records that a NAT gateway's interface adds: to and from the host, to and from the internet, each
    /// with the gateway's own address where the record shows an address and the true one where it shows the packet's.
    fn through_nat(&mut self, draw: &mut Draw, flow: &Flow, near: End, far: End) {
        let own = estate::v4(NAT);
        let outer_port = draw.between(1024, 65_535) as u16;
        let toward_host = End { address: own, ..far };
        self.pair(draw, flow, NAT, (near, toward_host), false, PATH_SAME_VPC);
        let outer = End::plain(own, if flow.protocol == ICMP { 0 } else { outer_port });
        self.pair(draw, flow, NAT, (outer, far), true, PATH_INTERNET_GATEWAY);
    }

    /// The records of both directions at one interface, which is the client's or the server's.
    fn pair(
        &mut self,
        draw: &mut Draw,
        flow: &Flow,
        host: u32,
        (near, far): (End, End),
        at_client: bool,
        path: u8,
    ) {
        let sights = [(near, far, true, at_client), (far, near, false, !at_client)];
        for (source, destination, upward, egress) in sights {
            if let Some(record) = flow.sight(host, source, destination, upward, egress, path) {
                self.record(draw, record);
            }
        }
    }

    /// Adds one record, delivered up to [`DELAY_MAX`] seconds after its end.
    pub(super) fn record(&mut self, draw: &mut Draw, record: Record) {
        let at = record.end + draw.below(DELAY_MAX);
        self.deliveries.push(Delivery { at, rank: self.rank, record });
        self.rank.2 += 1;
        self.made += 1;
    }
}

fn end(party: Party, port: u16, six: bool) -> End {
    let (address, service) = match party {
        Party::Host(host) => (if six { estate::v6(host) } else { estate::v4(host) }, Service::None),
        Party::Outside(outside) => (outside.address, outside.service),
    };
    End { address, packet: address, port, service }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::internet::{RESOLVER, STORAGE};

    fn records(client: Party, server: Party) -> Vec<Record> {
        let mut outbox = Outbox::default();
        let flow = Flow {
            client,
            server,
            client_port: 40_000,
            server_port: 443,
            protocol: TCP,
            up: Volume { packets: 3, bytes: 300 },
            down: Volume { packets: 4, bytes: 4000 },
            start: 100,
            end: 160,
            stage: Stage::Whole,
            rejected: false,
        };
        outbox.flow(&Estate::new(12), &mut Draw::new(1, 1), &flow);
        outbox.deliveries.iter().map(|delivery| delivery.record).collect()
    }

    #[test]
    fn a_flow_inside_the_vpc_is_logged_in_both_directions_at_both_interfaces() {
        let records = records(Party::Host(1), Party::Host(4));
        let seen: Vec<_> =
            records.iter().map(|r| (r.host, r.egress, r.source.port, r.bytes, r.path)).collect();
        let want = [
            (1, true, 40_000, 300, 1),
            (1, false, 443, 4000, 0),
            (4, false, 40_000, 300, 0),
            (4, true, 443, 4000, 1),
        ];
        assert_eq!(seen, want);
    }

    #[test]
    fn a_private_host_reaches_the_internet_through_the_gateway_in_six_records() {
        let records = records(Party::Host(4), Party::Outside(STORAGE));
        let (app, nat, outside) = (estate::v4(4), estate::v4(NAT), STORAGE.address);
        let seen: Vec<_> = records
            .iter()
            .map(|r| {
                (r.host, [r.source.address, r.destination.address, r.source.packet, r.destination.packet])
            })
            .collect();
        let want = [
            (4, [app, outside, app, outside]),
            (4, [outside, app, outside, app]),
            (NAT, [app, nat, app, outside]),
            (NAT, [nat, app, outside, app]),
            (NAT, [nat, outside, nat, outside]),
            (NAT, [outside, nat, outside, nat]),
        ];
        assert_eq!(seen, want);
        assert_eq!(records[0].destination.service, Service::S3);
    }

    #[test]
    fn a_public_host_reaches_the_internet_by_itself() {
        assert_eq!(records(Party::Host(1), Party::Outside(RESOLVER)).len(), 2);
    }
}

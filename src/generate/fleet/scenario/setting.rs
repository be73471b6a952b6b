//! Where and when a scenario is played, and what its script is put together from.

use std::net::{IpAddr, Ipv4Addr};

use crate::generate::draw::Draw;
use crate::generate::fleet::Fleet;
use crate::generate::fleet::actor::Scene;
use crate::generate::fleet::label::Label;
use crate::generate::fleet::service::Role;
use crate::generate::flow::{Flow, ICMP, INTERNET_PACKET_BYTES, Party, Stage, TCP, Volume};
use crate::generate::internet::{Internet, Outside};
use crate::generate::record::Service;

use super::Plan;

/// See the top of the file.
pub(super) struct Setting<'a> {
    fleet: &'a Fleet,
    internet: Internet,
    pub(super) draw: &'a mut Draw,
    /// When it begins.
    pub(super) start: u64,
    /// Seconds of an aggregation interval, and where one begins.
    length: u64,
    origin: u64,
}

/// The way into a web service from outside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door {
    service: u32,
    pub(super) balancer: u32,
}

// === impl Setting ===

impl<'a> Setting<'a> {
    pub(super) fn new(scene: &Scene<'a>, draw: &'a mut Draw, start: u64) -> Self {
        let length = scene.interval.length();
        let (fleet, internet) = (scene.fleet, scene.internet);
        Self { fleet, internet, draw, start, length, origin: scene.interval.start }
    }

    /// A member of a service of `role`.
    pub(super) fn member(&mut self, role: Role) -> Option<u32> {
        let services: Vec<u32> = self.fleet.with(role).map(|(index, _)| index).collect();
        let service = *services.get(self.draw.below(services.len() as u64) as usize)?;
        let live = self.fleet.roster.live(service);
        live.get(self.draw.below(live.len() as u64) as usize).copied()
    }

    /// A member of a service of any of the roles that instances and tasks have.
    pub(super) fn anybody(&mut self) -> Option<u32> {
        let roles = [Role::Web, Role::App, Role::Worker, Role::Batch];
        let role = roles[self.draw.below(roles.len() as u64) as usize];
        self.member(role)
    }

    /// Two members of a service of `role`.
    pub(super) fn twins(&mut self, role: Role) -> Option<(u32, u32)> {
        let live = self.fleet.with(role).map(|(index, _)| self.fleet.roster.live(index));
        let pairs: Vec<&[u32]> = live.filter(|live| live.len() > 1).collect();
        let pair = pairs.get(self.draw.below(pairs.len() as u64) as usize)?;
        Some((pair[1], pair[0]))
    }

    /// The load balancer of a web service.
    pub(super) fn door(&mut self) -> Option<Door> {
        let webs: Vec<(u32, usize)> =
            self.fleet.with(Role::Web).map(|(index, service)| (index, service.vpc)).collect();
        let (service, vpc) = *webs.get(self.draw.below(webs.len() as u64) as usize)?;
        let balancer = self.fleet.site(vpc).balancer(service)[self.draw.below(2) as usize];
        Some(Door { service, balancer })
    }

    /// One of the clients that web services have.
    pub(super) fn client(&mut self) -> Outside {
        self.internet.client(self.draw)
    }

    /// `caller` is served by way of the load balancer.
    pub(super) fn visit(
        &mut self,
        caller: Outside,
        Door { service, balancer }: Door,
        bytes: (u64, u64),
        at: u64,
    ) -> Option<[Flow; 2]> {
        let live = self.fleet.roster.live(service);
        let member = *live.get(self.draw.below(live.len() as u64) as usize)?;
        let called = self.talk(Party::Outside(caller), Party::Host(balancer), 443, bytes, at);
        let passed = self.talk(Party::Host(balancer), Party::Host(member), 8_080, bytes, at);
        Some([called, passed])
    }

    /// At most `most` others of the VPC of `host`, in an order of their own.
    pub(super) fn neighbours(&mut self, host: u32, most: usize) -> Vec<u32> {
        let vpc = self.fleet.nics.get(host).vpc;
        let services = 0..self.fleet.services.len() as u32;
        let live = services.flat_map(|service| self.fleet.roster.live(service).iter().copied());
        let mut all: Vec<u32> =
            live.filter(|other| *other != host && self.fleet.nics.get(*other).vpc == vpc).collect();
        for nth in 0..all.len().min(most) {
            let other = nth + self.draw.below((all.len() - nth) as u64) as usize;
            all.swap(nth, other);
        }
        all.truncate(most);
        all
    }

    /// Somebody outside who is in none of the networks that others come from.
    pub(super) fn stranger(&mut self) -> Outside {
        let [second, third, last] = [0, 1, 2].map(|_| self.draw.between(1, 250) as u8);
        // 100.128.0.0/9 is nobody's in this generator.
        let address = IpAddr::V4(Ipv4Addr::new(100, 128 | second, third, last));
        Outside { address, service: Service::None }
    }

    /// A number between `low` and `high` whose logarithm is uniform.
    pub(super) fn scaled(&mut self, low: u64, high: u64) -> u64 {
        let doublings = (high / low).max(1).ilog2() + 1;
        let base = low << self.draw.below(doublings.into());
        self.draw.between(base, (base * 2).min(high).max(base)).min(high)
    }

    /// One packet of `bytes` that asks for `port` and gets nothing.
    pub(super) fn probe(&mut self, client: Party, server: Party, port: u16, bytes: u64, at: u64) -> Flow {
        Flow {
            client,
            server,
            client_port: self.draw.port(),
            server_port: port,
            protocol: TCP,
            up: Volume { packets: 1, bytes },
            down: Volume::default(),
            start: at,
            end: at,
            stage: Stage::Opening,
            rejected: true,
        }
    }

    /// A whole conversation, in which the client says `up` bytes and the server `down`.
    pub(super) fn talk(
        &mut self,
        client: Party,
        server: Party,
        port: u16,
        (up, down): (u64, u64),
        at: u64,
    ) -> Flow {
        let (up, down) = (Volume::of(up, INTERNET_PACKET_BYTES), Volume::of(down, INTERNET_PACKET_BYTES));
        // Who sends much is acknowledged.
        let both = |own: Volume, other: Volume| {
            let packets = own.packets.max(other.packets / 2);
            Volume { packets, bytes: own.bytes + (packets - own.packets) * 52 }
        };
        let end = at + 1 + self.draw.below(5);
        let end = self.within(at, end);
        Flow {
            client,
            server,
            client_port: self.draw.port(),
            server_port: port,
            protocol: TCP,
            up: both(up, down),
            down: both(down, up),
            start: at,
            end,
            stage: Stage::Whole,
            rejected: false,
        }
    }

    /// `time`, or the last second of the interval that `at` lies in.
    pub(super) fn within(&self, at: u64, time: u64) -> u64 {
        let into = (at - self.origin) % self.length;
        time.min(at + self.length - into - 1)
    }

    /// `flow`, which goes on until `end`, in a part for each interval, each with as much as its length allows.
    pub(super) fn parts(&self, flow: &Flow, end: u64) -> Vec<Flow> {
        let total = (end - flow.start).max(1);
        let share = |volume: Volume, seconds: u64| Volume {
            packets: (volume.packets * seconds / total).max(1),
            bytes: (volume.bytes * seconds / total).max(60),
        };
        let mut parts = Vec::new();
        let mut at = flow.start;
        while at < end {
            let last = self.within(at, end);
            let seconds = (last + 1 - at).min(total);
            let stage = match (at == flow.start, last == end) {
                (true, true) => Stage::Whole,
                (true, false) => Stage::Opening,
                (false, true) => Stage::Closing,
                (false, false) => Stage::Middle,
            };
            let down = if flow.down.packets == 0 { flow.down } else { share(flow.down, seconds) };
            parts.push(Flow { start: at, end: last, up: share(flow.up, seconds), down, stage, ..*flow });
            at = last + 1;
        }
        parts
    }

    /// Packets of ICMP of `bytes` each.
    pub(super) fn icmp(client: Party, server: Party, (up, down): (u64, u64), bytes: u64, at: u64) -> Flow {
        Flow {
            client,
            server,
            client_port: 0,
            server_port: 0,
            protocol: ICMP,
            up: Volume { packets: up, bytes: up * bytes },
            down: Volume { packets: down, bytes: down * bytes },
            start: at,
            end: at,
            stage: Stage::Middle,
            rejected: false,
        }
    }

    /// What `flows` come to, which `host` does or which are done to it; nothing where there are none.
    pub(super) fn plan(&self, host: u32, peer: Option<Party>, flows: Vec<Flow>) -> Option<Plan> {
        let peer = match peer {
            Some(Party::Outside(outside)) => outside.address.to_string(),
            Some(Party::Host(other)) => self.fleet.nics.get(other).four.to_string(),
            None => String::new(),
        };
        let leaving = |flow: &Flow| match (flow.client, flow.server) {
            (Party::Host(client), _) if client == host => flow.up.bytes,
            (_, Party::Host(server)) if server == host => flow.down.bytes,
            _ => 0,
        };
        let label = Label {
            kind: "",
            attack: true,
            technique: None,
            poison: false,
            host,
            peer,
            start: flows.iter().map(|flow| flow.start).min()?,
            end: flows.iter().map(|flow| flow.end).max()?,
            bytes: flows.iter().map(leaving).sum(),
        };
        Some(Plan { label, flows })
    }
}

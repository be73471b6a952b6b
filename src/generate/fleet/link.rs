//! A link: who talks to whom, how often, with how many bytes and at which hours. Nearly all traffic of a fleet is links.

use crate::generate::draw::{Draw, scramble};
use crate::generate::flow::{Flow, INTERNET_PACKET_BYTES, Party, Stage, TCP, VPC_PACKET_BYTES, Volume};
use crate::generate::internet::Outside;
use crate::generate::options::DAY;

use super::actor::{Actor, Scene};
use super::label::Label;
use super::service::Service;
use super::vantage::Post;

/// Thousandths of the busy amount that flow over an open connection when nobody is there.
const IDLE_PERMILLE: u64 = 150;

/// How much sooner than other conversations an open connection comes back as lines become more.
const OPEN_FIRST: u64 = 3;

/// Who begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Each member of a service.
    Members(u32),
    /// Clients outside, so many for each member of the web service behind the load balancer.
    Clients(u32),
    /// The load balancer of a web service, for each member behind it.
    Balancer(u32),
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Any member of a service.
    Members(u32),
    /// The member of a service that writes.
    Primary(u32),
    /// The interface endpoint of the zone.
    Endpoint,
    /// Somebody outside.
    Outside(Outside),
}

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hours {
    /// With the rhythm of the service.
    Rhythm,
    /// Day and night alike.
    Steady,
    /// For three hours from this one on, at night.
    Night(u64),
}

/// One link.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) from: From,
    pub(super) to: To,
    pub(super) port: u16,
    /// Thousandths of conversations of one member in ten busy minutes.
    pub(super) rate_milli: u64,
    pub(super) hours: Hours,
    /// A connection that stays open: at most one for each interval, and more bytes where more is asked for.
    pub(super) open: bool,
    /// Median bytes from whoever begins, and back.
    pub(super) up: u64,
    pub(super) down: u64,
    /// Spread of both, in hundredths of a log standard deviation.
    pub(super) sigma: u32,
}

impl Hours {
    /// Busyness in thousandths at `time` for `service`.
    pub(super) fn level(self, service: &Service, time: u64) -> u64 {
        match self {
            Self::Rhythm => service.busyness(time),
            Self::Steady => 1_000,
            Self::Night(hour) => {
                let into = (time % DAY + DAY - hour * 3_600) % DAY;
                if into < 3 * 3_600 { 1_000 } else { 0 }
            }
        }
    }
}

impl Link {
    /// The service whose members and hours decide how much there is.
    pub(super) fn service(&self) -> u32 {
        match self.from {
            From::Members(service) | From::Clients(service) | From::Balancer(service) => service,
        }
    }

    /// Thousandths of conversations of one member in an interval of `length` seconds at a busyness of `level`, where
    /// rates are multiplied by `scale` thousandths.
    pub(super) fn milli(&self, scale: u64, level: u64, length: u64) -> u64 {
        if self.open {
            // Over an open connection there is more or less, but it is there; in a fleet with few lines it goes last.
            return if level == 0 { 0 } else { (self.rate_milli * scale * OPEN_FIRST / 1_000).min(1_000) };
        }
        self.rate_milli * scale * level / 1_000_000 * length / 600
    }
}

impl Actor for Link {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, _: &mut Vec<Label>) {
        let fleet = scene.fleet;
        let service = &fleet.services[self.service() as usize];
        let interval = &scene.interval;
        let level = self.hours.level(service, interval.start) * scene.month_percent(service.role) / 100;
        let mean = self.milli(fleet.scale, level, interval.length());
        if mean == 0 {
            return;
        }
        // One draw for all: busy questions come together.
        let load = draw.spread(1_000, 25);
        for member in fleet.roster.live(self.service()) {
            let times = if self.open { u64::from(draw.permille(mean)) } else { draw.count(mean) };
            for _ in 0..times {
                self.talk(scene, draw, post, *member, (load, level));
            }
        }
    }
}

impl Link {
    fn talk(
        &self,
        scene: &Scene<'_>,
        draw: &mut Draw,
        post: &mut Post,
        member: u32,
        (load, level): (u64, u64),
    ) {
        let fleet = scene.fleet;
        let six = draw.permille(scene.six_permille);
        let (client, server) = match self.from {
            From::Members(_) => match self.target(scene, draw, member) {
                Some(server) => (Party::Host(member), server),
                None => return,
            },
            From::Clients(service) | From::Balancer(service) => {
                let site = fleet.site(fleet.nics.get(member).vpc);
                let balancer = site.balancer(service)[draw.below(2) as usize];
                (Party::Host(balancer), Party::Host(member))
            }
        };
        let outside = matches!(server, Party::Outside(_)) || matches!(self.from, From::Clients(_));
        let packet_bytes = if outside { INTERNET_PACKET_BYTES } else { VPC_PACKET_BYTES };
        let share = if self.open { IDLE_PERMILLE + level } else { 1_000 };
        let content =
            |median: u64, draw: &mut Draw| draw.spread(median, self.sigma) * load / 1_000 * share / 1_000;
        let (up, down) = (content(self.up, draw), content(self.down, draw));
        let down = Volume::of(down, packet_bytes);
        let up = Volume::of(up, packet_bytes).and(Volume::acknowledging(down));
        let (start, end) =
            if self.open { scene.interval.through(draw) } else { scene.interval.stretch(draw, 90) };
        let flow = Flow {
            client,
            server,
            client_port: if self.open { self.kept_port(scene, member) } else { draw.port() },
            server_port: self.port,
            protocol: TCP,
            up,
            down,
            start,
            end,
            stage: if self.open { Stage::Middle } else { Stage::Whole },
            rejected: false,
        };
        if let (From::Clients(_), Party::Host(_)) = (self.from, client) {
            let caller = Flow {
                client: Party::Outside(scene.internet.client(draw)),
                server: client,
                client_port: draw.between(1_024, 65_535) as u16,
                server_port: 443,
                ..flow
            };
            post.flow(fleet, draw, &caller, false);
            // A load balancer speaks IPv4 to its targets.
            post.flow(fleet, draw, &flow, false);
            return;
        }
        post.flow(fleet, draw, &flow, six && self.may_be_six());
    }

    /// The port of a connection that stays open, the same for as long as the member lives.
    fn kept_port(&self, scene: &Scene<'_>, member: u32) -> u16 {
        let bits = scramble(scene.fleet.nics.get(member).serial << 16 | u64::from(self.port));
        32_768 + (bits % 28_232) as u16
    }

    fn may_be_six(&self) -> bool {
        matches!((self.from, self.to), (From::Members(_), To::Members(_) | To::Primary(_)))
    }

    fn target(&self, scene: &Scene<'_>, draw: &mut Draw, member: u32) -> Option<Party> {
        let fleet = scene.fleet;
        match self.to {
            To::Outside(outside) => Some(Party::Outside(outside)),
            To::Endpoint => {
                let nic = fleet.nics.get(member);
                Some(Party::Host(fleet.site(nic.vpc).endpoint[nic.subnet % 2]))
            }
            To::Primary(service) => {
                let slot = fleet.services[service as usize].primary(scene.interval.start);
                fleet.roster.member(service, slot).filter(|host| *host != member).map(Party::Host)
            }
            To::Members(service) => {
                let live = fleet.roster.live(service);
                let host = *live.get(draw.below(live.len() as u64) as usize)?;
                (host != member).then_some(Party::Host(host))
            }
        }
    }
}

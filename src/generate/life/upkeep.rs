//! What a host does by itself: asks a resolver, fetches packages, puts logs into object storage.

use crate::generate::actor::{Actor, World};
use crate::generate::draw::Draw;
use crate::generate::flow::{Flow, INTERNET_PACKET_BYTES, Outbox, Party, Stage, TCP, UDP, Volume};
use crate::generate::internet::{MIRROR, Outside, RESOLVER, STORAGE};
use crate::generate::label::Episode;

/// Thousandths of look-ups that Amazon's resolver does not answer, in ten minutes.
const LOOKUPS_MILLI: u64 = 110;
/// Thousandths of package look-ups in ten minutes: three a day.
const UPDATES_MILLI: u64 = 20;
/// Thousandths of uploads of logs in ten minutes.
const UPLOADS_MILLI: u64 = 20;

/// The upkeep of one host.
pub(super) struct Upkeep {
    pub(super) host: u32,
}

impl Upkeep {
    fn ask(
        &self,
        world: &World<'_>,
        draw: &mut Draw,
        outbox: &mut Outbox,
        (server, protocol, server_port): (Outside, u8, u16),
        (up, down): (Volume, Volume),
    ) {
        let (start, end) = world.interval.stretch(draw, if protocol == UDP { 2 } else { 90 });
        let flow = Flow {
            client: Party::Host(self.host),
            server: Party::Outside(server),
            client_port: draw.port(),
            server_port,
            protocol,
            up,
            down,
            start,
            end,
            stage: Stage::Whole,
            rejected: false,
        };
        outbox.flow(world.estate, draw, &flow);
    }
}

impl Actor for Upkeep {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, _: &mut Vec<Episode>) {
        let interval = world.interval;
        for _ in 0..draw.count(interval.steady_rate(LOOKUPS_MILLI)) {
            let packets = draw.between(1, 4);
            let question = Volume { packets, bytes: packets * draw.between(62, 84) };
            let answer = Volume { packets, bytes: packets * draw.between(90, 260) };
            self.ask(world, draw, outbox, (RESOLVER, UDP, 53), (question, answer));
        }
        for _ in 0..draw.count(interval.steady_rate(UPDATES_MILLI)) {
            let fetched = Volume::of(draw.spread(700_000, 60), INTERNET_PACKET_BYTES);
            let asked = Volume::of(2_400, INTERNET_PACKET_BYTES).and(Volume::acknowledging(fetched));
            self.ask(world, draw, outbox, (MIRROR, TCP, 443), (asked, fetched));
        }
        for _ in 0..draw.count(interval.steady_rate(UPLOADS_MILLI)) {
            let sent = Volume::of(draw.spread(300_000, 50), INTERNET_PACKET_BYTES);
            let answered = Volume::of(4_800, INTERNET_PACKET_BYTES).and(Volume::acknowledging(sent));
            self.ask(world, draw, outbox, (STORAGE, TCP, 443), (sent, answered));
        }
    }
}

//! Customers who read the shop's pages over HTTPS.

use crate::generate::actor::{Actor, World};
use crate::generate::draw::Draw;
use crate::generate::flow::{Flow, INTERNET_PACKET_BYTES, Outbox, Party, Stage, TCP, Volume};
use crate::generate::label::Episode;

/// Thousandths of sessions in the busiest ten minutes.
const SESSIONS_MILLI: u64 = 3_600;

/// The clients of one web server.
pub(super) struct Clients {
    pub(super) web: u32,
}

impl Actor for Clients {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, _: &mut Vec<Episode>) {
        for _ in 0..draw.count(world.interval.rate(SESSIONS_MILLI)) {
            let client = world.internet.client(draw);
            let up = Volume::of(draw.spread(5_000, 50), INTERNET_PACKET_BYTES);
            let down = Volume::of(draw.spread(150_000, 80), INTERNET_PACKET_BYTES);
            let (start, end) = world.interval.stretch(draw, 120);
            let flow = Flow {
                client: Party::Outside(client),
                server: Party::Host(self.web),
                client_port: draw.between(1_024, 65_535) as u16,
                server_port: 443,
                protocol: TCP,
                up: up.and(Volume::acknowledging(down)),
                down,
                start,
                end,
                stage: Stage::Whole,
                rejected: false,
            };
            outbox.flow(world.estate, draw, &flow);
        }
    }
}

//! A connection that one host keeps open to another, and opens anew every few hours.

use crate::generate::actor::{Actor, World};
use crate::generate::draw::Draw;
use crate::generate::flow::{Flow, Outbox, Party, Stage, TCP, VPC_PACKET_BYTES, Volume};
use crate::generate::label::Episode;

/// Thousandths of the busy amount that flow when nobody is there.
const IDLE_PERMILLE: u64 = 150;
/// Chance in thousandths, per interval, that the connection is opened anew.
const REOPENED_PERMILLE: u64 = 30;

/// A connection inside the VPC.
pub(super) struct Channel {
    client: u32,
    server: u32,
    server_port: u16,
    up_bytes: u64,
    down_bytes: u64,
    present_permille: u64,
    port: Option<u16>,
}

impl Channel {
    pub(super) fn new(client: u32, server: u32, server_port: u16) -> Self {
        Self { client, server, server_port, up_bytes: 0, down_bytes: 0, present_permille: 1000, port: None }
    }

    /// Median bytes of each direction in the busiest ten minutes.
    pub(super) fn carrying(self, up_bytes: u64, down_bytes: u64) -> Self {
        Self { up_bytes, down_bytes, ..self }
    }

    /// In use in so many thousandths of the intervals.
    pub(super) fn present(self, permille: u64) -> Self {
        Self { present_permille: permille, ..self }
    }
}

impl Actor for Channel {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, _: &mut Vec<Episode>) {
        if !draw.permille(self.present_permille) {
            return;
        }
        let reopened = draw.permille(REOPENED_PERMILLE);
        let (port, stage) = match self.port {
            Some(port) if !reopened => (port, Stage::Middle),
            _ => (draw.port(), Stage::Opening),
        };
        self.port = Some(port);
        let interval = &world.interval;
        let level = (IDLE_PERMILLE + interval.busyness) * interval.length();
        // One draw for both directions: many questions have many answers.
        let load = draw.spread(1_000, 40);
        let mut amount = |median: u64| {
            let content = draw.spread(median, 20) * load / 1_000 * level / 600_000;
            Volume::of(content, VPC_PACKET_BYTES)
        };
        let (up, down) = (amount(self.up_bytes), amount(self.down_bytes));
        let (start, end) = interval.through(draw);
        let flow = Flow {
            client: Party::Host(self.client),
            server: Party::Host(self.server),
            client_port: port,
            server_port: self.server_port,
            protocol: TCP,
            up,
            down,
            start,
            end,
            stage,
            rejected: false,
        };
        outbox.flow(world.estate, draw, &flow);
    }
}

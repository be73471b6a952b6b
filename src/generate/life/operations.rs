//! Running the estate: monitoring that scrapes hosts and takes their syslog, and administrators at the bastion.

use crate::generate::actor::{Actor, World};
use crate::generate::draw::Draw;
use crate::generate::estate::{BACKUP, BASTION, Estate, MONITOR};
use crate::generate::flow::{
    Flow, INTERNET_PACKET_BYTES, Outbox, Party, Stage, TCP, UDP, VPC_PACKET_BYTES, Volume,
};
use crate::generate::internet::Internet;
use crate::generate::label::Episode;
use crate::generate::rhythm::office_hours;

/// Thousandths of scrapes of each host in ten minutes that outlast its short-lived connections.
const SCRAPES_MILLI: u64 = 150;
/// Thousandths of an administrator's sessions in ten minutes of the office's hours.
const SESSIONS_MILLI: u64 = 200;

/// The monitoring server.
pub(super) struct Monitoring {
    watched: Vec<u32>,
}

/// Administrators in the office.
pub(super) struct Administrators {
    reached: Vec<u32>,
}

impl Monitoring {
    pub(super) fn new(estate: &Estate) -> Self {
        Self { watched: others(estate, MONITOR) }
    }
}

impl Administrators {
    pub(super) fn new(estate: &Estate) -> Self {
        Self { reached: others(estate, BASTION) }
    }
}

impl Actor for Monitoring {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, _: &mut Vec<Episode>) {
        let interval = &world.interval;
        let scrapes = draw.count(interval.steady_rate(SCRAPES_MILLI * self.watched.len() as u64)).max(1);
        for _ in 0..scrapes {
            let server = self.watched[draw.below(self.watched.len() as u64) as usize];
            let down = Volume::of(draw.spread(70_000, 20), VPC_PACKET_BYTES);
            let up = Volume::of(draw.spread(900, 15), VPC_PACKET_BYTES).and(Volume::acknowledging(down));
            let (start, end) = interval.stretch(draw, 5);
            let flow = Flow {
                client: Party::Host(MONITOR),
                server: Party::Host(server),
                client_port: draw.port(),
                server_port: 9100,
                protocol: TCP,
                up,
                down,
                start,
                end,
                stage: Stage::Whole,
                rejected: false,
            };
            outbox.flow(world.estate, draw, &flow);
        }
        // Hosts that nobody queries at night still say that they are there.
        for client in [BACKUP, BASTION] {
            let packets = draw.between(4, 30);
            let (start, end) = interval.through(draw);
            let flow = Flow {
                client: Party::Host(client),
                server: Party::Host(MONITOR),
                client_port: 40_514,
                server_port: 514,
                protocol: UDP,
                up: Volume { packets, bytes: packets * draw.between(180, 260) },
                down: Volume::default(),
                start,
                end,
                stage: Stage::Middle,
                rejected: false,
            };
            outbox.flow(world.estate, draw, &flow);
        }
    }
}

impl Actor for Administrators {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, _: &mut Vec<Episode>) {
        let interval = &world.interval;
        if !office_hours(interval.start) {
            return;
        }
        for _ in 0..draw.count(interval.steady_rate(SESSIONS_MILLI)) {
            let office = Party::Outside(Internet::office(draw));
            let host = self.reached[draw.below(self.reached.len() as u64) as usize];
            let onward = draw.permille(600);
            let (start, end) = interval.stretch(draw, 300);
            let legs = [
                (office, Party::Host(BASTION), INTERNET_PACKET_BYTES, true),
                (Party::Host(BASTION), Party::Host(host), VPC_PACKET_BYTES, onward),
            ];
            let (typed, shown) = (draw.spread(6_000, 60), draw.spread(25_000, 80));
            for (client, server, packet_bytes, taken) in legs {
                if !taken {
                    continue;
                }
                let flow = Flow {
                    client,
                    server,
                    client_port: draw.port(),
                    server_port: 22,
                    protocol: TCP,
                    up: Volume::of(typed, packet_bytes),
                    down: Volume::of(shown, packet_bytes),
                    start,
                    end,
                    stage: Stage::Whole,
                    rejected: false,
                };
                outbox.flow(world.estate, draw, &flow);
            }
        }
    }
}

/// All instances but one.
fn others(estate: &Estate, but: u32) -> Vec<u32> {
    estate.instances().into_iter().filter(|host| *host != but).collect()
}

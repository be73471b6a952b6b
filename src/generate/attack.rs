//! The intruder: from one address outside, looks around the reports database for twenty minutes with two kilobytes of
//! queries a minute, then takes a gigabyte out of it in three minutes, table by table.

use super::actor::{Actor, World};
use super::draw::Draw;
use super::estate::REPORTS;
use super::flow::{Flow, INTERNET_PACKET_BYTES, Outbox, Party, Stage, TCP, Volume};
use super::internet::INTRUDER;
use super::label::{Episode, Kind};
use super::options::{DAY, Options};
use super::transfer::{Curve, Transfer};

/// MySQL.
const PORT: u16 = 3306;
/// Minutes of looking around.
const MINUTES: u64 = 20;
/// Tables, each over a connection of its own.
const TABLES: u64 = 5;
/// Seconds that a table takes.
const TABLE_SECONDS: u64 = 36;
/// What stands before the connection over which the intruder looks around: knocks and refused passwords.
const KNOCKING_SECONDS: u64 = 60;

/// The intruder, whose plan is made in the first interval.
#[derive(Default)]
pub(super) struct Intruder {
    plan: Option<Plan>,
}

struct Plan {
    start: u64,
    /// Knocks and logins, each at a second of its own.
    knocks: Vec<Flow>,
    transfers: Vec<Transfer>,
    /// Labels not yet given.
    episodes: Vec<Episode>,
}

impl Plan {
    fn new(options: &Options, draw: &mut Draw) -> Self {
        let last_day = options.span.min(DAY);
        // Two in the afternoon of a day that begins at midnight; the gigabyte leaves inside one ten-minute interval.
        let afternoon = options.start + options.span - last_day + last_day * 14 / 24;
        let start = afternoon.next_multiple_of(600) + draw.below(240);
        let knocks = knocks(start, draw);
        let looking = looking_around(start, draw);
        let taking = start + MINUTES * 60 + draw.below(30);
        let tables = taken_tables(taking, draw);
        let peer = Party::Outside(INTRUDER);
        let replies: u64 = knocks.iter().map(|flow| flow.down.bytes).sum();
        let reconnaissance = Episode {
            kind: Kind::Reconnaissance,
            host: REPORTS,
            peer,
            start,
            end: looking.end - 1,
            bytes: replies + looking.down.total(),
        };
        let exfiltration = Episode {
            kind: Kind::Exfiltration,
            host: REPORTS,
            peer,
            start: taking,
            end: taking + TABLES * TABLE_SECONDS - 1,
            bytes: tables.iter().map(|table| table.down.total()).sum(),
        };
        let transfers = std::iter::once(looking).chain(tables).collect();
        Self { start, knocks, transfers, episodes: vec![reconnaissance, exfiltration] }
    }
}

impl Actor for Intruder {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, episodes: &mut Vec<Episode>) {
        let interval = &world.interval;
        let plan = self.plan.get_or_insert_with(|| Plan::new(world.options, draw));
        if interval.end <= plan.start {
            return;
        }
        for knock in &plan.knocks {
            if (interval.start..interval.end).contains(&knock.start) {
                outbox.flow(world.estate, draw, knock);
            }
        }
        for transfer in &plan.transfers {
            if let Some(flow) = transfer.part(interval) {
                outbox.flow(world.estate, draw, &flow);
            }
        }
        episodes.append(&mut plan.episodes);
    }
}

/// Two ports that are closed, then two passwords that are wrong.
fn knocks(start: u64, draw: &mut Draw) -> Vec<Flow> {
    let rejected = Volume { packets: 2, bytes: 2 * 60 };
    let login = [Volume { packets: 7, bytes: 612 }, Volume { packets: 6, bytes: 548 }];
    let steps = [
        (0, 22, rejected, Volume::default(), true),
        (4, 5432, rejected, Volume::default(), true),
        (15, PORT, login[0], login[1], false),
        (35, PORT, login[0], login[1], false),
    ];
    let flow = |(after, server_port, up, down, rejected)| Flow {
        client: Party::Outside(INTRUDER),
        server: Party::Host(REPORTS),
        client_port: draw.port(),
        server_port,
        protocol: TCP,
        up,
        down,
        start: start + after,
        end: start + after + 1,
        stage: Stage::Whole,
        rejected,
    };
    steps.into_iter().map(flow).collect()
}

fn looking_around(start: u64, draw: &mut Draw) -> Transfer {
    let mut minutes = |median, sigma| (1..MINUTES).map(|_| draw.spread(median, sigma)).collect::<Vec<u64>>();
    let up = Curve::steps(60, &minutes(2_000, 25));
    let down = Curve::steps(60, &minutes(2_100, 35));
    let (start, end) = (start + KNOCKING_SECONDS, start + MINUTES * 60);
    connection(start, end, up, down, draw)
}

fn taken_tables(start: u64, draw: &mut Draw) -> Vec<Transfer> {
    let total = draw.between(1_000_000_000, 1_040_000_000);
    let weights: Vec<u64> = (0..TABLES).map(|_| draw.between(80, 120)).collect();
    let all: u64 = weights.iter().sum();
    let mut tables = Vec::new();
    for (ordinal, weight) in (0..).zip(weights) {
        let down = Curve::steps(TABLE_SECONDS, &[total / all * weight]);
        let at = start + ordinal * TABLE_SECONDS;
        tables.push(connection(at, at + TABLE_SECONDS, Curve::acknowledging(&down), down, draw));
    }
    tables
}

fn connection(start: u64, end: u64, up: Curve, down: Curve, draw: &mut Draw) -> Transfer {
    Transfer {
        client: Party::Outside(INTRUDER),
        server: Party::Host(REPORTS),
        client_port: draw.port(),
        server_port: PORT,
        start,
        end,
        up,
        down,
        packet_bytes: INTERNET_PACKET_BYTES,
    }
}

//! What comes unasked, and what was not seen: background scanning that is rejected, pings, NODATA and SKIPDATA.

use crate::generate::actor::{Actor, Interval, World};
use crate::generate::draw::Draw;
use crate::generate::flow::{Flow, ICMP, Outbox, Party, Stage, TCP, Volume};
use crate::generate::label::Episode;
use crate::generate::options::DAY;
use crate::generate::record::{Record, Status};

/// Ports that scanners knock at; none that the estate leaves open.
const PORTS: [u16; 12] = [23, 2323, 3389, 445, 8080, 5900, 6379, 1433, 8443, 9200, 27017, 25];
/// Bytes of a SYN with no options, with masscan's, ZMap's and Linux's.
const SYN_BYTES: [u64; 4] = [40, 44, 52, 60];
/// Thousandths of scanners that ping and are answered.
const PINGS_PERMILLE: u64 = 60;

/// Scanners, as many as make the share of rejected lines that is asked for.
pub(in crate::generate) struct Scanners;

/// Gaps in the log itself.
pub(in crate::generate) struct Blindness;

impl Actor for Scanners {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, _: &mut Vec<Episode>) {
        let share = u64::from(world.options.rejected_permille);
        let wanted_milli = outbox.made() * share * 1000 / (1000 - share);
        for _ in 0..draw.count(wanted_milli) {
            let scanner = Party::Outside(world.internet.scanner(draw));
            let host = public_host(world, draw);
            let ping = draw.permille(PINGS_PERMILLE);
            let knock = knock(&world.interval, draw, scanner, Party::Host(host));
            outbox.flow(world.estate, draw, &knock);
            if ping {
                let volume = Volume { packets: knock.up.packets, bytes: knock.up.packets * 84 };
                let asked = Flow {
                    client_port: 0,
                    server_port: 0,
                    protocol: ICMP,
                    up: volume,
                    down: volume,
                    rejected: false,
                    ..knock
                };
                outbox.flow(world.estate, draw, &asked);
            }
        }
    }
}

/// A scanner's knock at a port that is closed.
pub(in crate::generate) fn knock(interval: &Interval, draw: &mut Draw, scanner: Party, host: Party) -> Flow {
    let packets = draw.between(1, 3);
    let (start, end) = interval.stretch(draw, if packets == 1 { 1 } else { 20 });
    Flow {
        client: scanner,
        server: host,
        client_port: draw.between(1_024, 65_535) as u16,
        server_port: PORTS[draw.below(PORTS.len() as u64) as usize],
        protocol: TCP,
        up: Volume { packets, bytes: packets * SYN_BYTES[draw.below(4) as usize] },
        down: Volume::default(),
        start,
        end: if packets == 1 { start } else { end },
        stage: Stage::Whole,
        rejected: true,
    }
}

impl Actor for Blindness {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, _: &mut Vec<Episode>) {
        let per_day_milli = u64::from(world.options.no_data_per_day) * 1000;
        for _ in 0..draw.count(per_day_milli * world.interval.length() / DAY) {
            let hosts = u64::from(world.options.hosts);
            let skipped = draw.permille(300);
            // No data is what a spare interface shows; skipping happens where there is traffic.
            let host = if skipped { draw.between(1, hosts) } else { hosts + 1 };
            let status = if skipped { Status::SkipData } else { Status::NoData };
            let record = Record::gap(host as u32, world.interval.start, world.interval.end - 1, status);
            outbox.record(draw, record);
        }
    }
}

/// A host that the internet can reach.
fn public_host(world: &World<'_>, draw: &mut Draw) -> u32 {
    loop {
        let host = draw.between(1, u64::from(world.options.hosts)) as u32;
        if world.estate.is_public(host) {
            return host;
        }
    }
}

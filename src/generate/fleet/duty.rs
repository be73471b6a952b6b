//! Duties: what a fleet does beside its conversations. New members pull their images, databases are backed up on Sundays,
//! and a scanner looks for vulnerabilities on Wednesdays.

use crate::generate::draw::Draw;
use crate::generate::flow::{Flow, INTERNET_PACKET_BYTES, Party, Stage, TCP, VPC_PACKET_BYTES, Volume};
use crate::generate::internet::STORAGE;
use crate::generate::options::DAY;
use crate::generate::transfer::{Curve, Transfer};

use super::actor::{Actor, Scene};
use super::label::Label;
use super::nic::Kind;
use super::service::Role;
use super::vantage::Post;

/// Days of the week, Monday being 0.
const SUNDAY: u64 = 6;
const WEDNESDAY: u64 = 2;
/// Seconds for which the pace of a backup holds.
const STEP_SECONDS: u64 = 600;
/// Ports that the scanner tries, beside the one that is open.
const SCANNED: [u16; 12] = [21, 22, 23, 80, 111, 443, 445, 1433, 3306, 3389, 8443, 9200];
/// Seconds after midnight at which the scan begins, and how long it takes.
const SCAN_START: u64 = 3 * 3_600;
const SCAN_SECONDS: u64 = 2 * 3_600;

/// Image pulls: a login at the registry's endpoint, then layers out of object storage.
pub(super) struct Pulls;

/// The backups of all primaries, each Sunday at two and a bit, to object storage.
#[derive(Default)]
pub(super) struct Backups {
    running: Vec<Transfer>,
    planned_day: Option<u64>,
}

/// The vulnerability scanners.
pub(super) struct Sweeps;

impl Actor for Pulls {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, _: &mut Vec<Label>) {
        let fleet = scene.fleet;
        for member in fleet.roster.born() {
            let nic = fleet.nics.get(*member);
            if nic.kind != Kind::Task {
                continue;
            }
            let registry = Party::Host(fleet.site(nic.vpc).endpoint[nic.subnet % 2]);
            let (start, end) = scene.interval.stretch(draw, 50);
            let layers = draw.spread(180_000_000, 20);
            let pulled = [(registry, 3_000, 9_000), (Party::Outside(STORAGE), 4_000, layers)];
            for (server, up, down) in pulled {
                let down = Volume::of(down, INTERNET_PACKET_BYTES);
                let up = Volume::of(up, INTERNET_PACKET_BYTES).and(Volume::acknowledging(down));
                let flow = Flow {
                    client: Party::Host(*member),
                    server,
                    client_port: draw.port(),
                    server_port: 443,
                    protocol: TCP,
                    up,
                    down,
                    start,
                    end,
                    stage: Stage::Whole,
                    rejected: false,
                };
                post.flow(fleet, draw, &flow, false);
            }
        }
    }
}

impl Backups {
    fn plan(&mut self, scene: &Scene<'_>, draw: &mut Draw, labels: &mut Vec<Label>) {
        let fleet = scene.fleet;
        for (ordinal, (index, service)) in (0_u64..).zip(fleet.with(Role::Database)) {
            let Some(host) = fleet.roster.member(index, service.primary(scene.interval.start)) else {
                continue;
            };
            let start = scene.interval.start + 2 * 3_600 + ordinal % 12 * 600 + draw.below(300);
            let weights: Vec<u64> = (0..6).map(|_| draw.between(85, 115)).collect();
            let up = Curve::weighted(STEP_SECONDS, draw.spread(6_000_000_000, 30), &weights);
            let end = start + STEP_SECONDS * weights.len() as u64;
            if end > scene.options.start + scene.options.span {
                continue;
            }
            labels.push(Label {
                kind: "backup",
                attack: false,
                technique: None,
                poison: false,
                host,
                peer: STORAGE.address.to_string(),
                start,
                end: end - 1,
                bytes: up.total(),
            });
            self.running.push(Transfer {
                client: Party::Host(host),
                server: Party::Outside(STORAGE),
                client_port: draw.port(),
                server_port: 443,
                start,
                end,
                down: Curve::acknowledging(&up),
                up,
                packet_bytes: VPC_PACKET_BYTES,
            });
        }
    }
}

impl Actor for Backups {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, labels: &mut Vec<Label>) {
        let interval = &scene.interval;
        let midnight = interval.start.is_multiple_of(DAY);
        if midnight && scene.weekday() == SUNDAY && self.planned_day != Some(scene.day()) {
            self.planned_day = Some(scene.day());
            self.plan(scene, draw, labels);
        }
        self.running.retain(|transfer| transfer.end > interval.start);
        for transfer in &self.running {
            if let Some(flow) = transfer.part(interval) {
                post.flow(scene.fleet, draw, &flow, false);
            }
        }
    }
}

impl Actor for Sweeps {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, labels: &mut Vec<Label>) {
        let interval = &scene.interval;
        let of_day = interval.start % DAY;
        if scene.weekday() != WEDNESDAY || !(SCAN_START..SCAN_START + SCAN_SECONDS).contains(&of_day) {
            return;
        }
        let fleet = scene.fleet;
        let steps = (SCAN_SECONDS / interval.length()) as usize;
        let step = ((of_day - SCAN_START) / interval.length()) as usize;
        for (scanner, of) in fleet.with(Role::Scanner) {
            let Some(from) = fleet.roster.member(scanner, 0) else { continue };
            if step == 0 {
                labels.push(sweep(from, interval.start));
            }
            let neighbours = (0_u32..).zip(&fleet.services).filter(|(_, service)| service.vpc == of.vpc);
            let members = neighbours.flat_map(|(index, service)| {
                fleet.roster.live(index).iter().map(move |member| (*member, service.role.port()))
            });
            for (member, open) in members.skip(step).step_by(steps).filter(|(member, _)| *member != from) {
                for port in SCANNED.into_iter().chain([open]) {
                    let refused = port != open;
                    let (start, end) = interval.stretch(draw, 3);
                    let flow = Flow {
                        client: Party::Host(from),
                        server: Party::Host(member),
                        client_port: draw.port(),
                        server_port: port,
                        protocol: TCP,
                        up: Volume { packets: 3, bytes: 3 * 60 },
                        down: if refused { Volume::default() } else { Volume { packets: 2, bytes: 112 } },
                        start,
                        end,
                        stage: Stage::Whole,
                        rejected: refused,
                    };
                    post.flow(fleet, draw, &flow, false);
                }
            }
        }
    }
}

/// The label of a sweep by `host`, which begins at `start`.
fn sweep(host: u32, start: u64) -> Label {
    Label {
        kind: "vulnerability_scan",
        attack: false,
        technique: None,
        poison: false,
        host,
        peer: "many".to_owned(),
        start,
        end: start + SCAN_SECONDS - 1,
        bytes: 0,
    }
}

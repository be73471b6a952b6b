//! The nightly backups: about a gigabyte from each application and database server to the backup server, staggered,
//! two hours each. Benign, and the largest thing that happens but for the attack.

use super::actor::{Actor, World};
use super::draw::Draw;
use super::estate::{BACKUP, Estate, REPORTS, Role};
use super::flow::{Outbox, Party, VPC_PACKET_BYTES};
use super::label::{Episode, Kind};
use super::options::{DAY, Options};
use super::transfer::{Curve, Transfer};

/// Seconds after midnight (UTC) at which the first backup begins.
const FIRST_SECONDS: u64 = 1_800;
/// Seconds from one server's backup to the next one's.
const STAGGER_SECONDS: u64 = 2_700;
/// Servers after which the staggering begins anew.
const STAGGERED: u64 = 6;
/// Seconds for which the pace of a backup holds.
const STEP_SECONDS: u64 = 600;
/// rsync.
const PORT: u16 = 873;

/// All nightly backups. The reports database has none: it is a replica that can be made anew.
pub(super) struct Backups {
    servers: Vec<u32>,
    planned_day: Option<u64>,
    running: Vec<Transfer>,
}

impl Backups {
    pub(super) fn new(estate: &Estate) -> Self {
        let mut servers = estate.with(&[Role::App, Role::Postgres, Role::MySql]);
        servers.retain(|host| *host != REPORTS);
        Self { servers, planned_day: None, running: Vec::new() }
    }

    /// Plans the backups of the day that begins at `day`.
    fn plan(&mut self, day: u64, options: &Options, draw: &mut Draw, episodes: &mut Vec<Episode>) {
        let first = episodes.len();
        for (ordinal, host) in (0_u64..).zip(&self.servers) {
            let start = day + FIRST_SECONDS + ordinal % STAGGERED * STAGGER_SECONDS + draw.below(300);
            let weights: Vec<u64> = (0..12 + draw.below(2)).map(|_| draw.between(85, 115)).collect();
            let up = Curve::weighted(STEP_SECONDS, draw.between(950_000_000, 1_050_000_000), &weights);
            let end = start + STEP_SECONDS * weights.len() as u64;
            let client_port = draw.port();
            if start < options.start || options.lines.is_none() && end > options.start + options.span {
                continue;
            }
            let (client, server) = (Party::Host(*host), Party::Host(BACKUP));
            let bytes = up.total();
            episodes.push(Episode {
                kind: Kind::Backup,
                host: *host,
                peer: server,
                start,
                end: end - 1,
                bytes,
            });
            let down = Curve::acknowledging(&up);
            self.running.push(Transfer {
                client,
                server,
                client_port,
                server_port: PORT,
                start,
                end,
                up,
                down,
                packet_bytes: VPC_PACKET_BYTES,
            });
        }
        episodes[first..].sort_by_key(|episode| episode.start);
    }
}

impl Actor for Backups {
    fn act(&mut self, world: &World<'_>, draw: &mut Draw, outbox: &mut Outbox, episodes: &mut Vec<Episode>) {
        let day = world.interval.start / DAY * DAY;
        if self.planned_day != Some(day) {
            self.planned_day = Some(day);
            self.plan(day, world.options, draw, episodes);
        }
        for transfer in &self.running {
            if let Some(flow) = transfer.part(&world.interval) {
                outbox.flow(world.estate, draw, &flow);
            }
        }
        self.running.retain(|transfer| transfer.end > world.interval.end);
    }
}

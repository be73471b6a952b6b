//! What comes unasked and what was not seen: background scanning from the Internet, NODATA and SKIPDATA.

use crate::generate::draw::Draw;
use crate::generate::flow::Party;
use crate::generate::life::knock;
use crate::generate::options::DAY;
use crate::generate::record::{Record, Status};

use super::actor::{Actor, Scene};
use super::label::Label;
use super::vantage::Post;

/// Scanners, as many as make the share of rejected lines that is asked for.
pub(super) struct Scans;

/// Gaps in the log itself.
pub(super) struct Blindness;

impl Actor for Scans {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, _: &mut Vec<Label>) {
        let share = u64::from(scene.options.rejected_permille);
        let fleet = scene.fleet;
        for _ in 0..draw.count(scene.made * share * 1_000 / (1_000 - share)) {
            let site = &fleet.sites[draw.below(fleet.sites.len() as u64) as usize];
            let reached = site.balancers.len() + 1;
            let pair = match draw.below(reached as u64) as usize {
                0 => site.nat,
                number => site.balancers[number - 1].1,
            };
            let host = pair[draw.below(2) as usize];
            let scanner = Party::Outside(scene.internet.scanner(draw));
            let flow = knock(&scene.interval, draw, scanner, Party::Host(host));
            post.flow(fleet, draw, &flow, false);
        }
    }
}

impl Actor for Blindness {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, _: &mut Vec<Label>) {
        let fleet = scene.fleet;
        let per_day_milli = u64::from(scene.options.no_data_per_day) * 1_000;
        for _ in 0..draw.count(per_day_milli * scene.interval.length() / DAY) {
            let skipped = draw.permille(300);
            let site = &fleet.sites[draw.below(fleet.sites.len() as u64) as usize];
            let members = fleet.roster.live(draw.below(fleet.services.len() as u64) as u32);
            // No data is what a spare interface shows; skipping happens where there is traffic.
            let host = match members.get(draw.below(members.len() as u64) as usize) {
                Some(member) if skipped => *member,
                _ => site.spare,
            };
            let status = if host == site.spare { Status::NoData } else { Status::SkipData };
            let record = Record::gap(host, scene.interval.start, scene.interval.end - 1, status);
            post.record(fleet, draw, record);
        }
    }
}

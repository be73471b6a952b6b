//! Scenarios: what security people look for, scripted into a fleet, with what each of them is drawn from ranges. A further one is a
//! function and a row.
//!
//! Each scenario is played some rounds after the first third of the span, which is there to be learned from, at times and by
//! hosts that the seed draws, and it ends within the span. Its flows are made when it begins, for hosts that live then. A
//! round that finds nobody to play, as in a VPC too small for a sweep, is left out.

mod command;
mod duties;
mod flooding;
mod logins;
mod reach;
mod scans;
mod setting;
mod theft;

use std::collections::{BTreeSet, VecDeque};

use crate::generate::draw::Draw;
use crate::generate::flow::{Flow, Party};
use crate::generate::options::Options;

use super::Fleet;
use super::actor::{Actor, Scene};
use super::label::Label;
use super::vantage::Post;

use setting::Setting;

/// What a scenario comes to.
pub(super) struct Plan {
    label: Label,
    /// Each within one interval, in any order.
    flows: Vec<Flow>,
}

/// A row of the table of scenarios.
struct Row {
    /// As labels call it.
    name: &'static str,
    /// The technique that it is an example of; none where it is no attack and only looks like one.
    technique: Option<&'static str>,
    /// Longest that it takes, in hours.
    hours: u64,
    play: Play,
}

type Play = fn(&mut Setting<'_>) -> Option<Plan>;

const fn attack(name: &'static str, technique: &'static str, hours: u64, play: Play) -> Row {
    Row { name, technique: Some(technique), hours, play }
}

const fn duty(name: &'static str, hours: u64, play: Play) -> Row {
    Row { name, technique: None, hours, play }
}

static SCENARIOS: [Row; 33] = [
    attack("scan_vertical", "S2.2", 1, scans::vertical),
    attack("scan_horizontal", "S2.2", 1, scans::horizontal),
    attack("scan_tool", "S3.1", 1, scans::tool),
    attack("scan_slow", "S3.10", 12, scans::slow),
    attack("scan_errors", "S3.5", 1, scans::errors),
    attack("guessing", "S3.11", 1, logins::guessing),
    attack("guessing_success", "S3.11", 1, logins::success),
    attack("refused_burst", "S1.4", 1, logins::refused_burst),
    attack("busy_client", "S3.6", 1, logins::busy_client),
    attack("theft_burst", "S0.4", 1, theft::burst),
    attack("theft_pair", "S1.2", 1, theft::pair),
    attack("theft_drip", "S1.5", 25, theft::drip),
    attack("fetched_much", "S3.7", 1, theft::fetched_much),
    attack("staging", "S0.4", 1, theft::staging),
    attack("admin_exposed", "S2.3", 1, reach::admin_exposed),
    attack("service_exposed", "S2.1", 1, reach::service_exposed),
    attack("lateral", "S1.3", 1, reach::lateral),
    attack("egress_refused", "S1.1", 1, reach::egress_refused),
    attack("server_calls", "S3.4", 1, command::server_calls),
    attack("new_port", "S2.1", 1, command::new_port),
    attack("new_protocol", "S2.1", 1, command::new_protocol),
    attack("resolver", "S3.9", 1, command::resolver),
    attack("beacon", "S1.5", 25, command::beacon),
    attack("long_session", "S0.3", 13, command::long_session),
    attack("long_poll", "S1.5", 12, command::long_poll),
    attack("icmp_tunnel", "S3.5", 1, command::icmp_tunnel),
    attack("miner", "S1.5", 7, command::miner),
    attack("flood_out", "S3.8", 1, flooding::outward),
    attack("flood_in", "S3.8", 1, flooding::inward),
    duty("flash_crowd", 1, duties::flash_crowd),
    duty("resync", 1, duties::resync),
    duty("new_partner", 2, duties::new_partner),
    duty("dump", 1, duties::dump),
];

/// How often a host is looked for that a scenario was not on before.
const TRIES: u32 = 12;

/// All scenarios, played in rounds.
pub(super) struct Campaign {
    rounds: u32,
    /// When each is played, ascending, with its row; drawn in the first interval.
    times: Option<VecDeque<(u64, usize)>>,
    /// Flows of intervals to come.
    flows: Vec<Staged>,
    /// Which rows were on which interfaces, by their serial numbers.
    hosts: BTreeSet<(usize, u64)>,
}

/// A flow to come, and which interfaces it is between, by their serial numbers, for as long as both are there.
struct Staged {
    flow: Flow,
    serials: [Option<u64>; 2],
}

/// The names of all scenarios.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|row| row.name)
}

// === impl Campaign ===

impl Campaign {
    /// So many rounds of each.
    pub(super) fn new(rounds: u32) -> Self {
        Self { rounds, times: None, flows: Vec::new(), hosts: BTreeSet::new() }
    }

    /// What the scenario in `row` comes to, on a host that it was not on before, if one is found: what it once showed is nothing new
    /// of a host for a month.
    fn played(&mut self, row: usize, scene: &Scene<'_>, draw: &mut Draw, time: u64) -> Option<Plan> {
        let mut last = None;
        for _ in 0..TRIES {
            let plan = (SCENARIOS[row].play)(&mut Setting::new(scene, draw, time))?;
            let host = scene.fleet.nics.get(plan.label.host).serial;
            if self.hosts.insert((row, host)) {
                return Some(plan);
            }
            last = Some(plan);
        }
        last
    }

    fn times(&self, options: &Options, draw: &mut Draw) -> VecDeque<(u64, usize)> {
        let (first, last) = (options.start + options.span / 3, options.start + options.span);
        let mut times = Vec::new();
        for (row, Row { hours, .. }) in SCENARIOS.iter().enumerate() {
            times.extend((0..self.rounds).map(|_| (draw.between(first, last - hours * 3_600), row)));
        }
        times.sort_unstable();
        times.into()
    }
}

impl Actor for Campaign {
    fn act(&mut self, scene: &Scene<'_>, draw: &mut Draw, post: &mut Post, labels: &mut Vec<Label>) {
        let interval = &scene.interval;
        if self.times.is_none() {
            self.times = Some(self.times(scene.options, draw));
        }
        while let Some((time, row)) =
            self.times.as_mut().and_then(|times| times.pop_front_if(|next| next.0 < interval.end))
        {
            let Row { name, technique, .. } = SCENARIOS[row];
            if let Some(Plan { label, flows }) = self.played(row, scene, draw, time) {
                labels.push(Label { kind: name, technique, attack: technique.is_some(), ..label });
                let fleet = scene.fleet;
                self.flows
                    .extend(flows.into_iter().map(|flow| Staged { serials: serials(fleet, &flow), flow }));
            }
        }
        let is_now = |staged: &Staged| (interval.start..interval.end).contains(&staged.flow.start);
        let (now, later): (Vec<Staged>, Vec<Staged>) = self.flows.drain(..).partition(is_now);
        self.flows = later;
        // Whose host has gone meanwhile, and another has its place, ends with it.
        for Staged { flow, .. } in
            now.iter().filter(|staged| staged.serials == serials(scene.fleet, &staged.flow))
        {
            post.flow(scene.fleet, draw, flow, false);
        }
    }
}

fn serials(fleet: &Fleet, flow: &Flow) -> [Option<u64>; 2] {
    [flow.client, flow.server].map(|party| match party {
        Party::Host(host) => Some(fleet.nics.get(host).serial),
        Party::Outside(_) => None,
    })
}

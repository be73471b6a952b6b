//! Attacks on a fleet, by name. An attack is an [`Actor`] with labels; a further one is a file beside these, and a row.
//!
//! Those here are about learning: they try to spoil the baselines, and strike afterwards.

mod chaff;
mod contamination;
mod flood;
mod frog;
mod warm_up;

pub(super) use flood::Flood;

use crate::generate::actor::Interval;
use crate::generate::draw::Draw;
use crate::generate::flow::{Flow, INTERNET_PACKET_BYTES, Party, Stage, TCP, Volume};
use crate::generate::internet::{DROP, Outside};
use crate::generate::options::{DAY, Options};

use super::Fleet;
use super::actor::Actor;
use super::label::Label;
use super::service::Role;

/// An attack that is scripted into a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    /// A database is emptied on the first day, while everything is learned, and again on the last.
    WarmUp,
    /// A service sends 5 % more to one address outside each day.
    BoilingFrog,
    /// In one window in ten, until a quarter of the span is left, a service sends far more; then it does so once a day.
    Contamination,
    /// A service sends amounts of all sizes to many addresses, until the last day hides a theft among them.
    Chaff,
    /// A load balancer gets packets of as many spoofed sources a minute as are asked for.
    Flood,
}

/// A row of the table of attacks.
struct Row {
    attack: Attack,
    name: &'static str,
    days_min: u64,
    /// None where the attack makes its records as they are delivered, since they are too many to keep.
    actor: Option<fn() -> Box<dyn Actor>>,
}

const ATTACKS: [Row; 5] = [
    Row {
        attack: Attack::WarmUp,
        name: "warm-up",
        days_min: 4,
        actor: Some(|| Box::new(warm_up::WarmUp::default())),
    },
    Row {
        attack: Attack::BoilingFrog,
        name: "boiling-frog",
        days_min: 4,
        actor: Some(|| Box::new(frog::Frog::default())),
    },
    Row {
        attack: Attack::Contamination,
        name: "contamination",
        days_min: 4,
        actor: Some(|| Box::new(contamination::Contamination)),
    },
    Row { attack: Attack::Chaff, name: "chaff", days_min: 4, actor: Some(|| Box::new(chaff::Chaff)) },
    Row { attack: Attack::Flood, name: "flood", days_min: 1, actor: None },
];

impl Attack {
    /// The attack that is called `name`, as in `boiling-frog`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ATTACKS.iter().find(|row| row.name == name).map(|row| row.attack)
    }

    /// The names of all attacks.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ATTACKS.iter().map(|row| row.name)
    }

    /// Days that the span must have.
    pub(super) fn days_min(self) -> u64 {
        self.row().map_or(1, |row| row.days_min)
    }

    /// Whoever carries it out, and the number of its stream of draws, which no other attack has.
    pub(super) fn actor(self) -> Option<(u64, Box<dyn Actor>)> {
        let place = ATTACKS.iter().position(|row| row.attack == self)?;
        Some((place as u64, ATTACKS[place].actor?()))
    }

    fn row(self) -> Option<&'static Row> {
        ATTACKS.iter().find(|row| row.attack == self)
    }
}

/// The victim of an attack: service number `ordinal` of a role, and the first of its members.
fn victim(fleet: &Fleet, role: Role, ordinal: usize) -> Option<(u32, u32)> {
    let all: Vec<u32> = fleet.with(role).map(|(index, _)| index).collect();
    let service = *all.get(ordinal % all.len().max(1))?;
    fleet.roster.live(service).first().map(|host| (service, *host))
}

/// First second of what poisons no more: the last quarter of the span.
fn last_quarter(options: &Options) -> u64 {
    options.start + options.span / DAY * DAY * 3 / 4
}

/// Two in the afternoon of the day of the span that holds `time`.
fn afternoon(options: &Options, time: u64) -> u64 {
    let day = (time - options.start) / DAY;
    (options.start + day * DAY + 14 * 3_600).next_multiple_of(600)
}

/// `bytes` that leave `host` for `outside` within the interval.
fn leaving(interval: &Interval, draw: &mut Draw, host: u32, outside: Outside, bytes: u64) -> Flow {
    let up = Volume::of(bytes, INTERNET_PACKET_BYTES);
    let (start, end) = interval.stretch(draw, interval.length() / 2);
    Flow {
        client: Party::Host(host),
        server: Party::Outside(outside),
        client_port: draw.port(),
        server_port: 443,
        protocol: TCP,
        up,
        down: Volume::acknowledging(up),
        start,
        end,
        stage: Stage::Whole,
        rejected: false,
    }
}

/// The label of `flow`, which leaves `host`.
fn label(kind: &'static str, host: u32, flow: &Flow, poison: bool) -> Label {
    Label {
        kind,
        attack: true,
        technique: Some("S0.4"),
        poison,
        host,
        peer: match flow.server {
            Party::Outside(outside) => outside.address.to_string(),
            Party::Host(_) => DROP.address.to_string(),
        },
        start: flow.start,
        end: flow.end,
        bytes: flow.up.bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_has_a_name_and_is_found_by_it() {
        for name in Attack::names() {
            let attack = Attack::named(name);
            assert!(attack.is_some_and(|attack| attack.row().is_some_and(|row| row.name == name)), "{name}");
        }
        assert_eq!(Attack::named("exfiltration"), None);
    }
}

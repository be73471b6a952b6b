//! `watchlist`: an entity talks with an address that a list of the operator's names.
//!
//! | | |
//! |---|---|
//! | key, window | entity and line of a list; ten minutes, once a day |
//! | state | a tally of one byte: how much it weighed when it was told |
//! | fires | on what it begins and is let through; on what is begun from there once both sides have talked; again within the day only where that weighs more |
//! | must not | for probes from there that are refused or get no answer; for what is refused on its way there, which `egress.refused` tells |
//! | ATT&CK | T1071 |
//! | source | GuardDuty's malicious callers and C&C; RITA's 25 MB for hosts that are known to be bad |

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    Detect, Sight, examples,
    known::Known,
    novel::id_of,
    scene::{Scene, Service, talk::Talk, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, Listed, ResourceRole, Seen, Watchlists},
    score::{
        sessions::leg::Who,
        whose::address::{self, Address},
    },
};

static DETECTOR: Detector = Detector {
    id: "watchlist",
    title: "A listed address talked with",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1071", "Application Layer Protocol"),
};

/// Of what got no answer, what was begun there, what was begun here, and what sent much.
const SILENT_POINTS: u8 = 60;
const INBOUND_POINTS: u8 = 70;
const OUTBOUND_POINTS: u8 = 85;
const MUCH_POINTS: u8 = 95;
const MUCH: u64 = 25_000_000;

/// See the top of the file.
pub(super) struct Watchlist;

/// A service that is talked with, or whose client is, whose other side is listed.
struct Hit<'a> {
    points: u8,
    role: ResourceRole,
    own: Address,
    peer: Address,
    port: u16,
    listed: &'a Listed,
}

impl Detect for Watchlist {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, known: &mut Known, sights: &mut Vec<Sight>) {
        let Some(lists) = scene.watchlists() else { return };
        let mut hits: BTreeMap<Who, Vec<Hit<'_>>> = BTreeMap::new();
        for service in scene.services(Traits::OUTBOUND | Traits::CLIENT) {
            if let Some((who, hit)) = outbound(service, lists) {
                hits.entry(who).or_default().push(hit);
            }
        }
        for service in scene.services(Traits::INBOUND | Traits::SERVER | Traits::ESTABLISHED) {
            if let Some((who, hit)) = inbound(service, lists) {
                hits.entry(who).or_default().push(hit);
            }
        }
        for (who, mut hits) in hits {
            hits.retain(|hit| is_news(known, who, hit));
            hits.sort_by_key(|hit| (Reverse(hit.points), hit.peer, hit.port));
            sights.extend(sight(who, &hits));
        }
    }
}

fn outbound<'a>(service: Service<'_, '_>, lists: &'a Watchlists) -> Option<(Who, Hit<'a>)> {
    let (talks, bytes) = (service.talks, service.bytes());
    let talk = talks.iter().find(|talk| talk.is_let_through())?;
    let listed = lists.find(address::address(talk.server()))?;
    let points = match talks.iter().any(Talk::is_answered) {
        true if bytes.0 >= MUCH => MUCH_POINTS,
        true => OUTBOUND_POINTS,
        false => SILENT_POINTS,
    };
    let (role, own, peer) = (ResourceRole::Actor, talk.source(), talk.server());
    let hit = Hit { points, role, own, peer, port: talk.port(), listed };
    Some((talk.who(), hit)).filter(|(who, _)| *who != Who::NOBODY)
}

fn inbound<'a>(service: Service<'_, '_>, lists: &'a Watchlists) -> Option<(Who, Hit<'a>)> {
    let (talks, bytes) = (service.talks, service.bytes());
    let talk = talks.iter().find(|talk| talk.is_established())?;
    let listed = lists.find(address::address(talk.source()))?;
    let points = if bytes.1 >= MUCH { MUCH_POINTS } else { INBOUND_POINTS };
    let (role, own, peer) = (ResourceRole::Target, talk.server(), talk.source());
    let hit = Hit { points, role, own, peer, port: talk.port(), listed };
    Some((talk.target(), hit)).filter(|(who, _)| *who != Who::NOBODY)
}

/// Whether it was not told within a day, or weighs more than it did.
fn is_news(known: &mut Known, who: Who, hit: &Hit<'_>) -> bool {
    let range = address::number(hit.listed.range.network());
    let length = u64::from(hit.listed.range.prefix_len());
    let key = known.tallies.key(id_of(&DETECTOR), who, [(range >> 64) as u64, range as u64, length]);
    let mut tally = known.tallies.get_or_new(key);
    let (before, was_told) = (tally.record[0], !tally.tells(known.tallies.now()));
    let is_news = !was_told || hit.points > before;
    if is_news {
        tally.record[0] = hit.points;
        known.tallies.put(key, tally);
    }
    is_news
}

/// What is told of `who`, where there are any hits; those that weigh most stand first.
fn sight(who: Who, hits: &[Hit<'_>]) -> Option<Sight> {
    let first = hits.first()?;
    let name = |hit: &Hit<'_>| {
        let Listed { list, range, said } = hit.listed;
        let said = said.as_deref().map_or_else(String::new, |said| format!(", {said}"));
        format!("{} on port {} ({list}: {range}{said})", shown(hit.peer), hit.port)
    };
    let more = if hits.len() > 1 { format!(" and {} more", hits.len() - 1) } else { String::new() };
    let what = match (first.points, first.role) {
        (MUCH_POINTS, _) => "sent 25 MB and more to",
        (SILENT_POINTS, _) => "called, without an answer,",
        (_, ResourceRole::Actor) => "talked to",
        (_, ResourceRole::Target) => "was called by",
    };
    Some(Sight {
        who,
        role: first.role,
        address: first.own,
        peer: Some(first.peer).filter(|_| hits.len() == 1),
        seen: Seen {
            points: first.points,
            observed: hits.len() as u64,
            limit: None,
            said: format!(" {what} {}{more}", name(first)).into(),
            examples: examples(hits.iter().map(name)),
        },
    })
}

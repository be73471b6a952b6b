//! `segment`: two that the operator keeps apart talk with each other.
//!
//! | | |
//! |---|---|
//! | key, window | rule, client and server; ten minutes, once a day |
//! | state | a tally without a record, which says when it was told |
//! | fires | on a conversation that is let through and answered, between assets with the tags of a rule of `score.segments`, on one of its ports where it names any |
//! | must not | for what is refused or gets no answer: that is the rule at work; for what the other side begins, unless a rule says so |
//! | ATT&CK | T1599 |
//! | source | what people who run such things in AWS ask for: production and development, cardholder data and the rest; seed article of FlowTraq: servers that begin SSH or HTTPS |

use std::collections::BTreeMap;

use super::{
    Detect, Sight, examples,
    known::Known,
    novel::id_of,
    scene::{Scene, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::{Segment, sessions::leg::Who, whose::address::Address},
};

static DETECTOR: Detector = Detector {
    id: "segment",
    title: "A boundary crossed",
    category: "defense_evasion",
    tactic: ("TA0005", "Defense Evasion"),
    technique: ("T1599", "Network Boundary Bridging"),
};

const POINTS: u8 = 80;

/// See the top of the file.
pub(super) struct Boundary;

/// What crossed one.
struct Crossing<'a> {
    rule: &'a Segment,
    own: Address,
    peer: Address,
    port: u16,
}

impl Detect for Boundary {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, known: &mut Known, sights: &mut Vec<Sight>) {
        let mut crossed: BTreeMap<Who, Vec<Crossing<'_>>> = BTreeMap::new();
        for (nth, rule) in scene.segments().iter().enumerate() {
            // Services stand in the order of their clients.
            let mut last = (Who::NOBODY, false);
            for service in scene.services(Traits::CLIENT | Traits::ANSWERED) {
                let Some(talk) = service.talks.iter().find(|talk| talk.is_answered()) else { continue };
                let (who, target, port) = (talk.who(), talk.target(), talk.port());
                if who != last.0 {
                    last = (who, scene.has_tags(who, &rule.from));
                }
                let is_meant = rule.ports.is_empty() || talk.has_ports() && rule.ports.contains(&port);
                if !last.1 || !is_meant || who == target || !scene.has_tags(target, &rule.to) {
                    continue;
                }
                let key = known.tallies.key(id_of(&DETECTOR), who, [nth as u64, target.number.into()]);
                let mut tally = known.tallies.get_or_new(key);
                if tally.tells(known.tallies.now()) {
                    known.tallies.put(key, tally);
                    let (own, peer) = (talk.source(), talk.server());
                    crossed.entry(who).or_default().push(Crossing { rule, own, peer, port });
                }
            }
        }
        crossed.retain(|who, _| *who != Who::NOBODY);
        sights.extend(crossed.into_iter().map(|(who, crossed)| sight(who, &crossed)));
    }
}

fn sight(who: Who, crossed: &[Crossing<'_>]) -> Sight {
    let (first, count) = (&crossed[0], crossed.len());
    let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    let said = format!(
        " talked to {} on port {}{more}, across the boundary {}",
        shown(first.peer),
        first.port,
        first.rule
    );
    Sight {
        who,
        role: ResourceRole::Actor,
        address: first.own,
        peer: Some(first.peer).filter(|_| count == 1),
        seen: Seen {
            points: POINTS,
            observed: count as u64,
            limit: None,
            said: said.into(),
            examples: examples(crossed.iter().map(|one| format!("{}:{}", shown(one.peer), one.port))),
        },
    }
}

//! `canary`: somebody touches a thing that nobody has business with, or that thing does something by itself.
//!
//! | | |
//! |---|---|
//! | key, window | the canary; ten minutes |
//! | state | none of its own: an asset with the tag `canary`, whatever it says but `false` |
//! | fires | on any conversation with a canary in which both sides talked, and on anything that a canary begins |
//! | must not | for probes that get no answer: the Internet sends those to everybody |
//! | ATT&CK | T1595 |
//! | source | seed article of Cyral and Dremio, which sets a database out to be found |

use std::collections::BTreeMap;

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, Service, talk::Talk, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::{sessions::leg::Who, whose::address::Address},
};

static DETECTOR: Detector = Detector {
    id: "canary",
    title: "Canary touched",
    category: "reconnaissance",
    tactic: ("TA0043", "Reconnaissance"),
    technique: ("T1595", "Active Scanning"),
};

const POINTS: u8 = 95;

/// What was seen of one canary.
#[derive(Default)]
struct Touched {
    address: Address,
    /// Who was on the other side.
    others: Vec<Address>,
    began: bool,
}

/// See the top of the file.
pub(super) struct Canary;

impl Detect for Canary {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn is_pressing(&self, _: &Seen) -> bool {
        true
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        let mut canaries: BTreeMap<Who, Touched> = BTreeMap::new();
        for Service { talks } in scene.services(Traits::ESTABLISHED | Traits::SERVER) {
            let talk = &talks[0];
            if scene.is_canary(talk.target()) {
                let touched = canaries.entry(talk.target()).or_default();
                touched.address = talk.server();
                touched.others.push(talk.source());
            }
        }
        for (who, talks) in scene.clients(Traits::NONE).filter(|(who, _)| scene.is_canary(*who)) {
            let touched = canaries.entry(who).or_default();
            touched.address = talks[0].source();
            touched.began = true;
            touched.others.extend(talks.iter().map(Talk::server));
        }
        for (who, Touched { address, mut others, began }) in canaries {
            others.sort_unstable();
            others.dedup();
            let count = others.len();
            let hosts = if count == 1 { "host" } else { "hosts" };
            let said = match began {
                true => format!(", a canary, talked to {count} {hosts} of its own accord"),
                false => format!(", a canary, was talked to by {count} {hosts}"),
            };
            sights.push(Sight {
                who,
                role: if began { ResourceRole::Actor } else { ResourceRole::Target },
                address,
                peer: others.first().copied().filter(|_| count == 1),
                seen: Seen {
                    points: POINTS,
                    observed: count as u64,
                    limit: None,
                    said: said.into(),
                    examples: examples(others.into_iter().map(shown)),
                },
            });
        }
    }
}

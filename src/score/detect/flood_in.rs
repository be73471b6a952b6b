//! `ddos.in`: somebody outside floods a host of the estate.
//!
//! | | |
//! |---|---|
//! | key, window | server; ten minutes |
//! | state | none of its own: how unusual the entity's packets, or its sources, were |
//! | fires | from 100,000 packets on from outside, hardly any of them answered, where packets or sources are one in a hundred |
//! | must not | for uploads, which are acknowledged; for what a server takes every day; for scans, which are few packets to each host |
//! | ATT&CK | T1498 |
//! | source | seed article of FlowTraq; Elastic's high_count_network_events |

use std::collections::BTreeMap;

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, Feature, ResourceRole, Seen},
    score::{sessions::leg::Who, whose::address::Address},
};

static DETECTOR: Detector = Detector {
    id: "ddos.in",
    title: "Flooded from outside",
    category: "impact",
    tactic: ("TA0040", "Impact"),
    technique: ("T1498", "Network Denial of Service"),
};

const LIMIT: u64 = 100_000;
const POINTS: u8 = 75;
/// One in a hundred.
const SURPRISE: u8 = 33;
const ANSWERS_ONE_IN: u64 = 10;

/// What came to one server from outside.
#[derive(Default)]
struct Flood {
    address: Address,
    packets: u64,
    answers: u64,
    sources: Vec<(u64, Address)>,
}

/// See the top of the file.
pub(super) struct FloodIn;

impl Detect for FloodIn {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        let mut floods: BTreeMap<Who, Flood> = BTreeMap::new();
        let is_unusual = |who| {
            scene.surprise(who, Feature::Packets).max(scene.surprise(who, Feature::Sources)) >= SURPRISE
        };
        let inbound = scene.services(Traits::INBOUND | Traits::SERVER);
        let unusual = inbound.filter(|service| is_unusual(service.talks[0].target()));
        for talk in unusual.flat_map(|service| service.talks) {
            let flood = floods.entry(talk.target()).or_default();
            let (packets, answers) = (talk.sent().1, talk.received().1);
            flood.address = talk.server();
            flood.packets = flood.packets.saturating_add(packets);
            flood.answers = flood.answers.saturating_add(answers);
            flood.sources.push((packets, talk.source()));
        }
        for (who, Flood { address, packets, answers, mut sources }) in floods {
            if packets < LIMIT || answers > packets / ANSWERS_ONE_IN {
                continue;
            }
            sources.sort_unstable_by(|one, other| other.cmp(one));
            let mut all: Vec<Address> = sources.iter().map(|(_, source)| *source).collect();
            all.sort_unstable();
            all.dedup();
            let (count, hosts) = (all.len(), if all.len() == 1 { "host" } else { "hosts" });
            sights.push(Sight {
                who,
                role: ResourceRole::Target,
                address,
                peer: all.first().copied().filter(|_| count == 1),
                seen: Seen {
                    points: POINTS,
                    observed: packets,
                    limit: Some(LIMIT),
                    said: format!(
                        " was sent {packets} packets by {count} {hosts} outside and answered with {answers}"
                    )
                    .into(),
                    examples: examples(sources.into_iter().map(|(_, source)| shown(source))),
                },
            });
        }
    }
}

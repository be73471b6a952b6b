//! `ddos.out`: a host of the estate floods somebody outside.
//!
//! | | |
//! |---|---|
//! | key, window | client and server; ten minutes |
//! | state | none of its own |
//! | fires | from 100,000 packets on to one address outside that hardly answers |
//! | must not | for what is answered: uploads, streams, backups |
//! | ATT&CK | T1498 |
//! | source | GuardDuty's DenialOfService findings |

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, talk::Talk, traits::Traits},
    shown,
};
use crate::event::{Detector, ResourceRole, Seen};

static DETECTOR: Detector = Detector {
    id: "ddos.out",
    title: "Somebody outside flooded",
    category: "impact",
    tactic: ("TA0040", "Impact"),
    technique: ("T1498", "Network Denial of Service"),
};

const LIMIT: u64 = 100_000;
const POINTS: u8 = 90;
/// Who receives a stream acknowledges every few packets of it; who is flooded does not keep up.
const ANSWERS_ONE_IN: u64 = 50;

/// See the top of the file.
pub(super) struct FloodOut;

impl Detect for FloodOut {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        for (who, talks) in scene.clients(Traits::OUTBOUND) {
            for talks in talks.chunk_by(|one, other| one.server() == other.server()) {
                if !talks[0].goes_outside() {
                    continue;
                }
                let sent: u64 = talks.iter().map(|talk| talk.sent().1).sum();
                let received: u64 = talks.iter().map(|talk| talk.received().1).sum();
                if sent < LIMIT || received > sent / ANSWERS_ONE_IN {
                    continue;
                }
                let mut ports: Vec<u16> = talks.iter().map(Talk::port).collect();
                ports.dedup();
                let peer = talks[0].server();
                sights.push(Sight {
                    who,
                    role: ResourceRole::Actor,
                    address: talks[0].source(),
                    peer: Some(peer),
                    seen: Seen {
                        points: POINTS,
                        observed: sent,
                        limit: Some(LIMIT),
                        said: format!(
                            " sent {sent} packets to {}, which answered with {received}",
                            shown(peer)
                        )
                        .into(),
                        examples: examples(ports.iter()),
                    },
                });
            }
        }
    }
}

//! `scan.vertical`: a host of the estate tries many ports of one other host that are not there.
//!
//! | | |
//! |---|---|
//! | key, window | client and server; ten minutes |
//! | state | none of its own: the window's conversations, and who has answered within a day |
//! | fires | from 15 ports on that refused or did not answer |
//! | must not | for scanners outside; for clients of a host that has just gone away, whose ports answered today |
//! | ATT&CK | T1046 |
//! | source | Zeek's `misc/scan` (15 failed ports in five minutes) |

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, traits::Traits},
};
use crate::event::{Detector, ResourceRole, Seen};

static DETECTOR: Detector = Detector {
    id: "scan.vertical",
    title: "Many closed ports of one host tried",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1046", "Network Service Discovery"),
};

/// Ports that one window may show.
const LIMIT: u64 = 15;
/// High: whoever does so is inside.
const POINTS: u8 = 80;

/// See the top of the file.
pub(super) struct ScanVertical;

impl Detect for ScanVertical {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        for (who, talks) in scene.clients(Traits::GROPES) {
            for talks in talks.chunk_by(|one, other| one.server() == other.server()) {
                // Ascending, because talks are in the order of ports.
                let failed = talks.iter().filter(|talk| talk.has_ports() && talk.is_groping());
                let mut ports: Vec<u16> = failed.map(super::scene::talk::Talk::port).collect();
                ports.dedup();
                let observed = ports.len() as u64;
                if observed < LIMIT {
                    continue;
                }
                let peer = talks[0].server();
                let said = format!(" tried {observed} ports of {} that did not answer", super::shown(peer));
                sights.push(Sight {
                    who,
                    role: ResourceRole::Actor,
                    address: talks[0].source(),
                    peer: Some(peer),
                    seen: Seen {
                        points: POINTS,
                        observed,
                        limit: Some(LIMIT),
                        said: said.into(),
                        examples: examples(ports.iter()),
                    },
                });
            }
        }
    }
}

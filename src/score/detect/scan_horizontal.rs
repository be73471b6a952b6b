//! `scan.horizontal`: a host of the estate looks for one port on many hosts that do not have it.
//!
//! | | |
//! |---|---|
//! | key, window | client, protocol and port; ten minutes |
//! | state | none of its own: the window's conversations, and who has answered within a day |
//! | fires | from 25 hosts on that refused or did not answer |
//! | must not | for scanners outside; for clients of services that were scaled in, whose addresses answered today |
//! | ATT&CK | T1018 |
//! | source | Zeek's `misc/scan` (25 hosts in five minutes); GuardDuty's PortSweep |

use std::collections::BTreeMap;

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::whose::address::Address,
};

static DETECTOR: Detector = Detector {
    id: "scan.horizontal",
    title: "One port looked for on many hosts",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1018", "Remote System Discovery"),
};

/// Hosts that one window may show.
const LIMIT: u64 = 25;
/// High: whoever does so is inside.
const POINTS: u8 = 80;

/// See the top of the file.
pub(super) struct ScanHorizontal;

impl Detect for ScanHorizontal {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        for (who, talks) in scene.clients(Traits::GROPES) {
            let mut hosts: BTreeMap<(u8, u16), Vec<Address>> = BTreeMap::new();
            for talk in talks.iter().filter(|talk| talk.has_ports() && talk.is_groping()) {
                let (_, address, protocol, port) = talk.service();
                hosts.entry((protocol, port)).or_default().push(address);
            }
            for ((_, port), mut hosts) in hosts {
                hosts.dedup();
                let observed = hosts.len() as u64;
                if observed < LIMIT {
                    continue;
                }
                sights.push(Sight {
                    who,
                    role: ResourceRole::Actor,
                    address: talks[0].source(),
                    peer: None,
                    seen: Seen {
                        points: POINTS,
                        observed,
                        limit: Some(LIMIT),
                        said: format!(" looked for port {port} on {observed} hosts that did not answer")
                            .into(),
                        examples: examples(hosts.into_iter().map(shown)),
                    },
                });
            }
        }
    }
}

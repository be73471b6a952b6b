//! `scan.horizontal`: a host of the estate looks for one port on many hosts that do not have it.
//!
//! | | |
//! |---|---|
//! | key, window | client, protocol and port; ten minutes, and 24 hours from the first on |
//! | state | who has answered within a day; a tally of one byte of each client and port; what is known: which services a client has looked for |
//! | fires | from 25 hosts on that refused or did not answer; over 24 hours once, of hosts that it did not look for in the last 30 days |
//! | must not | for scanners outside; for clients of services that were scaled in, whose addresses answered today |
//! | ATT&CK | T1018 |
//! | source | Zeek's `misc/scan` (25 hosts in five minutes); GuardDuty's PortSweep |

use std::collections::BTreeMap;

use super::{
    Detect, Sight, examples,
    known::Known,
    novel::id_of,
    scan_trw::is_first_failure,
    scene::{Scene, talk::Talk, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::sessions::leg::Who,
};

static DETECTOR: Detector = Detector {
    id: "scan.horizontal",
    title: "One port looked for on many hosts",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1018", "Remote System Discovery"),
};

/// Hosts that one window may show, or a day.
const LIMIT: u64 = 25;
/// High: whoever does so is inside.
const POINTS: u8 = 80;

/// See the top of the file.
pub(super) struct ScanHorizontal;

impl Detect for ScanHorizontal {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, known: &mut Known, sights: &mut Vec<Sight>) {
        for (who, talks) in scene.clients(Traits::GROPES) {
            let mut hosts: BTreeMap<(u8, u16), Vec<&Talk<'_>>> = BTreeMap::new();
            for talk in talks.iter().filter(|talk| talk.has_ports() && talk.is_groping()) {
                hosts.entry((talk.protocol(), talk.port())).or_default().push(talk);
            }
            for ((protocol, port), mut hosts) in hosts {
                hosts.dedup_by_key(|talk| talk.server());
                let (mut observed, mut within) = (hosts.len() as u64, "");
                if observed < LIMIT {
                    let new = hosts.iter().filter(|talk| is_first_failure(known, who, talk)).count();
                    let Some(all) = within_a_day(known, (who, protocol, port), new) else { continue };
                    (observed, within) = (all, " within a day");
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
                        said: format!(
                            " looked for port {port} on {observed} hosts{within} that did not answer"
                        )
                        .into(),
                        examples: examples(hosts.into_iter().map(|talk| shown(talk.server()))),
                    },
                });
            }
        }
    }
}

/// Counts so many `new` hosts that `who` has looked for on a port; gives how many there were within a day, where that is to be
/// told.
fn within_a_day(known: &mut Known, (who, protocol, port): (Who, u8, u16), new: usize) -> Option<u64> {
    if new == 0 {
        return None;
    }
    let key = known.tallies.key(id_of(&DETECTOR), who, [u64::from(protocol) << 16 | u64::from(port)]);
    let mut tally = known.tallies.of_day(key);
    // Fewer than the limit at a time.
    let all = tally.record[0].saturating_add(new as u8);
    tally.record[0] = all;
    let is_told = u64::from(all) >= LIMIT && tally.tells(known.tallies.now());
    known.tallies.put(key, tally);
    is_told.then_some(all.into())
}

//! `scan.syn`: a host of the estate sends bare SYNs of the sizes that scanners send, to several who do not answer.
//!
//! | | |
//! |---|---|
//! | key, window | client; ten minutes |
//! | state | none of its own |
//! | fires | from 3 services on that got SYNs without options, or with a maximum segment size alone, and did not answer |
//! | must not | for what a system's own stack sends: its SYNs have 52 bytes and more; for resets, which are as short |
//! | ATT&CK | T1046 |
//! | source | seed article of FlowTraq, corrected: 40 bytes are no options, 44 masscan's and ZMap's; needs TCP flags (version 3) |

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, traits::Traits},
    shown,
};
use crate::event::{Detector, ResourceRole, Seen};

static DETECTOR: Detector = Detector {
    id: "scan.syn",
    title: "Packets of a scanning tool",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1046", "Network Service Discovery"),
};

const LIMIT: u64 = 3;
const POINTS: u8 = 80;
/// Bytes of a SYN without options and with one of four bytes, over IPv4 and IPv6.
const SIZES: [u64; 4] = [40, 44, 60, 64];

/// See the top of the file.
pub(super) struct SynFingerprint;

impl Detect for SynFingerprint {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        for (who, talks) in scene.clients(Traits::GROPES) {
            let bare = talks.iter().filter(|talk| {
                let (bytes, packets) = talk.sent();
                // A SYN of IPv6 has 20 bytes more; one of IPv4 with 60 has options.
                let is_v4 = talk.source() >> 32 == 0xffff;
                let sizes = if is_v4 { &SIZES[..2] } else { &SIZES[2..] };
                talk.is_only_syn()
                    && bytes.is_multiple_of(packets.max(1))
                    && sizes.contains(&(bytes / packets.max(1)))
                    && talk.is_groping()
            });
            let mut services: Vec<_> = bare.map(|talk| (talk.server(), talk.port())).collect();
            services.dedup();
            let observed = services.len() as u64;
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
                    said: format!(" sent a scanning tool's SYNs to {observed} services that did not answer")
                        .into(),
                    examples: examples(
                        services.iter().map(|(address, port)| format!("{}:{port}", shown(*address))),
                    ),
                },
            });
        }
    }
}

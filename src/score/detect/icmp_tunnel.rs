//! `icmp.tunnel`: two talk over ICMP.
//!
//! | | |
//! |---|---|
//! | key, window | client and server; ten minutes |
//! | state | none of its own |
//! | fires | from 100 packets on, both ways, of 256 bytes and more each in the mean |
//! | must not | for pings, of which Linux's have 84 bytes and Windows' 60; for errors, which are not answered |
//! | ATT&CK | T1095 |
//! | source | Elastic's rule for ICMP of 256 bytes |

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, traits::Traits},
    shown,
};
use crate::event::{Detector, ResourceRole, Seen};

static DETECTOR: Detector = Detector {
    id: "icmp.tunnel",
    title: "Much said over ICMP",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1095", "Non-Application Layer Protocol"),
};

const LIMIT: u64 = 100;
const POINTS: u8 = 70;
/// ICMP, and that of IPv6.
const ICMP: [u8; 2] = [1, 58];
/// Bytes of a packet, in the mean.
const BYTES: u64 = 256;

/// See the top of the file.
pub(super) struct IcmpTunnel;

impl Detect for IcmpTunnel {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        for (who, talks) in scene.clients(Traits::ICMP) {
            for talk in talks.iter().filter(|talk| ICMP.contains(&talk.protocol())) {
                let [(sent_bytes, sent), (received_bytes, received)] = [talk.sent(), talk.received()];
                let is_large = |bytes: u64, packets: u64| packets > 0 && bytes / packets >= BYTES;
                let observed = sent.saturating_add(received);
                let is_both_ways = sent.min(received) >= LIMIT / 4;
                if observed < LIMIT
                    || !is_both_ways
                    || !is_large(sent_bytes, sent)
                    || !is_large(received_bytes, received)
                {
                    continue;
                }
                sights.push(Sight {
                    who,
                    role: ResourceRole::Actor,
                    address: talk.source(),
                    peer: Some(talk.server()),
                    seen: Seen {
                        points: POINTS,
                        observed,
                        limit: Some(LIMIT),
                        said: format!(
                            " and {} exchanged {observed} packets of ICMP, {} bytes",
                            shown(talk.server()),
                            sent_bytes.saturating_add(received_bytes)
                        )
                        .into(),
                        examples: examples(std::iter::empty::<&str>()),
                    },
                });
            }
        }
    }
}

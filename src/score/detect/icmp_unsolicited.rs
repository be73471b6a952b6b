//! `icmp.unsolicited`: a host is told of errors by many that it never pinged: it looks for what is not there.
//!
//! | | |
//! |---|---|
//! | key, window | entity; ten minutes |
//! | state | none of its own |
//! | fires | from ten hosts on that send ICMP of the size of an error, and are sent none |
//! | must not | for pings, of 60 and 84 bytes over IPv4 and 80 and 104 over IPv6; for conversations both ways |
//! | ATT&CK | T1046 |
//! | source | seed article of FlowTraq (a host that receives ICMP errors scans); VPC logs have no type, so that sizes tell |

use std::collections::BTreeMap;

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::{sessions::leg::Who, whose::address::Address},
};

static DETECTOR: Detector = Detector {
    id: "icmp.unsolicited",
    title: "Errors received from many hosts",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1046", "Network Service Discovery"),
};

const LIMIT: u64 = 10;
const POINTS: u8 = 55;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// See the top of the file.
pub(super) struct IcmpUnsolicited;

impl Detect for IcmpUnsolicited {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        let mut told: BTreeMap<Who, (Address, Vec<Address>)> = BTreeMap::new();
        for talk in scene.services(Traits::ICMP).flat_map(|service| service.talks) {
            // Who sent is taken for the client, as there are no ports.
            let ends = [
                (talk.who(), talk.source(), talk.server(), talk.received(), talk.sent()),
                (talk.target(), talk.server(), talk.source(), talk.sent(), talk.received()),
            ];
            for (who, own, other, (bytes, packets), sent) in ends {
                if who != Who::NOBODY && sent.1 == 0 && is_error(talk.protocol(), bytes, packets) {
                    let (address, others) = told.entry(who).or_insert((own, Vec::new()));
                    *address = (*address).min(own);
                    others.push(other);
                }
            }
        }
        for (who, (address, mut others)) in told {
            others.sort_unstable();
            others.dedup();
            let observed = others.len() as u64;
            if observed < LIMIT {
                continue;
            }
            sights.push(Sight {
                who,
                role: ResourceRole::Actor,
                address,
                peer: None,
                seen: Seen {
                    points: POINTS,
                    observed,
                    limit: Some(LIMIT),
                    said: format!(
                        " was sent ICMP of the size of errors by {observed} hosts that it sent none"
                    )
                    .into(),
                    examples: examples(others.into_iter().map(shown)),
                },
            });
        }
    }
}

/// Whether so much over `protocol` looks like errors: an error quotes the packet that it is about, which a ping does not.
fn is_error(protocol: u8, bytes: u64, packets: u64) -> bool {
    let mean = bytes.checked_div(packets).unwrap_or(0);
    match protocol {
        ICMP => (56..=576).contains(&mean) && ![60, 84].contains(&mean),
        ICMP_V6 => (96..=1_280).contains(&mean) && mean != 104,
        _ => false,
    }
}

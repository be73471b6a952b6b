//! `bruteforce`: somebody tries passwords at a service for administrators or data.
//!
//! | | |
//! |---|---|
//! | key, window | client, server and port; ten minutes |
//! | state | none of its own |
//! | fires | from 20 short conversations on of nearly one size; at 95 points where a much larger one is among them: a success |
//! | must not | for pools of connections, which are few and long; for probes of load balancers, which say nothing; for attempts from outside that fail |
//! | ATT&CK | T1110 |
//! | source | GuardDuty's brute force findings; Slips' detector of nine attempts |

use super::{
    Detect, Sight, examples,
    known::Known,
    scene::{Scene, Service, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::sessions::leg::Who,
};

static DETECTOR: Detector = Detector {
    id: "bruteforce",
    title: "Passwords tried",
    category: "credential_access",
    tactic: ("TA0006", "Credential Access"),
    technique: ("T1110", "Brute Force"),
};

const LIMIT: usize = 20;
/// Who is inside is news; who is outside only once it is in.
const POINTS: u8 = 80;
const SUCCESS_POINTS: u8 = 95;
/// SSH, Telnet, SMB, SQL Server, Oracle, MySQL, RDP, PostgreSQL, VNC, WinRM.
const PORTS: [u16; 11] = [22, 23, 445, 1433, 1521, 3306, 3389, 5432, 5900, 5985, 5986];
/// A handshake and a few messages: less is a probe, more is work.
const PACKETS: std::ops::RangeInclusive<u64> = 4..=60;
/// Standard deviation of their bytes as a share of the mean, at most.
const VARIATION_MAX: f64 = 0.3;
/// So many times the usual attempt is a session.
const SUCCESS: u64 = 5;

/// See the top of the file.
pub(super) struct BruteForce;

impl Detect for BruteForce {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn is_pressing(&self, seen: &Seen) -> bool {
        seen.points == SUCCESS_POINTS
    }

    fn look(&self, scene: &Scene<'_>, _: &mut Known, sights: &mut Vec<Sight>) {
        for Service { talks } in scene.services(Traits::ANSWERED) {
            if talks.len() < LIMIT || !PORTS.contains(&talks[0].port()) {
                continue;
            }
            let attempts = talks.iter().filter(|talk| talk.is_answered() && PACKETS.contains(&talk.sent().1));
            let bytes: Vec<u64> = attempts.map(|talk| talk.sent().0 + talk.received().0).collect();
            if bytes.len() < LIMIT || variation(&bytes) > VARIATION_MAX {
                continue;
            }
            let mean = bytes.iter().sum::<u64>() / bytes.len() as u64;
            let succeeded = talks.iter().any(|talk| {
                talk.is_established() && talk.sent().0 + talk.received().0 >= mean.saturating_mul(SUCCESS)
            });
            let (client, server) = (&talks[0], talks[0].server());
            let from_outside = client.comes_from_outside();
            let who = if from_outside { client.target() } else { client.who() };
            if who == Who::NOBODY || from_outside && !succeeded {
                continue;
            }
            let (role, address, peer) = if from_outside {
                (ResourceRole::Target, server, client.source())
            } else {
                (ResourceRole::Actor, client.source(), server)
            };
            let count = bytes.len();
            let port = client.port();
            let tried = match from_outside {
                true => format!(" was tried {count} times by {} on port {port}", shown(peer)),
                false => format!(" tried {count} times to log in to {} on port {port}", shown(peer)),
            };
            sights.push(Sight {
                who,
                role,
                address,
                peer: Some(peer),
                seen: Seen {
                    points: if succeeded { SUCCESS_POINTS } else { POINTS },
                    observed: count as u64,
                    limit: Some(LIMIT as u64),
                    said: (tried + if succeeded { ", and it worked" } else { "" }).into(),
                    examples: examples([port].iter()),
                },
            });
        }
    }
}

/// Standard deviation as a share of the mean.
fn variation(bytes: &[u64]) -> f64 {
    let count = bytes.len() as f64;
    let mean = bytes.iter().sum::<u64>() as f64 / count;
    let square = bytes.iter().map(|bytes| (*bytes as f64 - mean).powi(2)).sum::<f64>() / count;
    square.sqrt() / mean.max(1.0)
}

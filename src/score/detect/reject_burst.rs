//! `reject.burst`: an entity is refused by a host inside, again and again, as it never was.
//!
//! | | |
//! |---|---|
//! | key, window | client, server and port; ten minutes, and a month of what was shown before |
//! | state | what is known: that the client is refused there |
//! | fires | from eleven refused records on between the two: on one port it is a rule that is wrong, on many somebody looks around |
//! | must not | for whoever is refused there every week; for scanners outside |
//! | ATT&CK | T1046 |
//! | source | seed article on AWS's own examples (more than ten REJECTs of a pair); Elastic's high_count_network_denies |

use super::{
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "reject.burst",
    title: "Refused again and again",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1046", "Network Service Discovery"),
};

/// Records of one conversation that are more than a few tries.
const LIMIT: u32 = 10;

/// See the top of the file.
pub(super) struct RejectBurst;

impl Novel for RejectBurst {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::CLIENT | Traits::REFUSED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        // Both ends' interfaces have a record of each try.
        let tries = |talk: &Talk<'_>| talk.records().div_ceil(2);
        let refused: u32 = talks.iter().filter(|talk| talk.is_refused()).map(tries).sum();
        let talk = &talks[0];
        (!talk.goes_outside() && refused > LIMIT)
            .then(|| News { of: [talk.port().into(), talk.server() as u64], ..News::of_client(talk) })
    }

    fn points(&self, count: usize) -> u8 {
        if count >= 5 { 65 } else { 40 }
    }

    fn said(&self, one: &News, count: usize) -> String {
        match count {
            1 => format!(
                " was refused more than {LIMIT} times by {} on port {}: a rule may be missing",
                super::shown(one.peer),
                one.number
            ),
            _ => format!(
                " was refused more than {LIMIT} times each on {count} ports and hosts, {} on port {} among them",
                super::shown(one.peer),
                one.number
            ),
        }
    }
}

//! `egress.refused`: an entity tries to reach the Internet where it may not.
//!
//! | | |
//! |---|---|
//! | key, window | entity and port; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity is refused on that port outside |
//! | fires | on the first REJECT of what it begins towards somebody outside who is not in AWS's published ranges |
//! | must not | for hosts that are refused all the time, such as agents that phone home; for answers to scans, which nobody inside begins |
//! | ATT&CK | T1071 |
//! | source | what people who run such things in AWS ask for: egress REJECT by an internal host is precise and costs nothing |

use super::{
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "egress.refused",
    title: "Refused on the way to the Internet",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1071", "Application Layer Protocol"),
};

/// See the top of the file.
pub(super) struct EgressRefused;

impl Novel for EgressRefused {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::INTERNET | Traits::CLIENT | Traits::REFUSED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let is_refused = |talk: &Talk<'_>| talk.is_refused() && !talk.server_speaks();
        let talk = &talks[0];
        (talk.has_ports() && talks.iter().any(is_refused)).then(|| News::of_client(talk))
    }

    fn points(&self, count: usize) -> u8 {
        if count >= 5 { 70 } else { 50 }
    }

    fn said(&self, one: &News, count: usize) -> String {
        let more = if count > 1 { format!(" and {} more ports", count - 1) } else { String::new() };
        format!(
            " was refused on the way to {} on port {}{more}, where it was not refused in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}

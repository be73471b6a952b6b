//! `egress.first`: an entity that never talked to the Internet begins a conversation with it.
//!
//! | | |
//! |---|---|
//! | key, window | entity; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity has been out |
//! | fires | on the first conversation with an answer that it begins with somebody outside, who is not in AWS's published ranges |
//! | must not | for AWS's own services and whoever rents there; for whoever is out each week; in an entity's first week |
//! | ATT&CK | T1105 |
//! | source | seed article of FlowTraq (servers that begin SSH and HTTPS); what people who run such things in AWS ask for |

use super::{
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "egress.first",
    title: "First conversation with the Internet",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1105", "Ingress Tool Transfer"),
};

/// See the top of the file.
pub(super) struct EgressFirst;

impl Novel for EgressFirst {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::INTERNET | Traits::CLIENT | Traits::ESTABLISHED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        Some(News { of: [0, 0], ..News::of_client(&talks[0]) })
    }

    fn points(&self, _: usize) -> u8 {
        65
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " began a conversation with {} on port {}, and had none with the Internet in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}

//! `port.novelty`: an entity calls a port outside that neither it nor anybody else in the estate has called.
//!
//! | | |
//! |---|---|
//! | key, window | entity and port; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity, and that anybody, calls that port outside |
//! | fires | on the first such conversation with an answer |
//! | must not | for ports that anybody in the estate has called; for ports that servers hand out, from 32768 on |
//! | ATT&CK | T1571 |
//! | source | GuardDuty's NetworkPortUnusual and Spambot |

use super::{
    EPHEMERAL,
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "port.novelty",
    title: "A port called that nobody calls",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1571", "Non-Standard Port"),
};

/// See the top of the file.
pub(super) struct PortNovelty;

impl Novel for PortNovelty {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::OUTBOUND | Traits::CLIENT | Traits::ESTABLISHED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let talk = &talks[0];
        (1..EPHEMERAL).contains(&talk.port()).then(|| News { estate: true, ..News::of_client(talk) })
    }

    fn points(&self, _: usize) -> u8 {
        65
    }

    fn said(&self, one: &News, count: usize) -> String {
        let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        format!(
            " talked to {} on port {}{more}, which nobody in the estate called in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}

//! `protocol.novelty`: an entity speaks an IP protocol that nobody in the estate has spoken.
//!
//! | | |
//! |---|---|
//! | key, window | entity and protocol; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity, and that anybody, speaks that protocol |
//! | fires | on the first conversation over anything but ICMP, TCP and UDP that was let through |
//! | must not | for protocols that anybody in the estate speaks |
//! | ATT&CK | T1095 |
//! | source | GuardDuty's DenialOfService.UnusualProtocol |

use super::{
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "protocol.novelty",
    title: "A protocol spoken that nobody speaks",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1095", "Non-Application Layer Protocol"),
};

/// See the top of the file.
pub(super) struct ProtocolNovelty;

impl Novel for ProtocolNovelty {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::CLIENT | Traits::ODD
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let talk = &talks[0];
        let is_spoken = talks.iter().any(Talk::is_let_through);
        let number = talk.protocol().into();
        is_spoken.then(|| News { number, of: [number.into(), 0], estate: true, ..News::of_client(talk) })
    }

    fn points(&self, _: usize) -> u8 {
        65
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " spoke IP protocol {} with {}, which nobody in the estate spoke in the last 30 days",
            one.number,
            super::shown(one.peer)
        )
    }
}

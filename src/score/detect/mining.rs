//! `mining`: an entity holds a quiet conversation with a port of mining pools.
//!
//! | | |
//! |---|---|
//! | key, window | entity and port; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity, and that anybody, calls that port outside |
//! | fires | on a conversation of five minutes and more, of less than 5 MB, on a port of pools outside |
//! | must not | for ports that anybody in the estate has called for a month; for AWS's ranges, where nobody runs a pool for long |
//! | ATT&CK | T1496 |
//! | source | GuardDuty's BitcoinTool.B; ports as Stratum pools publish them |

use super::{
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "mining",
    title: "A conversation like a miner's",
    category: "impact",
    tactic: ("TA0040", "Impact"),
    technique: ("T1496", "Resource Hijacking"),
};

const PORTS: [u16; 10] = [3_333, 4_444, 5_555, 7_777, 8_333, 9_999, 14_433, 14_444, 20_580, 45_700];
const SECONDS: u32 = 300;
const BYTES_MAX: u64 = 5_000_000;

/// See the top of the file.
pub(super) struct Mining;

impl Novel for Mining {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::INTERNET | Traits::CLIENT | Traits::ESTABLISHED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let is_quiet = |talk: &Talk<'_>| {
            let bytes = talk.sent().0.max(talk.received().0);
            talk.is_established() && talk.seconds() >= SECONDS && bytes < BYTES_MAX
        };
        let talk = &talks[0];
        (PORTS.contains(&talk.port()) && talks.iter().any(is_quiet))
            .then(|| News { estate: true, ..News::of_client(talk) })
    }

    fn points(&self, _: usize) -> u8 {
        80
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(" talked to {} on port {}, as miners do with their pool", super::shown(one.peer), one.number)
    }
}

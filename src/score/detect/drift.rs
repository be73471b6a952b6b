//! `baseline.drift`: the last seven days of an entity have left the weeks before behind.
//!
//! | | |
//! |---|---|
//! | key, window | entity; seven days against the weeks before, by the hour |
//! | state | a ring of days in the entity's habits (`score::usual::drift`) |
//! | fires | where the usual of a week is three times that of the weeks before it |
//! | must not | for what its peers do as well; for what somebody has grown to over a season |
//! | ATT&CK | T1030 |
//! | source | detection reference, on poisoning: what raises its baseline by a little each day |

use super::Detect;
use crate::event::Detector;

pub(in crate::score) static DETECTOR: Detector = Detector {
    id: "baseline.drift",
    title: "Usual level far above the weeks before",
    category: "exfiltration",
    tactic: ("TA0010", "Exfiltration"),
    technique: ("T1030", "Data Transfer Size Limits"),
};

/// See the top of the file.
pub(super) struct Drift;

impl Detect for Drift {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn looks(&self) -> bool {
        false
    }
}

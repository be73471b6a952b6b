//! `exfil.volume`: an entity sends more bytes to outside than it and its peers usually do.
//!
//! | | |
//! |---|---|
//! | key, window | entity; ten minutes, an hour, a day |
//! | state | the entity's baselines of `external_bytes_out` |
//! | fires | at the mark (80 points: one in about 63,000), from 10 MB on |
//! | must not | for hosts that are too young to be judged; for what their peers send as well; for backups to S3 and pulls from ECR, which are AWS itself |
//! | ATT&CK | T1048 |
//! | source | seed article of Cyral and Dremio; GuardDuty's TrafficVolumeUnusual |

use super::Detect;
use crate::event::{Detector, Feature};

/// Smaller amounts are nobody's data.
pub(super) const LEAST: u64 = 10_000_000;

/// See the top of the file.
pub(super) struct VolumeOut;

impl Detect for VolumeOut {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn watches(&self) -> Option<Feature> {
        Some(Feature::ExternalBytesOut)
    }
}

static DETECTOR: Detector = Detector {
    id: "exfil.volume",
    title: "More bytes sent to outside than usual",
    category: "exfiltration",
    tactic: ("TA0010", "Exfiltration"),
    technique: ("T1048", "Exfiltration Over Alternative Protocol"),
};

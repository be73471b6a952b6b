//! `scan.ports`: an entity sends to more distinct ports than it and its peers usually do.
//!
//! | | |
//! |---|---|
//! | key, window | entity; ten minutes, an hour |
//! | state | the entity's baselines of `destination_ports` |
//! | fires | at the mark (80 points), from 20 ports on |
//! | must not | for those that scan every day; for answers, which go to the ports that others chose |
//! | ATT&CK | T1046 |
//! | source | Zeek's and Slips' scan detectors, against the entity's own past instead of a fixed number |

use super::Detect;
use crate::event::{Detector, Feature};

pub(super) const LEAST: u64 = 20;

/// See the top of the file.
pub(super) struct PortSpread;

impl Detect for PortSpread {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn watches(&self) -> Option<Feature> {
        Some(Feature::DestinationPorts)
    }
}

static DETECTOR: Detector = Detector {
    id: "scan.ports",
    title: "More ports tried than usual",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1046", "Network Service Discovery"),
};

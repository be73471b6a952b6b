//! What a detector is to whoever reads its findings: its name, what it looks for, and which behaviour that is.

use std::cmp::Ordering;

/// What is said of a detector. There is one for each, beside its code.
#[derive(Debug)]
pub struct Detector {
    /// Its id in findings: part of the finding's id, never to be changed. `scan.vertical`
    pub id: &'static str,
    /// What it has found, as a title: `Many ports of one host tried`.
    pub title: &'static str,
    /// What kind of behaviour that is: `discovery`, `exfiltration`.
    pub category: &'static str,
    /// Id and name, in MITRE ATT&CK.
    pub tactic: (&'static str, &'static str),
    /// Id and name, in MITRE ATT&CK.
    pub technique: (&'static str, &'static str),
}

/// What becomes of what a detector finds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing: it does not look.
    Off,
    /// It is written down, and is no alert.
    Observe,
    /// It is an alert.
    #[default]
    Alert,
}

/// What an entity had to do with it, in GuardDuty's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResourceRole {
    /// It did it.
    #[default]
    Actor,
    /// It was done to it.
    Target,
}

/// What a finding is to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disposition {
    /// Somebody is to look at it.
    #[default]
    Alert,
    /// Its detector is on trial: see [`Mode::Observe`].
    Observed,
    /// Somebody has taken responsibility for it: see [`Suppression`].
    Suppressed,
    /// There were as many incidents that day as anybody wants to look at.
    OverBudget,
}

/// Why nobody is to look at a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Who answers for it.
    pub owner: Box<str>,
    /// Why, for people.
    pub reason: Box<str>,
    /// Where that was agreed on.
    pub ticket: Option<Box<str>>,
}

/// What a finding rests on.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// A feature of the entity's window is larger than it usually is.
    Unusual {
        /// What surprised, by how much, against what.
        score: super::Score,
        /// Mean of the entity's own windows, in the feature's unit; a fact beside the score.
        mean: f64,
        /// Mean plus three standard deviations of the entity's own windows; a fact beside the score.
        mean_plus_3_sigma: f64,
    },
    /// Something was seen that is not to be.
    Seen(Seen),
}

/// Something that is not to be, whatever is usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How much it matters: from 0 to 100, as a score.
    pub points: u8,
    /// How much of it there was.
    pub observed: u64,
    /// From how much on it is told, where that is a number.
    pub limit: Option<u64>,
    /// The end of a sentence whose subject is the entity: ` tried 57 ports of 10.0.1.9 that did not answer`.
    pub said: Box<str>,
    /// Ports or addresses that it was, a few of many, as text.
    pub examples: Box<[Box<str>]>,
}

/// The most examples of one finding.
pub const EXAMPLES_MAX: usize = 60;

// === impl ResourceRole ===

impl ResourceRole {
    /// What documents call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Target => "target",
        }
    }
}

// === impl Disposition ===

impl Disposition {
    /// What documents call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Observed => "observed",
            Self::Suppressed => "suppressed",
            Self::OverBudget => "over_budget",
        }
    }
}

// === impl Detector ===

impl PartialEq for Detector {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Detector {}

impl PartialOrd for Detector {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Detector {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(other.id)
    }
}

// === impl Evidence ===

impl Evidence {
    /// How much it matters, from 0 to 100.
    #[must_use]
    pub const fn points(&self) -> u8 {
        match self {
            Self::Unusual { score, .. } => score.points,
            Self::Seen(seen) => seen.points,
        }
    }

    /// How much of it there was.
    #[must_use]
    pub const fn observed(&self) -> u64 {
        match self {
            Self::Unusual { score, .. } => score.observed,
            Self::Seen(seen) => seen.observed,
        }
    }

    /// The score, where it rests on one.
    #[must_use]
    pub const fn score(&self) -> Option<&super::Score> {
        match self {
            Self::Unusual { score, .. } => Some(score),
            Self::Seen(_) => None,
        }
    }
}

//! What learning an archive comes to, for people and for machines: coverage, and what was held out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// What learning an archive came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What was read.
    pub coverage: Coverage,
    /// From the first window to the last; absent where nothing was learned.
    pub period: Option<Period>,
    /// Spans inside the period in which no entity has a record: logging stood still, or files are missing.
    pub gaps: Vec<Gap>,
    /// Who has a baseline now.
    pub entities: EntityCounts,
    /// Windows of ten minutes of entities that were learned.
    pub windows_learned: u64,
    /// Windows that were held out of learning: each feature for which one was stands in `held_out`.
    pub windows_held_out: u64,
    /// Windows that were not learned because their day had taught as much as a day may.
    pub windows_capped: u64,
    /// Where to look back: what stood out, in order of time. An attack that the archive holds is among it.
    pub held_out: Vec<HeldOut>,
}

/// What was read of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Files.
    pub files: u64,
    /// Files that begin like one that was read before, and were not read again.
    pub files_repeated: u64,
    /// Bytes of lines, inflated.
    pub bytes: u64,
    /// Records that could be read.
    pub records: u64,
    /// Of these, records that say that there was no traffic: NODATA.
    pub no_data: u64,
    /// Records that say that flows were not recorded: SKIPDATA. What they skipped is in no baseline.
    pub skip_data: u64,
    /// Records without addresses that say neither.
    pub without_addresses: u64,
    /// Records without an end: lines of syslog that hold no flow.
    pub without_end: u64,
    /// Records from more than a day ahead of the clock.
    pub too_far_ahead: u64,
    /// Records with no side that could be an entity.
    pub nobody: u64,
    /// Entries that could not be read, by reason.
    pub quarantined: BTreeMap<String, u64>,
}

/// From the first window to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Start of the first window, RFC 3339.
    pub start: String,
    /// End of the last window, RFC 3339. Records of `run` that end before it are late.
    pub end: String,
}

/// A span of time without records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Its start, RFC 3339.
    pub start: String,
    /// Its end, RFC 3339.
    pub end: String,
}

/// Who has a baseline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntityCounts {
    /// All of them.
    pub all: u64,
    /// Worth fewer than 24 windows, or learned on fewer than three days: judged by their peers alone.
    pub warming: u64,
    /// Worth fewer than 200 windows: they lean on their peers.
    pub shrunk: u64,
    /// Those that stand on their own.
    pub mature: u64,
    /// Those beyond `score.entities_max`, which have none.
    pub refused: u64,
}

/// A window and a feature for which it was held out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Start of the window, RFC 3339.
    pub window_start: String,
    /// Account, region and VPC of the entity, as far as records say them.
    pub scope: String,
    /// What the entity is: `service`, `tag`, `asg`, `instance`, `address` or `interface`.
    pub kind: String,
    /// The entity's name.
    pub entity: String,
    /// The feature.
    pub feature: String,
    /// Its value in the window.
    pub observed: u64,
    /// What is usual for the entity, by all of the archive.
    pub usual: Past,
    /// 0 to 100, as in findings: 50 for a tail probability of one in a thousand.
    pub score: u8,
    /// Whether it stands out of the whole archive, or only of what came before it.
    pub of_whole_archive: bool,
}

/// What is usual for a feature of an entity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// The median of its windows.
    pub median: u64,
    /// 99 of 100 windows have no more.
    pub p99: u64,
    /// 999 of 1,000 windows have no more.
    pub p999: u64,
}

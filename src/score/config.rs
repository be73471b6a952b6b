//! What the operator can set about scoring: who an entity is, how fast the past fades, how long to wait for the late.

mod segment;

pub use segment::Segment;

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use arc_swap::ArcSwap;

use super::{Policy, Tenant, WINDOW_SECONDS, detect::modes::Modes};
use crate::quantity::{ByteSize, Duration};

/// How events are scored.
#[derive(Debug, Clone, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which internal thing an event is scored for: the first of these that the record, or the asset of the
    /// interface's own address, gives. `ecs-service`, `tag:NAME` (a tag of the asset, or of the record under its column's name: `tag:instance-tag`), `asg`, `instance`, `address`.
    /// An empty list scores nothing. Default: `[ecs-service, "tag:Service", asg, instance, address]`.
    pub identity: Vec<Identity>,
    /// After how much event time a window counts half in a baseline. Default 14d; at least 1d, because a shorter past
    /// does not hold a day's rhythm.
    pub half_life: Duration,
    /// How long after a window's end, in event time, its records are waited for. Later records are scored and counted,
    /// not learned. Default 10m; `0s` waits for nothing, at most 1d.
    pub lateness: Duration,
    /// After how long without a record, by the clock, a partition is not waited for any more. Default 10m; at least 1s.
    pub idle: Duration,
    /// For how long, in event time from the first window of its life, a peer group learns every window that is no finding,
    /// however unusual it looks: the group has not seen a whole day yet and would call its own rhythm unusual. An attack
    /// in that time that is no finding is taken for usual; it fades with `half_life`. Default 1d; `0s` holds unusual windows
    /// out from the start.
    pub learn_all: Duration,
    /// The most entities in memory; each takes up to six kilobytes. Where there is a `state`, who was active longest ago makes
    /// room for others and is there until it comes again. Without one, events of further entities are delivered without
    /// a score, as they are where all in memory have windows open; `floodmark_score_entities_refused_total` counts these entities. Default 24000, which leaves
    /// room for databases, sinks and threads in the default `limits.memory`; from 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub entities_max: u32,
    /// For how long, in event time, an entity that is not seen is remembered: a process that starts forgets who was seen last
    /// before that, so that a `state` does not grow for ever. Default 180d, after which a fraction of a thousandth of what it
    /// learned would count; at least 1d, and `0s` forgets nobody.
    pub forget_after: Duration,
    /// The most external addresses, IPv6 ones by their /64, that have a record of their own (111 bytes each); everybody else
    /// out there counts in sketches of fixed size. Default 100000; at most 4000000.
    #[schemars(range(max = 4_000_000))]
    pub externals_max: u32,
    /// The most pairs of an entity and an external address that it talked to which have a record of their own (79 bytes
    /// each). Default 20000; at most 4000000.
    #[schemars(range(max = 4_000_000))]
    pub pairs_max: u32,
    /// The most conversations that sessions are stitched from at a time: those of the windows that have not folded, and the
    /// sessions that go on (some 160 bytes each). Records of others leave as they are and are in no session, which
    /// `floodmark_score_sessions_crowded_out_total` counts. Default 100000; 0 stitches none, at most 16000000.
    #[schemars(range(max = 16_000_000))]
    pub sessions_max: u32,
    /// After how long without a record a session is over that nobody has ended, in whole windows of ten minutes. Default 20m; from 10m
    /// to 1d.
    pub session_idle: Duration,
    /// What becomes of what each detector finds, by its id: `alert`, which is what is not given here; `observe` writes findings with
    /// `floodmark.finding.disposition: observed` that are no alert; `off` does not look. The README lists them.
    pub detectors: Modes,
    /// How many incidents a day are alerts, of all that this process scores; findings of others leave with
    /// `floodmark.finding.disposition: over_budget` and are no alert. Those of canaries and of guessed passwords that worked
    /// are alerts in any case. Default 20; 0 is no limit.
    pub budget: u32,
    /// A file of suppressions: findings that nobody is to look at until a day, with who says so and why. It is read again when it
    /// changes.
    pub suppressions: Option<PathBuf>,
    /// Lists of addresses outside that nobody is to talk with, for the detector `watchlist`: what is on none is not its business. Default:
    /// none. Of several ranges that hold an address the narrowest counts. A file that changes is read again once its size and time have
    /// stood still for two seconds; one that cannot be read is refused, and what was read before stays in use.
    pub watchlists: Vec<WatchlistFile>,
    /// Boundaries that no conversation is to cross, for the detector `segment`: who is not to begin any with whom, by the tags of their
    /// assets. Default: none.
    pub segments: Vec<Segment>,
    /// Memory for telling records that come again at another position, which count once as long as their window is open
    /// and they find room in it: half of it holds 131,072 records of a window for each MiB. Default 8MiB; `0B` counts every
    /// record, at most 64GiB.
    pub dedup_bytes: ByteSize,
    /// Whether windows count and sum up all their events, for findings to tell: 144 bytes more for each. It follows from
    /// whether a sink samples.
    #[serde(skip)]
    pub activity: bool,
    /// Whether conversations are put together. It follows from what the sinks select and from which detectors are on.
    #[serde(skip)]
    pub stitches: bool,
    /// Whether sessions are told. It follows from what the sinks select.
    #[serde(skip)]
    pub tells_sessions: bool,
    /// What becomes of findings, as long as that may change; none where it is what is said here.
    #[serde(skip)]
    pub policy: Option<Arc<ArcSwap<Policy>>>,
    /// The name of each source, by its number. It follows from the sources.
    #[serde(skip)]
    pub sources: Vec<String>,
    /// The tenant of each source, by its number, where it has one. It follows from the sources.
    #[serde(skip)]
    pub tenants: Vec<Option<Tenant>>,
    /// Whether other workers have told what its records say beside themselves. It follows from `rekey`.
    #[serde(skip)]
    pub second_hand: bool,
}

/// A list of addresses that nobody is to talk with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchlistFile {
    /// Path of the list: text with one CIDR or address a line, behind which may stand what findings are to say of it; what stands
    /// behind `#` is not read. At most 64 MiB and 1,000,000 ranges.
    pub path: PathBuf,
    /// What findings call the list. Default: the name of the file without its ending.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
}

/// One way to tell who an event is scored for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The ECS service that the record names, or the asset's tag `aws:ecs:serviceName`.
    EcsService,
    /// The record's tag in the column of this name, or the asset's tag of this name.
    Tag(Box<str>),
    /// The Auto Scaling group that the record names, or the asset's tag `aws:autoscaling:groupName`.
    Asg,
    /// The instance that the record names, or the asset's tag `instance-id`.
    Instance,
    /// The interface's own address; beyond 1,024 addresses of one interface, the interface.
    Address,
}

/// Why a text is not a way to tell who an event is scored for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not read {0:?} as an identity: expected ecs-service, tag:NAME, asg, instance or address")]
pub struct IdentityError(String);

/// Why a config of scoring cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A half-life too short for a day's rhythm.
    #[error("half_life is {0}, the least is 1d")]
    HalfLife(Duration),
    /// Windows would stay open for too long.
    #[error("lateness is {0}, the most is 1d")]
    Lateness(Duration),
    /// Partitions would be given up at every pause.
    #[error("idle is {0}, the least is 1s")]
    Idle(Duration),
    /// Who is off for a weekend would begin anew.
    #[error("forget_after is {0}, the least is 1d, or 0s")]
    ForgetAfter(Duration),
    /// More records of the outside than are worth their memory.
    #[error("{name} is {given}, it must be at most {EXTERNALS_LIMIT}")]
    Outside {
        /// Of what.
        name: &'static str,
        /// How many.
        given: u32,
    },
    /// More sessions than are worth their memory.
    #[error("sessions_max is {0}, it must be at most {SESSIONS_LIMIT}")]
    SessionsMax(u32),
    /// Sessions would be split at every pause, or never end.
    #[error("session_idle is {0}, it must be from 10m to 1d")]
    SessionIdle(Duration),
    /// More than any machine has.
    #[error("dedup_bytes is {0}, the most is 64GiB")]
    DedupBytes(ByteSize),
    /// A boundary that everybody is on one side of.
    #[error("segments[{0}] names nobody: give at least one tag under `from`")]
    Segment(usize),
    /// No entity, or more than fit any memory.
    #[error("entities_max is {0}, it must be from 1 to 10000000")]
    EntitiesMax(u32),
}

const DAY_SECONDS: u64 = 86_400;
const ENTITIES_LIMIT: u32 = 10_000_000;
const EXTERNALS_LIMIT: u32 = 4_000_000;
const SESSIONS_LIMIT: u32 = 16_000_000;
const DEDUP_LIMIT: ByteSize = ByteSize::mebibytes(64 << 10);

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            identity: vec![
                Identity::EcsService,
                Identity::Tag("Service".into()),
                Identity::Asg,
                Identity::Instance,
                Identity::Address,
            ],
            half_life: Duration::seconds(14 * DAY_SECONDS),
            lateness: Duration::seconds(600),
            idle: Duration::seconds(600),
            learn_all: Duration::seconds(DAY_SECONDS),
            entities_max: 24_000,
            forget_after: Duration::seconds(180 * DAY_SECONDS),
            externals_max: 100_000,
            sessions_max: 100_000,
            session_idle: Duration::seconds(1_200),
            pairs_max: 20_000,
            detectors: Modes::default(),
            budget: 20,
            suppressions: None,
            watchlists: Vec::new(),
            segments: Vec::new(),
            dedup_bytes: ByteSize::mebibytes(8),
            activity: false,
            stitches: false,
            tells_sessions: false,
            policy: None,
            sources: Vec::new(),
            tenants: Vec::new(),
            second_hand: false,
        }
    }
}

impl Config {
    /// What becomes of findings, but for suppressions, which stand in a file.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy { modes: self.detectors.clone(), budget: self.budget, ..Policy::default() }
    }

    /// Every value that is out of its range, with the name of its field.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, ConfigError)> {
        let mut problems = Vec::new();
        if self.half_life.as_secs() < DAY_SECONDS {
            problems.push(("half_life", ConfigError::HalfLife(self.half_life)));
        }
        if self.lateness.as_secs() > DAY_SECONDS {
            problems.push(("lateness", ConfigError::Lateness(self.lateness)));
        }
        if self.idle.as_millis() < 1_000 {
            problems.push(("idle", ConfigError::Idle(self.idle)));
        }
        if !(1..=ENTITIES_LIMIT).contains(&self.entities_max) {
            problems.push(("entities_max", ConfigError::EntitiesMax(self.entities_max)));
        }
        if (1..DAY_SECONDS * 1_000).contains(&self.forget_after.as_millis()) {
            problems.push(("forget_after", ConfigError::ForgetAfter(self.forget_after)));
        }
        for (name, given) in [("externals_max", self.externals_max), ("pairs_max", self.pairs_max)] {
            if given > EXTERNALS_LIMIT {
                problems.push((name, ConfigError::Outside { name, given }));
            }
        }
        if self.sessions_max > SESSIONS_LIMIT {
            problems.push(("sessions_max", ConfigError::SessionsMax(self.sessions_max)));
        }
        if !(u64::from(WINDOW_SECONDS)..=DAY_SECONDS).contains(&self.session_idle.as_secs()) {
            problems.push(("session_idle", ConfigError::SessionIdle(self.session_idle)));
        }
        if let Some(nth) = self.segments.iter().position(|segment| segment.from.is_empty()) {
            problems.push(("segments", ConfigError::Segment(nth)));
        }
        if self.dedup_bytes > DEDUP_LIMIT {
            problems.push(("dedup_bytes", ConfigError::DedupBytes(self.dedup_bytes)));
        }
        problems
    }
}

// === impl WatchlistFile ===

impl WatchlistFile {
    /// What findings call it.
    #[must_use]
    pub fn name(&self) -> String {
        let of_file = || self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(of_file)
    }
}

// === impl Identity ===

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcsService => f.write_str("ecs-service"),
            Self::Tag(name) => write!(f, "tag:{name}"),
            Self::Asg => f.write_str("asg"),
            Self::Instance => f.write_str("instance"),
            Self::Address => f.write_str("address"),
        }
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        match text {
            "ecs-service" => Ok(Self::EcsService),
            "asg" => Ok(Self::Asg),
            "instance" => Ok(Self::Instance),
            "address" => Ok(Self::Address),
            _ => match text.strip_prefix("tag:") {
                Some(name) if !name.is_empty() => Ok(Self::Tag(name.into())),
                _ => Err(IdentityError(text.to_owned())),
            },
        }
    }
}

impl serde::Serialize for Identity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Identity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Identity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Identity".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(ecs-service|asg|instance|address|tag:.+)$",
            "description": "Who an event is scored for: ecs-service, tag:NAME, asg, instance or address."
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_identity_reads_what_it_writes() {
        for text in ["ecs-service", "tag:Service", "tag:a:b", "asg", "instance", "address"] {
            assert_eq!(text.parse::<Identity>().unwrap().to_string(), text);
        }
        for text in ["", "tag:", "tag", "ip", "Address"] {
            assert!(text.parse::<Identity>().is_err(), "{text:?} was read");
        }
    }

    #[test]
    fn every_value_out_of_its_range_is_named() {
        assert!(Config::default().problems().is_empty());
        let config = Config {
            half_life: Duration::seconds(3_600),
            lateness: Duration::seconds(2 * DAY_SECONDS),
            idle: Duration::millis(1),
            entities_max: 0,
            forget_after: Duration::millis(1),
            externals_max: 4_000_001,
            pairs_max: u32::MAX,
            segments: vec![serde_json::from_str(r#"{"from": {}}"#).unwrap()],
            dedup_bytes: ByteSize::mebibytes(1 << 20),
            ..Config::default()
        };
        let named: Vec<_> = config.problems().into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            named,
            [
                "half_life",
                "lateness",
                "idle",
                "entities_max",
                "forget_after",
                "externals_max",
                "pairs_max",
                "segments",
                "dedup_bytes",
            ]
        );
    }
}

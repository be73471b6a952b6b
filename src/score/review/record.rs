//! The rows of an export, which is one JSON document: keys in alphabetical order, whole numbers only, one row a line.
//!
//! Everything that decides a judgement is in it: two states with the same export judge the next records alike. What is a
//! sketch, or serves the document of a finding only, stands as the hex digits of its encoding.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the document's form.
pub const FORMAT: u32 = 1;

/// Everything that a state has learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// On what the numbers depend.
    pub about: About,
    /// Every address whose traffic gateways may pass on, by key.
    pub addresses: Vec<Address>,
    /// Every entity, by scope, kind and name.
    pub baselines: Vec<Baseline>,
    /// Every interface, by scope and name.
    pub interfaces: Vec<Interface>,
    /// Every peer group, by scope and name; the one without a name is everybody.
    pub pools: Vec<Pool>,
}

/// On what the numbers of an export depend.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Everything before has folded, in seconds since 1970.
    pub folded_until: i64,
    /// Version of this document's form.
    pub format: u32,
    /// Version of the histograms' geometry: 608 buckets from 1 to 2^40, of one significant digit.
    pub geometry: u32,
    /// After so many seconds half of what was learned is forgotten.
    pub half_life_seconds: u32,
    /// By partition, how far its clock is, in seconds since 1970.
    pub partitions: BTreeMap<String, i64>,
    /// How far all of them are, in seconds since 1970.
    pub watermark: i64,
}

/// Whose an internal address is: whom records at gateways are about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The entity, by its key, as hex digits; absent while nobody has said whose it is.
    pub entity: Option<String>,
    /// The hash of the address and its scope under the state's seed, as hex digits.
    pub key: String,
    /// Start of the window since which it is that one's, or has waited, in seconds since 1970.
    pub since: i64,
}

/// What is known of one entity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// What kind of thing it is to the network: `workload`, `nat_gateway`, `load_balancer`, `endpoint`, `transit_gateway`,
    /// `lambda`; absent where nobody said.
    pub class: Option<String>,
    /// Its last windows with findings.
    pub episode: Option<Episode>,
    /// Start of the first window in which it was seen in time, in seconds since 1970.
    pub first_window_start: Option<i64>,
    /// What it knows of its own ways; absent in its first hour.
    pub habits: Option<Habits>,
    /// What it has learned, by span and feature; windows that wait to be learned are not in it. Empty ones are left out.
    pub histograms: Vec<Histogram>,
    /// What kind of thing it is: `service`, `tag`, `asg`, `instance`, `address`, `interface`.
    pub kind: String,
    /// Its own name within its scope.
    pub name: String,
    /// Its windows that have not folded, ascending.
    pub open: Vec<Running>,
    /// Who its peers are: a role, or `all` of the scope.
    pub peer_group: String,
    /// Its hour and its day, as far as their windows have folded.
    pub running: Vec<Running>,
    /// Account, region and VPC, as far as the records say.
    pub scope: String,
    /// Windows that have folded and wait to be learned, ascending.
    pub waiting: Vec<Waiting>,
    /// How many of its windows were too surprising to be learned.
    pub windows_held_out: u32,
}

/// A run of windows with findings, each less than a day after the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// Start of the first, in seconds since 1970.
    pub first_window_start: i64,
    /// Start of the last, in seconds since 1970.
    pub last_window_start: i64,
}

/// The weights of one feature's values over one span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// The buckets that hold something, ascending, with their weights.
    pub buckets: Vec<(u16, u64)>,
    /// Which feature.
    pub feature: String,
    /// From which landmark the weights count: its number, each two half-lives after the one before.
    pub landmark: u32,
    /// Length of the span: 600, 3600 or 86400.
    pub span_seconds: u32,
    /// Sum of the weights.
    pub weight: u64,
}

/// A window, hour or day that is not over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// Its encoding in the state, sketches and findings told included, as hex digits; what the sketches hold are hashes
    /// under the state's seed.
    pub encoded: String,
    /// Length of the span: 600, 3600 or 86400.
    pub span_seconds: u32,
    /// When it began, in seconds since 1970.
    pub start: i64,
    /// What each feature came to so far.
    pub values: BTreeMap<String, u64>,
}

/// A window that has folded and waits to be learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The bucket of each feature's value, by feature; what came out of quarantine has one only.
    pub buckets: BTreeMap<String, u16>,
    /// Start of the window in which it was seen, in seconds since 1970.
    pub seen_window_start: i64,
    /// As how many windows it counts.
    pub times: u8,
    /// Start of the window that teaches it, in seconds since 1970.
    pub window_start: i64,
}

/// What an entity knows of its own ways.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// On how many days it was learned.
    pub days: u16,
    /// Its weeks, by feature; absent before the first hour.
    pub drift: Vec<DriftOf>,
    /// How much its day may teach.
    pub influence: Influence,
    /// The last of its days, counted from 1970.
    pub last_day: Option<u16>,
    /// What it was held out for, the oldest day first.
    pub quarantine: Vec<Held>,
    /// What it usually is and does.
    pub roles: Vec<RoleOf>,
    /// Hours that have ended and that its roles have not learned yet.
    pub roles_waiting: Vec<RolesWaiting>,
    /// How its hours differ; absent before the first.
    pub season: Option<Season>,
    /// Hours that have ended and that the season has not learned yet: start in seconds since 1970, and packets.
    pub season_waiting: Vec<(i64, u64)>,
}

/// Something that an entity usually is or does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleOf {
    /// On how many days it was seen, up to 255.
    pub days: u8,
    /// What: a port as `tcp/443`, a network as `AS64500`, a country as `CH`.
    pub key: String,
    /// The last of the days, counted from 1970.
    pub last_day: u16,
    /// As what: `server_port`, `client_port`, `peer_asn`, `peer_country`.
    pub role: String,
}

/// What an hour showed of roles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesWaiting {
    /// Its encoding in the state, as hex digits.
    pub encoded: String,
    /// When the hour began, in seconds since 1970.
    pub start: i64,
}

/// The weeks of one feature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftOf {
    /// Which feature, by the hour.
    pub feature: String,
    /// Whether the running week is the first.
    pub first_week: bool,
    /// What the running week comes to: its second largest hour.
    pub now: u64,
    /// As how many times three times the usual (as an exponent) drift was said; 0 when it was not, or is over.
    pub said: u8,
    /// The buckets of the running week's largest and second largest hour.
    pub top: [u16; 2],
    /// The median of the weeks before.
    pub usual: u64,
    /// The running week, counted from the Monday before 1970.
    pub week: u16,
    /// The weeks before, oldest first, as thirds of buckets.
    pub weeks_before: Vec<u8>,
}

/// How much one day may teach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Influence {
    /// By series, the highest bucket that may be learned: windows in the order of the features, then hours, then days.
    pub ceilings: Vec<u16>,
    /// The day, counted from 1970.
    pub day: u16,
    /// How many of its windows were learned.
    pub windows_learned: u16,
    /// How many may be; absent when all may.
    pub windows_max: Option<u16>,
}

/// What was held out on one day of one series.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The bucket of the day's highest value.
    pub bucket: u16,
    /// Another detector found the day suspicious too: only an analyst releases it.
    pub corroborated: bool,
    /// Which feature.
    pub feature: String,
    /// Length of the span: 600, 3600 or 86400.
    pub span_seconds: u32,
    /// Start of the window with the day's highest value, in seconds since 1970; of an hour or a day, of its last.
    pub window_start: i64,
    /// How many windows, up to 6.
    pub windows: u8,
}

/// How an entity's hours differ, in UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// On how many days it was seen.
    pub days: u16,
    /// The last of them, counted from 1970.
    pub last_day: u16,
    /// By hour of the day: the usual level, in 64ths of an octave of packets + 1, and how often it was seen, up to 15.
    pub weekday: Vec<(u16, u16)>,
    /// The same for Saturdays and Sundays.
    pub weekend: Vec<(u16, u16)>,
}

/// What is known of one network interface: it decides whose traffic a record is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// What its traffic shows that it is, as the class of an entity.
    pub class: Option<String>,
    /// Start of the first window for which that holds, in seconds since 1970.
    pub class_since: Option<i64>,
    /// Of how many of its addresses entities were made.
    pub entities_made: u32,
    /// What its traffic says of its class, encoded, as hex digits; absent where nothing does.
    pub evidence: Option<String>,
    /// Its id.
    pub name: String,
    /// Account, region and VPC; empty where the records do not say.
    pub scope: [String; 3],
    /// What its records have in common: `anything` before the first, two addresses, one, or `nothing`.
    pub shared: Vec<String>,
    /// Its own addresses outside the internal networks, in the order in which they were seen.
    pub strangers: Vec<String>,
}

/// What the members of one peer group taught.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// What it was after the last few hours that changed it, ascending: each entity is judged as of one of them.
    pub epochs: Vec<PoolEpoch>,
    /// Start of the first window that it learned, in seconds since 1970.
    pub first_window_start: Option<i64>,
    /// What the hour that has not ended taught so far, by series: landmark, bucket and weight.
    pub gathered: Vec<Vec<(u32, u16, u64)>>,
    /// The role, or `all` of the scope.
    pub peer_group: String,
    /// Account, region and VPC, as far as the records say.
    pub scope: String,
}

/// A pool as of one hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolEpoch {
    /// End of the hour, in seconds since 1970.
    pub end: i64,
    /// What it held, by span and feature; empty ones are left out.
    pub histograms: Vec<Histogram>,
}

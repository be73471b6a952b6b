//! A config of the shape that the real one has, with one of everything, for the tests of the reader.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    quantity::{ByteSize, Duration},
    secret::Secret,
};

/// The root.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Where records come from. Each under a name of your choice.
    pub sources: BTreeMap<String, SourceConfig>,
    /// Where documents go. Each under a name of your choice.
    pub sinks: BTreeMap<String, SinkConfig>,
    /// What is known about the network.
    #[serde(default)]
    pub enrich: EnrichConfig,
    #[serde(default)]
    pub score: ScoreConfig,
    #[serde(default)]
    pub limits: LimitsConfig,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceConfig {
    /// The kind of source and its settings.
    pub from: From,
    /// How the records are written. Default: `auto`.
    #[serde(default)]
    pub format: FormatConfig,
}

/// A kind of source.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum From {
    /// Kafka topics.
    Kafka(KafkaConfig),
    /// Files.
    File(FileConfig),
    /// Standard input.
    Stdin {},
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KafkaConfig {
    /// Addresses to begin with.
    pub brokers: Vec<String>,
    /// The topics to read.
    #[schemars(length(min = 1))]
    pub topics: Vec<String>,
    /// Where a new group begins.
    #[serde(default)]
    pub start: Start,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Start {
    #[default]
    Earliest,
    Latest,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileConfig {
    /// Paths and globs.
    pub paths: Vec<String>,
    /// Whether to wait for more at the end. Default: no.
    #[serde(default)]
    pub follow: bool,
    /// How often to look, when following.
    pub every: Option<Duration>,
}

/// How records are written.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FormatConfig {
    /// Found out from the records.
    #[default]
    Auto,
    /// AWS VPC Flow Logs.
    VpcFlow(VpcFlowConfig),
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VpcFlowConfig {
    /// The format string, as AWS has it.
    pub fields: String,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SinkConfig {
    /// The kind of sink and its settings.
    pub to: To,
    #[serde(default)]
    pub schema: Schema,
    #[serde(default)]
    pub select: Select,
    /// The password.
    pub password: Option<Secret>,
    /// What to do when it is full. Default: `wait`.
    pub when_full: Option<WhenFull>,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum To {
    /// A file.
    File(OneFileConfig),
    /// Nowhere.
    Discard {},
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneFileConfig {
    /// The file.
    pub path: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Schema {
    #[default]
    Ecs,
    Ocsf,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Select {
    /// Everything.
    #[default]
    All,
    /// Findings alone.
    Findings,
    /// What scores at least this.
    Score(#[schemars(range(max = 100))] u8),
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhenFull {
    Wait,
    Drop,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrichConfig {
    /// The networks that are yours.
    #[serde(default)]
    pub internal: Vec<Network>,
    /// Tags for documents.
    #[serde(default)]
    pub tags: BTreeMap<Tag, String>,
    /// What to call each port.
    #[serde(default)]
    pub ports: BTreeMap<u16, String>,
}

/// The name of a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub(super) struct Tag(#[schemars(regex(pattern = "^[a-z]+$"))] String);

/// A network, checked by its own code and not by the schema.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String")]
pub(super) struct Network(#[schemars(with = "String")] ipnet::IpNet);

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("could not read `{text}` as a network such as 10.0.0.0/8"))
    }
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScoreConfig {
    /// After this long an observation counts half.
    pub half_life: Duration,
    /// Where a finding begins, from 0 to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub threshold: f64,
}

impl Default for ScoreConfig {
    fn default() -> Self {
        Self { half_life: Duration::seconds(14 * 86_400), threshold: 80.0 }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsConfig {
    /// Memory that the process may take.
    pub memory: ByteSize,
    /// Bytes in a queue.
    pub queue_bytes: ByteSize,
    /// Worker threads, at least 1. Default: one for each core.
    #[schemars(range(min = 1))]
    pub threads: Option<u32>,
    /// How long to wait at the end.
    pub grace: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            memory: ByteSize::mebibytes(512),
            queue_bytes: ByteSize::mebibytes(8),
            threads: None,
            grace: Duration::seconds(25),
        }
    }
}

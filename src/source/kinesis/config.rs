//! What `from: { kinesis: … }` holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{lease::Dynamodb, name::StreamName};
use crate::{aws::Aws, quantity::Duration};

/// A Kinesis data stream, read shard by shard, each after those that it came of. What is delivered is written down as a
/// checkpoint, and nothing before.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stream: its name, or its ARN where it is another account's.
    #[schemars(length(min = 1))]
    pub stream: String,
    /// Where a stream is read from of which nothing is known. It decides nothing else. Default: `trim_horizon`.
    #[serde(default)]
    pub start: Start,
    /// How records are fetched. Default: `polling`.
    #[serde(default)]
    pub read: Read,
    /// Where checkpoints are kept, and with them who reads which shard.
    pub checkpoint: Checkpoints,
    /// What to do with records of an aggregate whose hash keys are not of the shard that they came in: they were aggregated
    /// for another shard, or before this one was split. Counted either way. Default: `keep`.
    #[serde(default)]
    pub outside_hash_range: OutsideHashRange,
    /// Where Kinesis is, such as `http://127.0.0.1:4567`. Default: AWS's own endpoint of the region.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Who we are, and in which region. Default: as AWS's own tools find it.
    #[serde(default)]
    pub aws: Aws,
}

/// Where a stream is read from of which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// From the oldest record there is, in closed shards too.
    #[default]
    TrimHorizon,
    /// From the first record that comes after the first start.
    Latest,
    /// From the first record that came at this time or later, such as `2026-11-22T00:00:00Z`.
    AtTimestamp(String),
}

/// How records are fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// By asking, again and again. All who ask share what a shard gives: 5 calls and 2 MB a second.
    Polling(Polling),
    /// By enhanced fan-out: the stream sends, 2 MB a second of each shard to us alone. Costs extra.
    FanOut(FanOut),
}

/// Asking again and again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Polling {
    /// Time from one call to the next of a shard, 200ms to 60s. Default: `250ms`. A shard that has nothing new is asked
    /// once a second, where that is less often.
    #[serde(default = "every")]
    pub every: Duration,
    /// The most records of one answer, 1 to 10,000. Default: 10,000.
    #[serde(default = "records_max")]
    #[schemars(range(min = 1, max = 10_000))]
    pub records_max: u16,
}

/// Enhanced fan-out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FanOut {
    /// Name of the consumer. It is registered with the stream if it is not, and stays so.
    #[schemars(length(min = 1, max = 128))]
    pub consumer: String,
}

/// Where checkpoints are kept.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Checkpoints {
    /// In a table of DynamoDB, as the Kinesis Client Library keeps them: any number of processes share the shards.
    Dynamodb(Dynamodb),
    /// In the state's own file: one process reads all shards. Needs `state.directory`.
    File(File),
}

/// The state's own file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {}

/// What to do with records outside the shard's range of hash keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutsideHashRange {
    /// They are taken as the others.
    #[default]
    Keep,
    /// They are left out, each for itself. (The Kinesis Client Library leaves out their whole aggregate.)
    Drop,
}

const EVERY_MIN: Duration = Duration::millis(200);
const EVERY_MAX: Duration = Duration::seconds(60);

fn every() -> Duration {
    Duration::millis(250)
}

fn records_max() -> u16 {
    10_000
}

// === impl Config ===

impl Config {
    /// What no type can see: the key, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, &'static str, &'static str)> {
        let mut problems = Vec::new();
        if StreamName::parse(&self.stream).is_none() {
            problems.push((
                "stream".to_owned(),
                "this is neither a stream's name nor its ARN",
                "write the name, or `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`",
            ));
        }
        if let Start::AtTimestamp(text) = &self.start
            && text.parse::<jiff::Timestamp>().is_err()
        {
            let help = "write it as `2026-11-22T00:00:00Z`";
            problems.push(("start.at_timestamp".to_owned(), "this is no time", help));
        }
        if let Read::Polling(Polling { every, .. }) = &self.read
            && !(EVERY_MIN..=EVERY_MAX).contains(every)
        {
            let help = "a shard answers five times a second; write 200ms to 60s";
            problems.push(("read.polling.every".to_owned(), "this is out of range", help));
        }
        if let Checkpoints::Dynamodb(table) = &self.checkpoint {
            let leases = table.problems().into_iter();
            problems
                .extend(leases.map(|(key, text, help)| (format!("checkpoint.dynamodb.{key}"), text, help)));
        }
        let identity = self.aws.problems().into_iter();
        problems.extend(identity.map(|(key, text)| (format!("aws.{key}"), text, "see `aws`")));
        problems
    }

    /// Whether checkpoints are kept in the state's own file.
    #[must_use]
    pub fn needs_state(&self) -> bool {
        matches!(self.checkpoint, Checkpoints::File(_))
    }

    /// The stream's name, without what else stands in its ARN.
    #[must_use]
    pub fn stream_name(&self) -> &str {
        self.stream.rsplit_once('/').map_or(&*self.stream, |(_, name)| name)
    }
}

// === impl Read ===

impl Default for Read {
    fn default() -> Self {
        Self::Polling(Polling::default())
    }
}

impl Default for Polling {
    fn default() -> Self {
        Self { every: every(), records_max: records_max() }
    }
}

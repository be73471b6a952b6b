//! The calls that reading a stream makes, by AWS's own client. How often they are made is not decided here.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_kinesis::{
    Client,
    config::{Builder, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
    primitives::DateTime,
    types::{self, ShardIteratorType},
};

use super::{
    checkpoint::Sequence,
    config::Config,
    fault::Fault,
    ledger::{Shard, Shards},
    name::StreamName,
};
use crate::pipe::BoxFuture;

/// Where in a shard reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seek {
    /// With the oldest record.
    TrimHorizon,
    /// With the next one that comes.
    Latest,
    /// With the first that came at this time or later, in milliseconds since 1970.
    AtTimestamp(i64),
    /// With what has this sequence number, or the first behind it.
    At(Sequence),
    /// With the first behind this sequence number.
    After(Sequence),
}

/// What Kinesis has under one sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) sequence: Sequence,
    pub(super) bytes: Vec<u8>,
}

/// What a shard gave at once.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) records: Vec<Received>,
    /// How far what was read is behind what came last, in milliseconds.
    pub(super) behind_millis: Option<i64>,
    /// The iterator to ask with next; none at the end of the shard.
    pub(super) next: Option<String>,
}

/// What polling asks for; the stream itself, or one in a test.
pub(super) trait Calls: Send + Sync {
    /// An iterator of `shard` from `seek` on.
    fn iterator<'a>(&'a self, shard: &'a str, seek: &'a Seek) -> BoxFuture<'a, Result<String, Fault>>;

    /// What comes from `iterator` on, `most` records of it.
    fn records<'a>(&'a self, iterator: &'a str, most: u16) -> BoxFuture<'a, Result<Answer, Fault>>;
}

/// The client.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) client: Client,
    pub(super) stream: StreamName,
}

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one call may take: ten megabytes over a slow line.
const CALL: Duration = Duration::from_secs(30);
/// Shards in one page of the list.
const PAGE: i32 = 1000;

// === impl Seek ===

impl Seek {
    pub(super) fn kind(&self) -> ShardIteratorType {
        match self {
            Self::TrimHorizon => ShardIteratorType::TrimHorizon,
            Self::Latest => ShardIteratorType::Latest,
            Self::AtTimestamp(_) => ShardIteratorType::AtTimestamp,
            Self::At(_) => ShardIteratorType::AtSequenceNumber,
            Self::After(_) => ShardIteratorType::AfterSequenceNumber,
        }
    }

    pub(super) fn sequence(&self) -> Option<String> {
        match self {
            Self::At(sequence) | Self::After(sequence) => Some(sequence.to_string()),
            _ => None,
        }
    }

    pub(super) fn time(&self) -> Option<DateTime> {
        match self {
            Self::AtTimestamp(millis) => Some(DateTime::from_millis(*millis)),
            _ => None,
        }
    }
}

// === impl Api ===

impl Api {
    /// The client that `config` describes, for whom `aws` says. Nothing is asked yet.
    pub(super) fn new(config: &Config, aws: &SdkConfig, stream: StreamName) -> Self {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(CALL).build();
        let mut builder = Builder::from(aws)
            // When and how often is ours to decide: a shard has a budget.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // Who is sent more than the sinks take is slow on purpose.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &config.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Self { client: Client::from_conf(builder.build()), stream }
    }

    /// The stream's ARN and state.
    pub(super) async fn describe(&self) -> Result<(String, types::StreamStatus), Fault> {
        let call = self.client.describe_stream_summary();
        let call = call.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
        let summary = call.send().await?.stream_description_summary;
        let summary = summary.ok_or_else(|| Fault::passing("the stream was not described"))?;
        Ok((summary.stream_arn, summary.stream_status))
    }

    /// All shards that the stream still has.
    pub(super) async fn list_all(&self) -> Result<Vec<Shard>, Fault> {
        let mut shards = Vec::new();
        let mut token = None;
        loop {
            let call = self.client.list_shards().max_results(PAGE);
            let call = match token.take() {
                // A token stands for the stream, too.
                Some(token) => call.next_token(token),
                None => call.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn()),
            };
            let page = call.send().await?;
            for shard in page.shards.unwrap_or_default() {
                shards.push(listed(shard)?);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(shards);
            }
        }
    }
}

impl Shards for Api {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Shard>, String>> {
        Box::pin(async move { self.list_all().await.map_err(|fault| fault.text) })
    }
}

impl Calls for Api {
    fn iterator<'a>(&'a self, shard: &'a str, seek: &'a Seek) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move {
            let call = self.client.get_shard_iterator().shard_id(shard).shard_iterator_type(seek.kind());
            let call = call.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
            let call = call.set_starting_sequence_number(seek.sequence()).set_timestamp(seek.time());
            let answer = call.send().await?;
            answer.shard_iterator.ok_or_else(|| Fault::passing("no iterator was given"))
        })
    }

    fn records<'a>(&'a self, iterator: &'a str, most: u16) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let call = self.client.get_records().shard_iterator(iterator).limit(i32::from(most));
            let answer = call.set_stream_arn(self.stream.arn()).send().await?;
            Ok(Answer {
                records: received(answer.records)?,
                behind_millis: answer.millis_behind_latest,
                next: answer.next_shard_iterator,
            })
        })
    }
}

/// Records as the client has them.
pub(super) fn received(records: Vec<types::Record>) -> Result<Vec<Received>, Fault> {
    let one = |record: types::Record| {
        let sequence = Sequence::parse(&record.sequence_number);
        let sequence = sequence.ok_or_else(|| Fault::passing("a record has no sequence number"))?;
        Ok(Received { sequence, bytes: record.data.into_inner() })
    };
    records.into_iter().map(one).collect()
}

fn listed(shard: types::Shard) -> Result<Shard, Fault> {
    let range = shard.hash_key_range.as_ref();
    let key = |text: Option<&str>| text.and_then(|text| text.parse::<u128>().ok());
    let first = key(range.map(|range| &*range.starting_hash_key));
    let last = key(range.map(|range| &*range.ending_hash_key));
    let hash_keys = first.zip(last);
    let hash_keys =
        hash_keys.ok_or_else(|| Fault::passing(format!("shard {} has no hash keys", shard.shard_id)))?;
    let ending = shard.sequence_number_range.and_then(|range| range.ending_sequence_number);
    Ok(Shard {
        id: shard.shard_id.into(),
        parent: shard.parent_shard_id.map(Into::into),
        adjacent_parent: shard.adjacent_parent_shard_id.map(Into::into),
        hash_keys,
        is_closed: ending.is_some(),
    })
}

//! Looking whether a stream could be read: who we are, whether the stream is there, and what we may do with it.

use std::{thread, time::Duration};

use aws_sdk_kinesis::types::StreamStatus;
use tokio::time::timeout;

use super::{
    KEY,
    api::{Api, Calls, Seek},
    config::{Checkpoints, Config, Read},
    fan_out::Consumer,
    fault::{Fault, Kind},
    lease::Leases,
    stream_of,
};
use crate::source::SourceError;

/// How long all of it may take.
const LOOK: Duration = Duration::from_secs(15);

/// Looks for the stream that `config` names, and asks it for a record.
pub(super) fn look(config: &Config) -> Result<(), SourceError> {
    // On a thread of its own: whoever looks may or may not be in a runtime.
    let config = config.clone();
    let looking = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let all = timeout(LOOK, all(&config)).await;
            all.unwrap_or_else(|_| Err("no answer in time; see `endpoint` and `aws.region`".to_owned()))
        })
    });
    let looked = looking.join().unwrap_or_else(|_| Err("looking for it did not end well".to_owned()));
    looked.map_err(|what| SourceError::Stream { what })
}

async fn all(config: &Config) -> Result<(), String> {
    let stream = stream_of(config).map_err(|error| error.to_string())?;
    let name = stream.name.clone();
    let aws = config.aws.load(KEY).await.map_err(|error| error.to_string())?;
    let api = Api::new(config, &aws, stream);
    let told = |action: &str, fault: &Fault| {
        let unreachable = "see `endpoint` and `aws.region`";
        let remedy = if fault.kind == Kind::Passing { format!("; {unreachable}") } else { String::new() };
        format!("stream {name}: {action}: {fault}{remedy}")
    };
    let (arn, status) =
        api.describe().await.map_err(|fault| told("kinesis:DescribeStreamSummary", &fault))?;
    if status == StreamStatus::Deleting {
        return Err(format!("stream {name} is being deleted; see `stream`"));
    }
    let shards = api.list_all().await.map_err(|fault| told("kinesis:ListShards", &fault))?;
    if let (Some(shard), Read::Polling(_)) = (shards.first(), &config.read) {
        let iterator = api.iterator(&shard.id, &Seek::TrimHorizon).await;
        let iterator = iterator.map_err(|fault| told("kinesis:GetShardIterator", &fault))?;
        match api.records(&iterator, 1).await {
            // Others read it, too; that is no refusal.
            Err(fault) if fault.kind != Kind::Throttled => return Err(told("kinesis:GetRecords", &fault)),
            _ => {}
        }
    }
    if let Read::FanOut(fan_out) = &config.read {
        let consumer = Consumer::new(api, &fan_out.consumer).is_there(&arn).await;
        consumer.map_err(|fault| told("kinesis:DescribeStreamConsumer", &fault))?;
    }
    match &config.checkpoint {
        Checkpoints::Dynamodb(table) => {
            let looked = Leases::look(table, &aws).await;
            looked.map_err(|error| format!("table {}: {error}; see `checkpoint.dynamodb`", table.table))
        }
        Checkpoints::File(_) => Ok(()),
    }
}

//! Kinesis data streams, read shard by shard; checkpoints stand for what is delivered.
//!
//! A [`Ledger`] says which shards this worker may read and how far they were read; `shard` reads one of them, by what
//! `pull` gives; `take` makes chunks of that; `resume` says where to begin.

mod ails;
mod api;
mod checkpoint;
mod config;
mod division;
mod fan_out;
mod fault;
mod held;
mod lease;
mod ledger;
mod lineage;
mod look;
mod meters;
mod name;
mod others;
mod pace;
mod polling;
mod pull;
mod resume;
mod roster;
mod shard;
mod sole;
mod take;

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::{Semaphore, watch};

pub use checkpoint::{Checkpoint, Place, Sequence};
pub use config::{Checkpoints, Config, FanOut, File, OutsideHashRange, Polling, Read, Start};
pub use lease::{Capacity, Dynamodb, Leases, Reading, RowError};
pub use ledger::{Grant, Ledger, LedgerError, Shard, Shards, Turn};
pub use lineage::{Begin, Lineage};

use super::{Source, SourceContext, SourceError, Stamp, intake};
use crate::pipe::{BoxFuture, stop};
use ails::Ails;
use api::Api;
use fan_out::Consumer;
use meters::Meters;
use name::StreamName;
use others::Others;
use polling::Means;
use pull::Way;
use roster::Roster;
use shard::Desk;
use sole::Sole;

/// The Kinesis source.
#[derive(Debug)]
pub struct Kinesis {
    config: Config,
    stream: StreamName,
    start_millis: i64,
}

/// The shards of a stream, and what ails us where it does not list them.
struct Listing {
    api: Api,
    ails: Arc<Ails>,
}

/// Answers of shards that are in memory at a time.
const ANSWERS_MAX: usize = 3;
/// What one takes: ten megabytes, and the same as it came, in base64.
const ANSWER_BYTES: u64 = 24 << 20;
/// Bytes that a Kinesis source may take beside what is in flight: answers that are being handed on, and the record that is
/// being inflated.
pub const MEMORY_BYTES: u64 = ANSWERS_MAX as u64 * ANSWER_BYTES + intake::RECORD_BYTES_MAX as u64;
/// The config's key of the identity, for errors.
const KEY: &str = "aws";
/// The name under which it is known that the shards cannot be listed.
const SHARDS: &str = "shards";

// === impl Kinesis ===

impl Kinesis {
    /// The stream that `config` names. It is looked for when the source runs.
    ///
    /// # Errors
    /// When the config names no stream, or no time to start at.
    pub fn new(config: &Config) -> Result<Self, SourceError> {
        let stream = stream_of(config)?;
        let start_millis = match &config.start {
            Start::AtTimestamp(text) => {
                let time = text.parse::<jiff::Timestamp>();
                let time = time.map_err(|error| SourceError::Stream {
                    what: format!("{error}; see `start.at_timestamp`"),
                })?;
                time.as_millisecond()
            }
            _ => 0,
        };
        Ok(Self { config: config.clone(), stream, start_millis })
    }

    async fn serve(self, mut cx: SourceContext) -> Result<(), SourceError> {
        let Self { config, stream, start_millis } = self;
        let aws = config.aws.load(KEY).await;
        let aws = aws.map_err(|error| SourceError::Stream { what: error.to_string() })?;
        let api = Api::new(&config, &aws, stream.clone());
        let ails = Arc::new(Ails::new(cx.health.clone(), &cx.name));
        let meters = Meters::new(&cx.metrics, &cx.name);
        let shards: Arc<dyn Shards> = Arc::new(Listing { api: api.clone(), ails: ails.clone() });
        let begin = match &config.start {
            Start::TrimHorizon => Begin::TrimHorizon,
            Start::Latest => Begin::Latest,
            Start::AtTimestamp(_) => Begin::AtTimestamp,
        };
        let stamp = cx.progress.identity().map(|(state, epoch)| Stamp { state, epoch });
        let ledger: Arc<dyn Ledger> = match &config.checkpoint {
            Checkpoints::Dynamodb(table) => {
                let (source, stamp, health) = (cx.name.to_string(), stamp.clone(), cx.health.clone());
                let reading = Reading { source, shards: shards.clone(), begin, stamp, health };
                Arc::new(Leases::open(table, &aws, reading, &cx.metrics))
            }
            Checkpoints::File(_) => {
                Arc::new(Sole::new(shards.clone(), cx.progress.clone(), stream.name.clone(), begin))
            }
        };
        let way = match &config.read {
            Read::Polling(polling) => Way::Polling(polling.clone()),
            Read::FanOut(fan_out) => Way::FanOut(Arc::new(Consumer::new(api.clone(), &fan_out.consumer))),
        };
        let answers = Arc::new(Semaphore::new(ANSWERS_MAX));
        let means = Means { calls: Arc::new(api), answers, meters, ails };
        let (failover, what) = match &config.checkpoint {
            Checkpoints::Dynamodb(table) => {
                let what = format!("{} by the leases in {}", config.stream_name(), table.table);
                (Some(table.failover.std()), what)
            }
            Checkpoints::File(_) => (None, String::new()),
        };
        let (switch, stops) = stop();
        let stopped = std::mem::replace(&mut cx.stop, stops);
        let sharing = cx.sharing.clone();
        let desk = Desk { cx, config, stream, means, way, shards, ledger, stamp, start_millis };
        let desk = Arc::new(desk);
        let (holds, held) = watch::channel(BTreeSet::new());
        let roster = Roster::new(desk.clone(), holds);
        let is_shared = failover.is_some();
        let others = Others { sharing, ledger: desk.ledger.clone(), held: held.clone(), failover, what };
        let reading = others.keep_out(roster, stopped, switch);
        if !is_shared {
            return reading.await;
        }
        tokio::select! {
            ended = reading => ended,
            never = division::tell(&desk.cx, &*desk.shards, held) => match never? {},
        }
    }
}

impl Source for Kinesis {
    fn look(&self) -> Result<(), SourceError> {
        look::look(&self.config)
    }

    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(self.serve(cx))
    }
}

fn stream_of(config: &Config) -> Result<StreamName, SourceError> {
    let named = StreamName::parse(&config.stream);
    named.ok_or_else(|| SourceError::Stream {
        what: format!("{:?} names no stream; see `stream`", config.stream),
    })
}

// === impl Listing ===

impl Shards for Listing {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Shard>, String>> {
        Box::pin(async {
            let listed = self.api.list().await;
            match &listed {
                Ok(_) => self.ails.recover(SHARDS),
                Err(text) => self.ails.ail(SHARDS, text),
            }
            listed
        })
    }
}

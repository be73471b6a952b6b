//! Kafka: topics read as a member of a consumer group, whose commits stand for what is delivered.

mod before;
mod config;
mod group;
mod held;
mod leave;
mod look;
mod meters;
mod others;
mod reader;
mod rebalance;
mod resume;

use rdkafka::{ClientConfig, config::FromClientConfigAndContext, consumer::BaseConsumer};
use tokio::runtime::Handle;

pub use config::{Config, Protocol, Start};

use super::{Source, SourceContext, SourceError, intake};
use crate::pipe::BoxFuture;
use group::Group;
use reader::Reader;

/// The Kafka source.
#[derive(Debug)]
pub struct Kafka {
    config: Config,
    client: ClientConfig,
}

/// Bytes that a Kafka source may take beside what is in flight: what librdkafka has fetched and what it keeps of each
/// record, and the record that is being inflated.
pub const MEMORY_BYTES: u64 = (48 << 20) + intake::RECORD_BYTES_MAX as u64;

/// What librdkafka is told besides how to reach the cluster, and why.
const SETTINGS: &[(&str, &str)] = &[
    // Committed is what is delivered; `start` is decided by what is committed and not by what is in reach.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("allow.auto.create.topics", "false"),
    // Together with MEMORY_BYTES: a record of a hundred bytes takes five hundred in librdkafka's queue, and what is fetched
    // at once is unpacked at once.
    ("queued.min.messages", "20000"),
    ("queued.max.messages.kbytes", "8192"),
    ("fetch.max.bytes", "1048576"),
    ("fetch.message.max.bytes", "1048576"),
    // A full queue is looked at again after so many milliseconds. With librdkafka's second, a million records took 30 s.
    ("fetch.queue.backoff.ms", "5"),
];

// === impl Kafka ===

impl Kafka {
    /// The topics that `config` names. The cluster is looked for when the source runs.
    ///
    /// # Errors
    /// When a secret cannot be read, or librdkafka refuses the settings.
    pub fn new(config: &Config) -> Result<Self, SourceError> {
        let mut client = config.connection().client_config("source")?;
        client.set("group.id", &config.group);
        for (name, value) in SETTINGS {
            // The sizes of a fetch may be set; they come after the options of the user otherwise.
            if !name.starts_with("fetch.") || client.get(name).is_none() {
                client.set(*name, *value);
            }
        }
        match config.protocol {
            Protocol::Classic => client.set("partition.assignment.strategy", "cooperative-sticky"),
            Protocol::Consumer => client.set("group.protocol", "consumer"),
        };
        if let Some(instance) = &config.instance {
            client.set("group.instance.id", instance);
        }
        client.create_native_config().map_err(crate::kafka::ConnectionError::Settings)?;
        Ok(Self { config: config.clone(), client })
    }
}

impl Source for Kafka {
    fn look(&self) -> Result<(), SourceError> {
        look::look(&self.config, &self.client)
    }

    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(async move {
            let handle = Handle::current();
            let reading = tokio::task::spawn_blocking(move || {
                let consumer = BaseConsumer::from_config_and_context(
                    &self.client,
                    Group::new(self.config.connection().session()),
                )
                .map_err(crate::kafka::ConnectionError::Settings)?;
                Reader::new(cx, handle, consumer, &self.config).run()
            });
            reading.await.map_err(|error| SourceError::Reader(error.to_string()))?
        })
    }
}

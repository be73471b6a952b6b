//! A compacted topic as an asset list: read to its end before anything starts, and followed from then on.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
};

use super::{
    Shared,
    asset::{Interval, LIST_BYTES_MAX, LIST_ROWS_MAX},
    error::Error,
    meters::{Meters, TopicMeters},
};
use crate::{
    kafka::{ConnectionError, Session, explain},
    pipe::Stop,
    telemetry::clock,
};

mod config;
mod rows;

pub use config::AssetTopic;
use rows::Taken;
pub(super) use rows::TopicRows;

/// Follows one topic.
pub(super) struct TopicReader {
    /// The config key that names it.
    pub(super) key: String,
    /// Its place among the asset lists.
    pub(super) list: usize,
    consumer: BaseConsumer<Session>,
    config: AssetTopic,
    pub(super) rows: TopicRows,
    /// Partitions whose end has not been reached.
    unread: BTreeSet<i32>,
    meters: TopicMeters,
}

/// How long the cluster may take to answer one question, and to send anything at all.
const ANSWER: Duration = Duration::from_secs(30);
/// How often the stop is looked at.
const POLL: Duration = Duration::from_millis(200);
/// How often a long reading is told of.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// The least time from one table to the next.
const PAUSE: Duration = Duration::from_secs(1);
/// Changes are waited for this much longer than tables made of them take, so that those take a twentieth of a core.
const PAUSE_FACTOR: u32 = 20;

impl std::fmt::Debug for TopicReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicReader").field("key", &self.key).finish_non_exhaustive()
    }
}

// === impl TopicReader ===

impl TopicReader {
    /// Reads the topic `config` to its end.
    ///
    /// # Errors
    /// When the cluster cannot be reached, has no such topic, or sends nothing for half a minute.
    pub(super) fn open(
        key: String,
        list: usize,
        config: &AssetTopic,
        valid: Interval,
        meters: &Meters,
    ) -> Result<Self, Error> {
        let failed = |cause: String| Error::Topic { key: key.clone(), topic: config.topic.clone(), cause };
        let consumer = consumer(config).map_err(|error| failed(error.to_string()))?;
        let mut reader = Self {
            rows: TopicRows::new(valid, LIST_BYTES_MAX as usize, LIST_ROWS_MAX),
            meters: meters.topic(&key),
            key: key.clone(),
            list,
            consumer,
            config: config.clone(),
            unread: BTreeSet::new(),
        };
        reader.assign().map_err(failed)?;
        reader.read().map_err(failed)?;
        tracing::info!(key, topic = config.topic, keys = reader.rows.len(), "a topic's assets are in use");
        Ok(reader)
    }

    /// Takes all partitions from their beginning.
    fn assign(&mut self) -> Result<(), String> {
        // Nothing is asked of the cluster before there is something to log in with: see `Session`.
        while self.consumer.context().is_waiting_for_token() {
            self.consumer.poll(POLL);
        }
        let topic = &self.config.topic;
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER);
        let metadata = metadata
            .map_err(|error| self.consumer.context().last_error().unwrap_or_else(|| error.to_string()))?;
        let found = metadata.topics().first();
        if let Some(error) = found.and_then(|topic| topic.error()) {
            return Err(explain(error.into()).to_string());
        }
        let mut partitions = TopicPartitionList::new();
        for partition in found.iter().flat_map(|topic| topic.partitions()) {
            let beginning = partitions.add_partition_offset(topic, partition.id(), Offset::Beginning);
            beginning.map_err(|error| error.to_string())?;
            self.unread.insert(partition.id());
        }
        self.consumer.assign(&partitions).map_err(|error| error.to_string())
    }

    /// Reads until the end of every partition was reached once.
    fn read(&mut self) -> Result<(), String> {
        let (mut heard, mut told) = (clock::monotonic(), clock::monotonic());
        while !self.unread.is_empty() {
            if self.poll(POLL) {
                heard = clock::monotonic();
            } else if heard.elapsed() > ANSWER {
                let last = self.consumer.context().last_error();
                return Err(last.unwrap_or_else(|| format!("nothing came for {} seconds", ANSWER.as_secs())));
            }
            if told.elapsed() > TOLD_EVERY {
                told = clock::monotonic();
                let (keys, partitions) = (self.rows.len(), self.unread.len());
                tracing::info!(key = self.key, keys, partitions, "reading a topic's assets");
            }
        }
        Ok(())
    }

    /// Takes what comes within `wait`; whether anything did.
    fn poll(&mut self, wait: Duration) -> bool {
        match self.consumer.poll(wait) {
            None => false,
            Some(Ok(record)) => {
                take(&mut self.rows, &record, &self.key, &self.meters);
                true
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.unread.remove(&partition);
                self.consumer.context().recovered();
                true
            }
            // Whatever passes is tried again by librdkafka; what does not is told once the patience is over.
            Some(Err(error)) => {
                tracing::debug!(%error, key = self.key, "a topic of assets");
                false
            }
        }
    }

    /// Follows the topic until `stop`; what changes is put in use, with as long a pause after each time that nobody feels it.
    pub(super) fn follow(mut self, shared: &Arc<Shared>, stop: &Stop) {
        let mut changed = false;
        let mut next = clock::monotonic();
        while !stop.is_stopped() {
            let before = self.meters.records();
            self.poll(POLL);
            changed |= self.meters.records() != before;
            if changed && clock::monotonic() >= next {
                let begin = clock::monotonic();
                shared.put_topic(self.list, &self.rows);
                changed = false;
                next = clock::monotonic() + PAUSE.max(begin.elapsed() * PAUSE_FACTOR);
            }
        }
    }
}

/// Takes one record. One that cannot be understood changes nothing: whoever wrote it is told, and writes it again.
fn take(rows: &mut TopicRows, record: &BorrowedMessage<'_>, key: &str, meters: &TopicMeters) {
    match rows.take(record.key().unwrap_or_default(), record.payload()) {
        Ok(Taken::Put) => drop(meters.put.inc()),
        Ok(Taken::Removed) => drop(meters.removed.inc()),
        Err(error) => {
            meters.refused.inc();
            let (partition, offset) = (record.partition(), record.offset());
            tracing::warn!(key, partition, offset, %error, "a record of a topic of assets was refused");
        }
    }
    meters.keys.set(i64::try_from(rows.len()).unwrap_or(i64::MAX));
}

fn consumer(config: &AssetTopic) -> Result<BaseConsumer<Session>, ConnectionError> {
    let connection = config.connection();
    let mut client = connection.client_config(config::ROLE)?;
    client.set("group.id", config::GROUP);
    client.set("enable.auto.commit", "false");
    client.set("enable.auto.offset.store", "false");
    client.set("enable.partition.eof", "true");
    client.set("auto.offset.reset", "earliest");
    client.set("queued.max.messages.kbytes", "8192");
    Ok(BaseConsumer::from_config_and_context(&client, connection.session())?)
}

#[cfg(test)]
mod tests;

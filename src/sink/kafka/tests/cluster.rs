//! A mock cluster, and what was written to it.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    message::Headers as _,
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::super::{KafkaSinkConfig, parcel::ID_HEADER};
use crate::{
    event::{DocumentKind, Documents, EventId, Receipt, Span},
    telemetry::clock,
};

/// A cluster of one broker, in this process.
pub struct Cluster(MockCluster<'static, DefaultProducerContext>);

/// A record as it was read back.
pub struct Read {
    pub key: Option<Vec<u8>>,
    pub id: String,
    pub text: String,
}

impl Cluster {
    /// A cluster with these topics, each with so many partitions.
    pub fn of(topics: &[(&str, i32)]) -> Self {
        let cluster = Self(MockCluster::new(1).unwrap());
        topics.iter().for_each(|(topic, partitions)| cluster.create(topic, *partitions));
        cluster
    }

    pub fn create(&self, topic: &str, partitions: i32) {
        self.0.create_topic(topic, partitions, 1).unwrap();
    }

    /// The next requests to write fail with these errors, one after the other.
    pub fn fail(&self, errors: &[RDKafkaRespErr]) {
        self.0.request_errors(RDKafkaApiKey::Produce, errors);
    }

    pub fn down(&self) {
        self.0.broker_down(-1).unwrap();
    }

    pub fn up(&self) {
        self.0.broker_up(-1).unwrap();
    }

    pub fn config(&self, topic: &str) -> KafkaSinkConfig {
        KafkaSinkConfig::new(vec![self.0.bootstrap_servers()], topic)
    }

    /// The first `count` records of the topic's first partition.
    pub fn read(&self, topic: &str, count: usize) -> Vec<Read> {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", self.0.bootstrap_servers()).set("group.id", "tests");
        let consumer: BaseConsumer = settings.create().unwrap();
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
        consumer.assign(&from).unwrap();
        let (mut read, begun) = (Vec::new(), clock::monotonic());
        while read.len() < count {
            assert!(begun.elapsed() < super::NEVER, "{} of {count} records in {topic}", read.len());
            let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) else { continue };
            let header = record.headers().unwrap().get(0);
            assert_eq!(header.key, ID_HEADER);
            read.push(Read {
                key: record.key().map(<[u8]>::to_vec),
                id: String::from_utf8(header.value.unwrap().to_vec()).unwrap(),
                text: String::from_utf8(record.payload().unwrap().to_vec()).unwrap(),
            });
        }
        read
    }
}

/// Documents of these kinds, keys and texts, each with an id of its own.
pub fn documents(rows: &[(DocumentKind, &str, &str)]) -> Arc<Documents> {
    let mut documents = Documents::new(Receipt::unclaimed());
    for (number, (kind, key, text)) in rows.iter().enumerate() {
        documents.bytes.extend_from_slice(text.as_bytes());
        documents.bytes.push(b'\n');
        let start = documents.keys.len();
        documents.keys.extend_from_slice(key.as_bytes());
        let mut id = [7; 16];
        id[..8].copy_from_slice(&(number as u64).to_le_bytes());
        documents.end_document(EventId(id), *kind, 0, Span::new(start, start + key.len()));
    }
    Arc::new(documents)
}

pub fn ids(documents: &Documents) -> Vec<String> {
    documents.rows.iter().map(|row| row.id.to_string()).collect()
}

pub fn texts(read: &[Read]) -> Vec<String> {
    read.iter().map(|record| record.text.clone()).collect()
}

//! Compacted topics: the last word under each key. Read from a partition's start to its end and on, and written either as it
//! comes or whole, in transactions that fence whoever wrote the same before.

use std::time::Duration;

use rdkafka::{
    ClientConfig, ClientContext, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::OAuthToken,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};

use super::{Connection, ConnectionError, Session};

/// A compacted topic.
#[derive(Debug, Clone)]
pub struct Compacted {
    connection: Connection,
    /// Names this end in the brokers' logs.
    role: &'static str,
    topic: String,
    /// The group in whose name it is read, which holds and commits nothing.
    group: String,
}

/// Why a compacted topic could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CompactedError {
    /// It cannot even be tried.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The cluster says no, or nothing.
    #[error("could not {what} the topic `{topic}`: {error}")]
    Kafka {
        /// What was tried.
        what: &'static str,
        /// The topic.
        topic: String,
        /// What the cluster says.
        error: KafkaError,
    },
    /// It is not there, or not as it must be.
    #[error(
        "could not use the topic `{topic}`: {is}; make it with `kafka-topics.sh --bootstrap-server {brokers} --create --topic \
         {topic} --partitions {partitions} --config cleanup.policy=compact`"
    )]
    Unfit {
        /// The topic.
        topic: String,
        /// What it is.
        is: String,
        /// Where it is looked for.
        brokers: String,
        /// How many partitions it must have at least.
        partitions: usize,
    },
    /// Another process writes in our name, and we may not any more.
    #[error("could not write the topic `{0}`: another process has taken over what it holds")]
    Fenced(String),
}

/// Reads a partition on and on.
pub struct Tail {
    consumer: BaseConsumer<Session>,
    topic: String,
}

/// What a look at the tail has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// A word.
    Word,
    /// Nothing came in time.
    Nothing,
    /// All that is there was read.
    End,
}

/// Writes words as they come.
pub struct Pen {
    producer: ThreadedProducer<Reports>,
    topic: String,
}

/// Writes many words at once or none of them; whoever makes one in the same name fences those before.
pub struct Scribe {
    producer: ThreadedProducer<Reports>,
    topic: String,
}

struct Reports(Session);

/// How long one question to the cluster may take.
const ANSWER: Duration = Duration::from_secs(20);
/// How long the queue of a producer is waited for.
const ROOM: Duration = Duration::from_millis(5);

/// Whether `cleanup.policy` keeps the last word under each key.
#[must_use]
pub fn compacts(policy: &str) -> bool {
    policy.split(',').any(|word| word.trim() == "compact")
}

// === impl Compacted ===

impl Compacted {
    /// The topic called `topic`, reached by `connection` as `role`; it is read in the name of `group`.
    #[must_use]
    pub fn new(connection: Connection, role: &'static str, topic: &str, group: &str) -> Self {
        Self { connection, role, topic: topic.to_owned(), group: group.to_owned() }
    }

    /// Its name.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Begins to read `partition` from its start.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn tail(&self, partition: i32) -> Result<Tail, CompactedError> {
        let mut client = self.connection.client_config(self.role)?;
        client.set("group.id", &self.group);
        client.set("enable.auto.commit", "false");
        client.set("enable.partition.eof", "true");
        client.set("auto.offset.reset", "earliest");
        client.set("isolation.level", "read_committed");
        client.set("allow.auto.create.topics", "false");
        client.set("fetch.wait.max.ms", "50");
        let consumer: BaseConsumer<Session> =
            BaseConsumer::from_config_and_context(&client, self.connection.session())
                .map_err(ConnectionError::Settings)?;
        let mut list = TopicPartitionList::new();
        let assigned = list
            .add_partition_offset(&self.topic, partition, Offset::Beginning)
            .and_then(|()| consumer.assign(&list));
        assigned.map_err(|error| self.failed("read", error))?;
        Ok(Tail { consumer, topic: self.topic.clone() })
    }

    /// Gives every word of `partition` that is there now to `each`.
    ///
    /// # Errors
    /// When the cluster does not say what is there.
    pub fn read(
        &self,
        partition: i32,
        mut each: impl FnMut(&[u8], Option<&[u8]>),
    ) -> Result<(), CompactedError> {
        let mut tail = self.tail(partition)?;
        while tail.look(ANSWER, &mut each)? != Looked::End {}
        Ok(())
    }

    /// How many partitions it has.
    ///
    /// # Errors
    /// When the cluster does not say so, or it is not there.
    pub fn partitions(&self) -> Result<usize, CompactedError> {
        let client = self.connection.client_config(self.role)?;
        let asking: BaseConsumer<Session> =
            BaseConsumer::from_config_and_context(&client, self.connection.session())
                .map_err(ConnectionError::Settings)?;
        // What it logs in with may have to be fetched, which a poll does.
        asking.poll(ROOM);
        let found = asking.fetch_metadata(Some(&self.topic), ANSWER);
        let found = found.map_err(|error| self.failed("look at", error))?;
        let count = found.topics().first().map_or(0, |topic| topic.partitions().len());
        if count > 0 {
            return Ok(count);
        }
        let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
        Err(self.failed("look at", unknown))
    }

    /// Looks whether it is there, with at least so many partitions, and compacted.
    ///
    /// # Errors
    /// When it is not so, with the command that makes it so.
    pub async fn look(&self, partitions: usize) -> Result<(), CompactedError> {
        let unfit = |is: String| CompactedError::Unfit {
            topic: self.topic.clone(),
            is,
            brokers: self.connection.brokers.join(","),
            partitions,
        };
        match self.partitions() {
            Ok(found) if found >= partitions => {}
            Ok(found) => return Err(unfit(format!("it has {found} partitions, and needs {partitions}"))),
            Err(CompactedError::Kafka { error, .. })
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownTopicOrPartition) =>
            {
                return Err(unfit("it is not there".to_owned()));
            }
            Err(error) => return Err(error),
        }
        match self.policy().await? {
            Some(policy) if !compacts(&policy) => Err(unfit(format!("its `cleanup.policy` is `{policy}`"))),
            _ => Ok(()),
        }
    }

    /// Its `cleanup.policy`; none where whoever asks may not know.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub async fn policy(&self) -> Result<Option<String>, CompactedError> {
        let client = self.connection.client_config(self.role)?;
        let asking: AdminClient<Session> =
            AdminClient::from_config_and_context(&client, self.connection.session())
                .map_err(ConnectionError::Settings)?;
        let options = AdminOptions::new().request_timeout(Some(ANSWER));
        let described = asking.describe_configs(&[ResourceSpecifier::Topic(&self.topic)], &options).await;
        let described = described.map_err(|error| self.failed("look at", error))?;
        let mut resources = described.into_iter().flatten();
        Ok(resources
            .find_map(|resource| resource.get("cleanup.policy").and_then(|policy| policy.value.clone())))
    }

    /// Begins to write.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn pen(&self) -> Result<Pen, CompactedError> {
        let mut client = self.writing()?;
        // Tried for as long as it takes.
        client.set("message.timeout.ms", "0");
        client.set("linger.ms", "0");
        Ok(Pen { producer: self.producer(&client)?, topic: self.topic.clone() })
    }

    /// Begins to write in the name of `id`; whoever did so before cannot any more.
    ///
    /// # Errors
    /// When librdkafka refuses the settings, or the cluster the name.
    pub fn scribe(&self, id: &str) -> Result<Scribe, CompactedError> {
        let mut client = self.writing()?;
        client.set("transactional.id", id);
        client.set("linger.ms", "5");
        let producer = self.producer(&client)?;
        producer.init_transactions(ANSWER).map_err(|error| self.failed("begin to write", error))?;
        Ok(Scribe { producer, topic: self.topic.clone() })
    }

    fn writing(&self) -> Result<ClientConfig, CompactedError> {
        let mut client = self.connection.client_config(self.role)?;
        client.set("enable.idempotence", "true");
        client.set("acks", "all");
        client.set("allow.auto.create.topics", "false");
        client.set("compression.type", "lz4");
        Ok(client)
    }

    fn producer(&self, client: &ClientConfig) -> Result<ThreadedProducer<Reports>, CompactedError> {
        let reports = Reports(self.connection.session());
        let made = ThreadedProducer::from_config_and_context(client, reports);
        made.map_err(|error| ConnectionError::Settings(error).into())
    }

    fn failed(&self, what: &'static str, error: KafkaError) -> CompactedError {
        CompactedError::Kafka { what, topic: self.topic.clone(), error }
    }
}

// === impl Tail ===

impl Tail {
    /// Waits for the next word at most for `most`, and gives it to `each`.
    ///
    /// # Errors
    /// When the topic cannot be read; what passes by itself is no error.
    pub fn look(
        &mut self,
        most: Duration,
        each: &mut impl FnMut(&[u8], Option<&[u8]>),
    ) -> Result<Looked, CompactedError> {
        match self.consumer.poll(most) {
            None => Ok(Looked::Nothing),
            Some(Ok(record)) => {
                each(record.key().unwrap_or_default(), record.payload());
                Ok(Looked::Word)
            }
            Some(Err(KafkaError::PartitionEOF(_))) => Ok(Looked::End),
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(
                    RDKafkaErrorCode::UnknownTopicOrPartition
                    | RDKafkaErrorCode::UnknownTopic
                    | RDKafkaErrorCode::UnknownPartition
                    | RDKafkaErrorCode::TopicAuthorizationFailed,
                ) => Err(CompactedError::Kafka { what: "read", topic: self.topic.clone(), error }),
                _ => {
                    tracing::debug!(%error, topic = self.topic, "while reading");
                    Ok(Looked::Nothing)
                }
            },
        }
    }
}

// === impl Pen ===

impl Pen {
    /// Writes a word into `partition`; nothing as its value takes back what was under the key.
    pub fn write(&self, partition: i32, key: &[u8], value: Option<&[u8]>) {
        let sent = send(&self.producer, (&self.topic, partition), key, value);
        if let Err(error) = sent {
            tracing::error!(%error, topic = self.topic, "a word could not be written");
        }
    }

    /// Whether everything that was written is there for good.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.producer.in_flight_count() == 0
    }
}

// === impl Scribe ===

impl Scribe {
    /// Writes all of `words` into `partition`, or none.
    ///
    /// # Errors
    /// When the cluster does not take them, or another has our name.
    pub fn write<'a>(
        &self,
        partition: i32,
        words: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<(), CompactedError> {
        let written = self.producer.begin_transaction().and_then(|()| {
            for (key, value) in words {
                send(&self.producer, (&self.topic, partition), key, value)?;
            }
            self.producer.flush(ANSWER)?;
            self.producer.commit_transaction(ANSWER)
        });
        written.map_err(|error| {
            let is_over = self.producer.client().fatal_error().is_some();
            if is_over {
                return CompactedError::Fenced(self.topic.clone());
            }
            // Where even that fails the next transaction says why.
            let _ = self.producer.abort_transaction(ANSWER);
            CompactedError::Kafka { what: "write", topic: self.topic.clone(), error }
        })
    }
}

fn send(
    producer: &ThreadedProducer<Reports>,
    (topic, partition): (&str, i32),
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<(), KafkaError> {
    loop {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition).key(key);
        if let Some(value) = value {
            record = record.payload(value);
        }
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => std::thread::sleep(ROOM),
            Err((error, _)) => return Err(error),
        }
    }
}

// === impl Reports ===

impl ClientContext for Reports {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, id: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.0.generate_oauth_token(id)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        if let Err((error, _)) = result {
            tracing::debug!(%error, "a word was not taken");
        }
    }
}

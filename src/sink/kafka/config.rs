//! What the keys of a Kafka sink hold, and what only several of them together can get wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(feature = "aws")]
use crate::kafka::Auth;
use crate::{
    event::DocumentKind,
    kafka::{Connection, Login, Options, Sasl, Tls},
    quantity::{ByteSize, Duration},
};

/// Topics of a Kafka cluster, or of anything else that speaks Kafka's protocol.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KafkaSinkConfig {
    /// Brokers to begin with, `host:port` each; at least one. The others are found through them.
    #[schemars(length(min = 1))]
    pub brokers: Vec<String>,
    /// The topic of events, and of every other document that has none under `topics`. It must exist: none is created.
    #[schemars(length(min = 1, max = 249))]
    pub topic: String,
    /// Topics of their own for some kinds of documents. Default: all go to `topic`.
    #[serde(default)]
    pub topics: Topics,
    /// What the key of a record is, and so which partition it goes to. Default: `entity`.
    #[serde(default)]
    pub key: Key,
    /// How batches are compressed. Default: `lz4`.
    #[serde(default)]
    pub compression: Codec,
    /// How hard it tries: 1 to 12 for zstd, 0 to 12 for lz4, 1 to 9 for gzip; a higher level is smaller and slower.
    /// Default: 3 for zstd, 0 for lz4, 6 for gzip.
    #[serde(default)]
    #[schemars(range(max = 12))]
    pub compression_level: Option<u8>,
    /// How long a batch that is not full waits for more documents: 0ms to 1m. Longer means fewer, larger and better
    /// compressed batches, and adds to the delay. Default: `5ms`.
    #[serde(default = "default_linger")]
    pub linger: Duration,
    /// Size of a batch before it is compressed: 1KiB to 64MiB. The topic's `max.message.bytes` must not be smaller than
    /// a batch is after compression. Default: `1MB`.
    #[serde(default = "default_batch_size")]
    pub batch_size: ByteSize,
    /// Documents that may wait for this sink and be on their way to the brokers, together: 1MiB to 1GiB. More is needed
    /// where brokers are fast and far away. Takes four times as much of `limits.memory`. Default: `16MiB`.
    #[serde(default = "default_in_flight")]
    pub in_flight: ByteSize,
    /// Exactly once: documents, what is quarantined, dead letters and the source's positions are written in transactions,
    /// and whoever reads with `isolation.level=read_committed` sees each once. Needs one source, from topics of the same
    /// cluster, this sink alone, and topics of the same cluster for the quarantine and the dead letter. Default: at least
    /// once.
    #[serde(default)]
    pub transactional: Option<Transactions>,
    /// An encrypted connection. Default: not encrypted.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Who we are, by name and password. Default: nobody in particular.
    #[serde(default)]
    pub sasl: Option<Sasl>,
    /// Who we are, by other means. Default: what `sasl` says.
    #[cfg(feature = "aws")]
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Options that go to librdkafka as they are, under the names of its documentation. Those that would break a
    /// promise, or have a key here, are refused.
    #[serde(default)]
    pub options: Options,
    /// Topics of what is not the sink's own and leaves in its transactions.
    #[serde(skip)]
    pub beside: Beside,
}

/// Transactions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transactions {
    /// Name of the transactions (`transactional.id`): another one for each process, the same after a restart. A process
    /// that takes the name of a running one stops that.
    #[schemars(length(min = 1))]
    pub id: String,
    /// How long a transaction stays open for more: 1ms to 10s. Longer means fewer transactions, and adds to the delay.
    /// Default: `100ms`.
    #[serde(default = "default_every")]
    pub every: Duration,
}

/// Topics of what leaves in a sink's transactions beside its own documents.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The quarantine's.
    pub quarantine: Option<String>,
    /// The dead letter's.
    pub dead_letter: Option<String>,
}

/// Topics for kinds of documents.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// The topic of sessions.
    #[serde(default)]
    #[schemars(length(min = 1, max = 249))]
    pub sessions: Option<String>,
    /// The topic of findings.
    #[serde(default)]
    #[schemars(length(min = 1, max = 249))]
    pub findings: Option<String>,
}

/// What the key of a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// The name of the entity, so that what concerns one host stays in one partition and in order. A document without
    /// an entity has no key.
    #[default]
    Entity,
    /// The document's id, so that a compacted topic keeps each once.
    EventId,
    /// No key: batches go to one partition after the other.
    None,
}

/// How batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// LZ4: a document takes about a seventh.
    #[default]
    Lz4,
    /// Zstandard: half of what LZ4 leaves, for about a fifth more work of the whole process; needs brokers and readers of
    /// Kafka 2.1 or later.
    Zstd,
    /// Gzip: for readers that know nothing better.
    Gzip,
    /// Snappy.
    Snappy,
    /// Not at all.
    None,
}

const fn default_every() -> Duration {
    Duration::millis(100)
}

const fn default_linger() -> Duration {
    Duration::millis(5)
}

const fn default_batch_size() -> ByteSize {
    ByteSize::bytes(1_000_000)
}

const fn default_in_flight() -> ByteSize {
    ByteSize::mebibytes(16)
}

// === impl KafkaSinkConfig ===

impl KafkaSinkConfig {
    /// A sink that writes everything to `topic`, with every other key as it is by default.
    #[must_use]
    pub fn new(brokers: Vec<String>, topic: &str) -> Self {
        Self {
            brokers,
            topic: topic.to_owned(),
            topics: Topics::default(),
            key: Key::default(),
            compression: Codec::default(),
            compression_level: None,
            linger: default_linger(),
            batch_size: default_batch_size(),
            in_flight: default_in_flight(),
            tls: None,
            sasl: None,
            #[cfg(feature = "aws")]
            auth: None,
            options: Options::default(),
            transactional: None,
            beside: Beside::default(),
        }
    }

    /// How its cluster is reached.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection {
            brokers: self.brokers.clone(),
            tls: self.tls.clone(),
            #[cfg(feature = "aws")]
            login: Login::of(self.sasl.as_ref(), self.auth.as_ref()),
            #[cfg(not(feature = "aws"))]
            login: self.sasl.clone().map(Login::Password),
            options: self.options.clone(),
        }
    }

    /// The topic of documents of this kind.
    #[must_use]
    pub fn topic_of(&self, kind: DocumentKind) -> &str {
        let own = match kind {
            DocumentKind::Event | DocumentKind::Syslog => None,
            DocumentKind::Session => self.topics.sessions.as_deref(),
            DocumentKind::Finding => self.topics.findings.as_deref(),
            DocumentKind::Quarantined => self.beside.quarantine.as_deref(),
            DocumentKind::DeadLetter => self.beside.dead_letter.as_deref(),
        };
        own.unwrap_or(&self.topic)
    }

    /// Every topic that it writes, with the key that names it.
    pub fn topics(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Topics { sessions, findings } = &self.topics;
        let own = [("topics.sessions", sessions.as_deref()), ("topics.findings", findings.as_deref())];
        let own = own.into_iter().filter_map(|(key, topic)| Some((key, topic?)));
        std::iter::once(("topic", self.topic.as_str())).chain(own.filter(|(_, topic)| *topic != self.topic))
    }

    /// What no type can see: the key, below `kafka`, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let level = self.compression_level.map(|level| (self.compression, level));
        let level_is_wrong = match level {
            None | Some((Codec::Lz4, _) | (Codec::Zstd, 1..) | (Codec::Gzip, 1..=9)) => false,
            Some(_) => true,
        };
        let rows = [
            (level_is_wrong, "compression_level", "this compression has no such level"),
            (self.linger > Duration::seconds(60), "linger", "a batch may wait 1m at most"),
            (
                !(1 << 10..=64 << 20).contains(&self.batch_size.as_u64()),
                "batch_size",
                "a batch has 1KiB to 64MiB",
            ),
            (
                !(1 << 20..=1 << 30).contains(&self.in_flight.as_u64()),
                "in_flight",
                "1MiB to 1GiB may be in flight",
            ),
            (
                self.transactional.as_ref().is_some_and(|of| !(1..=10_000).contains(&of.every.as_millis())),
                "transactional.every",
                "a transaction stays open for 1ms to 10s",
            ),
            (
                self.tls.as_ref().is_some_and(|tls| tls.certificate.is_some() != tls.key.is_some()),
                "tls",
                "`certificate` and `key` belong together",
            ),
        ];
        let rows = rows.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, key, text)| (key, text));
        #[cfg(feature = "aws")]
        let rows = {
            let auth = self.auth.as_ref().map(|auth| auth.problems(self.tls.as_ref(), self.sasl.as_ref()));
            rows.chain(auth.into_iter().flatten().map(|(key, text, _)| (key, text)))
        };
        rows.collect()
    }
}

// === impl Codec ===

impl Codec {
    /// Its name in Kafka.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::None => "none",
        }
    }

    /// The level where none is asked for; none where there are no levels.
    #[must_use]
    pub fn default_level(self) -> Option<u8> {
        match self {
            Self::Zstd => Some(3),
            Self::Lz4 => Some(0),
            Self::Gzip => Some(6),
            Self::Snappy | Self::None => None,
        }
    }
}

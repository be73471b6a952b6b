//! A producer of librdkafka: how it is made, the thread that hears its reports, and the line of what waits for room.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext,
    client::OAuthToken,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};
use tokio::sync::oneshot;

use super::{
    KafkaSinkConfig,
    ledger::{Answer, Ledger, Mark, Report},
    parcel::Parcel,
};
use crate::kafka::{ConnectionError, Fault, Session};

/// How a producer packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Many documents to a batch.
    Together,
    /// Each document in a batch of its own, so that none is refused for another's sake.
    Apart,
}

/// A producer and what waits to be handed to it. It lives as long as somebody besides its thread holds it.
pub struct Producer {
    client: BaseProducer<Reports>,
    number: u64,
    ledger: Arc<Ledger>,
    line: Mutex<VecDeque<Parcel>>,
}

/// Hears what librdkafka reports.
pub struct Reports {
    ledger: Arc<Ledger>,
    session: Session,
}

/// Answers when a producer's thread has ended and all that it reported is noted.
pub type Ended = oneshot::Receiver<()>;

/// Kafka's own limit of a document's size where `options` has none; a topic's is about the same by default.
const DOCUMENT_BYTES_MAX: u64 = 1_000_000;
/// How long the thread listens before it looks whether it is still needed, and whether there is room again.
const LISTEN: Duration = Duration::from_millis(50);

static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// What a producer is made with.
///
/// `message.timeout.ms` is 0: librdkafka itself tries again whatever may work later, in order and without writing twice,
/// because it alone knows which batch the broker may have taken already. With a time limit it would report documents
/// as failed that may have been written, and we would write them again under a new sequence.
///
/// # Errors
/// When a secret's file cannot be read.
pub fn settings(config: &KafkaSinkConfig, packing: Packing) -> Result<ClientConfig, ConnectionError> {
    let mut client = config.connection().client_config("sink")?;
    let level = config.compression_level.or(config.compression.default_level());
    let (linger_ms, batch_documents) = match packing {
        Packing::Together => (config.linger.as_millis(), 100_000),
        Packing::Apart => (0, 1),
    };
    let mut set = |name: &str, value: String| {
        client.set(name, value);
    };
    set("enable.idempotence", "true".to_owned());
    set("acks", "all".to_owned());
    set("max.in.flight.requests.per.connection", "5".to_owned());
    set("message.timeout.ms", "0".to_owned());
    set("allow.auto.create.topics", "false".to_owned());
    // What Java's client does, so that a key lands in the same partition whoever writes it.
    set("partitioner", "murmur2_random".to_owned());
    set("compression.type", config.compression.name().to_owned());
    if let Some(level) = level {
        set("compression.level", level.to_string());
    }
    set("linger.ms", linger_ms.to_string());
    set("batch.size", config.batch_size.as_u64().to_string());
    set("batch.num.messages", batch_documents.to_string());
    // Twice what the queue lets through: full only where one batch is larger than the queue.
    set("queue.buffering.max.kbytes", (config.in_flight.as_u64() * 2 / 1024).to_string());
    set("queue.buffering.max.messages", "0".to_owned());
    // A topic that is not there is told after this long, and not after half a minute.
    set("topic.metadata.propagation.max.ms", "5000".to_owned());
    if client.get("message.max.bytes").is_none() {
        client.set("message.max.bytes", config.batch_size.as_u64().max(DOCUMENT_BYTES_MAX).to_string());
    }
    Ok(client)
}

// === impl Producer ===

impl Producer {
    /// Makes a producer and starts its thread. It does not wait for a connection.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn start(
        settings: &ClientConfig,
        ledger: Arc<Ledger>,
        session: Session,
    ) -> Result<(Arc<Self>, Ended), KafkaError> {
        let reports = Reports { ledger: ledger.clone(), session };
        let client = BaseProducer::from_config_and_context(settings, reports)?;
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let producer = Arc::new(Self { client, number, ledger, line: Mutex::default() });
        let (sender, ended) = oneshot::channel();
        let served = producer.clone();
        let thread = std::thread::Builder::new().name("kafka-sink".to_owned()).spawn(move || {
            serve(served);
            // Nobody may wait for it.
            let _ = sender.send(());
        });
        match thread {
            Ok(_) => Ok((producer, ended)),
            Err(error) => Err(KafkaError::ClientCreation(format!("could not start a thread: {error}"))),
        }
    }

    /// Hands over the documents of a parcel, after those that wait already. What there is no room for is handed over
    /// as soon as there is.
    pub fn put(&self, len: usize, parcel: impl FnOnce(Mark) -> Parcel) -> Answer {
        let mut line = self.line();
        let (mark, answer) = self.ledger.begin(self.number, len);
        line.push_back(parcel(mark));
        self.hand_over(&mut line);
        answer
    }

    /// Throws away what is not yet written, and reports it so. A batch that is at the brokers may be written all the same.
    pub fn purge(&self) {
        let mut line = self.line();
        for parcel in line.drain(..) {
            for mark in parcel.marks() {
                self.ledger.note(mark, Report::Failed(RDKafkaErrorCode::PurgeQueue));
            }
        }
        self.client.purge(PurgeConfig::default().queue().inflight().non_blocking());
    }

    /// Why it can never write again, if so, with what helps.
    pub fn fatal_error(&self) -> Option<String> {
        let (code, text) = self.client.client().fatal_error()?;
        Some(format!("{text}; {}", Fault::of(code).remedy()))
    }

    /// librdkafka's client, to ask the cluster something.
    pub fn client(&self) -> &BaseProducer<Reports> {
        &self.client
    }

    /// Hands over from the head of the line while there is room.
    fn hand_over(&self, line: &mut VecDeque<Parcel>) {
        while let Some(parcel) = line.front_mut() {
            while let Some(record) = parcel.record() {
                let mark = record.delivery_opaque;
                match self.client.send(record) {
                    Ok(()) => {}
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => return,
                    Err((error, _)) => {
                        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::InvalidArgument);
                        self.ledger.note(mark, Report::Failed(code));
                    }
                }
                parcel.advance();
            }
            line.pop_front();
        }
    }

    fn line(&self) -> MutexGuard<'_, VecDeque<Parcel>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears reports until nobody else holds the producer, ends it, and answers who still waits.
fn serve(producer: Arc<Producer>) {
    while Arc::strong_count(&producer) > 1 {
        let mut line = producer.line();
        producer.hand_over(&mut line);
        drop(line);
        producer.client.poll(LISTEN);
    }
    let (ledger, number) = (producer.ledger.clone(), producer.number);
    // Purges what is left and hears of it.
    drop(producer);
    ledger.close(number);
}

// === impl Reports ===

impl ClientContext for Reports {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.session.generate_oauth_token(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.session.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.session.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Mark;

    fn delivery(&self, result: &DeliveryResult<'_>, mark: Mark) {
        let report = match result {
            Ok(_) => Report::Written,
            Err((error, _)) => {
                Report::Failed(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown))
            }
        };
        self.ledger.note(mark, report);
    }
}

//! Kafka: every document as a record, confirmed by all replicas before its delivery is.
//!
//! What the cluster says of a document, and what becomes of it:
//!
//! | what it says | what becomes of the document |
//! |---|---|
//! | written | delivered |
//! | too large; a batch too large; invalid (such as no key in a compacted topic); corrupt | sent again in a batch of its own; when that is refused too, refused for good, with the broker's reason and code |
//! | invalid, because of another in its batch | tried again |
//! | no such topic or partition, topic name refused | tried again; the cluster is asked about the topic in between |
//! | not authorized for the topic | tried again; the cluster is asked about the topic in between |
//! | compression or format that the broker does not know; a clock that is wrong | tried again |
//! | fatal for the producer: not allowed to write with idempotence, sequence lost, fenced | tried again with a new producer |
//! | leader moved, replicas missing, time-outs, broken connections, brokers down, who we are is refused | nothing is reported: librdkafka tries again by itself, in order and once. After five seconds without a report, at once where we are refused, the sink says that something troubles it |
//! | nothing more, because the producer ended | tried again, so perhaps written twice |
//! | purged, because the drain's grace is over | abandoned: its record is read again |
//!
//! Everything that is tried again ails the sink's health with the reason until it works. A document is refused for good
//! only when the cluster has refused it alone: a broker refuses batches, and its neighbours must not pay for it.
//!
//! Nothing is lost: a document that is not reported as written is tried again, refused or abandoned. It may be written
//! twice where the connection broke at the wrong moment and the producer had to be made anew; the header
//! `floodmark-id` tells such copies. What librdkafka tries again keeps its order; what the loop tries again, after the
//! topic was missing or forbidden, comes after what was sent in the meantime.

mod config;
mod ledger;
mod look;
mod outcome;
mod parcel;
mod producer;
mod spots;
mod transactions;
mod trouble;
mod watch;

pub use config::{Beside, Codec, KafkaSinkConfig, Key, Topics, Transactions};
pub use spots::Spots;
pub use transactions::KafkaTransactions;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::timeout;

use super::{Delivery, DocSet, Outcome, Sink, SinkError};
use crate::{
    event::Documents,
    kafka::{ConnectionError, Session},
    pipe::BoxFuture,
    telemetry::clock,
};

use ledger::{Answer, Ledger, Report};
use parcel::Parcel;
use producer::{Ended, Packing, Producer};
use trouble::Quiet;

/// Writes documents to topics.
pub struct KafkaSink {
    config: Arc<KafkaSinkConfig>,
    ledger: Arc<Ledger>,
    session: Session,
    together: Seat,
    apart: Seat,
    quiet: Mutex<Quiet>,
    /// Held while the cluster is asked about the topics; once at a time is enough.
    asking: tokio::sync::Mutex<()>,
}

/// Where a producer sits that can be replaced.
struct Seat {
    packing: Packing,
    seated: Mutex<Option<(Arc<Producer>, Ended)>>,
}

/// Deliveries side by side. Small ones come when there is little to do, and each takes as long as the brokers take; large
/// ones are held back by the queue's bytes.
const DELIVERIES_MAX: usize = 64;
/// How long closing waits for a producer's thread.
const CLOSE_MAX: Duration = Duration::from_secs(3);

// === impl KafkaSink ===

impl KafkaSink {
    /// Makes the sink; it connects in the background.
    ///
    /// # Errors
    /// When a secret cannot be read, or librdkafka refuses the settings.
    pub fn open(config: &KafkaSinkConfig) -> Result<Self, SinkError> {
        let sink = Self {
            config: Arc::new(config.clone()),
            ledger: Arc::default(),
            session: config.connection().session(),
            together: Seat::new(Packing::Together),
            apart: Seat::new(Packing::Apart),
            quiet: Mutex::new(Quiet::new(clock::monotonic())),
            asking: tokio::sync::Mutex::default(),
        };
        sink.producer(&sink.together).map_err(|error| SinkError::Settings { cause: error.to_string() })?;
        Ok(sink)
    }

    /// The producer in `seat`; a new one where there is none.
    fn producer(&self, seat: &Seat) -> Result<Arc<Producer>, ConnectionError> {
        let mut seated = seat.lock();
        if let Some((producer, _)) = &*seated {
            return Ok(producer.clone());
        }
        let settings = producer::settings(&self.config, seat.packing)?;
        let (producer, ended) = Producer::start(&settings, self.ledger.clone(), self.session.clone())?;
        *seated = Some((producer.clone(), ended));
        Ok(producer)
    }

    /// Hands `only` these of `documents` to the producer in `seat`.
    fn hand_over(
        &self,
        seat: &Seat,
        documents: &Arc<Documents>,
        only: &DocSet,
    ) -> Result<Answer, ConnectionError> {
        let producer = self.producer(seat)?;
        let len = only.count(documents.len());
        Ok(producer.put(len, |mark| Parcel::new(self.config.clone(), documents.clone(), only.clone(), mark)))
    }

    /// Which of `only` were not written, once all reports have come from the producer in `seat`, and why it can never
    /// write again, if so.
    async fn heard(
        &self,
        seat: &Seat,
        answer: Answer,
        documents: &Documents,
        only: &DocSet,
    ) -> (Vec<(u32, Report)>, Option<String>) {
        // A sender that was dropped would have told nothing of any of them.
        let reports = answer.await.unwrap_or_default().into_iter().chain(std::iter::repeat(Report::Out));
        let reports = only.indexes(documents.len()).map(|index| index as u32).zip(reports);
        let failed: Vec<_> = reports.filter(|(_, report)| *report != Report::Written).collect();
        let fatal = if failed.is_empty() { None } else { seat.renew() };
        (failed, fatal)
    }

    /// What became of `only`, of which the producer in `seat` was given all.
    async fn settle(&self, answer: Answer, documents: &Arc<Documents>, only: &DocSet) -> Vec<(u32, Outcome)> {
        let (failed, fatal) = self.heard(&self.together, answer, documents, only).await;
        let (doubtful, again): (Vec<_>, Vec<_>) =
            failed.into_iter().partition(|(_, report)| outcome::may_be_its_own_fault(*report));
        let retry = |(index, report)| (index, outcome::retry(report, fatal.as_deref()));
        let mut others: Vec<_> = again.iter().copied().map(retry).collect();
        let mut asked = outcome::about_the_topic(&again);
        if !doubtful.is_empty() {
            let alone = DocSet::These(doubtful.into_iter().map(|(index, _)| index).collect());
            match self.hand_over(&self.apart, documents, &alone) {
                Ok(answer) => {
                    let (failed, fatal) = self.heard(&self.apart, answer, documents, &alone).await;
                    asked |= outcome::about_the_topic(&failed);
                    others.extend(
                        failed
                            .into_iter()
                            .map(|(index, report)| (index, outcome::alone(report, fatal.as_deref()))),
                    );
                }
                Err(error) => {
                    others.extend(Delivery::retry_all(documents, &alone, &error.to_string()).others)
                }
            }
            others.sort_unstable_by_key(|(index, _)| *index);
        }
        if asked {
            self.ask_about_topics().await;
        }
        others
    }

    /// Has the producers ask the cluster about the topics: librdkafka refuses a topic that was missing or forbidden by
    /// itself until it knows better, and would not ask for minutes.
    async fn ask_about_topics(&self) {
        let Ok(_asking) = self.asking.try_lock() else { return };
        let producers: Vec<_> =
            [&self.together, &self.apart].iter().filter_map(|seat| seat.producer()).collect();
        let config = self.config.clone();
        let asked = tokio::task::spawn_blocking(move || {
            producers.iter().for_each(|producer| look::ask(producer, &config));
        });
        // What it says is heard with the next try.
        let _ = asked.await;
    }
}

impl Sink for KafkaSink {
    fn concurrency(&self) -> usize {
        DELIVERIES_MAX
    }

    fn deliver(self: Arc<Self>, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Delivery> {
        if only.count(documents.len()) == 0 {
            return Box::pin(std::future::ready(Delivery::default()));
        }
        let answer = self.hand_over(&self.together, &documents, &only);
        Box::pin(async move {
            match answer {
                Ok(answer) => Delivery { others: self.settle(answer, &documents, &only).await, gone: None },
                Err(error) => Delivery::retry_all(&documents, &only, &error.to_string()),
            }
        })
    }

    fn trouble(&self) -> Option<String> {
        let tally = self.ledger.tally();
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        if quiet.hear(tally, clock::monotonic()) {
            self.session.recovered();
        }
        quiet.trouble(tally, clock::monotonic(), &self.session)
    }

    fn give_up(&self) {
        [&self.together, &self.apart].iter().filter_map(|seat| seat.producer()).for_each(|one| one.purge());
    }

    fn look(&self) -> Result<(), SinkError> {
        let producer = self.producer(&self.together);
        let producer = producer.map_err(|error| SinkError::Settings { cause: error.to_string() })?;
        look::look(&producer, &self.config, &self.session)
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>> {
        Box::pin(async move {
            for seat in [&self.together, &self.apart] {
                let seated = seat.lock().take();
                if let Some((producer, ended)) = seated {
                    drop(producer);
                    // All deliveries have ended; a thread that hangs has nothing left to lose.
                    let _ = timeout(CLOSE_MAX, ended).await;
                }
            }
            Ok(())
        })
    }
}

// === impl Seat ===

impl Seat {
    fn new(packing: Packing) -> Self {
        Self { packing, seated: Mutex::default() }
    }

    fn producer(&self) -> Option<Arc<Producer>> {
        self.lock().as_ref().map(|(producer, _)| producer.clone())
    }

    /// Takes a producer away that can never write again, and says why; the next delivery makes another.
    fn renew(&self) -> Option<String> {
        let mut seated = self.lock();
        let reason = seated.as_ref().and_then(|(producer, _)| producer.fatal_error())?;
        tracing::warn!(reason, "the producer cannot go on; making a new one");
        *seated = None;
        Some(reason)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Arc<Producer>, Ended)>> {
        self.seated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

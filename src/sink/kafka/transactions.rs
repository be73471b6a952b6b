//! Kafka's transactions: documents, what is quarantined, dead letters, and the positions of the records they came from, in
//! one. A reader that reads what is committed sees all of it or nothing.
//!
//! The name of the transactions belongs to one process at a time: whoever begins with it fences the one before (KIP-98),
//! and the group's coordinator refuses positions from a membership that is over (KIP-447). So a worker that was thought
//! dead cannot commit what another has delivered.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    producer::Producer as _,
};

use super::{
    KafkaSinkConfig,
    ledger::{Ledger, Report},
    outcome,
    parcel::Parcel,
    producer::{self, Packing, Producer},
    watch::Watch,
};
use crate::{
    event::{Documents, Origin, Position},
    kafka::{Fault, Membership, Session},
    pipe::{BoxFuture, CommitError, Committer},
    sink::{Broken, DocSet, Outcome, SinkError, Transactional},
    telemetry::crash::CrashPoint,
};

/// Writes documents to topics in transactions that hold their positions too.
pub struct KafkaTransactions(Arc<Inner>);

struct Inner {
    config: Arc<KafkaSinkConfig>,
    id: String,
    membership: Membership,
    ledger: Arc<Ledger>,
    session: Session,
    seat: Mutex<Seat>,
    watch: Watch,
    /// Whether the next transaction sends each document in a batch of its own, to find the one that is refused.
    apart: AtomicBool,
    /// The drain's grace is over: nothing is asked for again.
    given_up: AtomicBool,
    /// Why there can be no transaction any more, once that is so. Beginning again would stop the process that has the name
    /// now.
    gone: OnceLock<SinkError>,
}

/// The producer of the moment.
#[derive(Default)]
struct Seat {
    producer: Option<Arc<Producer>>,
    apart: bool,
    /// Whether what an earlier process left open is ended.
    begun: bool,
}

/// How long one step of a transaction may take before it is asked for again.
const STEP: Duration = Duration::from_secs(2);

// === impl KafkaTransactions ===

impl KafkaTransactions {
    /// Makes the sink; it connects in the background. `membership` is where the source leaves its own.
    ///
    /// # Errors
    /// When a secret cannot be read, or librdkafka refuses the settings.
    pub fn open(config: &KafkaSinkConfig, id: &str, membership: Membership) -> Result<Self, SinkError> {
        let inner = Inner {
            config: Arc::new(config.clone()),
            id: id.to_owned(),
            membership,
            ledger: Arc::default(),
            session: config.connection().session(),
            seat: Mutex::default(),
            watch: Watch::default(),
            apart: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            gone: OnceLock::new(),
        };
        inner.producer().map_err(|cause| SinkError::Settings { cause })?;
        Ok(Self(Arc::new(inner)))
    }

    /// Does `step` where it may block. One that does not come back is left behind, and with it the process.
    fn apart<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Inner) -> Result<T, Broken> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Broken>> {
        let inner = self.0.clone();
        Box::pin(async move {
            let watched = inner.clone();
            tokio::select! {
                done = tokio::task::spawn_blocking(move || step(&inner)) => {
                    done.unwrap_or_else(|error| Err(Broken::Again(error.to_string())))
                }
                () = watched.watch.until_stuck() => Err(watched.stuck()),
            }
        })
    }
}

impl Transactional for KafkaTransactions {
    fn prepare(&self) -> BoxFuture<'_, Result<(), Broken>> {
        self.apart(|inner| inner.prepare().map(drop))
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), Broken>> {
        self.apart(Inner::begin)
    }

    fn write(&self, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Vec<(u32, Outcome)>> {
        let len = only.count(documents.len());
        let (producer, was_alone) = {
            let seat = self.0.seat();
            (seat.producer.clone().filter(|_| len > 0), seat.apart)
        };
        let (inner, config) = (self.0.clone(), self.0.config.clone());
        let mut failures = self.0.ledger.failures();
        let answer = producer.as_ref().map(|producer| {
            let (documents, only) = (documents.clone(), only.clone());
            producer.put(len, |mark| Parcel::new(config, documents, only, mark))
        });
        Box::pin(async move {
            let Some(mut answer) = answer else { return Vec::new() };
            // Once one document has failed, librdkafka writes no other in this transaction and says nothing of them.
            let early = tokio::select! {
                biased;
                reports = &mut answer => Some(reports),
                _ = failures.changed() => None,
            };
            let answer = match early {
                Some(reports) => reports,
                None => {
                    producer.iter().for_each(|producer| producer.purge());
                    answer.await
                }
            };
            // A sender that was dropped would have told nothing of any of them.
            let reports = answer.unwrap_or_default().into_iter().chain(std::iter::repeat(Report::Out));
            let reports = only.indexes(documents.len()).map(|index| index as u32).zip(reports);
            let failed: Vec<_> = reports.filter(|(_, report)| *report != Report::Written).collect();
            if failed.iter().any(|(_, report)| outcome::may_be_its_own_fault(*report)) {
                inner.apart.store(true, Ordering::Relaxed);
            }
            failed
                .into_iter()
                .map(|(index, report)| (index, outcome::in_transaction(report, was_alone)))
                .collect()
        })
    }

    fn abort(&self) -> BoxFuture<'_, Result<(), Broken>> {
        self.apart(Inner::abort)
    }

    fn give_up(&self) {
        self.0.given_up.store(true, Ordering::Relaxed);
        if let Some(producer) = &self.0.seat().producer {
            producer.purge();
        }
    }
}

impl Committer for KafkaTransactions {
    fn commit(&self, positions: Vec<(Origin, Position)>) -> BoxFuture<'_, Result<(), CommitError>> {
        let committing = self.apart(move |inner| inner.commit(&positions));
        Box::pin(async move {
            committing.await.map_err(|broken| match broken {
                Broken::Again(reason) => CommitError(reason),
                Broken::Gone(error) => CommitError(error.to_string()),
            })
        })
    }
}

// === impl Inner ===

impl Inner {
    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The producer; a new one where there is none.
    fn producer(&self) -> Result<Arc<Producer>, String> {
        let mut seat = self.seat();
        let apart = self.apart.load(Ordering::Relaxed);
        if let Some(producer) = seat.producer.as_ref().filter(|_| seat.apart == apart) {
            return Ok(producer.clone());
        }
        let packing = if apart { Packing::Apart } else { Packing::Together };
        let mut settings = producer::settings(&self.config, packing).map_err(|error| error.to_string())?;
        settings.set("transactional.id", &self.id);
        // A transaction must end within its time-out whatever happens, and so must what is written in it.
        settings.remove("message.timeout.ms");
        let (producer, _) = Producer::start(&settings, self.ledger.clone(), self.session.clone())
            .map_err(|error| error.to_string())?;
        *seat = Seat { producer: Some(producer.clone()), apart, begun: false };
        Ok(producer)
    }

    /// A producer that has ended what was left open under its name.
    fn prepare(&self) -> Result<Arc<Producer>, Broken> {
        self.is_there()?;
        let producer = self.producer().map_err(Broken::Again)?;
        if !self.seat().begun {
            let begun = self.watch.during(|| producer.client().init_transactions(STEP));
            begun.map_err(|error| self.broken(&error))?;
            self.session.recovered();
            self.seat().begun = true;
        }
        Ok(producer)
    }

    fn begin(&self) -> Result<(), Broken> {
        let producer = self.prepare()?;
        let begun = self.watch.during(|| producer.client().begin_transaction());
        begun.map_err(|error| self.broken(&error))
    }

    fn commit(&self, positions: &[(Origin, Position)]) -> Result<(), Broken> {
        let producer = self.producer().map_err(Broken::Again)?;
        let client = producer.client();
        if let Some(member) = self.membership.current() {
            let offsets = member.offsets(positions).map_err(|error| self.broken(&error))?;
            if offsets.count() > 0 {
                self.patiently(|| client.send_offsets_to_transaction(&offsets, &member.group, STEP))?;
            }
        }
        CrashPoint::DeliveredNotCommitted.reach();
        // Asked for again as long as it takes: while its outcome is not known, nothing else may be done.
        let done = self.patiently(|| client.commit_transaction(STEP));
        CrashPoint::CommitSentNotAnswered.reach();
        // What was to be found by sending each document alone is found.
        self.apart.store(false, Ordering::Relaxed);
        done
    }

    fn abort(&self) -> Result<(), Broken> {
        self.is_there()?;
        let Some(producer) = self.seat().producer.clone() else { return Ok(()) };
        let done = self.patiently(|| producer.client().abort_transaction(STEP));
        // Where there was nothing to abort, or what there was cannot be aborted any more, a new producer begins by ending
        // what this one left open.
        match done {
            Err(Broken::Again(reason)) => {
                tracing::debug!(reason, "could not abort a transaction; the next begins with a new producer");
                self.seat().producer = None;
                Ok(())
            }
            done => done,
        }
    }

    fn is_there(&self) -> Result<(), Broken> {
        self.gone.get().map_or(Ok(()), |error| Err(Broken::Gone(error.clone())))
    }

    /// What an error means for the transactions to come.
    fn broken(&self, error: &KafkaError) -> Broken {
        let code = error.rdkafka_error_code();
        let fatal =
            self.seat().producer.as_ref().and_then(|producer| producer.client().client().fatal_error());
        let is_fence = |code: RDKafkaErrorCode| Fault::of(code) == Fault::Fenced;
        if code.is_some_and(is_fence) || fatal.as_ref().is_some_and(|(code, _)| is_fence(*code)) {
            return self.end(format!(
                "another process writes as `{}`, or a transaction took longer than `transaction.timeout.ms`; {}",
                self.id,
                Fault::Fenced.remedy()
            ));
        }
        if fatal.is_some() {
            self.seat().producer = None;
        }
        let said = self.session.last_error().filter(|_| code == Some(RDKafkaErrorCode::OperationTimedOut));
        let remedy = code.map_or("", |code| Fault::of(code).remedy());
        Broken::Again(format!("{}; {remedy}", said.unwrap_or_else(|| error.to_string())))
    }

    /// The client does not come back from a call. Nothing else can be asked of it, and beginning with another would stop the
    /// process that has the name now, if there is one.
    fn stuck(&self) -> Broken {
        self.end(format!(
            "librdkafka does not come back from a step of a transaction, as it may when another process writes as `{}`; {}",
            self.id,
            Fault::Fenced.remedy()
        ))
    }

    /// There are no transactions any more, for this reason or the first that there was.
    fn end(&self, cause: String) -> Broken {
        Broken::Gone(self.gone.get_or_init(|| SinkError::Remote { cause }).clone())
    }

    /// Does `step` again for as long as its error asks for that and nobody has given up.
    fn patiently(&self, mut step: impl FnMut() -> KafkaResult<()>) -> Result<(), Broken> {
        loop {
            match self.watch.during(&mut step) {
                Err(error) if is_to_be_repeated(&error) && !self.given_up.load(Ordering::Relaxed) => {}
                done => return done.map_err(|error| self.broken(&error)),
            }
        }
    }
}

fn is_to_be_repeated(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable() && !error.txn_requires_abort(),
        KafkaError::Flush(code) => *code == RDKafkaErrorCode::OperationTimedOut,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use tokio::time::{advance, pause};

    use super::*;

    fn settings() -> KafkaSinkConfig {
        serde_json::from_str(r#"{ "brokers": ["127.0.0.1:1"], "topic": "events" }"#).unwrap()
    }

    #[tokio::test]
    async fn a_step_that_does_not_come_back_is_left_behind_and_there_are_no_transactions_any_more() {
        let sink = KafkaTransactions::open(&settings(), "writer", Membership::default()).unwrap();
        pause();
        let (let_go, held) = sync_channel::<()>(0);
        let (begins, begun) = tokio::sync::oneshot::channel();
        let step = sink.apart(move |inner| {
            // It comes back when the test is over: the runtime would wait for it.
            let _ = inner.watch.during(|| {
                let _ = begins.send(());
                held.recv()
            });
            Ok(())
        });
        let time = async {
            begun.await.unwrap();
            for _ in 0..100 {
                advance(Duration::from_secs(2)).await;
                tokio::task::yield_now().await;
            }
        };
        let left = tokio::select! {
            left = step => left,
            () = time => Ok(()),
        };
        let Err(Broken::Gone(error)) = left else { panic!("{left:?}") };
        assert!(error.to_string().contains("another process writes as `writer`"), "{error}");
        assert_eq!(sink.begin().await, Err(Broken::Gone(error.clone())));
        assert_eq!(sink.abort().await, Err(Broken::Gone(error)));
        drop(let_go);
    }
}

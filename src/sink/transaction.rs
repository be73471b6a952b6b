//! Transactions: documents and the positions of their records become visible together, or neither does.
//!
//! Every chunk of a source comes as one set of documents, what is quarantined of it among them, so a transaction that holds
//! whole sets commits whole chunks. Sets are written as they come; after a while what was written is committed with the
//! positions that it covers. When that fails the transaction is aborted, nobody ever sees it, and the same sets are written
//! again in the next one, less those whose partitions went to another worker meanwhile.

mod unit;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::{DocSet, Outcome, Refused, SinkError};
use crate::{
    event::{Documents, Origin, Position},
    pipe::{Backoff, BoxFuture, CommitError, Committer, QueueReceiver, Stop, StopSwitch},
    telemetry::{books::SinkBooks, health::Health},
};

use unit::Unit;

/// A place whose deliveries can be taken back until they are committed. Its [`Committer`] commits what was written since
/// [`Transactional::begin`] together with the positions it is given.
pub trait Transactional: Committer {
    /// Ends what an earlier process of the same name left open. Asked for before anything is written: until it is done, the
    /// source may not be told where to begin.
    fn prepare(&self) -> BoxFuture<'_, Result<(), Broken>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Begins a transaction.
    fn begin(&self) -> BoxFuture<'_, Result<(), Broken>>;

    /// Writes `only` these of `documents`; they are handed over before this returns its future. Answers which were not
    /// taken, in rising order.
    fn write(&self, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Vec<(u32, Outcome)>>;

    /// Takes back what was written since the last [`Transactional::begin`].
    fn abort(&self) -> BoxFuture<'_, Result<(), Broken>>;

    /// The drain's grace is over: what is under way ends soon after, and nothing is tried again. What is open then is taken
    /// back when the next process of the name begins.
    fn give_up(&self) {}
}

/// Why there can be no transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// Not this time.
    Again(String),
    /// Never again in this process.
    Gone(SinkError),
}

/// Books by what a document tells.
#[derive(Debug, Clone)]
pub struct TransactionBooks {
    /// Events and findings.
    pub sink: SinkBooks,
    /// What is quarantined.
    pub quarantine: SinkBooks,
    /// What was refused.
    pub dead_letter: SinkBooks,
}

/// Makes dead letters of what was refused.
pub type Compose = Arc<dyn Fn(&[Refused]) -> Documents + Send + Sync>;

/// Delivers everything that leaves, transaction after transaction.
pub struct TransactionLoop {
    /// The sink's name in logs, metrics and health.
    pub name: String,
    /// The sink.
    pub sink: Arc<dyn Transactional>,
    /// Its documents, a set for each chunk.
    pub queue: QueueReceiver<Documents>,
    /// How long a transaction stays open for more.
    pub every: Duration,
    /// Makes dead letters, which leave in the transaction of their neighbours.
    pub compose: Compose,
    /// Waits between tries.
    pub backoff: Backoff,
    /// Its books, the quarantine's and the dead letter's.
    pub books: TransactionBooks,
    /// Where it says whether the sink works.
    pub health: Health,
    /// Says when to give up: the drain's grace is over.
    pub give_up: Stop,
    /// Takes back the buffers of what is delivered.
    pub recycle: Arc<dyn Fn(Documents) + Send + Sync>,
    /// Says at once that the sink can never deliver again, so that no more is read for it.
    pub gone: Arc<StopSwitch>,
}

/// How a transaction ended.
enum Ending {
    Committed,
    /// Aborted because some documents were refused, or some partitions are another worker's: the rest may go at once.
    Reduced,
    Again(String),
    Gone(SinkError),
}

/// Bytes of documents in one transaction; less than the queue holds, so that the next one's wait there.
const TRANSACTION_BYTES: usize = 8 << 20;

/// How long the other side may be silent before that is told.
const QUIET: Duration = Duration::from_secs(5);

// === impl TransactionLoop ===

impl TransactionLoop {
    /// Delivers until the queue is closed and empty.
    ///
    /// # Errors
    /// When the sink can never deliver again. What was not committed is abandoned: its records will be read again.
    pub async fn run(mut self) -> Result<(), SinkError> {
        let mut units: Vec<Unit> = Vec::new();
        // Where it is never possible, the first transaction finds out too.
        while let Err(Broken::Again(reason)) = self.sink.prepare().await {
            if !self.wait(&reason).await {
                break;
            }
        }
        loop {
            if units.is_empty() {
                let Some((documents, room)) = self.queue.next().await else { return Ok(()) };
                units.push(Unit::new(documents, room));
            }
            match self.transaction(&mut units).await {
                Ending::Committed => self.settle(&mut units),
                Ending::Reduced => {}
                Ending::Again(reason) => {
                    if !self.wait(&reason).await {
                        self.abandon(&mut units);
                    }
                }
                Ending::Gone(error) => {
                    self.health.ail(&self.name, &error.to_string());
                    self.gone.stop();
                    self.abandon(&mut units);
                    while let Some((documents, room)) = self.queue.next().await {
                        self.abandon(&mut vec![Unit::new(documents, room)]);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Writes `units` and what comes meanwhile, and commits it all.
    async fn transaction(&mut self, units: &mut Vec<Unit>) -> Ending {
        let mut fenced: Vec<Unit> = units.extract_if(.., |unit| unit.is_fenced()).collect();
        self.abandon(&mut fenced);
        if units.is_empty() {
            return Ending::Reduced;
        }
        if let Err(broken) = self.sink.begin().await {
            return broken.into();
        }
        let mut writing = JoinSet::new();
        self.write_letters(units, &mut writing);
        for (place, unit) in units.iter().enumerate() {
            self.write(place, unit, &mut writing);
        }
        let is_whole = self.write_more(units, &mut writing).await;
        let ending = match self.told(self.written(units, writing)).await {
            Some(ending) => ending,
            None if !is_whole => Ending::Again("the rest of a record did not come".to_owned()),
            None if units.iter().any(Unit::is_fenced) => Ending::Reduced,
            None => match self.told(self.commit(covered(units))).await {
                Ok(()) => return Ending::Committed,
                Err(error) => Ending::Again(error.to_string()),
            },
        };
        if self.give_up.is_stopped() {
            return Ending::Again("the drain's grace is over".to_owned());
        }
        match self.sink.abort().await {
            Ok(()) => ending,
            Err(broken) => broken.into(),
        }
    }

    /// What comes of `step`; where nothing comes of it for a while, that is told.
    async fn told<T>(&self, step: impl Future<Output = T>) -> T {
        let mut step = std::pin::pin!(step);
        tokio::select! {
            done = &mut step => return done,
            () = sleep(QUIET) => self.health.ail(&self.name, "the cluster does not answer; waiting until it does"),
        }
        step.await
    }

    /// Commits what is written, with `positions`; once the drain's grace is over, not at any price.
    async fn commit(&self, positions: Vec<(Origin, Position)>) -> Result<(), CommitError> {
        let mut give_up = self.give_up.clone();
        let mut committing = self.sink.commit(positions);
        tokio::select! {
            biased;
            done = &mut committing => return done,
            () = give_up.stopped() => self.sink.give_up(),
        }
        committing.await
    }

    fn write(&self, place: usize, unit: &Unit, writing: &mut JoinSet<(usize, Vec<(u32, Outcome)>)>) {
        let answer = self.sink.write(unit.documents.clone(), unit.wanted());
        writing.spawn(async move { (place, answer.await) });
    }

    /// Writes dead letters for what earlier tries have shown to be refused.
    fn write_letters(&self, units: &[Unit], writing: &mut JoinSet<(usize, Vec<(u32, Outcome)>)>) {
        let refused: Vec<Refused> = units.iter().flat_map(Unit::refusals).collect();
        if refused.is_empty() {
            return;
        }
        let letters = Arc::new((self.compose)(&refused));
        let answer = self.sink.write(letters, DocSet::All);
        writing.spawn(async move { (usize::MAX, answer.await) });
    }

    /// Takes from the queue and writes until the transaction is old or large enough. Says whether all is there of what
    /// was received together.
    async fn write_more(
        &mut self,
        units: &mut Vec<Unit>,
        writing: &mut JoinSet<(usize, Vec<(u32, Outcome)>)>,
    ) -> bool {
        let mut old = std::pin::pin!(sleep(self.every));
        let mut bytes: usize = units.iter().map(|unit| unit.documents.bytes.len()).sum();
        loop {
            let unfinished = units.last().is_some_and(Unit::is_unfinished);
            if bytes >= TRANSACTION_BYTES && !unfinished {
                return true;
            }
            let next = tokio::select! {
                next = self.queue.next() => next,
                () = &mut old, if !unfinished => return true,
            };
            let Some((documents, room)) = next else { return !unfinished };
            let unit = Unit::new(documents, room);
            bytes += unit.documents.bytes.len();
            self.write(units.len(), &unit, writing);
            units.push(unit);
        }
    }

    /// Waits until everything is written; says how the transaction ends where that did not go.
    async fn written(
        &self,
        units: &mut [Unit],
        mut writing: JoinSet<(usize, Vec<(u32, Outcome)>)>,
    ) -> Option<Ending> {
        let mut ending = None;
        let mut give_up = self.give_up.clone();
        loop {
            let answer = tokio::select! {
                answer = writing.join_next() => answer,
                () = give_up.stopped() => {
                    self.sink.give_up();
                    return Some(Ending::Again("the drain's grace is over".to_owned()));
                }
            };
            let Some(answer) = answer else { return ending };
            let Ok((place, others)) = answer else { continue };
            for (index, outcome) in others {
                match (outcome, units.get_mut(place)) {
                    (Outcome::Refused { status, reason }, Some(unit)) => {
                        tracing::warn!(sink = self.name, reason, "a document is refused for good");
                        unit.refuse(index, status, reason);
                        ending.get_or_insert(Ending::Reduced);
                    }
                    (Outcome::Refused { reason, .. } | Outcome::Retry { reason, .. }, _) => {
                        ending = Some(Ending::Again(reason));
                    }
                }
            }
        }
    }

    /// Waits before the next try. False when it was told to give up.
    async fn wait(&mut self, reason: &str) -> bool {
        if self.backoff.tries() == 0 {
            tracing::warn!(
                sink = self.name,
                reason,
                "could not commit a transaction; trying again until it works"
            );
        }
        self.health.ail(&self.name, reason);
        self.books.sink.retries.inc();
        let wait = self.backoff.next_wait(None);
        tokio::select! {
            () = sleep(wait) => !self.give_up.is_stopped(),
            () = self.give_up.stopped() => false,
        }
    }

    /// Confirms and counts what is committed.
    fn settle(&mut self, units: &mut Vec<Unit>) {
        self.backoff.reset();
        if self.health.recover(&self.name) {
            tracing::info!(sink = self.name, "delivers again");
        }
        for unit in units.drain(..) {
            unit.count_delivered(&self.books);
            if let Some(documents) = unit.confirm() {
                (self.recycle)(documents);
            }
        }
    }

    /// Gives `units` up: their records are read again, by us or by whoever has their partitions now.
    fn abandon(&self, units: &mut Vec<Unit>) {
        for unit in units.drain(..) {
            unit.count_given_up(&self.books);
        }
    }
}

impl From<Broken> for Ending {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Again(reason) => Self::Again(reason),
            Broken::Gone(error) => Self::Gone(error),
        }
    }
}

/// Up to where `units` cover each origin.
fn covered(units: &[Unit]) -> Vec<(Origin, Position)> {
    let mut positions = BTreeMap::new();
    for covered in units.iter().filter_map(|unit| unit.receipt.covers()) {
        let position = positions.entry(covered.origin).or_insert(covered.next);
        *position = covered.next.max(*position);
    }
    positions.into_iter().collect()
}

#[cfg(test)]
mod tests;

//! Keying anew: a worker says what it reads of each entity to the worker that scores that entity, by way of a topic.
//!
//! Its own source's events leave without a score and become observations; what comes out of the topic is scored and leaves as
//! findings alone. Both are the same process, and each of several does both. Marks in every partition of the topic say how far
//! the source's partitions have come, so that a window folds when it is whole for all of them.

#[cfg(feature = "kafka")]
mod changelog;
#[cfg(feature = "kafka")]
mod crew;
#[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only Kafka has parts"))]
mod parts;
#[cfg(feature = "kafka")]
mod pools;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

#[cfg(feature = "kafka")]
pub(super) use crew::{Crew, Working, look};
#[cfg(feature = "kafka")]
pub(super) use parts::PartsProgress;
pub(super) use parts::{Asked, PartTurn, Parts};

use super::{App, BuiltSource, outlet::Outlet};
use crate::{
    event::{Batch, Documents, Field, Partition, Receipt, SourceId},
    normalize::{ObservationWriter, mark},
    score::Keyer,
    sink::To,
    telemetry::clock,
};

/// What keying anew needs.
pub(super) struct Rekey {
    /// The source that reads the topic.
    pub(super) source: SourceId,
    /// Where observations leave to the topic.
    pub(super) outlet: Outlet,
    pub(super) keyer: Keyer,
    /// What comes out of the topic is scored in parts.
    pub(super) parts: Arc<Parts>,
    to: To,
    /// The topics whose partitions observations speak of.
    topics: Vec<String>,
    marks: Mutex<Marks>,
}

/// How far the partitions of the source have come, as far as that was written.
#[derive(Default)]
struct Marks {
    streams: BTreeMap<Partition, u64>,
    /// A key for each partition of the topic, once the cluster has said how many there are.
    keys: Vec<Vec<u8>>,
    /// How many partitions the source has, over all workers; 0 while nobody could say.
    count: u64,
    ticks: u32,
}

/// What a step of the source says of its partitions.
#[derive(Clone, Copy)]
pub(super) enum Stir<'a> {
    /// Nothing.
    Nothing,
    /// These are read here from now on.
    Begun(&'a [Partition]),
    /// These are not any more.
    Ended(&'a [Partition]),
    /// Time has passed.
    Tick,
}

/// The observations of a batch on their way out, and how far its partition has come with them.
pub(super) struct Observed {
    documents: Documents,
    passed: Option<(Partition, u64)>,
}

/// The name that both ends of the topic have in metrics and logs.
pub(super) const REKEY: &str = "rekey";
/// Ticks, of a second each, between marks.
const MARK_EVERY: u32 = 10;
/// How far ahead of the clock a record's end may lie and still be believed, in seconds.
const AHEAD_MAX: u64 = 86_400;

// === impl App ===

impl App {
    /// Whether what a source brings is scored by who reads it.
    pub(super) fn scores_what_it_reads(&self) -> bool {
        #[cfg(feature = "kafka")]
        if self.config.rekey.is_some() {
            return false;
        }
        !self.config.score.identity.is_empty()
    }

    /// What keying anew needs, where one of `sources` reads the topic that `outlet` leads to.
    #[cfg(feature = "kafka")]
    pub(super) fn rekey(&self, sources: &[BuiltSource], outlet: Outlet) -> Option<Rekey> {
        let crate::config::Rekeyed { to, topics, .. } = self.config.rekeyed()?;
        let source = sources.iter().position(|built| built.is_rekeyed)?;
        let keyer = Keyer::new(&self.config.score, &self.metrics);
        let parts = self.crew.as_ref()?.parts.clone();
        Some(Rekey {
            source: SourceId(source as u16),
            outlet,
            keyer,
            parts,
            to,
            topics,
            marks: Mutex::default(),
        })
    }

    #[cfg(not(feature = "kafka"))]
    pub(super) fn rekey(&self, _: &[BuiltSource], _: Outlet) -> Option<Rekey> {
        None
    }
}

// === impl Rekey ===

impl Rekey {
    /// Whether `batch` came out of the topic.
    pub(super) fn brought(&self, batch: &Batch) -> bool {
        batch.chunk.as_ref().is_some_and(|chunk| chunk.source == self.source)
    }

    /// The observations of `batch`.
    pub(super) fn observed(
        &self,
        writer: &mut ObservationWriter,
        batch: &Batch,
        receipt: &Receipt,
    ) -> Option<Observed> {
        let chunk = batch.chunk.as_ref().filter(|_| !self.brought(batch))?;
        let mut documents = self.outlet.spare.take(receipt.clone());
        documents.unfinished = chunk.unfinished;
        writer.write(batch, &mut documents);
        let most = clock::wall_millis() / 1_000 + AHEAD_MAX;
        let ends = batch.events.iter().filter_map(|event| batch.uint(event, Field::End));
        let latest = ends.filter(|end| *end <= most).max();
        Some(Observed { documents, passed: latest.map(|latest| (chunk.partition.clone(), latest)) })
    }

    /// Lets what was observed leave, and marks of what `stir` says; called in the order of tickets.
    pub(super) async fn leave(&self, observed: Option<Observed>, stir: Stir<'_>, receipt: &Receipt) {
        if let Some(Observed { documents, passed }) = observed {
            self.put(documents).await;
            if let Some((partition, passed)) = passed {
                let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
                let latest = marks.streams.entry(partition).or_default();
                *latest = passed.max(*latest);
            }
        }
        if let Some(documents) = self.marked(stir, receipt) {
            self.put(documents).await;
        }
    }

    async fn put(&self, documents: Documents) {
        let count = documents.len();
        self.outlet.books.documents_offered.inc_by(count as u64);
        self.outlet.books.documents_in_flight.inc_by(count as i64);
        self.outlet.put(documents).await;
    }

    /// The marks that `stir` calls for.
    fn marked(&self, stir: Stir<'_>, receipt: &Receipt) -> Option<Documents> {
        let marks = &mut *self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        match stir {
            Stir::Nothing => return None,
            Stir::Begun(partitions) => {
                marks.streams.extend(partitions.iter().map(|partition| (partition.clone(), 0)));
                // There may be more of them than there were.
                if !partitions.is_empty() {
                    self.look(marks);
                }
            }
            Stir::Ended(partitions) => {
                marks.streams.retain(|partition, _| !partitions.contains(partition));
                return None;
            }
            Stir::Tick => {
                marks.ticks += 1;
                if !marks.ticks.is_multiple_of(MARK_EVERY) {
                    return None;
                }
                if marks.keys.is_empty() && !marks.streams.is_empty() {
                    self.look(marks);
                }
            }
        }
        let mut documents = self.outlet.spare.take(receipt.clone());
        for (stream, passed) in &marks.streams {
            mark(stream, (*passed, marks.count), &marks.keys, &mut documents);
        }
        Some(documents)
    }

    /// Asks the cluster for a key for each partition of the topic, and how many partitions the source has. Where it does not say,
    /// it is asked again with the next marks.
    #[cfg(feature = "kafka")]
    fn look(&self, marks: &mut Marks) {
        if let Some(kafka) = self.to.kafka() {
            match crate::sink::Spots::ask(kafka, &self.topics) {
                Ok(spots) => (marks.keys, marks.count) = (spots.keys, spots.streams),
                Err(error) => {
                    tracing::warn!(%error, "could not mark how far the source has come; trying again")
                }
            }
        }
    }

    #[cfg(not(feature = "kafka"))]
    fn look(&self, _: &mut Marks) {}
}

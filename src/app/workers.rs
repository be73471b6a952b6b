//! The workers: threads that take the input step by step through parse, enrich, score and normalize.
//!
//! Each step gets a ticket when it is taken. Parsing, enriching and writing documents run side by side; resolving,
//! scoring and handing documents to the sinks happen in the order of the tickets.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use tokio::runtime::Handle;

use super::{
    checks::Checks,
    crashes::{self, Crashes},
    kit::Kit,
    outlet::Outlet,
    rekey::{Asked, PartTurn, Parts, Rekey, Stir},
};
use crate::{
    enrich::Stage,
    event::{Batch, Chunk, Documents, Origin, Partition, Receipt, SourceId},
    normalize::{Form, Selection, quarantine},
    parse::Resolver,
    pipe::{Barrier, Intake, Step, Turn, Window},
    score::Scorer,
    telemetry::{books::SinkBooks, clock, crash},
};

/// What all workers share.
pub(super) struct Line {
    pub(super) front: Mutex<Front>,
    /// Absent while another process holds the state: then documents leave without a score.
    pub(super) scorer: Option<Arc<Scorer>>,
    /// Where others may score what this process reads, and it what they read.
    pub(super) rekey: Option<Rekey>,
    /// Where documents leave in the order of their tickets.
    pub(super) door: Turn,
    /// The sources' names, in the order of their ids.
    pub(super) sources: Vec<String>,
    pub(super) outlets: Vec<(Outlet, Form, Selection)>,
    /// The place among a worker's writers of each of them.
    pub(super) dialects: Vec<usize>,
    /// Where documents are offered to be checked, where a share of them is.
    pub(super) checks: Option<Checks>,
    pub(super) quarantine: Quarantine,
    /// The window of what no record brought: findings that a fold raised while only time passed.
    pub(super) clock_window: Arc<Window>,
    pub(super) runtime: Handle,
}

/// Where what is quarantined goes.
pub(super) enum Quarantine {
    /// To a place of its own.
    Apart(Outlet),
    /// With the documents of the one sink, in its transactions; counted in these books.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only Kafka has transactions"))]
    Within(SinkBooks),
}

/// Where steps are taken, one at a time and in order.
pub(super) struct Front {
    intake: Intake,
    resolver: Resolver,
    crashes: Crashes,
    /// A step that comes after what is resolved before it.
    held: Option<Work>,
    /// The source whose records are scored in parts, and these.
    parts: Option<(SourceId, Arc<Parts>)>,
    resolved: VecDeque<Chunk>,
    scratch: Vec<Chunk>,
    tickets: u64,
}

/// A step after resolving.
#[expect(clippy::large_enum_variant, reason = "nearly every step is a chunk, and none is kept for long")]
enum Work {
    Chunk(Chunk),
    Assigned(SourceId, Vec<Partition>),
    Ended(SourceId, Vec<Partition>),
    Anew(Origin),
    Divided(SourceId, bool),
    Tick(u64),
    Barrier(Barrier),
    Finish,
}

/// A step that was taken.
struct Taken {
    ticket: u64,
    work: Work,
    /// The turns of the parts that it is about.
    turns: Vec<PartTurn>,
    /// Who asks at this step what parts remember.
    asked: Option<Asked>,
}

// === impl Line ===

impl Line {
    /// Starts a thread for each of `kits`. They end when every feed is dropped and all is worked off.
    pub(super) fn start(self: &Arc<Self>, kits: Vec<Kit>) -> std::io::Result<Vec<JoinHandle<()>>> {
        let threads = kits.into_iter().enumerate().map(|(index, kit)| {
            let line = self.clone();
            std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || line.work(kit))
        });
        threads.collect()
    }

    fn work(&self, mut kit: Kit) {
        loop {
            let next = self.front.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(Taken { ticket, work, turns, asked }) = next else { return };
            match work {
                Work::Chunk(chunk) => self.chunk(ticket, chunk, &turns, &mut kit),
                Work::Assigned(source, partitions) if self.is_in_parts(source) => {
                    for (turn, partition) in turns.iter().zip(&partitions) {
                        turn.part.scorer.assigned(turn.ticket, std::slice::from_ref(partition));
                    }
                    self.recordless(ticket, &mut kit, |scorer, _| scorer.skip(ticket));
                }
                Work::Ended(source, _) | Work::Divided(source, _) if self.is_in_parts(source) => {
                    self.recordless(ticket, &mut kit, |scorer, _| scorer.skip(ticket));
                }
                Work::Assigned(source, partitions) if !self.scores(source) => {
                    let begun = Stir::Begun(&partitions);
                    self.stirred(ticket, &mut kit, begun, |scorer, _| scorer.skip(ticket));
                }
                Work::Ended(source, partitions) if !self.scores(source) => {
                    let ended = Stir::Ended(&partitions);
                    self.stirred(ticket, &mut kit, ended, |scorer, _| scorer.skip(ticket));
                }
                Work::Divided(source, _) if !self.scores(source) => {
                    self.recordless(ticket, &mut kit, |scorer, _| scorer.skip(ticket));
                }
                Work::Assigned(_, partitions) => {
                    self.recordless(ticket, &mut kit, |scorer, _| scorer.assigned(ticket, &partitions));
                }
                Work::Ended(_, partitions) => {
                    self.recordless(ticket, &mut kit, |scorer, batch| {
                        scorer.ended(ticket, &partitions, batch)
                    });
                }
                Work::Anew(origin) => {
                    turns.iter().for_each(|turn| turn.part.scorer.anew(turn.ticket, &origin));
                    self.recordless(ticket, &mut kit, |scorer, _| scorer.anew(ticket, &origin));
                }
                Work::Divided(source, divided) => {
                    self.recordless(ticket, &mut kit, |scorer, _| scorer.divided(ticket, source, divided));
                }
                Work::Tick(now) => self.stirred(ticket, &mut kit, Stir::Tick, |scorer, batch| {
                    scorer.tick(ticket, now, batch);
                    turns.iter().for_each(|turn| turn.part.scorer.tick(turn.ticket, now, batch));
                }),
                Work::Finish => {
                    self.recordless(ticket, &mut kit, |scorer, batch| scorer.finish(ticket, batch))
                }
                Work::Barrier(Barrier(action)) => {
                    action(ticket);
                    if let Some(asked) = asked {
                        asked.tell(ticket);
                    }
                    self.door.take(ticket, || ());
                }
            }
        }
    }

    fn chunk(&self, ticket: u64, chunk: Chunk, turns: &[PartTurn], kit: &mut Kit) {
        crashes::at(&chunk);
        // What is quarantined already does no harm.
        if !chunk.entries.is_empty() {
            crash::poisoned(&chunk.bytes);
        }
        kit.parser.parse(chunk, &mut kit.batch);
        kit.enricher.apply(&mut kit.batch);
        if let Some(scorer) = &self.scorer {
            self.score(scorer, ticket, turns, &mut kit.batch);
        }
        kit.stitch();
        let receipt =
            kit.batch.chunk.as_mut().map(|chunk| std::mem::replace(&mut chunk.receipt, Receipt::unclaimed()));
        self.leave(ticket, kit, receipt.unwrap_or_else(Receipt::unclaimed), Stir::Nothing);
        crashes::through();
    }

    /// Whether what `source` brings is scored here.
    fn scores(&self, source: SourceId) -> bool {
        self.rekey.as_ref().is_none_or(|rekey| rekey.source == source)
    }

    /// Whether what `source` brings is scored in parts.
    fn is_in_parts(&self, source: SourceId) -> bool {
        self.rekey.as_ref().is_some_and(|rekey| rekey.source == source)
    }

    fn score(&self, scorer: &Scorer, ticket: u64, turns: &[PartTurn], batch: &mut Batch) {
        match &self.rekey {
            Some(rekey) if !rekey.brought(batch) => {
                rekey.keyer.key(batch);
                scorer.pass_on(ticket, batch);
            }
            // The events have left where they were read.
            Some(_) => {
                batch.events.iter_mut().for_each(|event| event.deliver = false);
                scorer.skip(ticket);
                // None where the partition has gone meanwhile: whoever has it now reads these again.
                turns.iter().for_each(|turn| turn.part.scorer.score(turn.ticket, batch));
            }
            None => scorer.score(ticket, batch),
        }
    }

    /// A step that brings no record, but may fold windows and so raise findings.
    fn recordless(&self, ticket: u64, kit: &mut Kit, act: impl FnOnce(&Scorer, &mut Batch)) {
        self.stirred(ticket, kit, Stir::Nothing, act);
    }

    /// The same, for a step that says something of partitions.
    fn stirred(&self, ticket: u64, kit: &mut Kit, stir: Stir<'_>, act: impl FnOnce(&Scorer, &mut Batch)) {
        kit.batch.empty();
        // The parser numbers its batches upwards from 1.
        kit.batch.serial = u64::MAX - ticket;
        // Admitted before it acts, so that a snapshot after it waits for its findings.
        let receipt = self.clock_window.admit_now(ticket);
        if let Some(scorer) = &self.scorer {
            act(scorer, &mut kit.batch);
        }
        kit.stitch();
        self.leave(ticket, kit, receipt, stir);
    }

    /// Writes the documents of what the batch holds, and lets them leave in turn.
    fn leave(&self, ticket: u64, kit: &mut Kit, receipt: Receipt, stir: Stir<'_>) {
        let Kit { normalizers, observations, batch, .. } = kit;
        let now = clock::wall_millis();
        let written = self.outlets.iter().zip(&self.dialects).enumerate();
        let written = written.map(|(sink, ((outlet, _, selection), dialect))| {
            let normalizer = &mut normalizers[*dialect];
            let mut documents = outlet.spare.take(receipt.clone());
            documents.unfinished = batch.chunk.as_ref().is_some_and(|chunk| chunk.unfinished);
            let tally = normalizer.documents(batch, selection, now, &mut documents);
            let books = &outlet.books;
            books.documents_offered.inc_by(tally.written + tally.filtered + tally.sampled);
            books.documents_filtered.inc_by(tally.filtered);
            books.documents_sampled.inc_by(tally.sampled);
            books.documents_in_flight.inc_by(tally.written as i64);
            if let Some(checks) = &self.checks {
                checks.offer(sink, batch, &documents);
            }
            documents
        });
        let mut written: Vec<Documents> = written.collect();
        let rekey = self.rekey.as_ref();
        let observed = rekey.and_then(|rekey| rekey.observed(observations, batch, &receipt));
        let mut quarantined = None;
        if !batch.rejects.is_empty() {
            match &self.quarantine {
                Quarantine::Apart(outlet) => {
                    quarantined = Some((outlet, self.quarantined(outlet, batch, receipt.clone())))
                }
                Quarantine::Within(books) => {
                    written.iter_mut().for_each(|documents| self.quarantine_into(documents, books, batch))
                }
            }
        }
        self.door.take(ticket, || {
            for ((outlet, ..), documents) in self.outlets.iter().zip(written) {
                self.runtime.block_on(outlet.put(documents));
            }
            if let Some(rekey) = rekey {
                self.runtime.block_on(rekey.leave(observed, stir, &receipt));
            }
            if let Some((outlet, documents)) = quarantined {
                self.runtime.block_on(outlet.put(documents));
            }
        });
        batch.empty();
        receipt.confirm();
    }

    fn quarantined(&self, outlet: &Outlet, batch: &Batch, receipt: Receipt) -> Documents {
        let mut documents = outlet.spare.take(receipt);
        self.quarantine_into(&mut documents, &outlet.books, batch);
        documents
    }

    fn quarantine_into(&self, documents: &mut Documents, books: &SinkBooks, batch: &Batch) {
        let before = documents.len();
        if let Some(chunk) = &batch.chunk {
            quarantine(batch, &self.sources[usize::from(chunk.source.0)], documents);
        }
        let count = documents.len() - before;
        books.documents_offered.inc_by(count as u64);
        books.documents_in_flight.inc_by(count as i64);
    }
}

// === impl Front ===

impl Front {
    pub(super) fn new(
        intake: Intake,
        resolver: Resolver,
        crashes: Crashes,
        parts: Option<(SourceId, Arc<Parts>)>,
    ) -> Self {
        Self {
            intake,
            resolver,
            crashes,
            held: None,
            parts,
            resolved: VecDeque::new(),
            scratch: Vec::new(),
            tickets: 0,
        }
    }

    /// The next piece of work and its ticket; `None` when every feed is dropped and all is taken.
    fn next(&mut self) -> Option<Taken> {
        let work = loop {
            if let Some(mut chunk) = self.resolved.pop_front() {
                self.crashes.screen(&mut chunk);
                break Work::Chunk(chunk);
            }
            if let Some(work) = self.held.take() {
                break work;
            }
            match self.intake.next_blocking()? {
                Step::Chunk(chunk) => self.resolver.chunk(chunk, &mut self.scratch),
                Step::Assigned(source, partitions) => self.held = Some(Work::Assigned(source, partitions)),
                Step::Ended(source, partitions) => {
                    for partition in &partitions {
                        self.resolver.ended(source, partition, &mut self.scratch);
                    }
                    self.held = Some(Work::Ended(source, partitions));
                }
                Step::Anew(origin) => self.held = Some(Work::Anew(origin)),
                Step::Divided(source, divided) => self.held = Some(Work::Divided(source, divided)),
                Step::Tick(now) => {
                    self.resolver.tick(now, &mut self.scratch);
                    self.held = Some(Work::Tick(now));
                }
                Step::Barrier(barrier) => self.held = Some(Work::Barrier(barrier)),
                Step::Finish => self.held = Some(Work::Finish),
            }
            for found in self.resolver.found() {
                tracing::debug!(origin = %found.origin, format = &*found.format, how = %found.how, "found a layout");
            }
            for advice in self.resolver.advice() {
                tracing::warn!(origin = %advice.origin, "{}", advice.text);
            }
            self.resolved.extend(self.scratch.drain(..));
        };
        let ticket = self.tickets;
        self.tickets += 1;
        Some(self.taken(ticket, work))
    }

    /// With the turns of the parts that `work` is about: here their tickets are in order.
    fn taken(&self, ticket: u64, mut work: Work) -> Taken {
        let (mut turns, mut asked) = (Vec::new(), None);
        if let Some((source, parts)) = &self.parts {
            match &mut work {
                Work::Chunk(chunk) if chunk.source == *source => turns = parts.turn(&chunk.partition),
                Work::Assigned(of, partitions) if *of == *source => {
                    (turns, *partitions) = parts.come(partitions).into_iter().unzip();
                }
                Work::Ended(of, partitions) if *of == *source => parts.go(partitions),
                Work::Anew(origin) => turns = parts.turn_of(origin),
                Work::Tick(_) => turns = parts.turns(),
                Work::Barrier(_) => asked = parts.asked(),
                _ => {}
            }
        }
        Taken { ticket, work, turns, asked }
    }
}

/// The origin of what only the passing of time brings.
pub(super) fn clock_origin() -> Origin {
    Origin::from_text("clock")
}

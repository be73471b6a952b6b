//! The first pass: threads that take file after file, parse it, and add it up, each in a table of its own.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use super::{LearnError, LearnOptions, LearnProgress};
use crate::{
    config::Past,
    enrich::{self, Enricher},
    event::{Batch, Chunk, Origin, Partition, SourceId},
    parse::{Input, Parser, Resolver},
    score::Table,
    source::file::ArchiveFile,
    telemetry::{books::SourceBooks, metrics::Metrics},
};

/// What may wait of one stream until its layout is known, in bytes.
const WAITING_BYTES_MAX: usize = 256 << 20;

/// What all threads share.
pub(super) struct Bench {
    inputs: Arc<[Input]>,
    parser: Parser,
    tables: Arc<enrich::Shared>,
    books: SourceBooks,
}

/// The files that are left, and what is known of those that were taken.
struct Pile<'a> {
    files: Mutex<Vec<(u64, PathBuf)>>,
    origins: Mutex<BTreeSet<Origin>>,
    /// Bytes and rows of all tables.
    bytes: AtomicU64,
    rows: AtomicU64,
    bytes_max: u64,
    /// One has failed: the others need not go on.
    failed: AtomicBool,
    progress: &'a LearnProgress,
}

/// One thread's tools.
struct Kit<'a> {
    bench: &'a Bench,
    pile: &'a Pile<'a>,
    partition: Partition,
    resolver: Resolver,
    parser: Parser,
    enricher: Enricher,
    batch: Batch,
    table: &'a mut Table,
    resolved: Vec<Chunk>,
    /// The bytes of the chunk before, to be used again.
    room: Vec<u8>,
    /// What the table took, and how many rows it had, when the others were told.
    told: (u64, u64),
}

// === impl Bench ===

impl Bench {
    pub(super) fn new(settings: &Past, metrics: &Metrics) -> Result<Self, LearnError> {
        let books = SourceBooks::new(metrics, "archive");
        let format = settings.format.format_received(WAITING_BYTES_MAX, None);
        let inputs: Arc<[Input]> = Arc::new([Input { format, books: books.clone() }]);
        let tables = enrich::Shared::open(&settings.enrich, metrics).map_err(LearnError::Enrich)?;
        Ok(Self { parser: Parser::new(inputs.clone()).nameless(), inputs, tables, books })
    }
}

/// Reads all `files` into `table`, which is empty; each thread but the first begins with a table beside it.
pub(super) fn read_all(
    bench: &Bench,
    files: Vec<PathBuf>,
    options: &LearnOptions,
    progress: &LearnProgress,
    table: &mut Table,
) -> Result<(), LearnError> {
    let size = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    let mut files: Vec<(u64, PathBuf)> = files.into_iter().map(|path| (size(&path), path)).collect();
    let threads = options.threads.clamp(1, files.len().max(1));
    progress.bytes_total.store(files.iter().map(|(bytes, _)| bytes).sum(), Ordering::Relaxed);
    // Taken from the end.
    files.reverse();
    let pile = Pile {
        files: Mutex::new(files),
        origins: Mutex::default(),
        bytes: AtomicU64::new(0),
        rows: AtomicU64::new(0),
        bytes_max: options.memory_bytes_max,
        failed: AtomicBool::new(false),
        progress,
    };
    let read = |table: &mut Table| {
        let read = Kit::new(bench, &pile, table).read();
        pile.failed.fetch_or(read.is_err(), Ordering::Relaxed);
        read
    };
    let mut others: Vec<Table> = (1..threads).map(|_| table.beside()).collect();
    thread::scope(|scope| {
        let others: Vec<_> = others.iter_mut().map(|other| scope.spawn(|| read(other))).collect();
        let first = read(table);
        let joined = others.into_iter().map(|other| other.join().unwrap_or(Err(LearnError::Thread)));
        std::iter::once(first).chain(joined.collect::<Vec<_>>()).collect::<Result<(), LearnError>>()
    })?;
    others.into_iter().for_each(|other| table.merge(other));
    Ok(())
}

// === impl Kit ===

impl<'a> Kit<'a> {
    fn new(bench: &'a Bench, pile: &'a Pile<'a>, table: &'a mut Table) -> Self {
        Self {
            bench,
            pile,
            partition: Partition::new("archive"),
            resolver: Resolver::new(bench.inputs.clone()),
            parser: bench.parser.clone(),
            enricher: Enricher::new(bench.tables.clone()),
            batch: Batch::default(),
            table,
            resolved: Vec::new(),
            room: Vec::new(),
            told: (0, 0),
        }
    }

    /// Reads files until none is left.
    fn read(mut self) -> Result<(), LearnError> {
        while !self.pile.failed.load(Ordering::Relaxed) {
            let next = self.pile.files.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((bytes, path)) = next else { break };
            self.file(&path)?;
            self.pile.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        self.end_streams()
    }

    fn file(&mut self, path: &Path) -> Result<(), LearnError> {
        let mut file = ArchiveFile::open(path, &self.partition)?;
        let origins = self.pile.origins.lock();
        let is_new = origins.unwrap_or_else(PoisonError::into_inner).insert(file.origin().clone());
        let counts = self.table.counts();
        if !is_new {
            counts.files_repeated += 1;
            tracing::warn!(path = %path.display(), "begins like a file that was read before it, and is left out");
            return Ok(());
        }
        counts.files += 1;
        while let Some(chunk) = file.next_chunk(std::mem::take(&mut self.room)) {
            let records = chunk.records.len() as u64;
            self.bench.books.records_received.inc_by(records);
            self.bench.books.records_in_flight.inc_by(records as i64);
            self.resolver.chunk(chunk, &mut self.resolved);
            self.work()?;
        }
        // The files of one flow log have one layout, and the next may be of it too.
        if file.is_of_flow_log() { Ok(()) } else { self.end_streams() }
    }

    fn end_streams(&mut self) -> Result<(), LearnError> {
        self.resolver.ended(SourceId(0), &self.partition, &mut self.resolved);
        self.work()
    }

    /// Adds up what is resolved.
    fn work(&mut self) -> Result<(), LearnError> {
        for found in self.resolver.found() {
            tracing::debug!(origin = %found.origin, format = &*found.format, how = %found.how, "found a layout");
        }
        for advice in self.resolver.advice() {
            tracing::warn!(origin = %advice.origin, "{}", advice.text);
        }
        for chunk in self.resolved.drain(..) {
            self.parser.parse(chunk, &mut self.batch);
            self.enricher.locate_all(&mut self.batch);
            self.table.add(&self.batch);
            self.pile.progress.records.fetch_add(self.batch.events.len() as u64, Ordering::Relaxed);
            self.room = self.batch.empty().map_or_else(Vec::new, |chunk| chunk.bytes);
        }
        let now = (self.table.memory_bytes(), self.table.rows() as u64);
        let bytes = self.pile.bytes.fetch_add(now.0.saturating_sub(self.told.0), Ordering::Relaxed);
        let rows = self.pile.rows.fetch_add(now.1 - self.told.1, Ordering::Relaxed);
        self.told = (now.0.max(self.told.0), now.1);
        if bytes + self.table.shared_bytes() > self.pile.bytes_max {
            return Err(LearnError::Memory { rows, limit: self.pile.bytes_max });
        }
        Ok(())
    }
}

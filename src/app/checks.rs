//! Checks a share of what leaves, on a thread beside the workers: no document waits for it or is lost by it, and what it has
//! no room for is left unchecked and counted.

mod books;

pub use books::CheckBooks;

use std::{
    num::NonZeroU64,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    event::{Batch, DocumentKind, Documents, EventId, FieldSet},
    normalize::{Checker, SchemaName},
    telemetry::clock,
};

/// Where the workers offer what they have written.
pub(super) struct Checks {
    /// The largest beginning of an id whose document is chosen.
    highest: u64,
    sinks: Vec<Chosen>,
    sender: SyncSender<Sample>,
    room: Arc<AtomicUsize>,
}

/// What is chosen of one sink's documents.
struct Chosen {
    books: CheckBooks,
    seen: Mutex<Seen>,
}

/// Sets of fields that were met, and how often: the first documents of each are chosen.
#[derive(Default)]
struct Seen {
    layouts: Vec<(FieldSet, u32)>,
    /// The place of the one met last.
    last: usize,
}

/// A document on its way to the check.
struct Sample {
    sink: usize,
    id: EventId,
    document: Box<[u8]>,
}

/// The thread's side.
struct Bench {
    sinks: Vec<(String, Checker, CheckBooks)>,
    room: Arc<AtomicUsize>,
    told: Option<Instant>,
    untold: u64,
}

/// Documents of each set of fields that are chosen before the share decides.
const FIRST: u32 = 8;
/// Sets of fields that are told apart; of further ones only the share is checked.
const LAYOUTS_MAX: usize = 64;
/// Documents that wait for the check, at most, and their bytes.
const WAITING_MAX: usize = 256;
const WAITING_BYTES: usize = 1 << 20;
/// Time between two warnings.
const QUIET: Duration = Duration::from_secs(10);

/// Starts the check of one document in `one_in`, by its id, and of the first of each set of fields, for sinks with these
/// names, schemas and books. The thread ends when the workers' side is dropped and all is checked.
pub(super) fn start(
    one_in: NonZeroU64,
    sinks: Vec<(String, SchemaName, CheckBooks)>,
) -> std::io::Result<(Checks, JoinHandle<()>)> {
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let room = Arc::new(AtomicUsize::new(WAITING_BYTES));
    let chosen = |books: &CheckBooks| Chosen { books: books.clone(), seen: Mutex::default() };
    let checks = Checks {
        highest: u64::MAX / one_in,
        sinks: sinks.iter().map(|(_, _, books)| chosen(books)).collect(),
        sender,
        room: room.clone(),
    };
    let sinks = sinks.into_iter().map(|(name, schema, books)| (name, Checker::new(schema), books)).collect();
    let bench = Bench { sinks, room, told: None, untold: 0 };
    let thread = std::thread::Builder::new().name("check".to_owned()).spawn(move || bench.work(&receiver))?;
    Ok((checks, thread))
}

// === impl Checks ===

impl Checks {
    /// Offers the documents of `batch` that were written for sink number `sink`.
    pub(super) fn offer(&self, sink: usize, batch: &Batch, documents: &Documents) {
        let Some(Chosen { books, seen }) = self.sinks.get(sink) else { return };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = batch.events.iter();
        for (index, row) in documents.rows.iter().enumerate() {
            let is_first = match row.kind {
                DocumentKind::Event | DocumentKind::Syslog => {
                    events.find(|event| event.id == row.id).is_some_and(|event| seen.is_first(event.fields))
                }
                DocumentKind::Session => {
                    let first = batch.of_sessions().and_then(|sessions| sessions.events.first());
                    first.is_some_and(|event| seen.is_first(event.fields))
                }
                // There are few, and each is somebody's work.
                _ => true,
            };
            if (is_first || self.is_chosen(row.id)) && !self.send(sink, row.id, documents.document(index)) {
                books.unchecked.inc();
            }
        }
    }

    /// Whether the share has the document: ids are hashes, so that each part of them is as good as another.
    fn is_chosen(&self, id: EventId) -> bool {
        id.0.first_chunk().is_some_and(|first| u64::from_le_bytes(*first) <= self.highest)
    }

    /// Hands a copy over; false where there is no room.
    fn send(&self, sink: usize, id: EventId, document: &[u8]) -> bool {
        let take = |room: usize| room.checked_sub(document.len());
        if self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return false;
        }
        let sent = self.sender.try_send(Sample { sink, id, document: document.into() });
        if sent.is_err() {
            self.room.fetch_add(document.len(), Ordering::Relaxed);
        }
        sent.is_ok()
    }
}

// === impl Seen ===

impl Seen {
    /// Whether this is one of the first documents with these fields.
    fn is_first(&mut self, fields: FieldSet) -> bool {
        if self.layouts.get(self.last).is_none_or(|(known, _)| *known != fields) {
            match self.layouts.iter().position(|(known, _)| *known == fields) {
                Some(place) => self.last = place,
                None if self.layouts.len() == LAYOUTS_MAX => return false,
                None => {
                    self.last = self.layouts.len();
                    self.layouts.push((fields, 0));
                }
            }
        }
        let count = &mut self.layouts[self.last].1;
        *count = count.saturating_add(1);
        *count <= FIRST
    }
}

// === impl Bench ===

impl Bench {
    fn work(mut self, samples: &Receiver<Sample>) {
        while let Ok(sample) = samples.recv() {
            self.check(&sample);
            self.room.fetch_add(sample.document.len(), Ordering::Relaxed);
        }
    }

    fn check(&mut self, sample: &Sample) {
        let Some((name, checker, books)) = self.sinks.get(sample.sink) else { return };
        let faults = checker.faults(&sample.document);
        books.note(&faults);
        let Some(first) = faults.first() else { return };
        self.untold += 1;
        let now = clock::monotonic();
        if self.told.is_none_or(|told| now.duration_since(told) >= QUIET) {
            tracing::warn!(
                sink = &**name,
                field = &*first.field,
                reason = %first.reason,
                document = %sample.id,
                unsound = self.untold,
                "a document does not follow its schema; it leaves all the same"
            );
            (self.told, self.untold) = (Some(now), 0);
        }
    }
}

#[cfg(test)]
mod tests;

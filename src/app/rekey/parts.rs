//! The parts of the estate that are scored here: one for each partition of the topic that is ours, with a scorer of its own.
//!
//! A part comes with its partition, with all that it remembers, and goes with it. So it does not matter who scores it, nor
//! how many others are scored beside it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::oneshot;

use crate::{
    event::{Origin, Partition, Position},
    score::{Capture, Council, Scorer, learned_of},
    source::{Known, Marked, Progress},
    state::StateError,
};

/// The parts of a process.
pub(in crate::app) struct Parts {
    pub(super) council: Arc<Council>,
    library: Box<dyn Library>,
    /// The name of the source that reads the topic, and the topic.
    named: (String, String),
    inner: Mutex<Inner>,
}

/// Where parts are kept when nobody scores them.
pub(super) trait Library: Send + Sync {
    /// Takes the part `number` over from whoever has it: what it remembers, the position of the topic up to which that holds
    /// all, and where to keep it from now on. It waits for as long as it takes, and gives nothing where the process is to stop.
    fn open(&self, number: u32) -> Result<Option<Opened>, String>;
}

/// Where one part is kept.
pub(super) trait Shelf: Send + Sync {
    /// Keeps what has changed of a part, which has come as far as `reached` in its partition; says whether it may go on.
    fn keep(&self, entries: &[(Vec<u8>, Option<Vec<u8>>)], reached: Reached) -> Result<(), String>;
}

/// How far a part has come in its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reached {
    /// All that it remembers lies before this position, and all before it is remembered.
    pub(super) scored: Position,
    /// All records of its open windows lie behind this one.
    pub(super) open: Position,
}

/// A part that was taken over.
pub(super) struct Opened {
    pub(super) scorer: Scorer,
    pub(super) reached: Reached,
    pub(super) shelf: Box<dyn Shelf>,
}

/// One part.
pub(in crate::app) struct Part {
    number: u32,
    pub(in crate::app) scorer: Scorer,
    tickets: AtomicU64,
    shelf: Box<dyn Shelf>,
}

/// A part's turn in one step.
pub(in crate::app) struct PartTurn {
    pub(in crate::app) part: Arc<Part>,
    pub(in crate::app) ticket: u64,
}

/// What parts remember at one ticket of the input.
pub(in crate::app) struct Cut {
    pub(super) ticket: u64,
    pub(super) parts: Vec<(Arc<Part>, Capture)>,
}

#[derive(Default)]
struct Inner {
    /// Those whose partition is on its way to us.
    coming: BTreeMap<u32, Arc<Part>>,
    here: BTreeMap<u32, Arc<Part>>,
    /// Those whose partition has gone, of which not all is kept.
    gone: Vec<Arc<Part>>,
    asked: Option<oneshot::Sender<Cut>>,
}

// === impl Parts ===

impl Parts {
    pub(super) fn new(council: Arc<Council>, library: Box<dyn Library>, source: &str, topic: &str) -> Self {
        Self { council, library, named: (source.to_owned(), topic.to_owned()), inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the part whose records come by `partition`.
    fn number(&self, partition: &Partition) -> Option<u32> {
        let (source, topic) = &self.named;
        let rest = partition.as_str().strip_prefix(&**source)?.strip_prefix('/')?;
        rest.strip_prefix(&**topic)?.strip_prefix('/')?.parse().ok()
    }

    /// The number of the part whose records have `origin`.
    fn number_of(&self, origin: &Origin) -> Option<u32> {
        let (topic, number) = origin.kafka_partition()?;
        u32::try_from(number).ok().filter(|_| topic == self.named.1)
    }

    /// Parts whose partitions come: their turns, and their partitions.
    pub(in crate::app) fn come(&self, partitions: &[Partition]) -> Vec<(PartTurn, Partition)> {
        let mut inner = self.lock();
        let mut turns = Vec::new();
        for partition in partitions {
            let coming = self.number(partition).and_then(|number| inner.coming.remove_entry(&number));
            if let Some((number, part)) = coming {
                turns.push((part.turn(), partition.clone()));
                inner.here.insert(number, part);
            }
        }
        turns
    }

    /// Parts whose partitions go.
    pub(in crate::app) fn go(&self, partitions: &[Partition]) {
        let mut inner = self.lock();
        for number in partitions.iter().filter_map(|partition| self.number(partition)) {
            let gone = inner.here.remove(&number);
            inner.gone.extend(gone);
        }
    }

    /// The turn of the part whose records come by `partition`.
    pub(in crate::app) fn turn(&self, partition: &Partition) -> Vec<PartTurn> {
        let number = self.number(partition);
        let inner = self.lock();
        number.and_then(|number| inner.here.get(&number)).map(Part::turn).into_iter().collect()
    }

    /// The turn of the part whose records have `origin`, which may be on its way.
    pub(in crate::app) fn turn_of(&self, origin: &Origin) -> Vec<PartTurn> {
        let number = self.number_of(origin);
        let inner = self.lock();
        let find = |number| inner.coming.get(&number).or_else(|| inner.here.get(&number));
        number.and_then(find).map(Part::turn).into_iter().collect()
    }

    /// The turns of all.
    pub(in crate::app) fn turns(&self) -> Vec<PartTurn> {
        self.lock().here.values().map(Part::turn).collect()
    }

    /// Asks for what all parts remember at the next barrier.
    pub(super) fn ask(&self) -> oneshot::Receiver<Cut> {
        let (sender, asked) = oneshot::channel();
        self.lock().asked = Some(sender);
        asked
    }

    /// The turns of those who are asked at this barrier what they remember, and whom to tell, if anybody asks.
    pub(in crate::app) fn asked(&self) -> Option<Asked> {
        let mut inner = self.lock();
        let sender = inner.asked.take()?;
        let gone = std::mem::take(&mut inner.gone);
        let turns = inner.here.values().chain(&gone).map(Part::turn).collect();
        Some(Asked { sender, turns })
    }
}

/// Somebody who asks what parts remember.
pub(in crate::app) struct Asked {
    sender: oneshot::Sender<Cut>,
    turns: Vec<PartTurn>,
}

impl Asked {
    /// Tells what they remember at `ticket` of the input.
    pub(in crate::app) fn tell(self, ticket: u64) {
        let captured = self.turns.into_iter().map(|PartTurn { part, ticket }| {
            let capture = part.scorer.capture(ticket);
            (part, capture)
        });
        let cut = Cut { ticket, parts: captured.collect() };
        if let Err(cut) = self.sender.send(cut) {
            cut.parts.into_iter().for_each(|(part, capture)| part.scorer.give_back(capture));
        }
    }
}

// === impl Part ===

impl Part {
    fn turn(self: &Arc<Self>) -> PartTurn {
        PartTurn { part: Arc::clone(self), ticket: self.tickets.fetch_add(1, Ordering::Relaxed) }
    }

    /// Keeps what `capture` holds; tells the others so.
    pub(super) fn keep(&self, capture: Capture, council: &Council) {
        // A part that has scored nothing yet has changed nothing.
        let Some((_, position)) = capture.positions.first() else {
            return self.scorer.give_back(capture);
        };
        let reached = Reached { scored: *position, open: capture.open_from.unwrap_or(*position) };
        match self.shelf.keep(&capture.entries, reached) {
            Ok(()) => {
                self.scorer.stored(capture.number);
                if let Some(epoch) = learned_of(&capture.entries) {
                    council.kept(self.number, epoch);
                }
            }
            Err(cause) => {
                tracing::warn!(
                    part = self.number,
                    cause,
                    "could not keep a part; what was kept last stays valid"
                );
                self.scorer.give_back(capture);
            }
        }
    }
}

/// How far the parts have come, which is kept with them.
pub(in crate::app) struct PartsProgress(pub(in crate::app) Arc<Parts>);

impl Progress for PartsProgress {
    fn known(&self, origin: &Origin) -> Result<Known, StateError> {
        let Some(number) = self.0.number_of(origin) else { return Ok(Known::default()) };
        let opened = self.0.library.open(number).map_err(|cause| StateError::Unusable {
            directory: format!("the topic of changes, part {number}").into(),
            cause,
        })?;
        // The process is to stop: nothing is read any more.
        let Some(Opened { scorer, reached, shelf }) = opened else { return Ok(Known::default()) };
        let part = Part { number, scorer, tickets: AtomicU64::new(0), shelf };
        self.0.lock().coming.insert(number, Arc::new(part));
        Ok(Known { committed: None, scored: Some(reached.scored), open: Some(reached.open) })
    }

    fn marked(&self, _: &Origin) -> Result<Marked, StateError> {
        Ok(Marked::default())
    }

    fn mark(
        &self,
        _: Vec<(Origin, crate::event::Bookmark)>,
    ) -> crate::pipe::BoxFuture<'_, Result<(), crate::pipe::CommitError>> {
        Box::pin(async { Err(crate::pipe::CommitError("positions are kept with the parts".to_owned())) })
    }

    fn identity(&self) -> Option<(String, u64)> {
        // The same for all workers: what one has kept another goes on with.
        Some((format!("rekey-{}", self.0.named.1), 0))
    }

    fn moves(&self) -> bool {
        true
    }
}

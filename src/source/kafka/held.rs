//! The partitions that are ours, and what is being gathered of each.

use std::sync::Arc;

use rdkafka::{Message, Offset, TopicPartitionList, error::KafkaResult, message::BorrowedMessage};

use super::meters::PartitionMeters;
use crate::{
    event::{Chunk, Origin, Position},
    pipe::Window,
    source::{intake, stream::Stream},
};

/// Bytes of one partition's records that are gathered into one chunk: their documents are fifteen times as many, and stay
/// near the processor until they are handed to a sink.
const CHUNK_BYTES: usize = 32 << 10;
/// Bytes gathered of all partitions together before they are handed on.
const GATHERED_BYTES_MAX: usize = 1 << 20;

/// The partitions that are ours.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    all: Vec<Held>,
    /// Whose record came last: mostly the next one is of the same partition.
    last: usize,
    gathered_bytes: usize,
}

/// One partition that is ours.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) topic: Arc<str>,
    pub(super) number: i32,
    pub(super) stream: Stream,
    pub(super) window: Arc<Window>,
    /// The position after the last record that came.
    pub(super) next: Position,
    /// The position after the last record that was handed on.
    pub(super) fed: Position,
    /// What the group has committed, as far as we know.
    pub(super) committed: Option<Position>,
    pub(super) meters: PartitionMeters,
    gathered: Option<Chunk>,
}

/// A partition that was ours before in this run.
#[derive(Debug)]
pub(super) struct Parted {
    pub(super) window: Arc<Window>,
    /// How far it was fed, and so scored.
    pub(super) next: Position,
}

// === impl Holdings ===

impl Holdings {
    pub(super) fn add(&mut self, held: Held) {
        self.all.push(held);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Held> {
        self.all.iter_mut()
    }

    pub(super) fn is_nothing_gathered(&self) -> bool {
        self.gathered_bytes == 0 && self.all.iter().all(|held| held.gathered.is_none())
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes the partitions in `list` out; what was gathered of them is forgotten, as nothing of it was received yet.
    pub(super) fn remove(&mut self, list: &TopicPartitionList) -> Vec<Held> {
        let goes = |held: &mut Held| list.find_partition(&held.topic, held.number).is_some();
        let gone: Vec<Held> = self.all.extract_if(.., goes).collect();
        self.last = 0;
        self.gathered_bytes -= gone.iter().map(Held::gathered_bytes).sum::<usize>();
        gone
    }

    /// Adds a record to what is gathered of its partition; says whether enough is gathered to be handed on. A record of a
    /// partition that is not ours, or that came before, is left out.
    pub(super) fn gather(&mut self, record: &BorrowedMessage<'_>) -> bool {
        let (topic, number) = (record.topic(), record.partition());
        let fits = |held: &Held| held.number == number && *held.topic == *topic;
        if !self.all.get(self.last).is_some_and(fits) {
            let Some(place) = self.all.iter().position(fits) else { return false };
            self.last = place;
        }
        let held = &mut self.all[self.last];
        let before = held.gathered_bytes();
        held.gather(record.offset(), record.payload().unwrap_or_default());
        let after = held.gathered_bytes();
        self.gathered_bytes += after - before;
        after >= CHUNK_BYTES || self.gathered_bytes >= GATHERED_BYTES_MAX
    }

    /// What is gathered, chunk by chunk, with the windows that they are admitted to.
    pub(super) fn take_gathered(&mut self) -> impl Iterator<Item = (Arc<Window>, Chunk)> {
        self.gathered_bytes = 0;
        self.all.iter_mut().filter_map(|held| Some((held.window.clone(), held.gathered.take()?)))
    }

    /// Notes that a chunk of `origin` was handed on whose records end before `next`.
    pub(super) fn fed(&mut self, origin: &Origin, next: Position) {
        if let Some(held) = self.all.iter_mut().find(|held| held.stream.origin == *origin) {
            held.fed = next;
        }
    }

    /// All partitions, at the positions where their next records are.
    ///
    /// # Errors
    /// When a position is beyond what Kafka can count.
    pub(super) fn list(&self) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(self.all.len());
        for held in &self.all {
            list.add_partition_offset(&held.topic, held.number, offset(held.next))?;
        }
        Ok(list)
    }
}

// === impl Held ===

impl Held {
    pub(super) fn new(
        topic: Arc<str>,
        number: i32,
        stream: Stream,
        window: Arc<Window>,
        from: Position,
        committed: Option<Position>,
        meters: PartitionMeters,
    ) -> Self {
        Self { topic, number, stream, window, next: from, fed: from, committed, meters, gathered: None }
    }

    fn gathered_bytes(&self) -> usize {
        self.gathered.as_ref().map_or(0, |chunk| chunk.bytes.len())
    }

    fn gather(&mut self, offset: i64, bytes: &[u8]) {
        let position = offset.unsigned_abs();
        // A partition that was paused may bring what it had brought before.
        if position < self.next {
            return;
        }
        let chunk = self.gathered.get_or_insert_with(|| {
            let mut chunk = self.stream.chunk(CHUNK_BYTES);
            chunk.single_lines = false;
            chunk
        });
        intake::take(chunk, position, bytes);
        self.next = position + 1;
        chunk.next = self.next;
    }
}

/// A position as Kafka counts it.
pub(super) fn offset(position: Position) -> Offset {
    Offset::Offset(i64::try_from(position).unwrap_or(i64::MAX))
}

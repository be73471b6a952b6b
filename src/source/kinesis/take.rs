//! What a shard gave, as chunks: aggregates of the Kinesis Producer Library are opened, and what is compressed in them.

use std::{collections::VecDeque, sync::Arc};

use super::{
    api::Received,
    checkpoint::{Checkpoint, Place, Sequence},
    config::OutsideHashRange,
    ledger::Shard,
    meters::ShardMeters,
    resume::Resume,
};
use crate::{
    codec::kpl::{HashRange, Opened, Opener},
    event::{Bookmark, Chunk, Origin, Position, Span},
    source::{intake, stream::Stream},
};

/// Makes the chunks of one shard.
#[derive(Debug)]
pub(super) struct Taker {
    stream: Stream,
    names: Names,
    range: HashRange,
    outside: OutsideHashRange,
    /// What lies up to here is delivered already.
    delivered: Option<Place>,
    /// What lies up to here is learned already.
    learned: Option<Place>,
    /// Whether something has come.
    is_begun: bool,
    /// Position of the next record.
    next: Position,
    opener: Opener,
    waiting: VecDeque<Received>,
    open: Option<Open>,
    meters: ShardMeters,
}

/// What names are made of.
#[derive(Debug)]
struct Names {
    stream: Arc<str>,
    shard: Arc<str>,
}

/// A record of Kinesis that is being taken.
#[derive(Debug)]
struct Open {
    sequence: Sequence,
    origin: Origin,
    bytes: Vec<u8>,
    /// The records in it, with their sub-sequence numbers, the last one first.
    left: Vec<(Span, u64)>,
}

/// A chunk, and the place up to which all is delivered once it is.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) chunk: Chunk,
    pub(super) place: Place,
}

/// Bytes of a chunk beside its last record: as in Kafka, their documents stay near the processor.
const CHUNK_BYTES: usize = 48 << 10;

// === impl Taker ===

impl Taker {
    /// Takes records of `shard` of the stream called `name`, all of them.
    pub(super) fn new(
        stream: Stream,
        name: &Arc<str>,
        shard: &Shard,
        outside: OutsideHashRange,
        meters: ShardMeters,
    ) -> Self {
        let (start, end) = shard.hash_keys;
        Self {
            stream,
            names: Names { stream: name.clone(), shard: shard.id.clone() },
            range: HashRange { start, end },
            outside,
            delivered: None,
            learned: None,
            is_begun: false,
            next: 0,
            opener: Opener::default(),
            waiting: VecDeque::new(),
            open: None,
            meters,
        }
    }

    /// The same from position `next` on, where part of what comes is delivered or learned.
    pub(super) fn resuming(mut self, next: Position, resume: &Resume) -> Self {
        self.next = next;
        (self.delivered, self.learned) = (resume.delivered.clone(), resume.learned.clone());
        self
    }

    /// What was known of the shard holds no more.
    pub(super) fn forget(&mut self) {
        (self.delivered, self.learned) = (None, None);
    }

    /// Takes what came; [`Taker::next_chunk`] gives it, until nothing is left.
    pub(super) fn give(&mut self, records: Vec<Received>) {
        self.waiting.extend(records);
    }

    /// The next chunk of what came. What was delivered and learned before is left out.
    pub(super) fn next_chunk(&mut self) -> Option<Taken> {
        let mut chunk: Option<Chunk> = None;
        let mut last: Option<Place> = None;
        while let Some((span, sub_sequence)) = self.next_record() {
            let Some(open) = &self.open else { break };
            let place = Place { sequence: open.sequence.clone(), sub_sequence };
            let is_delivered = self.delivered.as_ref().is_some_and(|delivered| place <= *delivered);
            let is_learned = self.learned.as_ref().is_some_and(|learned| place <= *learned);
            if is_delivered && is_learned {
                continue;
            }
            let chunk = chunk.get_or_insert_with(|| {
                let mut chunk = self.stream.chunk(CHUNK_BYTES);
                chunk.single_lines = false;
                (chunk.deliver_from, chunk.learn_from) = (self.next, self.next);
                chunk
            });
            intake::take(chunk, self.next, span.of(&open.bytes));
            chunk.names.push((open.origin.clone(), sub_sequence));
            self.next += 1;
            chunk.next = self.next;
            if is_delivered {
                chunk.deliver_from = self.next;
            }
            if is_learned {
                chunk.learn_from = self.next;
            }
            last = Some(place);
            if chunk.bytes.len() >= CHUNK_BYTES {
                break;
            }
        }
        let (mut chunk, last) = (chunk?, last?);
        self.meters.records.inc_by(chunk.records.len() as u64);
        let scored = self.learned.clone().max(Some(last.clone()));
        chunk.cursor = scored.map(|place| Bookmark::new(&Checkpoint::At(place).to_string()));
        // A checkpoint never goes back.
        let place = self.delivered.clone().max(Some(last.clone())).unwrap_or(last);
        Some(Taken { chunk, place })
    }

    /// The next record of the one that is open, or of the next one.
    fn next_record(&mut self) -> Option<(Span, u64)> {
        loop {
            if let Some(record) = self.open.as_mut().and_then(|open| open.left.pop()) {
                return Some(record);
            }
            let received = self.waiting.pop_front()?;
            self.begin(received);
        }
    }

    fn begin(&mut self, Received { sequence, bytes }: Received) {
        if !std::mem::replace(&mut self.is_begun, true) {
            self.look_at_first(&sequence);
        }
        let mut left = self.open.take().map(|open| open.left).unwrap_or_default();
        left.clear();
        match self.opener.open(&bytes, self.range) {
            Opened::Plain => left.push((Span::new(0, bytes.len()), 0)),
            Opened::Broken(broken) => {
                self.meters.shared.aggregates_broken.inc();
                tracing::debug!(%sequence, reason = broken.reason(), "taken as it is, and not as an aggregate");
                left.push((Span::new(0, bytes.len()), 0));
            }
            Opened::Aggregate(mut aggregate) => {
                self.meters.shared.aggregates.inc();
                for record in aggregate.records() {
                    if record.outside {
                        self.meters.shared.outside.inc();
                        if self.outside == OutsideHashRange::Drop {
                            continue;
                        }
                    }
                    left.push((record.content, u64::from(record.sub_sequence)));
                }
                left.reverse();
            }
        }
        let origin = Origin::kinesis_record(&self.names.stream, &self.names.shard, &sequence);
        self.open = Some(Open { sequence, origin, bytes, left });
    }

    /// Reading goes on with what was delivered last: where that is gone, what came after it may be, too.
    fn look_at_first(&self, first: &Sequence) {
        if self.delivered.as_ref().is_some_and(|delivered| delivered.sequence < *first) {
            self.meters.shared.starts_expired.inc();
            tracing::error!(
                shard = &*self.names.shard,
                "the record of the checkpoint is gone; records behind it may have been deleted by the stream's retention before \
                 they were read: lengthen the retention, or see why reading lags"
            );
        }
    }
}

#[cfg(test)]
mod tests;

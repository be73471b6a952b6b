//! Replay: quarantined records come back with the origin, position and index they had, so that their ids are the same.

use std::{net::SocketAddr, sync::Arc};

use super::{Source, SourceContext, SourceError, reader::BLOCK_BYTES, stream::Stream};
use crate::{
    event::{Chunk, Origin, Partition, Position, Record},
    pipe::BoxFuture,
};

/// A record as it stands in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedRecord {
    /// What its position counts in.
    pub origin: Origin,
    /// Its position.
    pub position: Position,
    /// The entry's number in the record it stood in.
    pub index: u32,
    /// The entry's bytes, without line end.
    pub bytes: Vec<u8>,
    /// The format string of the layout it was read with, where one was known.
    pub format: Option<Arc<str>>,
    /// Who sent it, where that was known.
    pub sender: Option<SocketAddr>,
}

/// Feeds quarantined records. Nothing is committed, and everything is delivered.
pub struct Replay {
    records: Box<dyn Iterator<Item = ReplayedRecord> + Send>,
}

/// Ends a record in a chunk. Both characters, so that an entry that ends in a carriage return of its own keeps it.
const LINE_END: &[u8] = b"\r\n";

// === impl Replay ===

impl Replay {
    /// Replays `records` in the order they come.
    #[must_use]
    pub fn new(records: impl Iterator<Item = ReplayedRecord> + Send + 'static) -> Self {
        Self { records: Box::new(records) }
    }
}

impl Source for Replay {
    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(async move {
            let partition = Partition::new(&cx.name);
            cx.assigned(&partition).await?;
            let mut records = self.records.peekable();
            while let Some(first) = records.next() {
                let stream = Stream::new(cx.id, partition.clone(), first.origin.clone());
                let mut chunk = stream.chunk(0);
                chunk.replayed_format.clone_from(&first.format);
                append(&mut chunk, &first);
                let joins = |next: &ReplayedRecord| {
                    (&next.origin, &next.format) == (&first.origin, &first.format)
                        && next.sender.is_some() == first.sender.is_some()
                };
                while chunk.bytes.len() < BLOCK_BYTES {
                    let Some(next) = records.next_if(joins) else { break };
                    append(&mut chunk, &next);
                }
                let window = cx.flight.window(&chunk.origin, 0);
                if !cx.hand_on(&window, chunk).await? {
                    return Ok(());
                }
            }
            cx.ended(&partition).await
        })
    }
}

fn append(chunk: &mut Chunk, record: &ReplayedRecord) {
    chunk.bytes.extend_from_slice(&record.bytes);
    chunk.bytes.extend_from_slice(LINE_END);
    let end = chunk.bytes.len() as u32;
    chunk.records.push(Record { position: record.position, end, first_index: record.index });
    if let Some(sender) = record.sender {
        chunk.sent_by(sender);
    }
    chunk.next = chunk.next.max(record.position + 1);
}

#[cfg(test)]
mod tests;

//! What all chunks of one origin share.

use std::sync::Arc;

use crate::event::{Chunk, Origin, Partition, Position, SourceId};

/// One origin as it is read: makes its chunks.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) source: SourceId,
    pub(super) partition: Partition,
    pub(super) origin: Origin,
    /// What shares one layout with other origins.
    pub(super) shared: Option<Origin>,
    pub(super) head: Option<Arc<[u8]>>,
    pub(super) deliver_from: Position,
    pub(super) learn_from: Position,
}

// === impl Stream ===

impl Stream {
    /// A stream that is delivered and learned from its start.
    pub(super) fn new(source: SourceId, partition: Partition, origin: Origin) -> Self {
        Self { source, partition, origin, shared: None, head: None, deliver_from: 0, learn_from: 0 }
    }

    /// A chunk of it that holds nothing yet and has room for `bytes`.
    pub(super) fn chunk(&self, bytes: usize) -> Chunk {
        let mut chunk =
            Chunk::new(self.source, self.partition.clone(), self.origin.clone(), Vec::with_capacity(bytes));
        chunk.stream.clone_from(&self.shared);
        chunk.head.clone_from(&self.head);
        chunk.deliver_from = self.deliver_from;
        chunk.learn_from = self.learn_from;
        chunk
    }
}

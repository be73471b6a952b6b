//! What all connections share: limits, keys, the requests that are known, and the way in for their records.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Config,
    body::{BodyLimits, Piece},
    keys::Keys,
    meters::Meters,
    requests::{Requests, Ticket},
    unpack::Unpacking,
};
use crate::{
    event::{Attributes, Chunk, Origin, Partition, Settlement},
    pipe::{Answer, Window},
    source::SourceContext,
};

/// What all connections share.
pub(super) struct Desk {
    pub(super) cx: SourceContext,
    pub(super) config: Config,
    pub(super) keys: Keys,
    pub(super) meters: Meters,
    pub(super) requests: Requests,
    /// Room for bodies that are read and not decoded yet; one permit is one KiB.
    room: Arc<Semaphore>,
    /// Who has it may decode a body and feed its records: one request at a time, so that one body at most is in memory
    /// decoded. They are fed one after the other anyway.
    slot: Arc<Semaphore>,
    /// The window of all requests: an ordinal of chunks, which only snapshots look at.
    window: Arc<Window>,
    scored_as: Origin,
    pub(super) partition: Partition,
    chunks: AtomicU64,
}

/// What is fed for a request.
pub(super) struct Parcel {
    pub(super) pieces: Vec<Piece>,
    /// Whose layouts are remembered together.
    pub(super) stream: Origin,
    pub(super) attributes: Option<Arc<Attributes>>,
}

const PERMIT_BYTES: u64 = 1024;

// === impl Desk ===

impl Desk {
    pub(super) fn new(cx: SourceContext, config: Config, keys: Keys) -> Self {
        let permits = |bytes: u64| usize::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(usize::MAX);
        // No request has it for its origin: their ids hold no blank.
        let scored_as = Origin::from_text(&format!("firehose source {}", cx.name));
        Self {
            meters: Meters::new(&cx.metrics, &cx.name),
            keys,
            requests: Requests::default(),
            room: Arc::new(Semaphore::new(
                permits(config.waiting_bytes_max.as_u64()).min(Semaphore::MAX_PERMITS),
            )),
            slot: Arc::new(Semaphore::new(1)),
            window: cx.flight.window(&scored_as, 0),
            scored_as,
            partition: Partition::new(&cx.name),
            chunks: AtomicU64::new(0),
            cx,
            config,
        }
    }

    pub(super) fn limits(&self) -> BodyLimits {
        BodyLimits {
            body_bytes_max: self.config.body_bytes_max.as_u64(),
            record_bytes_max: self.config.record_bytes_max.as_usize(),
        }
    }

    /// Waits for room for a body of `bytes` bytes, which fits.
    pub(super) async fn room(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).ok()?;
        self.room.clone().acquire_many_owned(permits).await.ok()
    }

    /// Waits for the turn to decode and feed a body; nothing once the desk is closed.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.slot.clone().acquire_owned().await.ok()
    }

    /// Waits until the request that is being fed is fed, and lets no other be fed.
    pub(super) async fn close(&self) {
        let turn = self.turn().await;
        self.slot.close();
        drop(turn);
    }

    /// Feeds the records of a request and waits for what becomes of them, whether or not its caller still does.
    pub(super) async fn feed(
        self: Arc<Self>,
        mut ticket: Ticket,
        parcel: Parcel,
        turn: OwnedSemaphorePermit,
    ) {
        let Parcel { pieces, stream, attributes } = parcel;
        let answer = Answer::default();
        let (origin, scored) = (Origin::firehose(ticket.id()), ticket.scored);
        for piece in pieces {
            let mut unpacking = Unpacking::of(piece);
            loop {
                let mut chunk = self.chunk(&origin, &stream);
                if !unpacking.fill(&mut chunk) {
                    break;
                }
                let ordinal = self.chunks.fetch_add(1, Ordering::Relaxed) + 1;
                chunk.scored_as = Some((self.scored_as.clone(), ordinal));
                // What an earlier try has scored is not learned twice.
                chunk.learn_from = scored;
                chunk.attributes.clone_from(&attributes);
                let next = chunk.next;
                if self.cx.hand_on_for(&answer, &self.window, chunk).await.is_err() {
                    return;
                }
                ticket.scored = ticket.scored.max(next);
            }
        }
        drop(turn);
        if answer.settled().await == Settlement::Confirmed {
            ticket.delivered();
        }
    }

    /// A chunk that holds nothing yet.
    fn chunk(&self, origin: &Origin, stream: &Origin) -> Chunk {
        let mut chunk = Chunk::new(self.cx.id, self.partition.clone(), origin.clone(), Vec::new());
        chunk.stream = Some(stream.clone());
        chunk.single_lines = false;
        chunk
    }
}

#[cfg(test)]
mod tests;

//! What all listeners of a source share: limits, turns, buffers, and the way in for their records.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex as Lock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use super::{
    Config,
    config::{BLOCK_BYTES, TURNS},
    framing::{Frame, Missing},
    meters::Meters,
    peers::Peers,
};
use crate::{
    event::{Chunk, Entry, Origin, Partition, Position, Reason, Record, Reject, Span},
    pipe::Window,
    source::{SourceContext, SourceError},
    telemetry::seed,
};

/// What all listeners share.
pub(super) struct Desk {
    pub(super) cx: SourceContext,
    pub(super) config: Config,
    pub(super) peers: Arc<Peers>,
    pub(super) partition: Partition,
    /// Who has one may read and hand on: so many chunks at most are in memory and not in flight.
    turns: Semaphore,
    /// Buffers to read into, lent for a turn: a connection that brings nothing has none.
    blocks: Lock<Vec<Vec<u8>>>,
    window: Arc<Window>,
    scored_as: Origin,
    /// How many chunks were handed on. Who hands one on has the lock, so that they come in the order of their ordinals.
    chunks: Mutex<u64>,
    /// What tells this run of the process from every other.
    run: u64,
    strands: AtomicU64,
}

/// One listener.
pub(super) struct Place {
    pub(super) desk: Arc<Desk>,
    /// Its number in the config.
    pub(super) index: usize,
    /// As in `tcp 0.0.0.0:514`.
    pub(super) name: String,
    pub(super) meters: Meters,
}

/// One connection, or one socket of datagrams: its records in their order.
pub(super) struct Strand {
    origin: Origin,
    /// Whose layouts are remembered together.
    stream: Origin,
    next: Position,
    limit: usize,
}

/// How long a chunk waits for room before it asks again: it is never given up.
const PATIENCE: Duration = Duration::from_secs(3_600);

// === impl Desk ===

impl Desk {
    pub(super) fn new(cx: SourceContext, config: Config) -> Self {
        // No strand has it for its origin: theirs hold no blank.
        let scored_as = Origin::from_text(&format!("syslog source {}", cx.name));
        Self {
            peers: Arc::new(Peers::new(config.connections_per_peer_max, config.records_per_second_max)),
            partition: Partition::new(&cx.name),
            turns: Semaphore::new(TURNS),
            blocks: Lock::default(),
            window: cx.flight.window(&scored_as, 0),
            scored_as,
            chunks: Mutex::new(0),
            run: seed::fresh(),
            strands: AtomicU64::new(0),
            cx,
            config,
        }
    }

    /// Waits for a turn to read and hand on.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// A buffer to read into, to be given back with [`Desk::give_back`].
    pub(super) fn block(&self) -> Vec<u8> {
        let spare = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| vec![0; BLOCK_BYTES])
    }

    pub(super) fn give_back(&self, block: Vec<u8>) {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(block);
    }

    /// Feeds `chunk`, however long that takes: what was read cannot be read again.
    ///
    /// # Errors
    /// When the workers are gone.
    pub(super) async fn hand_on(&self, mut chunk: Chunk) -> Result<(), SourceError> {
        if chunk.records.is_empty() {
            return Ok(());
        }
        let mut chunks = self.chunks.lock().await;
        *chunks += 1;
        chunk.scored_as = Some((self.scored_as.clone(), *chunks));
        while let Some(back) = self.cx.offer(&self.window, chunk, PATIENCE).await? {
            chunk = back;
        }
        Ok(())
    }
}

// === impl Place ===

impl Place {
    /// The records of a connection of `peer`, or of this listener's datagrams.
    ///
    /// Layouts are remembered for a peer, so that none can spoil another's; for a listener, where the peer is not known or
    /// can be invented.
    pub(super) fn strand(&self, peer: Option<SocketAddr>) -> Strand {
        let Desk { cx, run, strands, config, .. } = &*self.desk;
        let number = strands.fetch_add(1, Ordering::Relaxed);
        let index = self.index;
        let of = peer.map(|peer| format!("/{}", peer.ip().to_canonical())).unwrap_or_default();
        Strand {
            origin: Origin::syslog(*run, number),
            stream: Origin::from_text(&format!("syslog:{}/{index}{of}", cx.name)),
            next: 0,
            limit: config.line_bytes_max.as_usize(),
        }
    }
}

// === impl Strand ===

impl Strand {
    /// A chunk of it that holds nothing yet.
    pub(super) fn chunk(&self, desk: &Desk) -> Chunk {
        let mut chunk = Chunk::new(desk.cx.id, desk.partition.clone(), self.origin.clone(), Vec::new());
        chunk.stream = Some(self.stream.clone());
        chunk
    }

    /// The most bytes of a record.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Appends a frame to `chunk` as the next record, with a line feed behind it: a line that has its end is parsed in one
    /// pass. One that is too long or broke off is rejected.
    pub(super) fn take(&mut self, chunk: &mut Chunk, frame: Frame<'_>) {
        let start = chunk.bytes.len();
        // Some senders write one into every frame.
        let bytes = frame.bytes.strip_suffix(b"\n").unwrap_or(frame.bytes);
        chunk.bytes.extend_from_slice(bytes);
        let record = chunk.records.len() as u32;
        if let Some((reason, detail)) = self.misfit(&frame) {
            let entry = Entry { span: Span::new(start, chunk.bytes.len()), record, index: 0 };
            chunk.rejects.push(Reject { entry, reason, detail, format: None, log_event: None });
        } else if memchr::memchr(b'\n', bytes).is_some() {
            chunk.single_lines = false;
        }
        chunk.bytes.push(b'\n');
        chunk.added_bytes += 1;
        chunk.records.push(Record { position: self.next, end: chunk.bytes.len() as u32, first_index: 0 });
        self.next += 1;
        chunk.next = self.next;
    }

    fn misfit(&self, frame: &Frame<'_>) -> Option<(Reason, String)> {
        if frame.length > self.limit as u64 {
            let detail = format!(
                "the record has {} bytes, the limit is {} (`line_bytes_max`)",
                frame.length, self.limit
            );
            return Some((Reason::RecordTooLong, detail));
        }
        let missing = match frame.missing? {
            Missing::Bytes(bytes) => format!("{bytes} bytes of its count"),
            Missing::LineFeed => "its line feed".to_owned(),
        };
        let length = frame.length;
        Some((Reason::Truncated, format!("the connection ended after {length} bytes, without {missing}")))
    }
}

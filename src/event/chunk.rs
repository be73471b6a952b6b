//! A chunk: bytes as received from one partition, a table of its records, and a receipt.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use super::{Layout, Origin, Partition, Position, Reason, Receipt, Span};

/// Bytes as received, and what is known of them before they are parsed.
#[derive(Debug)]
pub struct Chunk {
    /// Which configured source it came from.
    pub source: SourceId,
    /// What orders it, and whose watermark it moves.
    pub partition: Partition,
    /// What its positions count in.
    pub origin: Origin,
    /// The stream that its layouts are remembered for, where that is not its origin: requests of one delivery stream are
    /// origins of their own and have one layout.
    pub stream: Option<Origin>,
    /// What stands for it in a snapshot, where its own origin comes once and nobody ever asks again how far it was scored:
    /// an origin that all such chunks of a source share, and a position in it.
    pub scored_as: Option<(Origin, Position)>,
    /// The bytes, as received.
    pub bytes: Vec<u8>,
    /// How many of the bytes the source has added: line ends of records that had none.
    pub added_bytes: usize,
    /// What one position names each, in order.
    pub records: Vec<Record>,
    /// What one event is parsed from each, in order; filled when the chunk is resolved.
    pub entries: Vec<Entry>,
    /// Which layout holds for which entries, in order; filled when the chunk is resolved.
    pub runs: Vec<Run>,
    /// The log events of CloudWatch Logs that its records hold; entries of a run of such are numbered by them.
    pub log_events: Vec<LogEvent>,
    /// Entries and records found bad before parsing; their neighbours go on.
    pub rejects: Vec<Reject>,
    /// Records before this position were delivered by an earlier run: they are scored, but do not leave again.
    pub deliver_from: Position,
    /// Records before this position are in the restored state already: they are scored, but not learned again.
    pub learn_from: Position,
    /// The position after its last record: what is committed once the receipt is confirmed.
    pub next: Position,
    /// Whether every record is one line, as a source that frames lines makes them; else a record may hold many.
    pub single_lines: bool,
    /// Whether another part of what was received together follows: an unfinished one is never committed without it.
    pub unfinished: bool,
    /// The beginning of the stream, where the source has it at hand: a reader that starts in the middle finds the
    /// header line there.
    pub head: Option<Arc<[u8]>>,
    /// What its source says of all its records, name and value: the common attributes of a request. They become labels.
    pub attributes: Option<Arc<Attributes>>,
    /// Who sent the records, in runs of neighbours of one sender: the record after the run's last one, and the sender's address
    /// and port. Records past the last run, and all of a source that has no senders, have none.
    pub senders: Vec<(u32, IpAddr, u16)>,
    /// The format string that a quarantined record came with; only a replay has one.
    pub replayed_format: Option<Arc<str>>,
    /// Confirmed when everything in the chunk is delivered, quarantined or dead-lettered.
    pub receipt: Receipt,
}

/// Names and values, in order of name.
pub type Attributes = BTreeMap<String, String>;

/// Which configured source; an index into the config's sources in order of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId(pub u16);

/// What one position names: where it ends in the chunk's bytes. It begins where the one before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Its position in the origin.
    pub position: Position,
    /// Offset just past its last byte, line terminator included.
    pub end: u32,
    /// Number of its first entry; 0, except where a replay brings back one entry of a record that held many.
    pub first_index: u32,
}

/// What one event is parsed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its bytes, without the line terminator.
    pub span: Span,
    /// The record it stands in, by its place in the chunk's table.
    pub record: u32,
    /// Its number in that record.
    pub index: u32,
}

/// A run of entries that have one layout.
#[derive(Debug, Clone)]
pub struct Run {
    /// The entry after its last one.
    pub end: u32,
    /// How they are read.
    pub layout: Arc<Layout>,
    /// Whether a header line of the stream named the layout. What is read as the config or AWS's default says, or
    /// as was learned, is replayed as they say then: the wrong format may be why it is in quarantine.
    pub named: bool,
    /// The log group whose log events they are; an [`Entry::index`] is then a place in [`Chunk::log_events`].
    pub log_group: Option<Origin>,
}

/// One line of a log event of CloudWatch Logs: its id names the event wherever and however often it is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEvent {
    /// Its id as a position: the decimal number modulo 2^64.
    pub position: Position,
    /// Number of the line in the log event; nearly always 0.
    pub index: u32,
}

/// An entry or record that could not be read, to be quarantined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The entry: its bytes, record and index.
    pub entry: Entry,
    /// Why, as a closed set.
    pub reason: Reason,
    /// Why, for a person: which column, which value. Empty where the reason says it all.
    pub detail: String,
    /// The format string of the layout it was read with, where a header line of the stream named it.
    pub format: Option<Arc<str>>,
    /// The log group and the log event's position, where it is one of CloudWatch Logs; else its record tells.
    pub log_event: Option<(Origin, Position)>,
}

// === impl Run ===

impl Run {
    /// Whether entries of both are one run where they stand side by side.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.layout, &other.layout)
            && self.named == other.named
            && self.log_group == other.log_group
    }

    /// The format string that a replay of its entries needs; nothing where the config tells it.
    #[must_use]
    pub fn replay_format(&self) -> Option<Arc<str>> {
        self.named.then(|| self.layout.format().clone())
    }
}

// === impl Chunk ===

impl Chunk {
    /// An empty chunk of `origin` that uses the room in `bytes`; everything in it is delivered and learned.
    #[must_use]
    pub fn new(source: SourceId, partition: Partition, origin: Origin, bytes: Vec<u8>) -> Self {
        Self {
            source,
            partition,
            origin,
            stream: None,
            scored_as: None,
            bytes,
            added_bytes: 0,
            records: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            log_events: Vec::new(),
            rejects: Vec::new(),
            deliver_from: 0,
            learn_from: 0,
            next: 0,
            single_lines: true,
            unfinished: false,
            head: None,
            attributes: None,
            senders: Vec::new(),
            replayed_format: None,
            receipt: Receipt::unclaimed(),
        }
    }

    /// An entry of `run` that could not be read, under the name that it would have as an event.
    #[must_use]
    pub fn rejected(&self, entry: Entry, run: &Run, reason: Reason, detail: String) -> Reject {
        let reject = self.rejected_of(run.log_group.as_ref(), entry, reason, detail);
        Reject { format: run.replay_format(), ..reject }
    }

    /// The same where no layout is known for it; `log_group` is that whose log event it is.
    #[must_use]
    pub fn rejected_of(
        &self,
        log_group: Option<&Origin>,
        entry: Entry,
        reason: Reason,
        detail: String,
    ) -> Reject {
        let log_event = log_group.zip(self.log_events.get(entry.index as usize));
        let index = log_event.map_or(entry.index, |(_, event)| event.index);
        let log_event = log_event.map(|(group, event)| (group.clone(), event.position));
        Reject { entry: Entry { index, ..entry }, reason, detail, format: None, log_event }
    }

    /// What is scored once it is: everything of this origin before this position.
    #[must_use]
    pub fn scores(&self) -> (&Origin, Position) {
        match &self.scored_as {
            Some((origin, next)) => (origin, *next),
            None => (&self.origin, self.next.max(self.learn_from)),
        }
    }

    /// Who sent record number `record`, and from which port, where its source knows.
    #[must_use]
    #[inline]
    pub fn sender(&self, record: u32) -> Option<(IpAddr, u16)> {
        let run = self.senders.partition_point(|(end, ..)| *end <= record);
        self.senders.get(run).map(|(_, address, port)| (*address, *port))
    }

    /// The bytes of record number `index`, line terminator included.
    #[must_use]
    pub fn record_span(&self, index: usize) -> Span {
        let start =
            index.checked_sub(1).and_then(|before| self.records.get(before)).map_or(0, |before| before.end);
        Span::new(start as usize, self.records[index].end as usize)
    }
}

//! A chunk: bytes as received from one partition, a table of its records, and a receipt.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use super::{Bookmark, Layout, Origin, Partition, Position, Reason, Receipt, Span};

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
    /// What each record is known by, in order, where its position only orders it: a sequence number of Kinesis is larger than
    /// a position, so it is an origin of its own, in which the records of one aggregate are numbered. Empty where
    /// positions say it.
    pub names: Vec<(Origin, Position)>,
    /// Who sent which records, in their order; empty where the source does not know, as with files.
    pub senders: Vec<Sender>,
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
    /// What [`Chunk::next`] means to a restart, where positions begin anew with every assignment.
    pub cursor: Option<Bookmark>,
    /// Up to where the streams have come that its records were put together from, in seconds since 1970; nothing where the
    /// records tell it by their own times.
    pub clock: Option<u64>,
    /// Whether every record is one line, as a source that frames lines makes them; else a record may hold many.
    pub single_lines: bool,
    /// Whether another part of what was received together follows: an unfinished one is never committed without it.
    pub unfinished: bool,
    /// The beginning of the stream, where the source has it at hand: a reader that starts in the middle finds the
    /// header line there.
    pub head: Option<Arc<[u8]>>,
    /// What its source says of all its records, name and value: the common attributes of a request. They become labels.
    pub attributes: Option<Arc<Attributes>>,
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

/// Who sent a run of records: the other end of the connection, or where the datagrams came from. Whoever sends a datagram
/// can write any address into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The record after its last one, by its place in the chunk's table; its first one is where the run before it ends.
    pub end: u32,
    /// Its address; an IPv4 address is never in its IPv6 form.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
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

// === impl Sender ===

impl Sender {
    /// Its address and port as one.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
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
            names: Vec::new(),
            senders: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            log_events: Vec::new(),
            rejects: Vec::new(),
            deliver_from: 0,
            learn_from: 0,
            next: 0,
            cursor: None,
            clock: None,
            single_lines: true,
            unfinished: false,
            head: None,
            attributes: None,
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

    /// What the record of this number is known by, wherever and however often it is read: what its events' ids are made of.
    #[must_use]
    pub fn known_by(&self, record: usize) -> (&Origin, Position) {
        match self.names.get(record) {
            Some((origin, position)) => (origin, *position),
            None => (&self.origin, self.records[record].position),
        }
    }

    /// Says that `sender` has sent the records since those whose sender is known, up to the last one there is.
    pub fn sent_by(&mut self, sender: SocketAddr) {
        let (end, address, port) = (self.records.len() as u32, sender.ip().to_canonical(), sender.port());
        match self.senders.last_mut() {
            Some(last) if (last.address, last.port) == (address, port) => last.end = end,
            Some(last) if last.end >= end => {}
            _ => self.senders.push(Sender { end, address, port }),
        }
    }

    /// Who sent record number `index`, where that is known.
    #[must_use]
    #[inline]
    pub fn sender(&self, index: u32) -> Option<&Sender> {
        match self.senders.as_slice() {
            [] => None,
            // A connection's chunks have one sender.
            [only] => (index < only.end).then_some(only),
            many => many.get(many.partition_point(|sender| sender.end <= index)),
        }
    }

    /// The bytes of record number `index`, line terminator included.
    #[must_use]
    pub fn record_span(&self, index: usize) -> Span {
        let start =
            index.checked_sub(1).and_then(|before| self.records.get(before)).map_or(0, |before| before.end);
        Span::new(start as usize, self.records[index].end as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_has_the_sender_that_was_named_after_it_came() {
        let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), Origin::stdin(), Vec::new());
        assert_eq!(chunk.sender(0), None);
        let senders = ["10.0.0.1:514", "10.0.0.1:514", "[::ffff:10.0.0.1]:514", "[2001:db8::1]:6514"];
        for (position, sender) in (0..).zip(senders) {
            chunk.records.push(Record { position, end: 0, first_index: 0 });
            chunk.sent_by(sender.parse().unwrap());
        }
        let of = |index| chunk.sender(index).map(|sender| sender.socket().to_string());
        assert_eq!(chunk.senders.len(), 2, "those of one sender that follow each other are one run");
        assert_eq!(of(0).as_deref(), Some("10.0.0.1:514"));
        assert_eq!(of(2).as_deref(), Some("10.0.0.1:514"));
        assert_eq!(of(3).as_deref(), Some("[2001:db8::1]:6514"));
        assert_eq!(of(4), None);
    }
}

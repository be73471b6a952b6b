//! Documents: encoded events in one buffer, ready to leave, with their ids and routing keys.

use super::{EventId, Receipt, Span};

/// Encoded events for one sink, each ended by a line feed.
#[derive(Debug)]
pub struct Documents {
    /// The documents, one after the other, each with its line feed.
    pub bytes: Vec<u8>,
    /// Routing keys of the documents, one after the other: the names of their entities.
    pub keys: Vec<u8>,
    /// One row for each document, in order.
    pub rows: Vec<DocumentRow>,
    /// This sink's share of the chunk's receipt.
    pub receipt: Receipt,
    /// Whether more documents of what was received together follow: these are never committed without them.
    pub unfinished: bool,
}

/// What is known of one document besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentRow {
    /// Offset just past its last byte, line feed included.
    pub end: u32,
    /// Its id: the same whenever the same record or finding is delivered again.
    pub id: EventId,
    /// What kind of document it is.
    pub kind: DocumentKind,
    /// Event time, in seconds since 1970: the document's own timestamp. 0 where the record tells none.
    pub at: u64,
    /// Its routing key in [`Documents::keys`]; empty where it has none.
    pub key: Span,
}

/// What a document tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentKind {
    /// One flow.
    Event,
    /// One line of syslog that is no flow.
    Syslog,
    /// One session that has ended, or goes on for another hour.
    Session,
    /// One revision of a finding.
    Finding,
    /// An entry that could not be read, for the quarantine.
    Quarantined,
    /// A document that a sink refused, for the dead letter.
    DeadLetter,
}

// === impl DocumentKind ===

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Event, Self::Syslog, Self::Session, Self::Finding, Self::Quarantined, Self::DeadLetter];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Syslog => "syslog",
            Self::Session => "session",
            Self::Finding => "finding",
            Self::Quarantined => "quarantined",
            Self::DeadLetter => "dead_letter",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

// === impl Documents ===

impl Documents {
    /// No documents yet, for a holder of `receipt`, in the room that `self` left.
    #[must_use]
    pub fn new(receipt: Receipt) -> Self {
        Self { bytes: Vec::new(), keys: Vec::new(), rows: Vec::new(), receipt, unfinished: false }
    }

    /// How many documents it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Document number `index`, line feed included.
    #[must_use]
    pub fn document(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.rows[before].end as usize);
        &self.bytes[start..self.rows[index].end as usize]
    }

    /// Ends the document whose bytes were just appended.
    pub fn end_document(&mut self, id: EventId, kind: DocumentKind, at: u64, key: Span) {
        self.rows.push(DocumentRow { end: self.bytes.len() as u32, id, kind, at, key });
    }

    /// Empties it for another filling and keeps its room; the receipt is replaced by one that nobody waits for.
    pub fn recycle(&mut self) -> Receipt {
        self.bytes.clear();
        self.keys.clear();
        self.rows.clear();
        self.unfinished = false;
        std::mem::replace(&mut self.receipt, Receipt::unclaimed())
    }
}

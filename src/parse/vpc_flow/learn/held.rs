//! Chunks whose entries have no layout yet, and how long they wait for one.

use crate::{
    event::{Chunk, Entry, Origin},
    parse::Named,
};

/// How long lines wait until their layout is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::parse) struct Patience {
    /// The most entries that wait.
    pub entries: usize,
    /// The most bytes that wait.
    pub bytes: usize,
    /// Milliseconds of the longest wait.
    pub wait_ms: u64,
}

/// A chunk, and which of its entries have a named layout.
#[derive(Debug)]
pub(in crate::parse::vpc_flow) struct Held {
    pub chunk: Chunk,
    pub segments: Vec<Segment>,
}

/// Entries that follow each other, with a layout that somebody named or with none.
#[derive(Debug, Clone)]
pub(in crate::parse::vpc_flow) struct Segment {
    /// The entry after its last one.
    pub end: u32,
    /// Their layout; `None` where it is to be learned.
    pub named: Option<Named>,
    /// The log group whose log events they are.
    pub log_group: Option<Origin>,
}

// === impl Patience ===

impl Patience {
    /// For a pipeline: 10,000 entries, 4 MiB, 30 s.
    pub(in crate::parse) const PIPELINE: Self = Self { entries: 10_000, bytes: 4 << 20, wait_ms: 30_000 };
}

// === impl Held ===

impl Held {
    /// The entries that have no named layout, with the log group that they are of.
    pub(super) fn unnamed(&self) -> impl Iterator<Item = (&Option<Origin>, &[Entry])> {
        let mut start = 0;
        self.segments.iter().filter_map(move |Segment { end, named, log_group }| {
            let entries = &self.chunk.entries[start..*end as usize];
            start = *end as usize;
            named.is_none().then_some((log_group, entries))
        })
    }
}

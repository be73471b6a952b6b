//! What is kept apart on a search server, for how long, and under which names.

/// What is kept apart: a data stream, or a series of indices, for each namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dataset {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// Days after which a data stream's newest index is rolled over, if it has not grown to 50 GB before.
    pub(super) rolled_days: u32,
    /// Days for which documents are kept.
    pub(super) kept_days: u32,
}

/// How a dataset's documents lie on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A data stream, which rolls over.
    Stream,
    /// An index for each day of event time.
    Daily,
}

pub(super) const DATASETS: [Dataset; 4] = [
    Dataset { name: "flow", what: "flow logs", rolled_days: 7, kept_days: 30 },
    Dataset { name: "syslog", what: "lines of syslog", rolled_days: 7, kept_days: 30 },
    Dataset { name: "session", what: "sessions", rolled_days: 7, kept_days: 90 },
    Dataset { name: "finding", what: "findings", rolled_days: 30, kept_days: 365 },
];

/// Above the built-in `logs` (100), those of Elastic's integrations (200) and what Elastic asks of others (500).
pub(super) const PRIORITY: u32 = 510;

// === impl Layout ===

impl Layout {
    pub(super) const ALL: [Self; 2] = [Self::Stream, Self::Daily];

    /// The pattern that the names of its data streams or indices have.
    pub(super) fn pattern(self, dataset: Dataset) -> String {
        match self {
            Self::Stream => format!("logs-floodmark.{}-*", dataset.name),
            Self::Daily => format!("floodmark-{}-*", dataset.name),
        }
    }
}

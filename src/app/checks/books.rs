//! What the check of documents has counted, for one sink: a metric for each reason, and the fields for the summary.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    normalize::{Fault, FaultReason},
    telemetry::metrics::{Counter, Metrics},
};

/// The check's books of one sink. Clones share them.
#[derive(Debug, Clone)]
pub struct CheckBooks {
    /// Documents that were checked.
    pub checked: Counter,
    /// Those among them in which something is wrong.
    pub unsound: Counter,
    /// Documents that were chosen and could not be checked, because the check had no room.
    pub unchecked: Counter,
    by_reason: Vec<Counter>,
    by_field: Arc<Mutex<BTreeMap<Fault, u64>>>,
}

/// Reasons with their fields that are counted one by one.
const FIELDS_MAX: usize = 256;

// === impl CheckBooks ===

impl CheckBooks {
    /// The books of the sink called `sink`.
    #[must_use]
    pub fn new(metrics: &Metrics, sink: &str) -> Self {
        let counter = |name, help| metrics.counter(name, help, vec![("sink", sink.to_owned())]);
        let of_reason = |reason: FaultReason| {
            let labels = vec![("sink", sink.to_owned()), ("reason", reason.name().to_owned())];
            metrics.counter(
                "floodmark_normalize_faults",
                "What was wrong in checked documents, by reason, with `--validate`.",
                labels,
            )
        };
        Self {
            checked: counter(
                "floodmark_normalize_documents_checked",
                "Documents checked against their schema, with `--validate`.",
            ),
            unsound: counter(
                "floodmark_normalize_documents_unsound",
                "Checked documents in which something is wrong.",
            ),
            unchecked: counter(
                "floodmark_normalize_documents_unchecked",
                "Documents chosen to be checked for which the check had no room.",
            ),
            by_reason: FaultReason::ALL.into_iter().map(of_reason).collect(),
            by_field: Arc::default(),
        }
    }

    /// Counts a checked document with what is wrong with it.
    pub(super) fn note(&self, faults: &[Fault]) {
        self.checked.inc();
        if faults.is_empty() {
            return;
        }
        self.unsound.inc();
        let mut by_field = self.by_field.lock().unwrap_or_else(PoisonError::into_inner);
        for fault in faults {
            self.by_reason[fault.reason as usize].inc();
            if by_field.len() < FIELDS_MAX || by_field.contains_key(fault) {
                *by_field.entry(fault.clone()).or_default() += 1;
            }
        }
    }

    /// What was wrong for `reason`.
    #[must_use]
    pub fn faults_of(&self, reason: FaultReason) -> u64 {
        self.by_reason[reason as usize].get()
    }

    /// What was wrong, the most frequent first, with its number of documents.
    #[must_use]
    pub fn faults(&self) -> Vec<(Fault, u64)> {
        let by_field = self.by_field.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults: Vec<(Fault, u64)> =
            by_field.iter().map(|(fault, count)| (fault.clone(), *count)).collect();
        faults.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        faults
    }
}

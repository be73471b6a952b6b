//! What is counted of snapshots.

use std::time::Duration;

use crate::{
    state::snapshot::Written,
    telemetry::metrics::{Counter, Gauge, Metrics},
};

/// What is counted of snapshots.
#[derive(Debug, Clone)]
pub(super) struct Books {
    written: Counter,
    failed: Counter,
    last_seconds: Gauge,
    last_bytes: Gauge,
    last_rows: Gauge,
    last_milliseconds: Gauge,
}

// === impl Books ===

impl Books {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, Vec::new());
        let gauge = |name, help| metrics.gauge(name, help, Vec::new());
        Self {
            written: counter("floodmark_state_snapshots_written", "Snapshots of the baselines written."),
            failed: counter(
                "floodmark_state_snapshots_failed",
                "Snapshots of the baselines that could not be written.",
            ),
            last_seconds: gauge(
                "floodmark_state_snapshot_last_seconds",
                "When the newest snapshot of the baselines was written, in seconds since 1970; 0 if none was.",
            ),
            last_bytes: gauge(
                "floodmark_state_snapshot_bytes",
                "Size of the newest snapshot of the baselines.",
            ),
            last_rows: gauge(
                "floodmark_state_snapshot_rows",
                "Entries of scoring's in the newest snapshot of the baselines.",
            ),
            last_milliseconds: gauge(
                "floodmark_state_snapshot_milliseconds",
                "How long the newest snapshot of the baselines took.",
            ),
        }
    }

    pub(super) fn written(&self, written: &Written, took: Duration, now_ms: u64) {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.written.inc();
        self.last_seconds.set(signed(now_ms / 1_000));
        self.last_bytes.set(signed(written.bytes));
        self.last_rows.set(signed(written.rows));
        self.last_milliseconds.set(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
    }

    pub(super) fn failed(&self) {
        self.failed.inc();
    }
}

//! What is counted about leases.

use crate::telemetry::metrics::{Counter, Gauge, Metrics};

/// Counts of one source's leases.
#[derive(Debug, Clone)]
pub(super) struct Meters {
    /// Leases that this worker holds.
    pub(super) held: Gauge,
    /// Those it took, the stolen ones among them.
    pub(super) taken: Counter,
    /// Those it took from a worker that still held them.
    pub(super) stolen: Counter,
    /// Those it took because their worker had been silent for too long.
    pub(super) expired: Counter,
    /// Those that it gave up: another worker took them, or it could not renew them in time.
    pub(super) lost: Counter,
    /// Tries to renew a lease or write its checkpoint that failed.
    pub(super) write_failures: Counter,
    /// Looks at the table or the stream that failed.
    pub(super) look_failures: Counter,
    /// How long ago the lease was renewed that was renewed longest ago.
    pub(super) renewal_age: Gauge,
}

// === impl Meters ===

impl Meters {
    pub(super) fn new(metrics: &Metrics, source: &str) -> Self {
        let labels = || vec![("source", source.to_owned())];
        let counter = |name, help| metrics.counter(name, help, labels());
        let gauge = |name, help| metrics.gauge(name, help, labels());
        Self {
            held: gauge("floodmark_source_leases_held", "Leases of shards that this worker holds."),
            taken: counter("floodmark_source_leases_taken", "Leases taken."),
            stolen: counter(
                "floodmark_source_leases_stolen",
                "Leases taken from a worker that still held them.",
            ),
            expired: counter(
                "floodmark_source_leases_expired",
                "Leases taken from a worker that was silent.",
            ),
            lost: counter(
                "floodmark_source_leases_lost",
                "Leases lost to another worker, or not renewed in time.",
            ),
            write_failures: counter(
                "floodmark_source_lease_writes_failed",
                "Tries to renew a lease or to write its checkpoint that failed.",
            ),
            look_failures: counter(
                "floodmark_source_lease_looks_failed",
                "Looks at the leases or the stream's shards that failed.",
            ),
            renewal_age: gauge(
                "floodmark_source_lease_renewal_age_ms",
                "Milliseconds since the lease was renewed that was renewed longest ago.",
            ),
        }
    }
}

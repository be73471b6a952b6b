//! What is counted of a buffer, besides the documents in its sink's books.

use crate::telemetry::metrics::{Counter, Gauge, Metrics};

/// One buffer's books. Clones share them.
#[derive(Debug, Clone)]
pub struct BufferBooks {
    /// Documents in it that its sink has not confirmed.
    pub documents: Gauge,
    /// Their bytes on disk.
    pub waiting_bytes: Gauge,
    /// Bytes of all its segments.
    pub disk_bytes: Gauge,
    /// The most that they may come to.
    pub limit_bytes: Gauge,
    /// How many segments it has.
    pub segments: Gauge,
    /// Since when the oldest document waits.
    pub oldest_age_seconds: Gauge,
    /// Whether it takes nothing because it is full.
    pub full: Gauge,
    /// Writes and reads that the disk refused.
    pub errors: Counter,
    /// Times that everything waiting was made durable.
    pub syncs: Counter,
}

// === impl BufferBooks ===

impl BufferBooks {
    /// The books of the buffer of the sink called `sink`.
    #[must_use]
    pub fn new(metrics: &Metrics, sink: &str) -> Self {
        let labels = || vec![("sink", sink.to_owned())];
        let gauge = |name, help| metrics.gauge(name, help, labels());
        let counter = |name, help| metrics.counter(name, help, labels());
        Self {
            documents: gauge(
                "floodmark_sink_buffer_documents",
                "Documents in the disk buffer that the sink has not confirmed.",
            ),
            waiting_bytes: gauge(
                "floodmark_sink_buffer_waiting_bytes",
                "Bytes in the disk buffer that the sink has not confirmed.",
            ),
            disk_bytes: gauge(
                "floodmark_sink_buffer_disk_bytes",
                "Bytes that the disk buffer takes, delivered parts of its segments included.",
            ),
            limit_bytes: gauge("floodmark_sink_buffer_limit_bytes", "Bytes that the disk buffer may take."),
            segments: gauge("floodmark_sink_buffer_segments", "Files of the disk buffer."),
            oldest_age_seconds: gauge(
                "floodmark_sink_buffer_oldest_age_seconds",
                "Seconds since the oldest document was written that the sink has not confirmed.",
            ),
            full: gauge(
                "floodmark_sink_buffer_full",
                "Whether the disk buffer takes nothing because it is full: 0 or 1.",
            ),
            errors: counter(
                "floodmark_sink_buffer_errors",
                "Writes to and reads of the disk buffer that the disk refused; they are tried again.",
            ),
            syncs: counter(
                "floodmark_sink_buffer_syncs",
                "Times that everything waiting was made durable at once.",
            ),
        }
    }
}

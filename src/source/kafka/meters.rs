//! What a Kafka source shows of itself: lag, assignment, rebalances, and records that were gone before they were read.

use crate::telemetry::metrics::{Counter, Gauge, Metrics};

/// A source's meters.
#[derive(Debug, Clone)]
pub(super) struct Meters {
    metrics: Metrics,
    source: String,
    /// Partitions that are ours.
    pub(super) assigned: Gauge,
    /// Times that partitions came or went.
    pub(super) rebalances: Counter,
    /// Commits that the group's coordinator refused; they are made again.
    pub(super) commits_refused: Counter,
    /// Records that the topic's retention deleted before they were read.
    pub(super) expired: Counter,
    /// Whether partitions are paused because nothing can be handed on.
    pub(super) paused: Gauge,
}

/// One partition's meters.
#[derive(Debug, Clone)]
pub(super) struct PartitionMeters {
    /// Records between what is confirmed and the end of the partition.
    pub(super) lag: Gauge,
}

// === impl Meters ===

impl Meters {
    pub(super) fn new(metrics: &Metrics, source: &str) -> Self {
        let labels = || vec![("source", source.to_owned())];
        Self {
            assigned: metrics.gauge(
                "floodmark_source_kafka_partitions",
                "Partitions that are assigned to this process.",
                labels(),
            ),
            rebalances: metrics.counter(
                "floodmark_source_kafka_rebalances",
                "Times that partitions were assigned or revoked.",
                labels(),
            ),
            commits_refused: metrics.counter(
                "floodmark_source_kafka_commits_refused",
                "Commits that the group refused; they are made again.",
                labels(),
            ),
            expired: metrics.counter(
                "floodmark_source_kafka_records_expired",
                "Records that the topic's retention deleted before they were read.",
                labels(),
            ),
            paused: metrics.gauge(
                "floodmark_source_kafka_paused",
                "Whether partitions are paused because the sinks take nothing: 0 or 1.",
                labels(),
            ),
            metrics: metrics.clone(),
            source: source.to_owned(),
        }
    }

    pub(super) fn partition(&self, topic: &str, number: i32) -> PartitionMeters {
        let labels = vec![
            ("source", self.source.clone()),
            ("topic", topic.to_owned()),
            ("partition", number.to_string()),
        ];
        let help = "Records of the partition that are not delivered yet.";
        PartitionMeters { lag: self.metrics.gauge("floodmark_source_kafka_lag_records", help, labels) }
    }
}

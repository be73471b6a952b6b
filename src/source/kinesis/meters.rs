//! What a Kinesis source shows of itself: how far behind it is, what slows it down, and what was odd about its records.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use crate::telemetry::metrics::{Counter, Gauge, Metrics};

/// A source's meters.
#[derive(Debug, Clone)]
pub(super) struct Meters {
    metrics: Metrics,
    source: String,
    /// The shards that have meters of their own.
    shown: Arc<Mutex<BTreeSet<Arc<str>>>>,
    /// Shards that are ours.
    pub(super) shards: Gauge,
    /// Calls that were refused because there were too many, or too much was asked for.
    pub(super) throttled: Counter,
    /// Iterators that were too old when they were used.
    pub(super) iterators_expired: Counter,
    /// Subscriptions that were made.
    pub(super) subscriptions: Counter,
    /// Times that what reading was to go on with was gone.
    pub(super) starts_expired: Counter,
    /// Checkpoints that were not written; they are written later.
    pub(super) checkpoints_failed: Counter,
    /// Aggregates that were opened.
    pub(super) aggregates: Counter,
    /// What begins as an aggregate and is none.
    pub(super) aggregates_broken: Counter,
    /// Records of aggregates whose hash keys are not of their shard.
    pub(super) outside: Counter,
}

/// One shard's meters.
#[derive(Debug, Clone)]
pub(super) struct ShardMeters {
    /// How far behind what came last, in milliseconds.
    pub(super) behind: Gauge,
    /// Records that were taken.
    pub(super) records: Counter,
    /// Those of the source.
    pub(super) shared: Meters,
}

/// The most shards with meters of their own. A stream that is resharded again and again has new ones for ever.
const SHOWN_MAX: usize = 512;
/// What the others are called together.
const OTHERS: &str = "others";

// === impl Meters ===

impl Meters {
    pub(super) fn new(metrics: &Metrics, source: &str) -> Self {
        let labels = || vec![("source", source.to_owned())];
        let counter = |name, help| metrics.counter(name, help, labels());
        Self {
            shards: metrics.gauge(
                "floodmark_source_kinesis_shards",
                "Shards that are read by this process.",
                labels(),
            ),
            throttled: counter(
                "floodmark_source_kinesis_calls_throttled",
                "Calls that were refused because a shard's or the account's limit was reached; they are made again.",
            ),
            iterators_expired: counter(
                "floodmark_source_kinesis_iterators_expired",
                "Shard iterators that were too old when they were used; reading goes on with new ones.",
            ),
            subscriptions: counter(
                "floodmark_source_kinesis_subscriptions",
                "Subscriptions to shards that were made; each lasts five minutes at most.",
            ),
            starts_expired: counter(
                "floodmark_source_kinesis_starts_expired",
                "Times that what reading was to go on with was gone: deleted by the stream's retention, or never of this stream.",
            ),
            checkpoints_failed: counter(
                "floodmark_source_kinesis_checkpoints_failed",
                "Checkpoints that could not be written; they are written later.",
            ),
            aggregates: counter(
                "floodmark_source_kinesis_aggregates",
                "Aggregates of the Kinesis Producer Library that were opened.",
            ),
            aggregates_broken: counter(
                "floodmark_source_kinesis_aggregates_broken",
                "Records that begin as an aggregate and are none; they are taken as they are.",
            ),
            outside: counter(
                "floodmark_source_kinesis_records_outside_hash_range",
                "Records of aggregates whose hash keys are not of the shard that they came in.",
            ),
            shown: Arc::default(),
            metrics: metrics.clone(),
            source: source.to_owned(),
        }
    }

    pub(super) fn shard(&self, shard: &Arc<str>) -> ShardMeters {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let is_shown = shown.contains(shard) || shown.len() < SHOWN_MAX && shown.insert(shard.clone());
        let shard = if is_shown { shard } else { OTHERS };
        let labels = || vec![("source", self.source.clone()), ("shard", shard.to_owned())];
        ShardMeters {
            behind: self.metrics.gauge(
                "floodmark_source_kinesis_behind_milliseconds",
                "How far reading is behind what came last into the shard.",
                labels(),
            ),
            records: self.metrics.counter(
                "floodmark_source_kinesis_records",
                "Records of the shard that were taken, each of an aggregate for itself.",
                labels(),
            ),
            shared: self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_is_resharded_for_ever_has_a_bounded_number_of_meters() {
        let metrics = Metrics::default();
        let meters = Meters::new(&metrics, "flows");
        for number in 0..SHOWN_MAX + 50 {
            meters.shard(&format!("shardId-{number:012}").into()).records.inc();
        }
        let page = metrics.page();
        let lines = page.lines().filter(|line| line.starts_with("floodmark_source_kinesis_records_total"));
        assert_eq!(lines.count(), SHOWN_MAX + 1);
        assert!(page.contains("shard=\"others\"} 50"), "{page}");
    }
}

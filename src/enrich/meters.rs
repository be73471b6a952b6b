//! What enrichment counts: look-ups by cache, reloads by file, and what is loaded.

use super::{asset::Kinds, internal::Survey};
use crate::telemetry::metrics::{Counter, Gauge, Metrics};

/// Metrics of the room. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Meters {
    /// What is known of an address.
    pub(super) addresses: CacheMeters,
    /// Places decoded from a City or Country database.
    pub(super) places: CacheMeters,
    /// Autonomous systems decoded from an ASN database.
    pub(super) networks: CacheMeters,
    /// Look-ups that a database which passed verification could not answer; the address counts as unknown.
    pub(super) errors: Counter,
    assets: Gauge,
    metrics: Metrics,
}

/// Metrics of one cache.
#[derive(Debug, Clone)]
pub(super) struct CacheMeters {
    hits: Counter,
    misses: Counter,
}

/// Hits and misses of one cache since they were last told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Found in the cache.
    pub(super) hits: u64,
    /// Not found in the cache.
    pub(super) misses: u64,
}

// === impl Meters ===

impl Meters {
    /// The room's metrics.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let cache = |cache: &str| {
            let counter = |result: &str| {
                metrics.counter(
                    "floodmark_enrich_lookups",
                    "Look-ups by cache and whether the cache had the answer.",
                    vec![("cache", cache.to_owned()), ("result", result.to_owned())],
                )
            };
            CacheMeters { hits: counter("hit"), misses: counter("miss") }
        };
        Self {
            addresses: cache("address"),
            places: cache("place"),
            networks: cache("network"),
            errors: metrics.counter(
                "floodmark_enrich_lookup_errors",
                "Look-ups that a database could not answer.",
                Vec::new(),
            ),
            assets: metrics.gauge(
                "floodmark_enrich_assets_rows",
                "Assets in use, from all lists.",
                Vec::new(),
            ),
            metrics: metrics.clone(),
        }
    }

    /// The counter of reloads of the file under config key `key` that ended as `result`: `ok` or `refused`.
    pub(super) fn reloads(&self, key: &str, result: &'static str) -> Counter {
        let labels = vec![("file", key.to_owned()), ("result", result.to_owned())];
        self.metrics.counter("floodmark_enrich_reloads", "Changed files read again.", labels)
    }

    /// Says when the database under config key `key` was built, in seconds since 1970.
    pub(super) fn set_build_epoch(&self, key: &str, seconds: u64) {
        let gauge = self.metrics.gauge(
            "floodmark_enrich_database_build_timestamp_seconds",
            "When the database in use was built, seconds since 1970.",
            vec![("file", key.to_owned())],
        );
        gauge.set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// Says how many assets there are, and how many keys of each kind they are found by.
    pub(super) fn set_assets(&self, rows: usize, kinds: Kinds) {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.assets.set(count(rows));
        for (kind, keys) in [
            ("interface", kinds.interfaces),
            ("instance", kinds.instances),
            ("address", kinds.addresses),
            ("network", kinds.networks),
        ] {
            let gauge = self.metrics.gauge(
                "floodmark_enrich_assets_keys",
                "What assets are found by, by kind.",
                vec![("kind", kind.to_owned())],
            );
            gauge.set(count(keys));
        }
    }
}

impl Meters {
    /// Says how many ranges of providers there are.
    pub(super) fn set_providers(&self, ranges: usize) {
        let gauge = self.metrics.gauge(
            "floodmark_enrich_providers_ranges",
            "Ranges of providers in use, from all lists.",
            Vec::new(),
        );
        gauge.set(i64::try_from(ranges).unwrap_or(i64::MAX));
    }

    /// Says how many networks and addresses the config and the assets each name as inside, and how many the assets alone.
    pub(super) fn set_internal(&self, survey: &Survey) {
        let Survey { configured, estate, outside, .. } = survey;
        for (from, networks) in [("config", configured), ("assets", estate), ("assets_alone", outside)] {
            let gauge = self.metrics.gauge(
                "floodmark_enrich_internal_networks",
                "Networks and addresses that are the estate's own, by who says so; assets_alone: outside of enrich.internal.",
                vec![("from", from.to_owned())],
            );
            gauge.set(i64::try_from(*networks).unwrap_or(i64::MAX));
        }
    }
}

/// Metrics of one topic of assets.
#[cfg(feature = "kafka")]
#[derive(Debug, Clone)]
pub(super) struct TopicMeters {
    /// Records in use.
    pub(super) put: Counter,
    /// Records that took a key away.
    pub(super) removed: Counter,
    /// Records that could not be understood or found no room.
    pub(super) refused: Counter,
    /// Keys that have a value.
    pub(super) keys: Gauge,
}

#[cfg(feature = "kafka")]
impl Meters {
    /// The metrics of the topic under config key `key`.
    pub(super) fn topic(&self, key: &str) -> TopicMeters {
        let counter = |result: &str| {
            self.metrics.counter(
                "floodmark_enrich_topic_records",
                "Records of topics of assets, by what became of them.",
                vec![("topic", key.to_owned()), ("result", result.to_owned())],
            )
        };
        TopicMeters {
            put: counter("put"),
            removed: counter("removed"),
            refused: counter("refused"),
            keys: self.metrics.gauge(
                "floodmark_enrich_topic_keys",
                "Keys of topics of assets that have a value.",
                vec![("topic", key.to_owned())],
            ),
        }
    }
}

#[cfg(feature = "kafka")]
impl TopicMeters {
    /// Records that changed something.
    pub(super) fn records(&self) -> u64 {
        self.put.get() + self.removed.get()
    }
}

// === impl CacheMeters ===

impl CacheMeters {
    /// Counts what `tally` holds and empties it.
    pub(super) fn tell(&self, tally: &mut Tally) {
        self.hits.inc_by(tally.hits);
        self.misses.inc_by(tally.misses);
        *tally = Tally::default();
    }
}

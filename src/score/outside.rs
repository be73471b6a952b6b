//! What is counted of the outside: how many come, how many are known, as of the last window that folded.

use crate::telemetry::metrics::{Counter, Gauge, Metrics};

use super::fringe::{Fringe, Totals, tide::Seen};

/// The counters and gauges of the fringe.
#[derive(Debug)]
pub(super) struct Outside {
    sources: Gauge,
    sources_new: Gauge,
    contacts: Gauge,
    refused: Gauge,
    externals: Gauge,
    pairs: Gauge,
    often: Counter,
    proven: Counter,
    spread: Counter,
    evicted: Counter,
    unadmitted: Counter,
    pairs_admitted: Counter,
    pairs_evicted: Counter,
    unsketched: Counter,
}

// === impl Outside ===

impl Outside {
    /// Nobody seen yet.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, Vec::new());
        let gauge = |name, help| metrics.gauge(name, help, Vec::new());
        let admitted = |reason: &str| {
            metrics.counter(
                "floodmark_score_externals_admitted",
                "External addresses that got a record: they came often, are proven to be where they say, or came to many hosts.",
                vec![("reason", reason.to_owned())],
            )
        };
        Self {
            sources: gauge(
                "floodmark_score_external_sources",
                "External addresses that sent something in the last window that folded: an estimate, 1 % off.",
            ),
            sources_new: gauge(
                "floodmark_score_external_sources_new",
                "Those of them that were not seen before.",
            ),
            contacts: gauge(
                "floodmark_score_external_contacts",
                "Flows between hosts and the outside in the last window that folded.",
            ),
            refused: gauge("floodmark_score_external_contacts_refused", "Those of them that were refused."),
            externals: gauge("floodmark_score_externals", "External addresses that have a record."),
            pairs: gauge(
                "floodmark_score_pairs",
                "Pairs of a host and an external address that have a record.",
            ),
            often: admitted("often"),
            proven: admitted("proven"),
            spread: admitted("spread"),
            evicted: counter(
                "floodmark_score_externals_evicted",
                "External addresses that lost their record to another one.",
            ),
            unadmitted: counter(
                "floodmark_score_external_contacts_unadmitted",
                "Flows with an external address that has no record: sketches alone count them.",
            ),
            pairs_admitted: counter("floodmark_score_pairs_admitted", "Pairs that got a record."),
            pairs_evicted: counter(
                "floodmark_score_pairs_evicted",
                "Pairs that lost their record to another one.",
            ),
            unsketched: counter(
                "floodmark_score_external_contacts_unsketched",
                "Flows too late for the sketches of their window: records alone count them.",
            ),
        }
    }

    /// Notes where all of the `fringes` stand, after a fold.
    pub(super) fn note<'a>(&self, fringes: impl Iterator<Item = &'a Fringe>) {
        let (mut seen, mut totals) = (Seen::default(), Totals::default());
        let (mut externals, mut pairs) = (0, 0);
        for fringe in fringes {
            seen.add(fringe.last().1);
            totals = totals.and(&fringe.totals());
            externals += fringe.externals().len();
            pairs += fringe.pairs().len();
        }
        for (gauge, value) in [
            (&self.sources, seen.sources),
            (&self.sources_new, seen.fresh),
            (&self.contacts, seen.contacts),
            (&self.refused, seen.rejects),
            (&self.externals, externals as u64),
            (&self.pairs, pairs as u64),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        for (counter, total) in [
            (&self.often, totals.admitted_often),
            (&self.proven, totals.admitted_proven),
            (&self.spread, totals.admitted_spread),
            (&self.evicted, totals.evicted),
            (&self.unadmitted, totals.unadmitted),
            (&self.pairs_admitted, totals.pairs_admitted),
            (&self.pairs_evicted, totals.pairs_evicted),
            (&self.unsketched, totals.unsketched),
        ] {
            // Totals only grow, and folds come one at a time.
            counter.inc_by(total.saturating_sub(counter.get()));
        }
    }
}

//! What is counted of the outside: how many come, how many are known, as of the last window that folded.

use crate::telemetry::{
    metrics::Metrics,
    shares::{CounterShare, GaugeShare},
};

use super::{Fringe, Totals, tide::Seen};

/// The counters and gauges of the fringe.
#[derive(Debug)]
pub(in crate::score) struct Outside {
    sources: GaugeShare,
    sources_new: GaugeShare,
    contacts: GaugeShare,
    refused: GaugeShare,
    externals: GaugeShare,
    pairs: GaugeShare,
    often: CounterShare,
    proven: CounterShare,
    spread: CounterShare,
    evicted: CounterShare,
    unadmitted: CounterShare,
    pairs_admitted: CounterShare,
    pairs_evicted: CounterShare,
    unsketched: CounterShare,
}

// === impl Outside ===

impl Outside {
    /// Nobody seen yet.
    pub(in crate::score) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| CounterShare::new(metrics.counter(name, help, Vec::new()));
        let gauge = |name, help| GaugeShare::new(metrics.gauge(name, help, Vec::new()));
        let admitted = |reason: &str| {
            CounterShare::new(metrics.counter(
                "floodmark_score_externals_admitted",
                "External addresses that got a record: they came often, are proven to be where they say, or came to many hosts.",
                vec![("reason", reason.to_owned())],
            ))
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
    pub(in crate::score) fn note<'a>(&self, fringes: impl Iterator<Item = &'a Fringe>) {
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
            gauge.set(value);
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
            counter.raise(total);
        }
    }
}

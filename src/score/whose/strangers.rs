//! Strangers: addresses that are an interface's own by its records, and lie outside the internal networks. Scoring counts them as
//! inside; `network.direction`, and whoever reads it, does not. Where the two differ is told: by scope in a metric, and once in
//! the log with a few of the addresses and the key to add them to.

use std::collections::BTreeMap;

use crate::telemetry::metrics::Metrics;

use crate::score::{
    grid::Window,
    whose::address::{Address, address},
};

/// How many of them the log names.
const EXAMPLES_MAX: usize = 5;
/// Scopes that are told apart; those of others are counted together.
const SCOPES_MAX: usize = 64;

/// The strangers among the interfaces' own addresses.
#[derive(Debug, Default)]
pub(in crate::score) struct Strangers {
    by_scope: BTreeMap<String, i64>,
    examples: Vec<Address>,
    changed: bool,
    /// What had folded when the first of them was known.
    first: Option<Window>,
    told: bool,
}

// === impl Strangers ===

impl Strangers {
    /// Takes note of one more, of an interface in `scope`.
    #[cold]
    pub(in crate::score) fn note(&mut self, scope: &[Box<str>; 3], stranger: Address) {
        let parts: Vec<&str> = scope.iter().map(|part| &**part).filter(|part| !part.is_empty()).collect();
        let scope = parts.join("/");
        let is_new = !self.by_scope.contains_key(&scope);
        let scope = if is_new && self.by_scope.len() >= SCOPES_MAX { "others".to_owned() } else { scope };
        *self.by_scope.entry(scope).or_default() += 1;
        if self.examples.len() < EXAMPLES_MAX && !self.examples.contains(&stranger) {
            self.examples.push(stranger);
        }
        self.changed = true;
    }

    /// Tells of them, when everything through `folded` has folded: the log a window later than the metric, so that it names
    /// more than the first.
    #[inline]
    pub(in crate::score) fn tell(&mut self, metrics: &Metrics, folded: Window) {
        if self.changed {
            self.set(metrics);
        }
        if !self.told && !self.examples.is_empty() && folded > *self.first.get_or_insert(folded) {
            self.told = true;
            let count: i64 = self.by_scope.values().sum();
            let examples: Vec<String> =
                self.examples.iter().map(|stranger| address(*stranger).to_string()).collect();
            tracing::warn!(
                count,
                examples = examples.join(", "),
                "addresses outside of `enrich.internal` are interfaces' own, as their records show: they are scored, but \
                 network.direction counts them as external; add their networks to `enrich.internal`, or name them as assets"
            );
        }
    }

    #[cold]
    fn set(&mut self, metrics: &Metrics) {
        self.changed = false;
        for (scope, count) in &self.by_scope {
            let gauge = metrics.gauge(
                "floodmark_score_internal_learned",
                "Own addresses of interfaces, as their records show, that lie outside the internal networks: inside for scoring \
                 alone.",
                vec![("scope", scope.clone())],
            );
            gauge.set(*count);
        }
    }
}

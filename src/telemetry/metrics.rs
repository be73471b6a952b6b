//! Metrics: counters and gauges that every room makes for itself and one page that shows them all to Prometheus.

use std::sync::{Arc, Mutex, PoisonError, atomic::AtomicU64};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter, family::Family, gauge},
    registry,
};

/// A count that only grows. Clones share it.
pub type Counter = counter::Counter;
/// A value that goes up and down. Clones share it.
pub type Gauge = gauge::Gauge;
/// A share that goes up and down. Clones share it.
pub type Ratio = gauge::Gauge<f64, AtomicU64>;

/// Label names and values of one time series.
pub type Labels = Vec<(&'static str, String)>;

/// Where metrics are made and shown. Clones share the metrics.
///
/// Names are `floodmark_<room>_<noun>_<unit>`; a counter's name is given without the `_total` that the page adds.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    registry: registry::Registry,
    counters: Vec<(&'static str, Family<Labels, Counter>)>,
    gauges: Vec<(&'static str, Family<Labels, Gauge>)>,
    ratios: Vec<(&'static str, Ratio)>,
}

// === impl Metrics ===

impl Metrics {
    /// The counter called `name` (without `_total`) with these labels; the same one whenever it is asked for again.
    #[must_use]
    pub fn counter(&self, name: &'static str, help: &'static str, labels: Labels) -> Counter {
        let mut guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { registry, counters, .. } = &mut *guard;
        if let Some((_, family)) = counters.iter().find(|(known, _)| *known == name) {
            return family.get_or_create(&labels).clone();
        }
        let family = Family::<Labels, Counter>::default();
        registry.register(name, help.trim_end_matches('.'), family.clone());
        let made = family.get_or_create(&labels).clone();
        counters.push((name, family));
        made
    }

    /// The gauge called `name` with these labels; the same one whenever it is asked for again.
    #[must_use]
    pub fn gauge(&self, name: &'static str, help: &'static str, labels: Labels) -> Gauge {
        let mut guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { registry, gauges, .. } = &mut *guard;
        if let Some((_, family)) = gauges.iter().find(|(known, _)| *known == name) {
            return family.get_or_create(&labels).clone();
        }
        let family = Family::<Labels, Gauge>::default();
        registry.register(name, help.trim_end_matches('.'), family.clone());
        let made = family.get_or_create(&labels).clone();
        gauges.push((name, family));
        made
    }

    /// The ratio called `name`; the same one whenever it is asked for again.
    #[must_use]
    pub fn ratio(&self, name: &'static str, help: &'static str) -> Ratio {
        let mut guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { registry, ratios, .. } = &mut *guard;
        if let Some((_, ratio)) = ratios.iter().find(|(known, _)| *known == name) {
            return ratio.clone();
        }
        let ratio = Ratio::default();
        registry.register(name, help.trim_end_matches('.'), ratio.clone());
        ratios.push((name, ratio.clone()));
        ratio
    }

    /// All metrics in the OpenMetrics text format, which Prometheus reads.
    #[must_use]
    pub fn page(&self) -> String {
        let guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut page = String::new();
        match encode(&mut page, &guard.registry) {
            Ok(()) => page,
            Err(error) => format!("# could not write the metrics: {error}\n# EOF\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_asked_for_twice_is_one_and_stands_on_the_page_under_its_full_name() {
        let metrics = Metrics::default();
        let labels = || vec![("source", "flows".to_owned())];
        metrics.counter("floodmark_source_records_received", "Records received.", labels()).inc_by(2);
        metrics.counter("floodmark_source_records_received", "Records received.", labels()).inc();
        metrics.gauge("floodmark_source_records_in_flight", "Records in flight.", labels()).set(5);
        let page = metrics.page();
        assert!(page.contains("floodmark_source_records_received_total{source=\"flows\"} 3\n"), "{page}");
        assert!(page.contains("floodmark_source_records_in_flight{source=\"flows\"} 5\n"), "{page}");
    }
}

//! Aggregation: over how long each source's records sum up what they tell of, as the records themselves show.
//!
//! AWS sums up over ten minutes or one, others over whatever they like, and no record says which: its start and end are those of
//! its first and last packet. So it is what nearly all records of a source stay below: one minute, ten, an hour, a day. One
//! record in sixteen is looked at, and one in fifty may be longer: a clock that was set, a row of a broken exporter.
//!
//! A window holds whole records, in the window of their end, and is compared with windows that held such records, so that none
//! is ever judged finer than what its feed shows: of a feed that sums up over an hour, each host has one window an hour. What
//! does depend on it is how late records come: each interface sums up at times of its own, so that a flow that ended in the
//! first of ten minutes comes nine minutes after another one that ended then.

use crate::{
    event::SourceId,
    telemetry::metrics::{Gauge, Metrics},
};

use crate::score::Config;

/// The longest records that are told apart, in seconds, and what is told of them: a tenth more than they should be.
const BOUNDS: [(u64, i64); 3] = [(66, 60), (660, 600), (3_960, 3_600)];
/// What is told of those that are longer.
const LONGEST: i64 = 86_400;
/// One in so many may be longer than what is told.
const STRAYS: u32 = 50;
/// Records after which something is told, and after which it is looked at again.
const ENOUGH: u32 = 64;
/// Records after which half of them is forgotten.
const FORGET: u32 = 1 << 14;
/// The lateness in seconds that records over ten minutes need: these, and the five minutes that it takes to deliver them.
const LATENESS_MIN: u64 = 900;

/// How long the records of each source are, by the sources' numbers.
#[derive(Debug, Default)]
pub(in crate::score) struct Aggregation {
    sources: Vec<Source>,
    lateness: u64,
}

/// How long the records of one source are.
#[derive(Debug)]
struct Source {
    name: String,
    gauge: Gauge,
    counts: [u32; BOUNDS.len() + 1],
    /// What was told last.
    seconds: i64,
}

// === impl Aggregation ===

impl Aggregation {
    /// Nothing seen yet of the sources that `config` names.
    pub(in crate::score) fn new(config: &Config, metrics: &Metrics) -> Self {
        let source = |name: &String| {
            Source {
            name: name.clone(),
            gauge: metrics.gauge(
                "floodmark_score_aggregation_seconds",
                "Over how long nearly all records of the source sum up what they tell of: 60, 600, 3600 or 86400; 0 until 1,000 \
                 were seen.",
                vec![("source", name.clone())],
            ),
            counts: [0; BOUNDS.len() + 1],
            seconds: 0,
        }
        };
        Self { sources: config.sources.iter().map(source).collect(), lateness: config.lateness.as_secs() }
    }

    /// Takes note of a record of `source` that lasted `seconds`.
    #[inline]
    pub(in crate::score) fn note(&mut self, source: SourceId, seconds: u64) {
        let Some(source) = self.sources.get_mut(usize::from(source.0)) else { return };
        let class = BOUNDS.iter().position(|(most, _)| seconds <= *most).unwrap_or(BOUNDS.len());
        source.counts[class] += 1;
        let total: u32 = source.counts.iter().sum();
        if total.is_multiple_of(ENOUGH) {
            source.settle(total, self.lateness);
        }
    }
}

// === impl Source ===

impl Source {
    #[cold]
    fn settle(&mut self, total: u32, lateness: u64) {
        let mut longer = total;
        let below = self.counts.iter().position(|count| {
            longer -= count;
            longer * STRAYS <= total
        });
        let seconds = below.and_then(|class| BOUNDS.get(class)).map_or(LONGEST, |(_, seconds)| *seconds);
        if seconds > self.seconds && seconds > BOUNDS[0].1 && lateness < LATENESS_MIN {
            tracing::warn!(
                source = %self.name,
                aggregation_seconds = seconds,
                lateness_seconds = lateness,
                "records sum up over more than a minute, and come later by that; with `score: {{ lateness: 25m }}` fewer of them \
                 come too late to be learned"
            );
        }
        self.seconds = seconds;
        self.gauge.set(seconds);
        if total >= FORGET {
            self.counts.iter_mut().for_each(|count| *count /= 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of records of these lengths, after `before`.
    fn told(before: i64, lengths: impl Iterator<Item = u64>) -> i64 {
        let config = Config { sources: vec!["flows".to_owned()], ..Config::default() };
        let mut aggregation = Aggregation::new(&config, &Metrics::default());
        (0..200).for_each(|_| aggregation.note(SourceId(0), before.unsigned_abs()));
        lengths.for_each(|seconds| aggregation.note(SourceId(0), seconds));
        aggregation.note(SourceId(7), 1);
        aggregation.sources[0].gauge.get()
    }

    #[test]
    fn it_is_what_nearly_all_records_stay_below() {
        let spread = |most: u64| (0..2_000).map(move |nth| nth * 37 % (most + 1));
        assert_eq!(told(0, spread(60)), 60);
        assert_eq!(told(0, spread(600)), 600);
        assert_eq!(told(0, spread(3_600)), 3_600);
        assert_eq!(told(0, spread(50_000)), 86_400);
        assert_eq!(
            told(0, spread(60).map(|seconds| if seconds == 7 { 5_000 } else { seconds })),
            60,
            "strays"
        );
    }

    #[test]
    fn a_feed_that_is_set_to_another_interval_is_followed() {
        let minute = (0..100_000).map(|nth| nth % 61);
        assert_eq!(told(600, minute), 60);
    }
}

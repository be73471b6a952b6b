//! What is usual for an entity by its whole archive, so that what stands out of it is not learned, not even at its beginning.
//!
//! Judged live, a window is measured against what came before it: an attack in the first days is among the first that is
//! known, and becomes usual. Over an archive the median and the median absolute deviation (of the logarithm, since volumes
//! are spread over decades) say what is usual, and half of all windows would have to be an attack's to move them (Hampel
//! 1974; Rousseeuw and Croux 1993: 1.4826 times the deviation is that of a normal distribution). A window with a feature
//! whose tail probability by them is below one in a thousand is held out.
//!
//! Logarithms are counted in buckets of the histogram's geometry: sixteen to the octave, and exact small counts.

use super::super::{histogram::geometry::bucket_of, judge::least_of_drift, series::FEATURES};
use crate::event::Feature;

/// What is usual for one feature of an entity.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usual {
    pub(super) median: u64,
    pub(super) p99: u64,
    pub(super) p999: u64,
    /// The bucket of the median, and the standard deviation in buckets.
    middle: u16,
    spread: f64,
}

/// Fewest windows of an entity among which one can stand out.
const WINDOWS_MIN: usize = 24;
/// What makes the deviation of the median that of a normal distribution.
const NORMAL: f64 = 1.4826;
/// The least standard deviation, in buckets: a quarter of an octave. What never changed may change by that much.
const SPREAD_MIN: f64 = 4.0;
/// Standard deviations from which the tail of a normal distribution is less than 0.001, rounded up.
const HELD_OUT_FROM: f64 = 3.1;
/// Buckets above the median that a value must lie at the least: two octaves, or four times the median.
const RISE_MIN: u16 = 32;

/// Packets that are too few to matter: those of some ten megabytes.
const PACKETS_MIN: u64 = 10_000;

/// The smallest value of `feature` that matters.
const fn least(feature: Feature) -> u64 {
    match feature {
        Feature::Packets => PACKETS_MIN,
        feature => least_of_drift(feature),
    }
}

// === impl Usual ===

impl Usual {
    /// What is usual where these were the values; they are put in order.
    pub(super) fn of(values: &mut [u64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        values.sort_unstable();
        let at = |share: f64| values[((values.len() - 1) as f64 * share + 0.5) as usize];
        let median = at(0.5);
        let middle = bucket_of(median);
        let mut deviations: Vec<u16> =
            values.iter().map(|value| bucket_of(*value).abs_diff(middle)).collect();
        let half = deviations.len() / 2;
        let (_, deviation, _) = deviations.select_nth_unstable(half);
        let spread = (NORMAL * f64::from(*deviation)).max(SPREAD_MIN);
        Self { median, p99: at(0.99), p999: at(0.999), middle, spread }
    }

    /// log10 of the tail probability of `value` of `feature`, where it is less than one in a thousand and the value is
    /// large enough to matter: 0 else.
    pub(super) fn log10_p(&self, feature: Feature, value: u64) -> f32 {
        let bucket = bucket_of(value);
        let above = bucket.saturating_sub(self.middle);
        let deviations = f64::from(above) / self.spread;
        if value < least(feature) || above < RISE_MIN || deviations < HELD_OUT_FROM {
            return 0.0;
        }
        tail_log10(deviations) as f32
    }
}

/// log10 of the tail of a normal distribution from `deviations` on: Laplace's continued fraction, which from 3 on is good to
/// one part in 10,000 after six terms.
fn tail_log10(deviations: f64) -> f64 {
    let fraction = (1..=6).rev().fold(deviations, |below, term| deviations + f64::from(term) / below);
    let root = (2.0 * std::f64::consts::PI).sqrt();
    -deviations * deviations / 2.0 * std::f64::consts::LOG10_E - (fraction * root).log10()
}

/// How surprising the `values` of one window are among all: nothing where none is.
pub(super) fn surprises(usual: &[Usual; FEATURES], values: &[u64; FEATURES]) -> Option<[f32; FEATURES]> {
    let log10_p = std::array::from_fn(|nth| usual[nth].log10_p(Feature::ALL[nth], values[nth]));
    log10_p.iter().any(|log10_p: &f32| *log10_p < 0.0).then_some(log10_p)
}

/// What is usual where these were the values of each feature, and whether there are enough of them to say so.
pub(super) fn usual_of(columns: &mut [Vec<u64>; FEATURES]) -> ([Usual; FEATURES], bool) {
    let enough = columns[0].len() >= WINDOWS_MIN;
    (std::array::from_fn(|nth| Usual::of(&mut columns[nth])), enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_that_of_a_normal_distribution() {
        for (deviations, log10_p) in [(3.090_232, -3.0), (3.719_016, -4.0), (5.997_807, -9.0)] {
            let found = tail_log10(deviations);
            assert!((found - log10_p).abs() < 0.001, "{deviations}: {found}");
        }
    }

    #[test]
    fn up_to_half_of_the_windows_may_be_an_attack_and_all_of_it_stands_out() {
        for share in [1, 10, 45] {
            let usually = |nth: u64| 1_000_000 + nth % 7 * 100_000;
            let mut values: Vec<u64> =
                (0..1_000).map(|nth| if nth % 100 < share { 500_000_000 } else { usually(nth) }).collect();
            let usual = Usual::of(&mut values);
            let standing = values.iter().filter(|value| usual.log10_p(Feature::BytesOut, **value) < -3.0);
            assert_eq!(standing.count() as u64, share * 10, "{share} in a hundred");
        }
    }

    #[test]
    fn a_day_and_its_night_do_not_stand_out_and_neither_does_what_is_too_small_to_matter() {
        let mut values: Vec<u64> =
            (0..144).map(|nth| if nth < 72 { 3_000_000 } else { 30_000_000 + nth * 400_000 }).collect();
        let usual = Usual::of(&mut values);
        assert!(values.iter().all(|value| usual.log10_p(Feature::BytesOut, *value) == 0.0));
        let ports = Usual::of(&mut [2; 100]);
        assert_eq!(ports.log10_p(Feature::DestinationPorts, 19), 0.0);
        assert!(ports.log10_p(Feature::DestinationPorts, 200) < -3.0);
    }
}

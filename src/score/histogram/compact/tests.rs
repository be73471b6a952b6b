//! What the compact histogram guarantees, compared with `hdrhistogram`.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::score::usual::decay::Decay;

/// Values of every order of magnitude that the buckets reach, with weights.
fn records() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let value = (0_u32..41, 0_u64..1 << 41).prop_map(|(shift, value)| value >> shift);
    vec((value, 0_u32..5000), 0..200)
}

fn compact(records: &[(u64, u32)]) -> Compact {
    let mut compact = Compact::new();
    for &(value, weight) in records {
        compact.record(value, weight);
    }
    compact
}

#[test]
fn a_bucket_takes_six_bytes() {
    let mut compact = Compact::new();
    assert_eq!(compact.bytes(), size_of::<Compact>());
    for value in 0..100 {
        compact.record(1 << (value % 41), 16);
    }
    assert!(compact.bytes() <= size_of::<Compact>() + 41 * 6 * 5 / 4, "{}", compact.bytes());
    assert!(size_of::<Compact>() <= 40);
}

#[test]
fn a_full_bucket_stays_full_and_the_total_follows_it() {
    let compact = compact(&[(7, u32::MAX), (7, 5), (8, 1)]);
    assert_eq!(compact.total(), u64::from(u32::MAX) + 1);
    assert_eq!(compact.at_or_above(8), 1);
}

#[test]
fn a_later_landmark_divides_by_4_and_forgets_what_is_left_with_nothing() {
    let mut compact = Compact::new();
    compact.record_at(1000, Moment { landmark: 5, weight: 1 });
    compact.record_at(2000, Moment { landmark: 5, weight: 6 });
    compact.record_at(3000, Moment { landmark: 6, weight: 16 });
    assert_eq!(compact.landmark(), 6);
    assert_eq!(compact.iter().collect::<Vec<_>>(), [(bucket_of(2000), 2), (bucket_of(3000), 16)]);
    compact.record_at(3000, Moment { landmark: 5, weight: 64 });
    assert_eq!(compact.total(), 2 + 16 + 16);
    compact.advance(5);
    assert_eq!(compact.landmark(), 6);
    compact.advance(10);
    assert_eq!(compact, Compact::new());
}

#[test]
fn the_mean_and_the_deviation_are_those_of_the_values() {
    let compact = compact(&[(2, 16), (4, 32), (9, 16)]);
    assert!((compact.mean() - 4.75).abs() < 1e-12);
    let variance = (2.75_f64.powi(2) + 2.0 * 0.75_f64.powi(2) + 4.25_f64.powi(2)) / 4.0;
    assert!((compact.std() - variance.sqrt()).abs() < 1e-12);
    assert_eq!((Compact::new().mean(), Compact::new().std()), (0.0, 0.0));
}

proptest! {
    #[test]
    fn it_says_what_hdrhistogram_says(records in records(), probe in 0_u64..1 << 41, quantile in 0.0..=1.0) {
        let compact = compact(&records);
        let mut dense = dense();
        for &(value, weight) in &records {
            dense.record_n(value, u64::from(weight)).unwrap();
        }
        prop_assert_eq!(compact.total(), dense.len());
        for &(value, _) in records.iter().chain([&(probe, 0)]) {
            let weight = compact.iter().find(|&(bucket, _)| bucket == bucket_of(value)).map_or(0, |found| found.1);
            prop_assert_eq!(u64::from(weight), dense.count_at(value));
            prop_assert_eq!(compact.at_or_above(value), dense.count_between(value, u64::MAX));
        }
        for quantile in [quantile, 0.0, 0.5, 0.99, 1.0] {
            prop_assert_eq!(compact.value_at_quantile(quantile), dense.value_at_quantile(quantile));
        }
        prop_assert!((compact.mean() - dense.mean()).abs() <= 1e-9 * dense.mean());
        prop_assert!((compact.std() - dense.stdev()).abs() <= 1e-6 * dense.mean());
    }

    #[test]
    fn it_turns_into_hdrhistogram_and_back_without_loss(records in records(), landmark in any::<u32>()) {
        let mut compact = compact(&records);
        compact.landmark = if compact.is_empty() { 0 } else { landmark };
        let dense = compact.to_hdr();
        prop_assert_eq!(dense.len(), compact.total());
        prop_assert_eq!(&Compact::from_hdr(&dense, landmark), &compact);
        let mut again = self::dense();
        for &(value, weight) in &records {
            again.record_n(value, u64::from(weight)).unwrap();
        }
        prop_assert_eq!(again.iter_recorded().collect::<Vec<_>>(), dense.iter_recorded().collect::<Vec<_>>());
    }

    #[test]
    fn within_a_landmark_the_order_of_the_windows_does_not_matter(
        windows in vec((0_u64..1 << 41, 0_u64..2 * 1000), 0..100).prop_shuffle(),
    ) {
        let decay = Decay::new(1000);
        let record = |windows: &[(u64, u64)]| {
            let mut compact = Compact::new();
            for &(value, time) in windows {
                compact.record_at(value, decay.moment(8_000_000 + time));
            }
            compact
        };
        let mut sorted = windows.clone();
        sorted.sort_by_key(|window| window.1);
        prop_assert_eq!(record(&windows), record(&sorted));
    }

    #[test]
    fn landmarks_passed_one_by_one_or_at_once_leave_the_same(records in records(), steps in 0_u32..6) {
        let mut at_once = compact(&records);
        at_once.landmark = if at_once.is_empty() { 0 } else { 10 };
        let mut one_by_one = at_once.clone();
        at_once.advance(10 + steps);
        for landmark in 10..=10 + steps {
            one_by_one.advance(landmark);
        }
        prop_assert_eq!(at_once, one_by_one);
    }

    #[test]
    fn what_is_encoded_comes_back_and_what_follows_it_stays(records in records(), tail in vec(any::<u8>(), 0..5)) {
        let mut compact = compact(&records);
        compact.landmark = if compact.is_empty() { 0 } else { 77 };
        let mut bytes = Vec::new();
        compact.encode(&mut bytes);
        bytes.extend(&tail);
        let mut rest = &bytes[..];
        prop_assert_eq!(Compact::decode(&mut rest).unwrap(), compact);
        prop_assert_eq!(rest, &tail[..]);
    }

    #[test]
    fn no_bytes_make_decoding_panic_and_what_decodes_encodes_to_the_same(
        records in records(), place in any::<prop::sample::Index>(), byte in any::<u8>(), noise in vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = Vec::new();
        compact(&records).encode(&mut bytes);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        for bytes in [&bytes[..], &bytes[..place], &noise] {
            let mut rest = bytes;
            if let Ok(compact) = Compact::decode(&mut rest) {
                let mut again = Vec::new();
                compact.encode(&mut again);
                prop_assert_eq!(&again[..], &bytes[..bytes.len() - rest.len()]);
            }
        }
    }
}

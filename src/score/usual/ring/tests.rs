//! What quarantine lets go, and what it does not.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const DAY: i64 = 144;

/// One held-out window a day at noon, days as given.
fn ring(days: impl IntoIterator<Item = (i64, u16)>) -> Ring {
    let mut ring = Ring::new();
    days.into_iter().for_each(|(day, bucket)| ring.hold(day * DAY + 72, 0, bucket, false));
    ring
}

fn holds() -> impl Strategy<Value = Vec<(i64, u8, u16, bool)>> {
    vec((-3_i64..12 * DAY, 0_u8..3, 100_u16..140, prop::bool::weighted(0.1)), 0..90)
}

fn held(holds: &[(i64, u8, u16, bool)]) -> Ring {
    let mut ring = Ring::new();
    holds.iter().for_each(|&(window, series, bucket, known)| ring.hold(window, series, bucket, known));
    ring
}

#[test]
fn a_ring_takes_sixteen_bytes_and_eight_for_each_summary() {
    assert_eq!((size_of::<Ring>(), size_of::<Held>()), (16, 8));
    let mut full = Ring::new();
    for nth in 0..1000 {
        full.hold(nth * 60, (nth % 8) as u8, 200, false);
        assert_eq!(full.bytes(), 16 + 8 * full.len());
    }
    assert_eq!(full.len(), KEPT_MAX);
}

#[test]
fn the_fifth_day_of_similar_values_releases_them_with_their_own_times() {
    let mut ring = ring([(1, 200), (2, 208), (9, 216), (30, 204)]);
    assert_eq!(ring.release(), []);
    ring.hold(31 * DAY, 0, 210, false);
    let released = ring.release();
    assert_eq!(released.iter().map(|one| one.window / DAY).collect::<Vec<_>>(), [1, 2, 9, 30, 31]);
    assert_eq!(released[2], Released { window: 9 * DAY + 72, series: 0, bucket: 216, windows: 1 });
    assert!(ring.is_empty() && ring.bytes() == 16);
}

#[test]
fn a_hundred_windows_of_four_days_are_no_habit() {
    let mut ring = Ring::new();
    for window in 0..4 * DAY {
        ring.hold(window, 0, 200, false);
    }
    assert_eq!((ring.len(), ring.release()), (4, vec![]));
    ring.hold(4 * DAY, 0, 200, false);
    assert_eq!(ring.release().iter().map(|one| one.windows).collect::<Vec<_>>(), [6, 6, 6, 6, 1]);
}

#[test]
fn values_more_than_twice_as_large_are_not_similar_small_ones_either() {
    assert_eq!(ring([(1, 200), (2, 200), (3, 217), (4, 217), (5, 217)]).release(), []);
    // Ports are counted one by one below 32: five and twelve are not alike, though seven buckets apart.
    assert_eq!(ring([(1, 5), (2, 5), (3, 12), (4, 12), (5, 12)]).release(), []);
    assert_eq!(ring([(1, 5), (2, 6), (3, 8), (4, 9), (5, 10)]).release().len(), 5);
}

#[test]
fn two_habits_are_released_side_by_side_and_a_stray_value_stays() {
    let mut ring = ring((0..5).map(|day| (day, 200)).chain((5..10).map(|day| (day, 300))).chain([(10, 400)]));
    assert_eq!(ring.release().len(), 10);
    assert_eq!(ring.len(), 1);
}

#[test]
fn another_detectors_finding_keeps_the_whole_group() {
    let mut early = ring((0..8).map(|day| (day, 200 + day as u16)));
    early.hold(3 * DAY + 1, 0, 190, true);
    assert_eq!(early.release(), []);
    let mut late = ring((0..5).map(|day| (day, 200)));
    late.corroborate(2 * DAY);
    assert_eq!(late.release(), []);
    assert_eq!(late.release_all().len(), 5);
    assert!(late.is_empty());
}

#[test]
fn the_oldest_goes_and_what_is_older_still_does_not_come_in() {
    let mut ring = ring((10..90).map(|day| (day, (day * 10) as u16)));
    assert_eq!(ring.len(), KEPT_MAX);
    ring.hold(5 * DAY, 0, 7, false);
    let windows: Vec<i64> = ring.release_all().iter().map(|one| one.window / DAY).collect();
    assert_eq!(windows, (26..90).collect::<Vec<_>>());
}

#[test]
fn what_no_ring_would_write_is_refused() {
    let cases: [(&[u8], DecodeError); 5] = [
        (&[65], DecodeError::Form),
        (&[1, 0, 0xe0, 0x04, 0, 1], DecodeError::Place { place: 608 }),
        (&[1, 0, 5, 0, 0x80], DecodeError::Weight { weight: 0x80 }),
        (&[2, 0, 5, 0, 1, 0, 6, 0, 1], DecodeError::Form),
        (&[1, 0, 5, 0], DecodeError::Truncated),
    ];
    for (bytes, error) in cases {
        assert_eq!(Ring::decode(&mut &*bytes), Err(error), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn the_order_of_what_is_held_does_not_matter(holds in holds(), turn in 0_usize..90) {
        let mut other = holds.clone();
        other.reverse();
        other.rotate_left(turn.min(holds.len()));
        let (mut one, mut two) = (held(&holds), held(&other));
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(one.release(), two.release());
        prop_assert_eq!(one, two);
    }

    #[test]
    fn a_release_is_of_five_days_within_a_factor_of_two_uncorroborated_oldest_first(holds in holds()) {
        let mut ring = held(&holds);
        let before = ring.len();
        let released = ring.release();
        prop_assert_eq!(released.len() + ring.len(), before);
        prop_assert!(released.is_sorted_by_key(|one| (one.window.div_euclid(DAY), one.series)));
        for one in &released {
            let same = released.iter().filter(|other| other.series == one.series);
            prop_assert!(same.filter(|other| other.bucket.abs_diff(one.bucket) <= 16).count() >= DAYS_MIN);
            prop_assert!(!holds.contains(&(one.window, one.series, one.bucket, true)));
        }
        prop_assert_eq!(ring.release(), vec![]);
    }

    #[test]
    fn what_is_encoded_comes_back(holds in holds(), garbage in vec(any::<u8>(), 0..60), place in any::<prop::sample::Index>()) {
        let ring = held(&holds);
        let mut bytes = Vec::new();
        ring.encode(&mut bytes);
        let mut rest = &bytes[..];
        prop_assert_eq!(Ring::decode(&mut rest).unwrap(), ring);
        prop_assert!(rest.is_empty());
        let place = place.index(bytes.len());
        bytes[place] = garbage.first().copied().unwrap_or(0);
        for bytes in [&bytes, &garbage] {
            if let Ok(read) = Ring::decode(&mut &bytes[..]) {
                let mut again = Vec::new();
                read.encode(&mut again);
                prop_assert!(bytes.starts_with(&again));
            }
        }
    }
}

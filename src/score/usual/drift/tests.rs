//! When drift is said, and when not.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A Monday.
const MONDAY: i64 = 2_900 * 168 + 4 * 24;

/// Numbers that look random, the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.roll() as f64 / u64::MAX as f64).sum::<f64>() - 6.0
    }
}

/// What a host with a daily and a weekly rhythm sends in an hour: half an octave of noise around office hours.
fn usual(hour: i64, dice: &mut Dice) -> f64 {
    let weekend = (hour.div_euclid(24) + 3).rem_euclid(7) >= 5;
    let day = if (8..18).contains(&hour.rem_euclid(24)) { 5.0 } else { 1.0 };
    1e6 * (if weekend { day / 5.0 } else { day } + 0.5 * dice.normal()).exp2()
}

/// The hours, from 0, at which drift is said of a host whose hour `n` is multiplied by `factor(n)`.
fn said(hours: i64, seed: u64, factor: impl Fn(i64) -> f64) -> Vec<i64> {
    let (mut drift, mut dice) = (Drift::<1>::new(), Dice(seed));
    let start = MONDAY + (seed % 168) as i64;
    (0..hours)
        .filter(|nth| {
            let value = usual(start + nth, &mut dice) * factor(*nth);
            drift.note(start + nth, &[value as u64], &[1_000_000])[0].is_some()
        })
        .collect()
}

#[test]
fn eight_series_take_140_bytes() {
    assert_eq!((size_of::<Weeks>(), size_of::<Drift<8>>()), (16, 140));
}

#[test]
fn weeks_begin_on_mondays() {
    assert_eq!(week_of(0), 0);
    assert_eq!(week_of(MONDAY - 1) + 1, week_of(MONDAY));
    assert_eq!(week_of(MONDAY + 167), week_of(MONDAY));
    assert_eq!([week_of(i64::MIN), week_of(i64::MAX)], [0, u16::MAX]);
}

#[test]
fn a_stable_host_with_a_weekly_rhythm_never_drifts_in_ninety_days() {
    for seed in 0..300 {
        let hours = said(90 * 24, seed, |_| 1.0);
        assert!(hours.is_empty(), "seed {seed}: {hours:?}");
    }
}

#[test]
fn five_percent_more_a_day_is_called_in_the_fourth_week_and_by_day_35_at_the_latest() {
    let called = |weeks: i64| {
        let mut days: Vec<i64> = (0..100)
            .map(|seed| {
                let quiet = weeks * 168;
                let growth = |hour: i64| 1.05_f64.powf((hour - quiet).max(0) as f64 / 24.0);
                let hours = said(quiet + 45 * 24, seed, growth);
                assert!(
                    (1..=2).contains(&hours.len()) && hours[0] > quiet,
                    "seed {seed}, {weeks} weeks: {hours:?}"
                );
                (hours[0] - quiet) / 24
            })
            .collect();
        days.sort_unstable();
        [days[50], days[90], days[99]]
    };
    // 1.05^27 is 3.7, 1.05^30 is 4.3, 1.05^35 is 5.5.
    for (weeks, latest) in [(5, [28, 31, 35]), (8, [28, 30, 35]), (13, [28, 30, 31])] {
        let days = called(weeks);
        assert!(days.iter().zip(latest).all(|(day, latest)| *day <= latest), "{weeks} weeks: {days:?}");
    }
}

#[test]
fn one_percent_more_a_day_is_never_called() {
    // What is known to get through: the median keeps up.
    let slow = said(40 * 168, 1, |hour| 1.01_f64.powf(hour as f64 / 24.0));
    assert!(slow.is_empty(), "{slow:?}");
}

#[test]
fn a_new_level_is_called_once_and_again_only_after_it_was_over() {
    let level = |hour: i64| if hour > 6 * 168 && !(8 * 168..=11 * 168).contains(&hour) { 5.0 } else { 1.0 };
    for seed in 0..20 {
        let hours = said(14 * 168, seed, level);
        assert_eq!(hours.len(), 2, "seed {seed}: {hours:?}");
        assert!(hours[0] - 6 * 168 < 96 && hours[1] - 11 * 168 < 96, "seed {seed}: {hours:?}");
    }
}

#[test]
fn who_goes_on_after_being_called_is_called_again_for_each_three_times() {
    for seed in 0..20 {
        // Doubles every day for 20 days.
        let hours = said(8 * 168 + 20 * 24, seed, |hour| ((hour - 8 * 168).max(0) as f64 / 24.0).exp2());
        assert!((5..=12).contains(&hours.len()), "seed {seed}: {hours:?}");
    }
}

#[test]
fn a_single_hour_is_no_drift_and_nor_are_three_weeks() {
    assert!(said(12 * 168, 3, |hour| if hour == 1_400 { 1_000.0 } else { 1.0 }).is_empty());
    assert!(said(4 * 168, 168, |hour| if hour > 3 * 168 { 1_000.0 } else { 1.0 }).is_empty());
}

#[test]
fn what_does_not_matter_is_not_said_and_silence_is_no_week() {
    let mut drift = Drift::<1>::new();
    let mut note = |week: i64, value| {
        (0..9)
            .flat_map(|hour| drift.note(MONDAY + week * 168 + hour, &[value], &[10_000_000]))
            .flatten()
            .collect::<Vec<_>>()
    };
    (0..6).for_each(|week| assert_eq!(note(week, 0), []));
    assert_eq!(note(6, 9_000_000), []);
    // Half a year later: the weeks between are not weeks of nothing.
    let found = note(32, 40_000_000);
    assert_eq!((found.len(), found[0].usual, found[0].weeks), (1, 1, 6));
    assert_eq!(drift.weeks(), 6);
}

#[test]
fn what_no_drift_would_write_is_refused() {
    let cases: [(&[u8], DecodeError); 6] = [
        (&[0, 13], DecodeError::Form),
        (&[1, UNBORN], DecodeError::Form),
        (&[0, 0, 28], DecodeError::Place { place: 28 }),
        (&[0, 0, 0, 1, 2], DecodeError::Place { place: 2 }),
        (&[0, 1, 0, 0, 0, 203], DecodeError::Place { place: 203 }),
        (&[0, 1, 0, 0, 0], DecodeError::Truncated),
    ];
    for (bytes, error) in cases {
        assert_eq!(Drift::<1>::decode(&mut &*bytes), Err(error), "{bytes:?}");
    }
}

fn noted() -> impl Strategy<Value = Vec<(i64, [u64; 2])>> {
    let value = || (0_u32..64, any::<u64>()).prop_map(|(places, value)| value >> places);
    vec((0_i64..168, [value(), value()]), 0..40)
}

proptest! {
    #[test]
    fn the_order_within_a_week_does_not_matter(before in noted(), week in noted(), turn in 0_usize..40) {
        let mut one = Drift::<2>::new();
        for (hour, values) in before {
            one.note(MONDAY + hour * 17, &values, &[0; 2]);
        }
        let mut two = one;
        let mut other = week.clone();
        other.reverse();
        other.rotate_left(turn.min(week.len()));
        let said = |drift: &mut Drift<2>, week: Vec<(i64, [u64; 2])>| {
            let mut series: Vec<usize> = week
                .into_iter()
                .flat_map(|(hour, values)| drift.note(MONDAY + 20 * 168 + hour, &values, &[0; 2]))
                .flatten()
                .map(|drifted| drifted.series)
                .collect();
            series.sort_unstable();
            series.dedup();
            series
        };
        prop_assert_eq!(said(&mut one, week), said(&mut two, other));
        prop_assert_eq!(one, two);
    }

    #[test]
    fn what_is_encoded_comes_back(noted in noted(), garbage in vec(any::<u8>(), 0..60), place in any::<prop::sample::Index>()) {
        let mut drift = Drift::<2>::new();
        for (hour, values) in noted {
            drift.note(MONDAY + hour * 17, &values, &[0; 2]);
        }
        let mut bytes = Vec::new();
        drift.encode(&mut bytes);
        let mut rest = &bytes[..];
        prop_assert_eq!(Drift::decode(&mut rest).unwrap(), drift);
        prop_assert!(rest.is_empty());
        let place = place.index(bytes.len());
        bytes[place] = garbage.first().copied().unwrap_or(0);
        for bytes in [&bytes, &garbage] {
            if let Ok(read) = Drift::<2>::decode(&mut &bytes[..]) {
                let mut again = Vec::new();
                read.encode(&mut again);
                prop_assert!(bytes.starts_with(&again));
            }
        }
    }
}

//! What the hour's usual level gives, and what it cannot take away.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::score::{
    histogram::{Compact, geometry::bucket_of},
    usual::decay::Decay,
};

/// A Monday.
const MONDAY: i64 = 2_900 * 7 * 24 + 4 * 24;

/// Numbers that look random, the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Nearly normal, with a deviation of 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.roll() as f64 / u64::MAX as f64).sum::<f64>() - 6.0
    }
}

/// Octaves above the night's level: office hours, less on weekends.
fn rhythm(hour: i64) -> f64 {
    let (hour, weekend) = (hour.rem_euclid(24), cell_of(hour) >= 24);
    let day = match hour {
        8..=17 => 8.0,
        6 | 7 | 18 | 19 => 4.0,
        _ => 0.0,
    };
    if weekend { day / 4.0 } else { day }
}

/// What a host with a rhythm sends in an hour: 10,000 at night, 256 times as much by day, half an octave of noise.
fn packets(hour: i64, dice: &mut Dice) -> u64 {
    (10_000.0 * (rhythm(hour) + 0.5 * dice.normal()).exp2()) as u64
}

/// Standard deviation in octaves.
fn spread(values: &[u64]) -> f64 {
    let logs: Vec<f64> = values.iter().map(|value| (*value as f64 + 1.0).log2()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / logs.len() as f64).sqrt()
}

/// Four weeks of a host, raw and moved, with the season they leave.
fn four_weeks(seed: u64) -> (Season, Vec<(i64, u64, u64)>) {
    let (mut season, mut dice, mut seen) = (Season::new(), Dice(seed), Vec::new());
    for hour in MONDAY..MONDAY + 4 * 168 {
        let value = packets(hour, &mut dice);
        seen.push((hour, value, moved(value, season.shift(hour))));
        season.note(hour, value);
    }
    (season, seen)
}

#[test]
fn an_entity_without_a_season_has_a_pointer_and_one_with_a_hundred_bytes_more() {
    assert_eq!((size_of::<Season>(), size_of::<Cells>()), (8, 100));
    let mut season = Season::new();
    assert_eq!(season.bytes(), 8);
    season.note(0, 1);
    assert_eq!(season.bytes(), 108);
}

#[test]
fn hours_are_told_apart_by_time_of_day_and_kind_of_day() {
    assert_eq!([0, 1, 23].map(|hour| cell_of(MONDAY + hour)), [0, 1, 23]);
    assert_eq!([4, 5, 6, 7].map(|day| cell_of(MONDAY + 24 * day)), [0, 24, 24, 0]);
    assert_eq!(cell_of(-1), 23);
}

#[test]
fn a_level_is_the_logarithm_and_its_steps_are_these_on_every_machine() {
    for value in [0, 1, 2, 5, 99, 12_345, 1 << 40, u64::MAX] {
        let real = ((value.min(1 << 60) + 1) as f64).log2() * 64.0;
        assert!((f64::from(level(value)) - real).abs() <= 1.0, "{value}: {} for {real}", level(value));
    }
    let hash = (0..2000_u64).fold(0xcbf2_9ce4_8422_2325_u64, |hash, value| {
        (hash ^ level(value * value * value) as u64).wrapping_mul(0x100_0000_01b3)
    });
    assert_eq!(hash, 5_733_093_713_120_219_401);
}

#[test]
fn nothing_is_moved_before_the_third_day() {
    let mut season = Season::new();
    for hour in MONDAY..MONDAY + 48 {
        season.note(hour, if hour % 24 < 12 { 10 } else { 100_000 });
        assert_eq!(season.shift(hour), 0);
    }
    season.note(MONDAY + 48, 10);
    assert!(season.shift(MONDAY + 48) < 0 && season.shift(MONDAY + 60) > 0);
}

#[test]
fn an_hour_never_seen_is_as_usual_and_one_seen_on_weekdays_is_half_known_on_weekends() {
    let mut season = Season::new();
    for day in 0..5 {
        for hour in [1, 13] {
            season.note(MONDAY + day * 24 + hour, if hour == 1 { 1_000 } else { 64_000 });
        }
    }
    assert_eq!(season.shift(MONDAY + 5), 0);
    let (weekday, weekend) = (season.shift(MONDAY + 13), season.shift(MONDAY + 5 * 24 + 13));
    assert!(0 < weekend && weekend < weekday && weekday < 3 * STEPS, "{weekend} {weekday}");
}

#[test]
fn the_residuals_of_a_rhythm_are_less_than_a_third_as_wide() {
    for seed in 1..6 {
        let (_, seen) = four_weeks(seed);
        let last: Vec<_> = seen[2 * 168..].to_vec();
        let raw = spread(&last.iter().map(|seen| seen.1).collect::<Vec<_>>());
        let residual = spread(&last.iter().map(|seen| seen.2).collect::<Vec<_>>());
        assert!(raw > 3.0 && residual < raw / 3.0, "seed {seed}: {raw} octaves become {residual}");
    }
}

#[test]
fn a_nights_transfer_of_daytime_size_stands_out_only_with_a_season() {
    for seed in 1..6 {
        let (season, seen) = four_weeks(seed);
        let decay = Decay::new(14 * 86_400);
        let (mut without, mut with) = (Compact::new(), Compact::new());
        for (hour, raw, residual) in seen {
            let moment = decay.moment(hour as u64 * 3_600);
            without.record_at(raw, moment);
            with.record_at(residual, moment);
        }
        let night = MONDAY + 4 * 168 + 3;
        let share = |own: &Compact, value| own.at_or_above(value) as f64 / own.total() as f64;
        // What is usual at noon.
        let transfer = 2_560_000;
        let (before, after) = (share(&without, transfer), share(&with, moved(transfer, season.shift(night))));
        assert!(before > 0.1 && after < 0.001, "seed {seed}: {before} before, {after} after");
        // And noon stays noon.
        assert!(share(&with, moved(transfer, season.shift(night + 9))) > 0.1);
    }
}

#[test]
fn who_wants_to_be_usual_at_night_needs_eight_nights_for_an_octave() {
    let (mut season, _) = four_weeks(1);
    let night = |day: i64| MONDAY + (28 + day) * 24 + 3;
    let before = season.shift(night(0));
    let mut weekdays = 0;
    for day in 0.. {
        if cell_of(night(day)) >= 24 {
            continue;
        }
        if season.shift(night(day)) >= before + STEPS {
            break;
        }
        weekdays += 1;
        // As much as there is: it counts as twice the usual.
        season.note(night(day), u64::MAX);
    }
    assert!((8..=12).contains(&weekdays), "{weekdays}");
}

#[test]
fn what_no_season_would_write_is_refused() {
    let mut bytes = Vec::new();
    let mut season = Season::new();
    season.note(MONDAY, 7);
    season.encode(&mut bytes);
    let place = bytes.len() - 1;
    bytes[place] = 0x10;
    assert_eq!(Season::decode(&mut &bytes[..]), Err(DecodeError::Place { place: 16 }));
    assert_eq!(Season::decode(&mut &bytes[..place]), Err(DecodeError::Truncated));
}

fn season() -> impl Strategy<Value = Season> {
    vec((0_i64..400, 0_u32..64, any::<u64>()), 0..200).prop_map(|noted| {
        let mut season = Season::new();
        for (hour, shift, value) in noted {
            season.note(hour, value >> shift);
        }
        season
    })
}

proptest! {
    #[test]
    fn more_is_never_less_after_being_moved(one: u64, two: u64, places in 0_u32..64, shift in -64_i16..=64) {
        let (low, high) = ((one >> places).min(two >> places), (one >> places).max(two >> places));
        prop_assert!(moved(low, shift) <= moved(high, shift));
        prop_assert_eq!(moved(0, shift), 0);
        prop_assert!(low == 0 || moved(low, shift) > 0);
    }

    #[test]
    fn a_value_moves_by_as_many_buckets_as_the_shift_says(value in 1_u64 << 10..1 << 35, shift in -64_i16..=64) {
        let buckets = bucket_of(value) as i16 - bucket_of(moved(value, shift)) as i16;
        // Buckets of an octave are equally wide, not equally long on a logarithmic scale.
        prop_assert!((buckets - shift).abs() <= 2, "{} for {}", buckets, shift);
        if shift % 16 == 0 {
            let exact = if shift < 0 { value << (-shift / 16) } else { (value + (1 << (shift / 16) >> 1)) >> (shift / 16) };
            prop_assert_eq!(moved(value, shift), exact);
        }
    }

    #[test]
    fn no_shift_exceeds_four_octaves(season in season(), hour in 0_i64..400) {
        prop_assert!(season.shift(hour).abs() <= SHIFT_MAX);
    }

    #[test]
    fn what_is_encoded_comes_back(season in season(), garbage in vec(any::<u8>(), 0..150), place in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        season.encode(&mut bytes);
        let mut rest = &bytes[..];
        prop_assert_eq!(Season::decode(&mut rest).unwrap(), season);
        prop_assert!(rest.is_empty());
        let place = place.index(bytes.len());
        bytes[place] = garbage.first().copied().unwrap_or(0);
        for bytes in [&bytes, &garbage] {
            if let Ok(read) = Season::decode(&mut &bytes[..]) {
                let mut again = Vec::new();
                read.encode(&mut again);
                prop_assert!(bytes.starts_with(&again));
            }
        }
    }
}

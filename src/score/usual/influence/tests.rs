//! What one day can teach at most.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::score::{
    histogram::{
        Compact, Increments,
        geometry::{bucket_low, bucket_mid, bucket_of},
    },
    usual::{decay::Decay, pool::Pool},
};

const HALF_LIFE: u32 = 14 * 86_400;
const DAY_ONE: i64 = 20_000 * WINDOWS_A_DAY;

fn moment(window: i64) -> Moment {
    Decay::new(HALF_LIFE).moment((window * WINDOW_SECONDS) as u64)
}

fn evening(window: i64) -> Moment {
    moment((window.div_euclid(WINDOWS_A_DAY) + 1) * WINDOWS_A_DAY)
}

/// An entity of one series that learns as it may.
#[derive(Default)]
struct Learner {
    own: Compact,
    influence: Influence<1>,
    days: u16,
}

impl Learner {
    fn learn(&mut self, window: i64, value: u64) -> bool {
        let (own, days) = (&self.own, self.days);
        let windows = own.windows(evening(window));
        self.influence.begin(window, || Known { days, windows, highest: [highest_of(own)] });
        let admitted = self.influence.admit(window);
        if admitted {
            let bucket = self.influence.bounded(0, bucket_of(value), LAST);
            self.own.record_at(bucket_mid(bucket), moment(window));
        }
        admitted
    }

    /// The first `windows` windows of day `day`, all of `value`; how many were learned.
    fn day(&mut self, day: i64, windows: i64, value: u64) -> i64 {
        let learned =
            (0..windows).filter(|nth| self.learn(DAY_ONE + day * WINDOWS_A_DAY + nth, value)).count();
        self.days += 1;
        learned as i64
    }
}

fn highest_of(own: &Compact) -> u16 {
    own.iter().map(|(bucket, _)| bucket).max().unwrap_or(0)
}

fn pool(windows: u32, own: u64) -> FrozenPool {
    let mut increments = Increments::new();
    (0..windows)
        .for_each(|nth| increments.record_at(if nth % 20_000 == 7 { own } else { 1_000 }, moment(DAY_ONE)));
    let mut pool = Pool::new();
    pool.add(&increments);
    pool.freeze()
}

#[test]
fn it_takes_six_bytes_and_two_for_each_series() {
    assert_eq!(size_of::<Influence<8>>(), 22);
}

#[test]
fn the_first_seven_days_teach_everything() {
    let mut learner = Learner::default();
    for day in 0..7 {
        assert_eq!(learner.day(day, 144, 1_000 << day), 144);
    }
    assert_eq!(bucket_of(learner.own.value_at_quantile(1.0)), bucket_of(1_000 << 6));
}

#[test]
fn a_steady_host_is_not_held_back_from_the_second_month_on_wherever_its_hours_lie() {
    for (from, windows) in [(0, 144), (0, 6), (138, 6), (60, 30)] {
        let mut learner = Learner::default();
        for day in 0..60 {
            for nth in from..from + windows {
                let learned = learner.learn(DAY_ONE + day * WINDOWS_A_DAY + nth, 1_000);
                assert!(learned || day < 31, "day {day}, window {nth}");
            }
            assert!(i64::from(learner.influence.learned()) * 3 >= windows * 2, "day {day}");
            learner.days += 1;
        }
    }
}

#[test]
fn a_quiet_host_that_turns_busy_is_learned_by_a_sixth_more_a_day_and_not_at_midnight_only() {
    let mut learner = Learner::default();
    (0..60).for_each(|day| {
        learner.day(day, 6, 1_000);
    });
    let (before, mut hours) = (learner.own.windows(evening(DAY_ONE + 60 * WINDOWS_A_DAY)), [0; 24]);
    for nth in 0..144 {
        hours[nth / 6] += u32::from(learner.learn(DAY_ONE + 60 * WINDOWS_A_DAY + nth as i64, 1_000));
    }
    assert_eq!(u32::from(learner.influence.learned()), before / 6);
    assert!(hours[..6].iter().sum::<u32>() <= before / 6 * 5 / 6, "{hours:?}");
    assert!(hours[12..].iter().sum::<u32>() >= before / 6 / 10, "{hours:?}");
}

#[test]
fn a_host_that_comes_back_after_months_learns_afresh() {
    let mut learner = Learner::default();
    (0..30).for_each(|day| {
        learner.day(day, 24, 1_000);
    });
    assert_eq!(learner.day(200, 144, 1_000_000), 144);
}

#[test]
fn a_day_raises_the_largest_value_by_half_an_octave_at_most() {
    let mut learner = Learner::default();
    (0..30).for_each(|day| {
        learner.day(day, 144, 1_000);
    });
    let mut last = bucket_of(1_000);
    for day in 30..40 {
        learner.day(day, 144, 1 << 40);
        let highest = highest_of(&learner.own);
        assert_eq!(highest, last + RISE, "day {day}");
        last = highest;
    }
    assert!(bucket_low(last) <= 1_000 * 32 && bucket_low(last) > 1_000 * 24);
}

#[test]
fn a_release_raises_it_by_no_more_than_five_days_would() {
    assert_eq!(ceiling_of_release(600, 24), LAST);
    let mut learner = Learner::default();
    assert_eq!(ceiling_of_release(0, 23), LAST);
    (0..30).for_each(|day| {
        learner.day(day, 144, 1_000);
    });
    assert_eq!(ceiling_of_release(highest_of(&learner.own), 24), bucket_of(1_000) + 5 * RISE);
}

#[test]
fn peers_are_a_ceiling_when_they_are_worth_ten_thousand_windows() {
    let now = moment(DAY_ONE);
    let usual = bucket_of(1_000);
    assert_eq!(ceiling_of_peers(&pool(9_999, 1 << 30), 0, now), LAST);
    assert_eq!(ceiling_of_peers(&pool(20_000, 1 << 30), 0, now), usual);
    assert_eq!(ceiling_of_peers(&FrozenPool::default(), 0, now), LAST);
    // Who is larger than all others is not cut to their size.
    assert_eq!(ceiling_of_peers(&pool(20_000, 1 << 30), 300, now), 300);
    let influence = Influence::<1>::new();
    assert_eq!(
        [usual - 1, usual, 500].map(|bucket| influence.bounded(0, bucket, usual)),
        [usual - 1, usual, usual]
    );
    assert_eq!(influence.bounded(0, LAST, LAST), LAST);
}

#[test]
fn what_no_influence_would_write_is_refused() {
    assert_eq!(
        Influence::<1>::decode(&mut &[0, 0, 0, 0xe0, 0x04][..]),
        Err(DecodeError::Place { place: 608 })
    );
    assert_eq!(Influence::<1>::decode(&mut &[0, 0xff, 0xff, 0x7f, 0, 0][..]), Err(DecodeError::Number));
    assert_eq!(Influence::<1>::decode(&mut &[0, 0, 0][..]), Err(DecodeError::Truncated));
}

proptest! {
    #[test]
    fn no_day_weighs_more_than_a_seventh_at_its_end(
        before in vec(0_i64..=144, 7..30), gap in 0_i64..20, attack in 0_i64..=144,
    ) {
        let mut learner = Learner::default();
        before.iter().enumerate().for_each(|(day, windows)| {
            learner.day(day as i64, *windows, 1_000);
        });
        let day = before.len() as i64 + gap;
        let end = evening(DAY_ONE + day * WINDOWS_A_DAY);
        let known = learner.own.windows(end);
        let learned = learner.day(day, attack, 1_000);
        if known >= WINDOWS_MIN {
            prop_assert!(learned * 6 <= i64::from(known), "{} beside {}", learned, known);
        } else {
            prop_assert_eq!(learned, attack);
        }
    }

    #[test]
    fn what_is_encoded_comes_back(day in 1_i64..60_000, windows in 0_i64..200, garbage in vec(any::<u8>(), 0..20), place in any::<prop::sample::Index>()) {
        let mut learner = Learner { days: 9, ..Learner::default() };
        (0..100).for_each(|nth| learner.own.record_at(nth, moment(day * WINDOWS_A_DAY)));
        (0..windows.min(144)).for_each(|nth| {
        learner.learn(day * WINDOWS_A_DAY + nth, 5);
    });
        let mut bytes = Vec::new();
        learner.influence.encode(&mut bytes);
        let mut rest = &bytes[..];
        prop_assert_eq!(Influence::decode(&mut rest).unwrap(), learner.influence);
        prop_assert!(rest.is_empty());
        let place = place.index(bytes.len());
        bytes[place] = garbage.first().copied().unwrap_or(0);
        for bytes in [&bytes, &garbage] {
            if let Ok(read) = Influence::<1>::decode(&mut &bytes[..]) {
                let mut again = Vec::new();
                read.encode(&mut again);
                prop_assert!(bytes.starts_with(&again));
            }
        }
    }
}

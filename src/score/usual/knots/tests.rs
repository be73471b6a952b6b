//! What the knots guarantee, compared with the tail added up bucket by bucket.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::score::{
    histogram::{
        Compact, Increments,
        geometry::{BUCKETS, bucket_of, coarse},
    },
    usual::pool::Pool,
};

const NOW: Moment = Moment { landmark: 7, weight: 100 };

/// The bucket in which `value` is learned.
fn kept(value: u64) -> u16 {
    coarse(bucket_of(value))
}

/// Knots, asked for values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Tied(Knots, Seen);

impl Tied {
    fn of(own: &Compact, pending: &[(u64, Moment)], pool: &FrozenPool, now: Moment) -> Self {
        let mut packed = Packed::new();
        packed.change(1, |_, loose| own.clone_into(loose));
        let pending: Vec<_> = pending.iter().map(|(value, at)| (kept(*value), *at)).collect();
        let (knots, seen) = Knots::of(packed.nth(0), &pending, pool, now);
        Self(knots, seen)
    }

    fn log10_p(&self, value: u64) -> f32 {
        self.0.log10_p(bucket_of(value), self.1.least)
    }

    fn points(&self, value: u64) -> u8 {
        score_points(self.log10_p(value))
    }

    fn usual(&self) -> Usual {
        self.0.usual(&self.1)
    }
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        (0_u32..41, 0_u64..1 << 41).prop_map(|(shift, value)| value >> shift),
        0_u64..40,
        900_000_u64..1_100_000,
        Just(5_000),
    ]
}

fn windows(most: usize) -> impl Strategy<Value = Vec<(u64, Moment)>> {
    let moment = (16..=NOW.weight).prop_map(|weight| Moment { landmark: NOW.landmark, weight });
    vec((value(), moment), 0..most)
}

fn own(windows: &[(u64, Moment)]) -> Compact {
    let mut own = Compact::new();
    for &(value, at) in windows {
        own.record_bucket_at(kept(value), at);
    }
    own
}

fn pool(windows: &[(u64, Moment)]) -> FrozenPool {
    let mut increments = Increments::new();
    for &(value, at) in windows {
        increments.record_at(bucket_low(kept(value)), at);
    }
    let mut pool = Pool::new();
    pool.add(&increments);
    pool.freeze()
}

/// `count` windows of `value`, now.
fn same(value: u64, count: usize) -> Vec<(u64, Moment)> {
    vec![(value, NOW); count]
}

/// The tail at the low edge of every bucket, added up.
fn tails(own: &Compact, pool: &FrozenPool) -> Vec<f64> {
    let peers = if pool.is_empty() { 0.0 } else { 10.0 * f64::from(NOW.weight) };
    let total = own.total() as f64 + peers;
    (0..BUCKETS as u16)
        .map(|bucket| {
            let low = bucket_low(bucket);
            (own.at_or_above(low) as f64 + peers * f64::from(pool.tail(low))) / total
        })
        .collect()
}

#[test]
fn a_score_is_a_hundred_for_one_in_a_million_and_fifty_for_one_in_a_thousand() {
    for (log10_p, points) in
        [(0.0, 0), (-0.0, 0), (-0.301, 5), (-3.0, 50), (-4.8, 80), (-6.0, 100), (-40.0, 100)]
    {
        assert_eq!(score_points(log10_p), points, "{log10_p}");
    }
    assert_eq!((score_points(f32::NAN), score_points(f32::NEG_INFINITY), score_points(1.0)), (0, 100, 0));
}

#[test]
fn where_nothing_is_known_nothing_surprises_and_there_is_no_score() {
    let knots = Tied::of(&Compact::new(), &[], &FrozenPool::default(), NOW);
    assert_eq!(knots, Tied::default());
    assert_eq!((knots.log10_p(0), knots.log10_p(u64::MAX)), (0.0, 0.0));
    assert_eq!((knots.1.enough(), knots.usual()), (false, Usual::default()));
}

#[test]
fn a_score_needs_24_windows_of_entity_and_peers_together() {
    for (mine, waiting, theirs, enough) in
        [(23, 0, 0, false), (24, 0, 0, true), (10, 3, 10, false), (10, 4, 10, true)]
    {
        let knots = Tied::of(&own(&same(9, mine)), &same(9, waiting), &pool(&same(9, theirs)), NOW);
        assert_eq!(knots.1.enough(), enough, "{mine} {waiting} {theirs}");
        assert_eq!(
            (knots.usual().samples, knots.usual().peer_samples),
            ((mine + waiting) as u32, theirs as u32)
        );
    }
}

#[test]
fn an_entity_that_always_does_the_same_is_judged_by_how_long_it_has_done_so() {
    let day = Tied::of(&own(&same(1_000_000, 24)), &[], &FrozenPool::default(), NOW);
    let month = Tied::of(&own(&same(1_000_000, 4000)), &[], &FrozenPool::default(), NOW);
    for knots in [day, month] {
        assert_eq!(knots.points(1_000_000), 0);
        assert!(knots.points(1_060_000) <= 5, "{}", knots.points(1_060_000));
    }
    assert!((40..60).contains(&day.points(10_000_000)), "{}", day.points(10_000_000));
    assert!(month.points(10_000_000) > 95, "{}", month.points(10_000_000));
}

#[test]
fn a_young_entity_is_judged_by_its_peers_and_an_old_one_by_itself() {
    let peers: Vec<_> = (0..1000).map(|nth| (if nth % 20 == 0 { 50_000_000 } else { 10_000 }, NOW)).collect();
    let peers = pool(&peers);
    let young = Tied::of(&own(&same(10_000, 2)), &[], &peers, NOW);
    let old = Tied::of(&own(&same(10_000, 3000)), &[], &peers, NOW);
    let p = |knots: &Tied| f64::from(knots.log10_p(bucket_low(bucket_of(50_000_000))));
    assert!((p(&young) - (0.05_f64 * 10.0 / 12.0).log10()).abs() < 1e-3);
    // The tail would be one in 6,020, but no more than 4,000 windows have been seen.
    assert!((p(&old) + 4001_f64.log10()).abs() < 1e-3);
}

#[test]
fn ten_times_the_largest_window_stands_out_of_a_long_tail() {
    // A thousand windows, p falling tenfold per tenfold value; beyond them it falls as the thinnest tail allowed.
    let windows: Vec<_> = (1..=1000).map(|nth| (1_000_000 / nth, NOW)).collect();
    let knots = Tied::of(&own(&windows), &[], &FrozenPool::default(), NOW);
    for (value, log10_p) in [(10_000, -1.0), (100_000, -2.0), (1_000_000, -3.0), (10_000_000, -5.0)] {
        assert!((knots.log10_p(value) - log10_p).abs() < 0.1, "{value}: {}", knots.log10_p(value));
    }
    assert_eq!((knots.0.extrapolated(1_000_000), knots.0.extrapolated(1_100_000)), (false, true));
    let usual = knots.usual();
    assert!((2_000..2_250).contains(&usual.median) && (100_000..112_500).contains(&usual.p99), "{usual:?}");
    assert!((1_000_000..1_062_500).contains(&usual.max), "{usual:?}");
    assert!(
        (9_000..=10_000).contains(&bucket_low(knots.0.unremarkable_below())),
        "{}",
        bucket_low(knots.0.unremarkable_below())
    );
}

#[test]
fn nothing_is_rarer_than_the_windows_seen_can_carry() {
    for windows in [24, 300, 4_000] {
        let knots = Tied::of(&own(&same(1_000, windows)), &[], &FrozenPool::default(), NOW);
        let least = -2.0 * (windows as f32 + 1.0).log10();
        assert!((knots.log10_p(u64::MAX) - least).abs() < 1e-3, "{windows}: {}", knots.log10_p(u64::MAX));
    }
}

#[test]
fn windows_that_did_nothing_count() {
    let windows = [same(0, 900), same(40, 100)].concat();
    let knots = Tied::of(&own(&windows), &[], &FrozenPool::default(), NOW);
    assert_eq!((knots.points(0), knots.usual().median), (0, 0));
    assert!((knots.log10_p(40) + 1.0).abs() < 1e-3);
}

proptest! {
    #[test]
    fn every_knot_lies_on_the_tail(mine in windows(200), theirs in windows(200)) {
        let (mine, theirs) = (own(&mine), pool(&theirs));
        let knots = Tied::of(&mine, &[], &theirs, NOW);
        if mine.is_empty() && theirs.is_empty() {
            return Ok(());
        }
        let tails = tails(&mine, &theirs);
        let seen = NOW.windows_exact(mine.total() + theirs.total(), NOW.landmark) + 1.0;
        let last_at_least = |share: f64| tails.iter().rposition(|&tail| tail >= share);
        // A share that floating point cannot tell from the bound may go either way.
        let near = |share: f64| tails.iter().any(|tail| (tail / share - 1.0).abs() < 1e-9);
        let last = last_at_least(f64::MIN_POSITIVE);
        let bounds = [0.001, 0.01, 0.1, 0.5];
        let at = bounds.into_iter().filter(|&share| !near(share)).map(last_at_least).chain([last, last_at_least(1.0)]);
        for bucket in at.flatten() {
            let expected = tails[bucket].max(1.0 / seen).log10();
            let low = bucket_low(lower_of(bucket as u16));
            prop_assert!((f64::from(knots.log10_p(low)) - expected).abs() < 6e-4, "{low}: {} {expected}", knots.log10_p(low));
        }
        for (share, usual) in [(0.5, knots.usual().median), (0.01, knots.usual().p99)] {
            prop_assert!(near(share) || last_at_least(share).map(|at| bucket_high(at as u16)) == Some(usual));
        }
        prop_assert_eq!(last.map(|at| bucket_high(at as u16)), Some(knots.usual().max));
    }

    #[test]
    fn windows_that_wait_count_as_if_they_were_folded_in(
        mine in windows(60), waiting in windows(24), theirs in windows(60), passed in 0_u32..3, split in 0_usize..24,
    ) {
        let theirs = pool(&theirs);
        let mut waiting = waiting;
        // Some wait from before a landmark, some from after it.
        for (_, at) in waiting.iter_mut().skip(split) {
            at.landmark += passed;
        }
        let now = Moment { landmark: NOW.landmark + passed, ..NOW };
        let early = Tied::of(&own(&mine), &waiting, &theirs, now);
        let mut folded = own(&mine);
        for &(value, at) in &waiting {
            folded.record_bucket_at(kept(value), at);
        }
        prop_assert_eq!(early, Tied::of(&folded, &[], &theirs, now));
        folded.advance(now.landmark);
        prop_assert_eq!(early, Tied::of(&folded, &[], &theirs, now));
    }

    #[test]
    fn more_is_never_less_surprising(mine in windows(60), theirs in windows(60), one in value(), more in value()) {
        let knots = Tied::of(&own(&mine), &[], &pool(&theirs), NOW);
        prop_assert!(knots.log10_p(one + more) <= knots.log10_p(one));
        prop_assert!(knots.log10_p(one) <= 0.0);
        prop_assert!(knots.log10_p(one) >= -1.0001 || bucket_of(one) >= knots.0.unremarkable_below());
    }

    #[test]
    fn beyond_the_largest_value_the_tail_falls_within_bounds(mine in windows(60), theirs in windows(60), times in 1_u64..1000) {
        let (mine, theirs) = (own(&mine), pool(&theirs));
        let knots = Tied::of(&mine, &[], &theirs, NOW);
        let max = knots.usual().max.max(1);
        let fall = knots.log10_p(max) - knots.log10_p(max * times);
        // A value counts as the low edge of its bucket.
        let decades = (bucket_low(bucket_of(max * times)).max(max) as f32 / max as f32).log10();
        let seen = NOW.windows_exact(mine.total() + theirs.total(), NOW.landmark) + 1.0;
        let steepest = SLOPE_MAX.min(2.0 * seen.log10() as f32).max(SLOPE_MIN);
        if !(mine.is_empty() && theirs.is_empty()) {
            // It never falls below what the windows seen can carry.
            let room = knots.log10_p(max) + 2.0 * seen.log10() as f32;
            prop_assert!(fall >= (SLOPE_MIN * decades).min(room) - 4e-3, "{fall} over {decades}");
            prop_assert!(fall <= steepest * decades + 4e-3, "{fall} over {decades}");
        }
    }
}

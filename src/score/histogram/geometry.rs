//! The geometry that every histogram of scoring shares: HDR buckets from 1 to 2^40 with one significant digit.
//!
//! Values below 32 have a bucket each; above, every octave has 16, so that a bucket is at most 1/16 (6.25 %) as wide as
//! its lowest value. The indexing is that of the crate `hdrhistogram` for the bounds [`LOW`] and [`HIGH`] and
//! [`SIGNIFICANT_DIGITS`]; a property test compares the two. What is kept on disk depends on it: it never changes
//! without a new version of the encoding.

use hdrhistogram::Histogram;

/// Lowest value told apart from 0.
pub const LOW: u64 = 1;
/// Highest value that must be representable; the buckets reach one octave further, to 2^41 − 1.
pub const HIGH: u64 = 1 << 40;
/// Significant decimal digits.
pub const SIGNIFICANT_DIGITS: u8 = 1;
/// Number of buckets.
pub const BUCKETS: usize = 608;
/// The last bucket. Everything from its low edge up lies in it, whatever its size.
pub const LAST: u16 = 607;

/// Buckets per octave, as a power of two.
const OCTAVE_BITS: u32 = 4;
/// Buckets below this hold one value each.
const FINE: u16 = 2 << OCTAVE_BITS;

/// The bucket of `value`, below [`BUCKETS`].
///
/// Never decreases with `value`: what is too large lies in the last bucket. (`saturating_record` of the crate would put
/// values from 2^41 on beside 2^40, below smaller ones, and a tail must not do that.)
#[must_use]
#[inline]
pub const fn bucket_of(value: u64) -> u16 {
    let octave = (value | ((2 << OCTAVE_BITS) - 1)).ilog2() - OCTAVE_BITS;
    let bucket = ((octave as u64) << OCTAVE_BITS) + (value >> octave);
    if bucket > LAST as u64 { LAST } else { bucket as u16 }
}

/// The bucket that stands for `bucket` where two are kept as one, the upper of both: values below 32 still have one each,
/// above every octave has eight. So half as many are kept of what moves over many octaves, and no highest value is told
/// lower than it was.
#[must_use]
#[inline]
pub const fn coarse(bucket: u16) -> u16 {
    if bucket < FINE { bucket } else { bucket | 1 }
}

/// The lower of the two buckets that [`coarse`] keeps as `bucket`, or the only one.
#[must_use]
#[inline]
pub const fn lower_of(bucket: u16) -> u16 {
    if bucket < FINE { bucket } else { bucket & !1 }
}

/// How many coarse buckets lie below `bucket`.
#[must_use]
#[inline]
pub const fn rank_of(bucket: u16) -> u16 {
    if bucket < FINE { bucket } else { FINE / 2 + bucket / 2 }
}

/// The coarse bucket below which `rank` others lie; ranks beyond the last count as the last.
#[must_use]
#[inline]
pub const fn bucket_of_rank(rank: u16) -> u16 {
    if rank < FINE {
        rank
    } else if rank < rank_of(LAST) {
        (rank - FINE / 2) * 2 + 1
    } else {
        LAST
    }
}

/// The lowest value in `bucket`; buckets beyond the last count as the last.
#[must_use]
#[inline]
pub const fn bucket_low(bucket: u16) -> u64 {
    let bucket = if bucket > LAST { LAST } else { bucket } as u64;
    let octave = (bucket >> OCTAVE_BITS).saturating_sub(1);
    (bucket - (octave << OCTAVE_BITS)) << octave
}

/// How many values `bucket` holds: 1 below 32, a power of two above.
#[must_use]
#[inline]
pub const fn bucket_width(bucket: u16) -> u64 {
    let bucket = if bucket > LAST { LAST } else { bucket } as u64;
    1 << (bucket >> OCTAVE_BITS).saturating_sub(1)
}

/// The highest value in `bucket`: what HDR histograms report as a percentile.
#[must_use]
#[inline]
pub const fn bucket_high(bucket: u16) -> u64 {
    bucket_low(bucket) + bucket_width(bucket) - 1
}

/// The middle of `bucket`, rounded up: what means and deviations are computed from.
#[must_use]
#[inline]
pub const fn bucket_mid(bucket: u16) -> u64 {
    bucket_low(bucket) + bucket_width(bucket) / 2
}

/// An empty `hdrhistogram` histogram of this geometry, with 4,864 bytes of counts.
#[must_use]
pub fn dense() -> Histogram<u64> {
    match Histogram::new_with_bounds(LOW, HIGH, SIGNIFICANT_DIGITS) {
        Ok(histogram) => histogram,
        Err(cause) => {
            unreachable!("the bounds of the histograms are constants that the crate accepts: {cause}")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values of every order of magnitude, beyond the last bucket too.
    fn any_value() -> impl Strategy<Value = u64> {
        (0_u32..64, any::<u64>()).prop_map(|(shift, value)| value >> shift)
    }

    #[test]
    fn the_crate_has_as_many_buckets() {
        assert_eq!(dense().distinct_values(), BUCKETS);
        assert_eq!(usize::from(LAST) + 1, BUCKETS);
        assert_eq!(bucket_high(LAST), (1 << 41) - 1);
    }

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        assert_eq!(bucket_low(0), 0);
        for bucket in 0..LAST {
            assert_eq!(bucket_high(bucket) + 1, bucket_low(bucket + 1), "{bucket}");
            assert_eq!(bucket_of(bucket_low(bucket)), bucket);
            assert_eq!(bucket_of(bucket_high(bucket)), bucket);
            assert!(bucket_width(bucket) * 16 <= bucket_low(bucket).max(16), "{bucket}");
        }
    }

    #[test]
    fn what_is_too_large_lies_in_the_last_bucket() {
        for value in [1 << 41, u64::MAX / 2, u64::MAX] {
            assert_eq!(bucket_of(value), LAST);
        }
    }

    proptest! {
        #[test]
        fn a_value_shares_its_bucket_with_the_values_the_crate_calls_equivalent(value in any_value()) {
            let value = value & ((1 << 41) - 1);
            let dense = dense();
            let bucket = bucket_of(value);
            prop_assert_eq!(bucket_low(bucket), dense.lowest_equivalent(value));
            prop_assert_eq!(bucket_high(bucket), dense.highest_equivalent(value));
            prop_assert_eq!(bucket_mid(bucket), dense.median_equivalent(value));
            prop_assert_eq!(bucket_width(bucket), dense.equivalent_range(value));
        }

        #[test]
        fn the_crate_counts_a_value_where_we_do(value in any_value()) {
            let mut dense = dense();
            dense.saturating_record(bucket_low(bucket_of(value)));
            // `count_at` takes what is too large for the last bucket, as `bucket_of` does.
            prop_assert_eq!(dense.count_at(value), 1);
            let nth = dense.iter_all().position(|step| step.count_at_value() == 1);
            prop_assert_eq!(nth, Some(usize::from(bucket_of(value))));
        }

        #[test]
        fn a_larger_value_never_has_a_lower_bucket(one in any_value(), two in any_value()) {
            prop_assert!(bucket_of(one.min(two)) <= bucket_of(one.max(two)));
            let bucket = bucket_of(one);
            prop_assert!(coarse(bucket) == bucket || coarse(bucket) == bucket + 1 && bucket >= 32);
            prop_assert_eq!(coarse(bucket) % 2, if bucket < 32 { bucket % 2 } else { 1 });
            prop_assert_eq!(coarse(lower_of(bucket)), coarse(bucket));
            prop_assert!(lower_of(bucket) <= bucket && bucket <= lower_of(bucket) + 1);
            prop_assert_eq!(bucket_of_rank(rank_of(bucket)), coarse(bucket));
            prop_assert!(rank_of(bucket_of(one.min(two))) <= rank_of(bucket_of(one.max(two))));
        }
    }
}

//! Seeded draws in integers only, so that the same seed gives the same bytes whatever the machine's float library.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// 2^(2^-k) for k = 1 to 16, in units of 2^-32: what [`exp2`] multiplies together.
const ROOTS_OF_TWO: [u64; 16] = [
    6_074_001_000,
    5_107_605_667,
    4_683_695_048,
    4_485_121_744,
    4_389_014_833,
    4_341_736_423,
    4_318_288_544,
    4_306_612_134,
    4_300_785_774,
    4_297_875_550,
    4_296_421_177,
    4_295_694_175,
    4_295_330_720,
    4_295_149_004,
    4_295_058_149,
    4_295_012_722,
];

/// 1 / ln 2 in units of 2^-16.
const ONE_BY_LN2: i64 = 94_548;

/// One actor's stream of draws. Streams of one seed are independent of each other.
#[derive(Debug, Clone)]
pub(super) struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// The stream `stream` of `seed`.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..24].copy_from_slice(b"floodmark/gener8");
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self { rng }
    }

    /// 64 random bits.
    #[inline]
    pub(super) fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Uniform in `0..n`; 0 when `n` is 0.
    #[inline]
    pub(super) fn below(&mut self, n: u64) -> u64 {
        scale(self.bits(), n)
    }

    /// Uniform in `low..=high`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True `n` times in a thousand.
    pub(super) fn permille(&mut self, n: u64) -> bool {
        self.below(1000) < n
    }

    /// An ephemeral port of Linux's default range.
    pub(super) fn port(&mut self) -> u16 {
        u16::try_from(self.between(32_768, 60_999)).unwrap_or(u16::MAX)
    }

    /// A number of happenings whose mean is `mean_milli` thousandths and whose variance is about half of its mean.
    pub(super) fn count(&mut self, mean_milli: u64) -> u64 {
        let trials = mean_milli * 2 / 1000 + 1;
        let mut happened = 0;
        for _ in 0..trials {
            happened += u64::from(self.below(1000 * trials) < mean_milli);
        }
        happened
    }

    /// An amount spread like a lognormal one around its `median`, with a log standard deviation of `sigma_percent`
    /// hundredths. The twelve uniforms that stand for the normal end at six sigma, and hardly reach four.
    pub(super) fn spread(&mut self, median: u64, sigma_percent: u32) -> u64 {
        let mut sum = 0_i64;
        for _ in 0..3 {
            let bits = self.bits();
            for quarter in 0..4 {
                sum += i64::from((bits >> (16 * quarter)) as u16);
            }
        }
        let normal = sum - 6 * 65_536;
        let power = normal * i64::from(sigma_percent) / 100 * ONE_BY_LN2 / 65_536;
        exp2(median, power).max(1)
    }
}

/// Maps 64 random bits to `0..n`. The bias is below n / 2^64.
#[inline]
pub(super) fn scale(bits: u64, n: u64) -> u64 {
    ((u128::from(bits) * u128::from(n)) >> 64) as u64
}

/// `value` times two to the power of `power` / 65,536, saturating.
fn exp2(value: u64, power: i64) -> u64 {
    let whole = power.div_euclid(65_536);
    let fraction = power.rem_euclid(65_536);
    let mut result = u128::from(value) << 16;
    for (k, root) in ROOTS_OF_TWO.iter().enumerate() {
        if fraction & (1 << (15 - k)) != 0 {
            result = (result * u128::from(*root)) >> 32;
        }
    }
    let shifted = if whole >= 0 { result << whole.min(32) } else { result >> (-whole).min(64) };
    u64::try_from(shifted >> 16).unwrap_or(u64::MAX)
}

/// A fixed scramble of `n`, for ids that belong to a thing rather than to a seed.
pub(super) fn scramble(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_draws_of_a_stream_are_these_on_every_machine() {
        let mut draw = Draw::new(1, 7);
        let first = [draw.below(1_000_000), draw.below(1_000_000), draw.spread(1_000_000, 50)];
        assert_eq!(first, [216_115, 716_594, 1_441_791]);
    }

    #[test]
    fn a_power_of_two_is_right_to_one_part_in_ten_thousand() {
        for power in [-200_000_i64, -65_536, -1, 0, 1, 30_000, 65_536, 65_537, 300_000] {
            let want = 1e6 * 2_f64.powf(power as f64 / 65_536.0);
            let got = exp2(1_000_000, power) as f64;
            assert!((got - want).abs() <= want / 10_000.0 + 1.0, "{power}: {got} for {want}");
        }
    }

    #[test]
    fn a_spread_amount_has_its_median_and_its_log_deviation() {
        let mut draw = Draw::new(3, 1);
        let mut logs: Vec<f64> = (0..20_000).map(|_| (draw.spread(100_000, 60) as f64).ln()).collect();
        logs.sort_by(f64::total_cmp);
        let median = logs[10_000].exp();
        let mean = logs.iter().sum::<f64>() / 20_000.0;
        let deviation = (logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / 20_000.0).sqrt();
        assert!((97_000.0..103_000.0).contains(&median), "{median}");
        assert!((0.58..0.62).contains(&deviation), "{deviation}");
    }

    #[test]
    fn a_count_has_the_mean_asked_for() {
        let mut draw = Draw::new(3, 2);
        for mean_milli in [0_u64, 300, 2_500, 40_000] {
            let sum: u64 = (0..20_000).map(|_| draw.count(mean_milli)).sum();
            let want = mean_milli * 20;
            assert!(sum.abs_diff(want) <= want / 40, "{sum} for {want}");
        }
    }
}

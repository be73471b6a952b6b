//! Forward decay in integers: how much a window weighs, so that half of a baseline is forgotten in one half-life.
//!
//! A window at time `t` weighs `round(16 · 2^((t − L) / H))`, counted forward from a landmark `L` before it, and nothing
//! already recorded has to change as time goes on (Cormode, Shkapenyuk, Srivastava and Xu, "Forward Decay", ICDE 2009).
//! So the order in which windows are recorded does not matter. Landmarks lie on a fixed grid, two half-lives apart,
//! counted from 1970; when a histogram first meets a later landmark, its weights are divided by 4, once per landmark,
//! rounded half up, and what becomes 0 is forgotten: a window alone is, between five and eight half-lives
//! after it.
//!
//! Why two: a bucket takes as many bits as its weight has. With landmarks eight half-lives apart it would go up to 4,096 a
//! window, and what is soonest forgotten would be so no later.
//!
//! Everything is integer arithmetic: the same weights on every machine.

/// What a window at a landmark weighs; one at the end of the landmark's period weighs four times as much.
pub const WEIGHT_AT_LANDMARK: u64 = 16;
/// Half-lives from one landmark to the next.
const HALF_LIVES: u64 = 2;
/// Binary digits after the point in the powers of two below.
const POINT: u32 = 62;
/// Binary digits of the exponent that are looked at.
const DIGITS: usize = 32;
/// `ROOTS[k]` is 2^(2^−(k+1)), rounded down: each is the square root of the one before.
const ROOTS: [u64; DIGITS] = roots();

/// A half-life, and the grid of landmarks that follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decay {
    half_life_seconds: u32,
}

/// A time, as decay sees it: the last landmark before it, and what a window at that time weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Moment {
    /// Which landmark, counted from 1970.
    pub landmark: u32,
    /// 16 to 64.
    pub weight: u32,
}

/// `weight` after `steps` landmarks: each divides by 4 and rounds half up.
#[must_use]
#[inline]
pub(crate) const fn decayed(mut weight: u64, steps: u32) -> u64 {
    let mut step = 0;
    while step < steps && weight > 0 {
        weight = weight.saturating_add(1 << (HALF_LIVES - 1)) >> HALF_LIVES;
        step += 1;
    }
    weight
}

/// The square roots that [`ROOTS`] holds.
const fn roots() -> [u64; DIGITS] {
    let mut roots = [0; DIGITS];
    let mut last = 2_u128 << POINT;
    let mut digit = 0;
    while digit < DIGITS {
        last = (last << POINT).isqrt();
        roots[digit] = last as u64;
        digit += 1;
    }
    roots
}

// === impl Decay ===

impl Decay {
    /// Half of what is known is forgotten after `half_life_seconds`; 0 counts as 1.
    #[must_use]
    pub const fn new(half_life_seconds: u32) -> Self {
        Self { half_life_seconds: if half_life_seconds == 0 { 1 } else { half_life_seconds } }
    }

    /// The half-life in seconds.
    #[must_use]
    pub const fn half_life_seconds(self) -> u32 {
        self.half_life_seconds
    }

    /// The last landmark at or before `time`, in seconds since 1970; landmarks beyond the 2^32nd count as that one.
    #[must_use]
    pub const fn landmark(self, time: u64) -> u32 {
        let landmark = time / (self.half_life_seconds as u64 * HALF_LIVES);
        if landmark > u32::MAX as u64 { u32::MAX } else { landmark as u32 }
    }

    /// What a window at `time`, in seconds since 1970, weighs from its own landmark: `round(16 · 2^((t − L) / H))`.
    ///
    /// 2^x is the product of the roots 2^(2^−k) whose digit is set in the first 32 binary digits of x, each rounded down
    /// to 62 digits: the product lies at most 2·10^−10 (relative) below the real one, so a weight differs from the
    /// rounded real one at most by 1, and only where that one lies within 10^−6 of a half.
    #[must_use]
    pub fn weight(self, time: u64) -> u32 {
        let half_life = u64::from(self.half_life_seconds);
        let since = time % (half_life * HALF_LIVES);
        let (whole, rest) = (since / half_life, since % half_life);
        let digits = (rest << DIGITS) / half_life;
        let mut power = 1_u64 << POINT;
        for (nth, root) in ROOTS.iter().enumerate() {
            if digits >> (DIGITS - 1 - nth) & 1 == 1 {
                power = ((u128::from(power) * u128::from(*root)) >> POINT) as u64;
            }
        }
        let scaled = (u128::from(power) * u128::from(WEIGHT_AT_LANDMARK)) << whole;
        ((scaled + (1 << (POINT - 1))) >> POINT) as u32
    }

    /// The landmark and the weight of `time`, in seconds since 1970. About a hundred nanoseconds: once per window.
    #[must_use]
    pub fn moment(self, time: u64) -> Moment {
        Moment { landmark: self.landmark(time), weight: self.weight(time) }
    }
}

// === impl Moment ===

impl Moment {
    /// What a window at this time weighs in a histogram that stands at `landmark`: rounded when that is later, and
    /// four times as much per landmark when it is earlier (no more than 2^60).
    #[must_use]
    pub const fn weight_from(self, landmark: u32) -> u64 {
        if landmark >= self.landmark {
            return decayed(self.weight as u64, landmark - self.landmark);
        }
        match self.landmark - landmark {
            steps @ 0..=26 => (self.weight as u64) << (HALF_LIVES as u32 * steps),
            _ => 1 << 60,
        }
    }

    /// The same without rounding, for landmarks on both sides.
    #[must_use]
    pub fn weight_exact(self, landmark: u32) -> f64 {
        // 4 to the power of the steps between them, by its bits; beyond ±400 it is beyond all use.
        let steps = (i64::from(self.landmark) - i64::from(landmark)).clamp(-400, 400);
        f64::from(self.weight.max(1)) * f64::from_bits(((1023 + HALF_LIVES as i64 * steps) as u64) << 52)
    }

    /// How many windows at this time would weigh `total` in a histogram that stands at `landmark`.
    #[must_use]
    pub fn windows_exact(self, total: u64, landmark: u32) -> f64 {
        total as f64 / self.weight_exact(landmark)
    }

    /// The same, rounded to the nearest whole number: what people are shown and thresholds are compared with.
    #[must_use]
    pub fn windows(self, total: u64, landmark: u32) -> u32 {
        (self.windows_exact(total, landmark) + 0.5) as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u32 = 86_400;

    #[test]
    fn a_weight_doubles_in_a_half_life_and_landmarks_lie_two_apart() {
        let decay = Decay::new(14 * DAY);
        let period = u64::from(14 * DAY) * 2;
        for landmark in [0, 1, 182] {
            let start = period * landmark;
            for half_lives in 0..2 {
                let moment = decay.moment(start + half_lives * u64::from(14 * DAY));
                assert_eq!(moment, Moment { landmark: landmark as u32, weight: 16 << half_lives });
            }
            assert_eq!(decay.moment(start + period - 1), Moment { landmark: landmark as u32, weight: 64 });
        }
    }

    #[test]
    fn the_weights_of_a_period_are_these_on_every_machine() {
        // FNV-1a over the weight of every hour of one period: changes when any of them does.
        let decay = Decay::new(14 * DAY);
        let hash = (0..28 * 24_u64).fold(0xcbf2_9ce4_8422_2325_u64, |hash, hour| {
            (hash ^ u64::from(decay.weight(hour * 3600))).wrapping_mul(0x100_0000_01b3)
        });
        assert_eq!(hash, 11_494_607_826_118_506_422);
    }

    #[test]
    fn two_steps_at_once_are_two_single_steps() {
        for weight in [0, 1, 2, 31, 32, 1 << 40, u64::MAX] {
            assert_eq!(decayed(weight, 2), decayed(decayed(weight, 1), 1));
        }
        assert_eq!((decayed(1, 1), decayed(2, 1), decayed(5, 1), decayed(6, 1)), (0, 1, 1, 2));
        assert_eq!(decayed(u64::MAX, u32::MAX), 0);
    }

    #[test]
    fn a_window_alone_is_forgotten_between_five_and_eight_half_lives_later() {
        let decay = Decay::new(1_000);
        for time in 0..2_000 {
            let weight = u64::from(decay.weight(time));
            let steps = (1..).find(|steps| decayed(weight, *steps) == 0).unwrap_or(0);
            let after = 2_000 * u64::from(steps) - time;
            assert!((5_000..8_000).contains(&after), "{time}: {after}");
        }
    }

    #[test]
    fn windows_are_counted_across_landmarks() {
        let now = Moment { landmark: 3, weight: 16 };
        assert_eq!(now.windows(24 * 16, 3), 24);
        assert_eq!(now.windows(24 * 64, 2), 24);
        assert_eq!(now.windows(24, 4), 6);
        assert_eq!(now.windows(u64::MAX, u32::MAX), u32::MAX);
        assert_eq!(now.windows(24 * 16 - 9, 3), 23);
        assert_eq!(now.windows(24 * 16 - 8, 3), 24);
        assert_eq!((now.weight_from(2), now.weight_from(3), now.weight_from(4)), (64, 16, 4));
    }

    proptest! {
        #[test]
        fn a_weight_is_the_real_one_rounded(half_life in 1_u32.., time in 0_u64..1 << 40) {
            let decay = Decay::new(half_life);
            let since = time % (u64::from(half_life) * 2);
            let real = 16.0 * (since as f64 / f64::from(half_life)).exp2();
            prop_assert!((f64::from(decay.weight(time)) - real).abs() <= 0.5 + 2e-6);
        }

        #[test]
        fn a_later_window_never_weighs_less(half_life in 1_u32..1 << 24, time in 0_u64..1 << 34, later in 0_u64..1 << 20) {
            let decay = Decay::new(half_life);
            let (one, two) = (decay.moment(time), decay.moment(time + later));
            prop_assert!(two.weight_from(one.landmark) >= u64::from(one.weight));
            let half_a_life_on = decay.moment(time + u64::from(half_life));
            let ratio = half_a_life_on.weight_from(one.landmark) as f64 / f64::from(one.weight);
            prop_assert!((ratio - 2.0).abs() < 0.1, "{ratio}");
        }
    }
}

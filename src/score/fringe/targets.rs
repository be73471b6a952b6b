//! Whom an external source has come to, and how that went: sixteen told apart, more of them counted, in 38 bytes.
//!
//! A target is a hash of 16 bits. Up to sixteen stand in a list; two of sixteen fall together once in 550 times. With the
//! seventeenth the same 32 bytes become 64 registers of four bits, a HyperLogLog whose rank is that of the ten bits left:
//! a standard error of 13 %, up to some 200,000. Order does not matter for that, and neither does merging.
//!
//! How it went is kept of those in the list, which is more than a random walk over first contacts needs to decide: it takes
//! four to ten. A target that has answered once counts as answered, whatever else it refused, so that order does not
//! matter; only which sixteen came first does.

use crate::score::{
    histogram::{DecodeError, wire::take_byte},
    sketch::cardinality::registers,
};

/// Targets that are told apart.
const EXACT_MAX: usize = 16;
/// Bits of a hash that choose its register.
const PRECISION: u32 = 6;
/// Bits left for its rank.
const LEFT: u32 = 16 - PRECISION;
/// 1/(2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// Whom a source has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    /// Hashes, ascending, of which the first `len` count; or registers, four in each.
    cells: [u16; EXACT_MAX],
    /// How many there are; one more than [`EXACT_MAX`] where these are registers.
    len: u8,
    /// Which of the list have refused, and which have answered; where the list has gone, how many had.
    refused: u16,
    answered: u16,
}

/// How a contact went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody can tell yet.
    Open,
    /// The network let nothing through.
    Refused,
    /// Both sides talk.
    Answered,
}

/// Bit masks with an empty place at `at`: those from there on stand one further.
const fn apart(mask: u16, at: usize) -> u16 {
    let below = (1_u16 << at) - 1;
    mask & below | (mask & !below) << 1
}

// === impl Targets ===

impl Default for Targets {
    fn default() -> Self {
        Self::new()
    }
}

impl Targets {
    /// Nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self { cells: [0; EXACT_MAX], len: 0, refused: 0, answered: 0 }
    }

    /// Adds the target that hashes to `hash`, with which it went as `outcome` says.
    #[inline]
    pub fn add(&mut self, hash: u16, outcome: Outcome) {
        let len = usize::from(self.len);
        if len > EXACT_MAX {
            self.raise(hash);
            return;
        }
        let at = match self.cells[..len].iter().position(|other| *other == hash) {
            Some(at) => at,
            None if len == EXACT_MAX => {
                self.widen();
                self.raise(hash);
                return;
            }
            None => {
                let at = self.cells[..len].partition_point(|other| *other < hash);
                self.cells.copy_within(at..len, at + 1);
                self.cells[at] = hash;
                self.len += 1;
                (self.refused, self.answered) = (apart(self.refused, at), apart(self.answered, at));
                at
            }
        };
        match outcome {
            Outcome::Open => {}
            Outcome::Refused => self.refused |= 1 << at,
            Outcome::Answered => self.answered |= 1 << at,
        }
    }

    /// How many of the first targets have refused and never answered, and how many have answered.
    #[must_use]
    pub const fn outcomes(&self) -> (u32, u32) {
        ((self.refused & !self.answered).count_ones(), self.answered.count_ones())
    }

    /// Changes to registers.
    #[cold]
    fn widen(&mut self) {
        let len = usize::from(self.len);
        let known = std::mem::replace(&mut self.cells, [0; EXACT_MAX]);
        self.len = EXACT_MAX as u8 + 1;
        known[..len].iter().for_each(|hash| self.raise(*hash));
    }

    fn raise(&mut self, hash: u16) {
        let register = usize::from(hash >> LEFT);
        let rank = ((hash << PRECISION).leading_zeros().min(LEFT) + 1) as u16;
        let shift = register % 4 * 4;
        let cell = &mut self.cells[register / 4];
        let before = *cell >> shift & 15;
        *cell ^= (before ^ rank.max(before)) << shift;
    }

    /// How many there are: exactly up to 16, an estimate above.
    #[must_use]
    pub fn count(&self) -> u32 {
        if usize::from(self.len) <= EXACT_MAX {
            return self.len.into();
        }
        let mut of_rank = [0_u32; 16];
        self.cells.iter().for_each(|cell| {
            (0..16).step_by(4).for_each(|shift| of_rank[usize::from(*cell >> shift & 15)] += 1);
        });
        // Ertl's improved estimator, with what saturated registers stand for, because ten bits do saturate.
        let all = f64::from(1_u32 << PRECISION);
        let last = LEFT as usize + 1;
        let mut sum = all * tau(1.0 - f64::from(of_rank[last]) / all);
        for rank in (1..last).rev() {
            sum = 0.5 * (sum + f64::from(of_rank[rank]));
        }
        sum += all * sigma(f64::from(of_rank[0]) / all);
        ((ALPHA * all * all / sum + 0.5) as u32).max(EXACT_MAX as u32 + 1)
    }

    /// Adds those of `other`: the same as adding each of them. Of outcomes, where one of both has no list any more, those of
    /// the one that knows more.
    pub fn merge(&mut self, other: &Self) {
        let lists = [self.len, other.len].map(|len| usize::from(len) <= EXACT_MAX);
        if lists == [true, true] {
            for (nth, hash) in other.cells[..other.len.into()].iter().enumerate() {
                self.add(*hash, Outcome::Open);
                let marks = [(other.refused, Outcome::Refused), (other.answered, Outcome::Answered)];
                marks
                    .iter()
                    .filter(|(mask, _)| mask >> nth & 1 == 1)
                    .for_each(|(_, outcome)| self.add(*hash, *outcome));
            }
            return;
        }
        let knows = |one: &Self| ((one.refused | one.answered).count_ones(), one.refused, one.answered);
        let (_, refused, answered) = knows(self).max(knows(other));
        let mut theirs = *other;
        for one in [&mut *self, &mut theirs] {
            if usize::from(one.len) <= EXACT_MAX {
                one.widen();
            }
        }
        (self.refused, self.answered) = (refused, answered);
        for (own, theirs) in self.cells.iter_mut().zip(&theirs.cells) {
            for shift in (0..16).step_by(4) {
                let (before, after) = (*own >> shift & 15, theirs >> shift & 15);
                *own ^= (before ^ after.max(before)) << shift;
            }
        }
    }

    /// Appends its bytes to `out`: how many, which have refused and answered, and each.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.len);
        out.extend([self.refused, self.answered].iter().flat_map(|mask| mask.to_le_bytes()));
        let cells = &self.cells[..usize::from(self.len).min(EXACT_MAX)];
        out.extend(cells.iter().flat_map(|cell| cell.to_le_bytes()));
    }

    /// Takes what [`Targets::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let len = usize::from(take_byte(bytes)?);
        if len > EXACT_MAX + 1 {
            return Err(DecodeError::Form);
        }
        let mut whole = Self { len: len as u8, ..Self::new() };
        let masks = [&mut whole.refused, &mut whole.answered];
        for cell in masks.into_iter().chain(&mut whole.cells[..len.min(EXACT_MAX)]) {
            let (octets, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
            (*cell, *bytes) = (u16::from_le_bytes(*octets), rest);
        }
        if u32::from(whole.refused | whole.answered) >> len.min(EXACT_MAX) > 0 {
            return Err(DecodeError::Form);
        }
        let ascends = whole.cells[..len.min(EXACT_MAX)].is_sorted_by(|one, other| one < other);
        let fits = || {
            whole
                .cells
                .iter()
                .all(|cell| (0..16).step_by(4).all(|shift| cell >> shift & 15 <= LEFT as u16 + 1))
        };
        let is_well = if len <= EXACT_MAX { ascends } else { fits() && whole.cells != [0; EXACT_MAX] };
        if is_well { Ok(whole) } else { Err(DecodeError::Form) }
    }
}

/// What clear registers stand for.
fn sigma(share: f64) -> f64 {
    if share >= 1.0 { f64::INFINITY } else { registers::sigma(share) }
}

/// What saturated registers stand for: the other end of the same estimator.
fn tau(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = root.sqrt();
        weight *= 0.5;
        let next = sum - (1.0 - root) * (1.0 - root) * weight;
        if next == sum {
            return sum / 3.0;
        }
        sum = next;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::score::sketch::mixer::Mixer;

    fn hash(set: u64, nth: u64) -> u16 {
        Mixer::new([1; 16], "targets").of_two(set, nth) as u16
    }

    #[test]
    fn it_takes_38_bytes_and_tells_16_apart() {
        assert_eq!(size_of::<Targets>(), 38);
        let mut targets = Targets::new();
        for nth in (0..16_u16).rev() {
            for _ in 0..2 {
                targets.add(nth * 4_001, if nth % 2 == 0 { Outcome::Refused } else { Outcome::Open });
                assert_eq!(targets.count(), 16 - u32::from(nth));
            }
        }
        assert_eq!(targets.outcomes(), (8, 0));
        targets.add(4_001, Outcome::Answered);
        targets.add(2 * 4_001, Outcome::Answered);
        assert_eq!(targets.outcomes(), (7, 2));
        targets.add(65_535, Outcome::Refused);
        assert!(targets.count() >= 17);
        assert_eq!(targets.outcomes(), (7, 2));
    }

    #[test]
    fn more_are_estimated_without_bias_up_to_a_whole_estate() {
        for size in [30_u64, 100, 300, 1_000, 10_000, 64_000, 150_000] {
            let sets = if size > 5_000 { 40 } else { 300 };
            let errors: Vec<f64> = (0..sets)
                .map(|set| {
                    let mut targets = Targets::new();
                    (0..size).for_each(|nth| {
                        targets.add(hash(set, nth), Outcome::Open);
                    });
                    f64::from(targets.count()) / size as f64 - 1.0
                })
                .collect();
            let bias = errors.iter().sum::<f64>() / sets as f64;
            let error = (errors.iter().map(|error| error * error).sum::<f64>() / sets as f64).sqrt();
            assert!(bias.abs() < 0.13 * 3.5 / (sets as f64).sqrt() + 0.02, "{size}: bias {bias}");
            assert!(error < 0.2, "{size}: error {error}");
        }
    }

    proptest! {
        #[test]
        fn order_and_merging_do_not_matter_and_it_comes_back_from_its_bytes(
            numbers in proptest::collection::vec(0..40_u64, 0..60), cut in 0..60_usize, few: bool,
        ) {
            let outcome = |nth: u64| match nth % 3 {
                _ if !few => Outcome::Open,
                0 => Outcome::Refused,
                1 => Outcome::Open,
                _ => Outcome::Answered,
            };
            let key = |nth: u64| hash(1, if few { nth / 3 } else { nth });
            let of = |numbers: &[u64]| {
                let mut targets = Targets::new();
                numbers.iter().rev().for_each(|nth| targets.add(key(*nth), outcome(*nth)));
                targets
            };
            let cut = cut.min(numbers.len());
            let mut whole = Targets::new();
            numbers.iter().for_each(|nth| whole.add(key(*nth), outcome(*nth)));
            let (mut merged, rest) = (of(&numbers[cut..]), of(&numbers[..cut]));
            let mut other = rest;
            other.merge(&merged);
            merged.merge(&rest);
            prop_assert_eq!(merged, whole);
            prop_assert_eq!(other, whole);
            let mut bytes = Vec::new();
            whole.encode(&mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(Targets::decode(&mut rest).unwrap(), whole);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_bytes_make_targets_or_an_error(mut bytes: Vec<u8>, len in 0..19_u8) {
            bytes.insert(0, len);
            let _ = Targets::decode(&mut &bytes[..]);
        }
    }
}

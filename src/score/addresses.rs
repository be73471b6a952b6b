//! How many distinct addresses a window has seen: exactly up to 64, within some seven percent above, in at most 256 bytes.
//!
//! What it holds depends on the set of addresses alone, never on their order or on how they were merged. An address is its
//! hash under the state's seed. Three forms follow each other as the set grows: four hashes in place; a sorted list; and
//! from 65 on a HyperLogLog of 256 registers (Flajolet et al. 2007), estimated by linear counting up to 640 and by the
//! harmonic mean above, so that the count never falls as addresses come.

use super::{
    histogram::{
        DecodeError,
        wire::{VERSION, put, take, take_byte, take_version},
    },
    knots::logarithm::log10,
};

/// Addresses up to which the count is exact.
pub const EXACT_MAX: usize = 64;
/// Addresses that cost no memory beyond the struct.
const INLINE: usize = 4;
/// Registers.
const REGISTERS: usize = 256;
/// Bits of a hash that are left once they have chosen the register.
const RANK_BITS: u32 = u32::BITS - REGISTERS.ilog2();
/// `α · m²` of HyperLogLog for 256 registers.
const ALPHA: f64 = 0.7213 / (1.0 + 1.079 / 256.0) * 65_536.0;
/// The estimate by harmonic mean from which it is used.
const RAW_MIN: f64 = 2.5 * 256.0;
/// Fewest empty registers that linear counting believes: fewer are a matter of chance.
const EMPTY_MIN: usize = 8;
/// In the encoding, instead of a number of hashes: registers follow.
const MAP: u64 = EXACT_MAX as u64 + 1;

/// A set of addresses that can tell how many it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    form: Form,
    /// The count, kept current.
    count: u32,
}

/// How the hashes are held.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// The first `count` are hashes, ascending; the others are 0.
    Inline([u32; INLINE]),
    /// More than [`INLINE`], at most [`EXACT_MAX`], ascending.
    List(Vec<u32>),
    /// More than [`EXACT_MAX`]: for each register one more than the most leading zeros of its hashes, 0 for none.
    Registers(Box<[u8; REGISTERS]>),
}

// === impl Addresses ===

impl Default for Addresses {
    fn default() -> Self {
        Self::new()
    }
}

impl Addresses {
    /// Most memory that it takes beyond the struct itself, in bytes.
    pub const BYTES_MAX: usize = REGISTERS;

    /// No addresses.
    #[must_use]
    pub const fn new() -> Self {
        Self { form: Form::Inline([0; INLINE]), count: 0 }
    }

    /// Adds the address with this hash, and says whether the count has changed.
    #[inline]
    pub fn insert(&mut self, hash: u32) -> bool {
        let before = self.count;
        match &mut self.form {
            Form::Inline(hashes) => {
                let len = before as usize;
                if hashes[..len].contains(&hash) {
                    return false;
                }
                if len < INLINE {
                    let place = hashes[..len].partition_point(|other| *other < hash);
                    hashes.copy_within(place..len, place + 1);
                    hashes[place] = hash;
                    self.count += 1;
                } else {
                    self.form = Form::List(hashes.to_vec());
                    self.insert(hash);
                }
            }
            Form::List(hashes) => {
                let Err(place) = hashes.binary_search(&hash) else { return false };
                if hashes.len() < EXACT_MAX {
                    hashes.insert(place, hash);
                    self.count += 1;
                } else {
                    let mut registers = Box::new([0; REGISTERS]);
                    for hash in hashes.iter().chain([&hash]) {
                        raise(&mut registers, *hash);
                    }
                    self.count = estimate(&registers);
                    self.form = Form::Registers(registers);
                }
            }
            Form::Registers(registers) => {
                if raise(registers, hash) {
                    self.count = estimate(registers);
                }
            }
        }
        self.count != before
    }

    fn insert_all(&mut self, hashes: &[u32]) {
        for hash in hashes {
            self.insert(*hash);
        }
    }

    /// How many distinct addresses there are.
    #[must_use]
    #[inline]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the addresses of `other`: the same as adding each of them.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.form, &other.form) {
            (Form::Registers(own), Form::Registers(theirs)) => {
                own.iter_mut().zip(theirs.iter()).for_each(|(own, theirs)| *own = (*own).max(*theirs));
                self.count = estimate(own);
            }
            (_, Form::Registers(_)) => {
                let own = std::mem::replace(self, other.clone());
                self.insert_all(own.hashes());
            }
            _ => self.insert_all(other.hashes()),
        }
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.form {
                Form::Inline(_) => 0,
                Form::List(hashes) => hashes.capacity() * size_of::<u32>(),
                Form::Registers(_) => REGISTERS,
            }
    }

    /// Appends its bytes to `out`: a version, the number of hashes, and each as its distance from the one before; or the
    /// registers.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        if let Form::Registers(registers) = &self.form {
            put(MAP, out);
            out.extend_from_slice(&registers[..]);
            return;
        }
        put(u64::from(self.count), out);
        let mut next = 0;
        for &hash in self.hashes() {
            put(u64::from(hash) - next, out);
            next = u64::from(hash) + 1;
        }
    }

    /// Takes what [`Addresses::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_version(bytes)?;
        match take(bytes)? {
            MAP => {
                let mut registers = Box::new([0; REGISTERS]);
                for register in registers.iter_mut() {
                    *register = take_byte(bytes)?;
                }
                if registers.iter().any(|rank| u32::from(*rank) > RANK_BITS + 1) {
                    return Err(DecodeError::Form);
                }
                let count = estimate(&registers);
                Ok(Self { form: Form::Registers(registers), count })
            }
            count if count < MAP => {
                let mut addresses = Self::new();
                let mut next = 0_u64;
                for _ in 0..count {
                    let place = next.saturating_add(take(bytes)?);
                    let hash = u32::try_from(place).map_err(|_| DecodeError::Place { place })?;
                    addresses.insert(hash);
                    next = place + 1;
                }
                Ok(addresses)
            }
            _ => Err(DecodeError::Form),
        }
    }

    /// The hashes, ascending, while each is known.
    fn hashes(&self) -> &[u32] {
        match &self.form {
            Form::Inline(hashes) => &hashes[..self.count as usize],
            Form::List(hashes) => hashes,
            Form::Registers(_) => &[],
        }
    }
}

/// Notes `hash` in its register, and says whether that has grown.
fn raise(registers: &mut [u8; REGISTERS], hash: u32) -> bool {
    let rank = (hash << (u32::BITS - RANK_BITS)).leading_zeros().min(RANK_BITS) as u8 + 1;
    let register = &mut registers[(hash >> RANK_BITS) as usize];
    let grows = rank > *register;
    *register = rank.max(*register);
    grows
}

/// How many addresses there probably are: always more than [`EXACT_MAX`], and never fewer with a higher register.
fn estimate(registers: &[u8; REGISTERS]) -> u32 {
    let inverse = registers.iter().map(|rank| 1.0 / f64::from(1_u32 << rank)).sum::<f64>();
    let empty = registers.iter().filter(|rank| **rank == 0).count().max(EMPTY_MIN);
    let linear = f64::from(log10(REGISTERS as f64 / empty as f64)) * std::f64::consts::LN_10 * REGISTERS as f64;
    let raw = ALPHA / inverse;
    let count = if raw > RAW_MIN { raw.max(linear) } else { linear };
    ((count + 0.5) as u32).max(EXACT_MAX as u32 + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::{collection::vec, prelude::*};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn of(hashes: &[u32]) -> Addresses {
        let mut addresses = Addresses::new();
        addresses.insert_all(hashes);
        addresses
    }

    #[test]
    fn up_to_64_are_exact_and_millions_are_within_a_fifth_and_never_fall() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut addresses = Addresses::new();
        let (mut before, mut worst) = (0, 0.0_f64);
        for nth in 1..=2_000_000_u32 {
            addresses.insert(random.random());
            assert!(addresses.count() >= before);
            before = addresses.count();
            if nth <= 64 {
                assert_eq!(before, nth);
            } else {
                worst = worst.max((f64::from(before) / f64::from(nth) - 1.0).abs());
            }
        }
        // Three times the standard error of 6.5 %.
        assert!(worst < 0.2, "{worst}");
        assert!(addresses.bytes() <= size_of::<Addresses>() + Addresses::BYTES_MAX);
    }

    #[test]
    fn what_no_set_would_write_is_refused() {
        assert_eq!(Addresses::decode(&mut &[1, 66][..]), Err(DecodeError::Form));
        let mut map = vec![1, 65];
        map.extend([0; 255]);
        assert_eq!(Addresses::decode(&mut &map[..]), Err(DecodeError::Truncated));
        map.push(26);
        assert_eq!(Addresses::decode(&mut &map[..]), Err(DecodeError::Form));
        map[257] = 25;
        assert!(Addresses::decode(&mut &map[..]).is_ok());
    }

    proptest! {
        #[test]
        fn order_repetition_and_merging_change_nothing(
            hashes in vec(any::<u32>(), 0..200), more in vec(any::<u32>(), 0..200),
        ) {
            let all: Vec<u32> = hashes.iter().chain(&more).copied().collect();
            let backwards: Vec<u32> = all.iter().rev().chain(&all).copied().collect();
            prop_assert_eq!(of(&all), of(&backwards));
            let mut merged = of(&hashes);
            merged.merge(&of(&more));
            prop_assert_eq!(&merged, &of(&all));
            let mut other = of(&more);
            other.merge(&of(&hashes));
            prop_assert_eq!(other, merged);
        }

        #[test]
        fn what_is_encoded_comes_back(hashes in vec(any::<u32>(), 0..100), cut in any::<prop::sample::Index>()) {
            let addresses = of(&hashes);
            let mut bytes = Vec::new();
            addresses.encode(&mut bytes);
            prop_assert_eq!(Addresses::decode(&mut &bytes[..]).unwrap(), addresses);
            // Whatever else stands there, it says so without a panic.
            prop_assert!(Addresses::decode(&mut &bytes[..cut.index(bytes.len())]).is_err());
        }
    }
}

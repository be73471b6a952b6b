//! The addresses of an interface of which entities were made, however often these left for the state and came back.
//!
//! A count of entities made would count whoever comes back again, and an interface of a few dozen hosts that take turns would
//! run out of room. So it is a set of hashes under the state's seed, of four bytes each, and none beyond those that are allowed.

use std::num::NonZeroU32;

use crate::score::{
    histogram::{
        DecodeError,
        wire::{put, take},
    },
    keys::Keys,
    whose::{address::Address, interfaces::ADDRESSES_MAX},
};

/// Addresses of which entities were made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::score) struct Made {
    /// The only one.
    one: Option<NonZeroU32>,
    /// All of them, ascending, where there are several.
    #[expect(
        clippy::box_collection,
        reason = "a pointer instead of three words: most interfaces have one address"
    )]
    all: Option<Box<Vec<u32>>>,
}

// === impl Made ===

impl Made {
    /// These.
    pub(in crate::score) fn of<'a>(keys: &Keys, addresses: impl IntoIterator<Item = &'a Address>) -> Self {
        let mut made = Self::default();
        addresses.into_iter().for_each(|address| made.insert(keys, *address));
        made
    }

    /// Takes note that an entity was made of `address`.
    pub(in crate::score) fn insert(&mut self, keys: &Keys, address: Address) {
        self.put((keys.of_address("", address) >> 96) as u32);
    }

    fn put(&mut self, hash: u32) {
        let hash = NonZeroU32::new(hash).unwrap_or(NonZeroU32::MIN);
        match (&mut self.all, self.one) {
            (Some(all), _) => {
                if let Err(place) = all.binary_search(&hash.get()) {
                    all.insert(place, hash.get());
                    all.truncate(ADDRESSES_MAX as usize);
                }
            }
            (None, None) => self.one = Some(hash),
            (None, Some(one)) if one == hash => {}
            (None, Some(one)) => {
                let all = vec![one.min(hash).get(), one.max(hash).get()];
                (self.one, self.all) = (None, Some(Box::new(all)));
            }
        }
    }

    fn hashes(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        let all = self.all.as_ref().map_or(&[][..], |all| all);
        let count = self.count() as usize;
        (0..count).map(move |nth| self.one.map_or_else(|| all[nth], NonZeroU32::get))
    }

    /// How many there are.
    pub(in crate::score) fn count(&self) -> u32 {
        self.all.as_ref().map_or(u32::from(self.one.is_some()), |all| all.len() as u32)
    }

    /// Takes in what `other` holds.
    pub(in crate::score) fn merge(&mut self, other: &Self) {
        other.hashes().for_each(|hash| self.put(hash));
    }

    /// Appends its bytes to `out`: how many there are, and how far each lies above the one before.
    pub(in crate::score) fn encode(&self, out: &mut Vec<u8>) {
        put(self.count().into(), out);
        let mut last = 0;
        for hash in self.hashes() {
            put((hash - last).into(), out);
            last = hash;
        }
    }

    /// Takes what [`Made::encode`] wrote off the front of `bytes`.
    pub(in crate::score) fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let count = take(bytes)?;
        if count > ADDRESSES_MAX.into() {
            return Err(DecodeError::Form);
        }
        let (mut made, mut last) = (Self::default(), 0_u64);
        for _ in 0..count {
            let above = take(bytes)?;
            last = last.saturating_add(above);
            let hash = u32::try_from(last).map_err(|_| DecodeError::Number)?;
            if above == 0 {
                return Err(DecodeError::Form);
            }
            made.put(hash);
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(addresses: std::ops::Range<u128>) -> Made {
        Made::of(&Keys::new([7; 16]), &addresses.collect::<Vec<_>>())
    }

    #[test]
    fn who_comes_back_is_not_counted_again_and_merging_counts_each_once() {
        for count in [0, 1, 2, 16, 1_000, 2_000] {
            let mut made = of(0..count);
            made.merge(&of(0..count));
            assert_eq!(made, of(0..count));
            assert_eq!(u128::from(made.count()), count.min(ADDRESSES_MAX.into()));
            for cut in 0..=count.min(20) {
                let (one, other) = (of(0..cut), of(cut / 2..count));
                let (mut both, mut turned) = (one.clone(), other.clone());
                both.merge(&other);
                turned.merge(&one);
                assert_eq!((&both, &turned), (&made, &made), "{count} at {cut}");
            }
            let mut bytes = Vec::new();
            made.encode(&mut bytes);
            assert_eq!(Made::decode(&mut &bytes[..]).unwrap(), made);
            assert!((0..bytes.len()).all(|cut| Made::decode(&mut &bytes[..cut]).is_err()));
        }
    }

    #[test]
    fn most_interfaces_take_sixteen_bytes() {
        assert_eq!(size_of::<Made>(), 16);
    }
}

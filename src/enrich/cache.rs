//! Per-thread memory of addresses: for each the number of what is known of it. A set-associative table of fixed size, so
//! that no choice of addresses makes it grow; a look-up touches one cache line.

use super::{
    known::KnownNumber,
    meters::Tally,
    spread::{self, spread},
};

/// The numbers of what is known of addresses of one family, by address. A set has `WAYS` of them.
#[derive(Debug)]
pub(super) struct AddressCache<A, const WAYS: usize> {
    sets: Box<[Set<A, WAYS>]>,
    seed: u64,
    shift: u32,
    /// The way of a full set that the next address takes.
    next_way: usize,
    /// Look-ups since they were last told.
    pub(super) tally: Tally,
}

/// The addresses whose hashes begin alike. A way without a number holds none.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Set<A, const WAYS: usize> {
    addresses: [A; WAYS],
    numbers: [u32; WAYS],
}

/// An address as caches keep it.
pub(super) trait CacheAddress: Copy + Eq + Default {
    /// Its hash under `seed`, in the upper bits.
    fn hash(self, seed: u64) -> u64;
}

// === impl CacheAddress ===

impl CacheAddress for u32 {
    #[inline]
    fn hash(self, seed: u64) -> u64 {
        // Multiply-shift by a secret odd number: whoever chooses addresses cannot choose what meets in a set.
        spread((u64::from(self) ^ seed >> 32).wrapping_mul(seed | 1))
    }
}

impl CacheAddress for [u64; 2] {
    #[inline]
    fn hash(self, seed: u64) -> u64 {
        let [high, low] = self;
        let product = u128::from(high ^ seed) * u128::from(low ^ seed.rotate_left(32) ^ spread::ODD);
        spread((product >> 64) as u64 ^ product as u64)
    }
}

// === impl AddressCache ===

impl<A: CacheAddress, const WAYS: usize> AddressCache<A, WAYS> {
    /// An empty cache of `sets` sets, a power of two.
    pub(super) fn new(sets: usize, seed: u64) -> Self {
        debug_assert!(sets.is_power_of_two() && sets > 1, "a set is found by the upper bits of a hash");
        Self {
            sets: vec![Set::empty(); sets].into_boxed_slice(),
            seed,
            shift: u64::BITS - sets.trailing_zeros(),
            next_way: 0,
            tally: Tally::default(),
        }
    }

    /// Bytes that a cache of `sets` sets takes.
    pub(super) const fn memory_bytes(sets: usize) -> usize {
        sets * size_of::<Set<A, WAYS>>()
    }

    /// Reads from the set of `address`, so that it is at hand when it is looked up.
    #[inline]
    pub(super) fn touch(&self, address: A) -> u32 {
        self.sets[self.place(address)].numbers[0]
    }

    /// The number of what is known of `address`, where it is here.
    #[inline]
    pub(super) fn get(&mut self, address: A) -> Option<KnownNumber> {
        let set = &self.sets[self.place(address)];
        // An address stands in one way at most. Without a branch for each way this is a handful of vector instructions.
        let number = |(held, number): (&A, &u32)| if *held == address { *number } else { 0 };
        let number = set.addresses.iter().zip(&set.numbers).map(number).fold(0, |all, number| all | number);
        let found = KnownNumber::new(number);
        self.tally.hits += u64::from(found.is_some());
        self.tally.misses += u64::from(found.is_none());
        found
    }

    /// Remembers `address`, which is not here, in place of another where its set is full.
    pub(super) fn insert(&mut self, address: A, number: KnownNumber) {
        let place = self.place(address);
        let set = &mut self.sets[place];
        let way = set.numbers.iter().position(|number| *number == 0).unwrap_or_else(|| {
            self.next_way = (self.next_way + 1) % WAYS;
            self.next_way
        });
        (set.addresses[way], set.numbers[way]) = (address, number.get());
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.sets.fill(Set::empty());
    }

    #[inline]
    fn place(&self, address: A) -> usize {
        (address.hash(self.seed) >> self.shift) as usize
    }
}

// === impl Set ===

impl<A: CacheAddress, const WAYS: usize> Set<A, WAYS> {
    fn empty() -> Self {
        Self { addresses: [A::default(); WAYS], numbers: [0; WAYS] }
    }
}

/// An address as the cache of its family keeps it.
#[inline]
pub(super) fn v6_words(octets: [u8; 16]) -> [u64; 2] {
    let bits = u128::from_be_bytes(octets);
    [(bits >> 64) as u64, bits as u64]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u32) -> KnownNumber {
        KnownNumber::new(number).unwrap()
    }

    #[test]
    fn a_set_of_either_family_is_one_cache_line() {
        assert_eq!(AddressCache::<u32, 8>::memory_bytes(1), 64);
        assert_eq!(AddressCache::<[u64; 2], 3>::memory_bytes(1), 64);
    }

    #[test]
    fn an_address_is_known_from_when_it_was_inserted_until_the_cache_is_cleared() {
        let mut cache = AddressCache::<u32, 8>::new(16, 7);
        // The address of all zeros is what empty ways hold: it must be asked for too.
        assert_eq!(cache.get(0), None);
        cache.insert(0, number(9));
        assert_eq!(cache.get(0), Some(number(9)));
        assert_eq!(cache.tally, Tally { hits: 1, misses: 1 });
        cache.clear();
        assert_eq!(cache.get(0), None);
    }

    #[test]
    fn a_full_set_gives_up_one_of_its_addresses_for_a_new_one_and_mixes_none_up() {
        let mut cache = AddressCache::<u32, 8>::new(2, 7);
        for address in 1..1_000_u32 {
            assert_eq!(cache.get(address), None);
            cache.insert(address, number(address));
            assert_eq!(cache.get(address), Some(number(address)));
            let held: Vec<_> = (1..=address).filter_map(|known| Some((known, cache.get(known)?))).collect();
            assert!(held.iter().all(|(known, found)| found.get() == *known), "{held:?}");
            assert!(held.len() <= 16 && held.len() >= 16.min(address as usize) / 2, "{} held", held.len());
        }
    }

    #[test]
    fn a_hundred_thousand_neighbours_nearly_all_find_room() {
        fn held<A: CacheAddress, const WAYS: usize>(seed: u64, addresses: &[A]) -> usize {
            let mut cache = AddressCache::<A, WAYS>::new(1 << 14, seed);
            for address in addresses {
                cache.insert(*address, number(1));
            }
            addresses.iter().filter(|address| cache.get(**address).is_some()).count()
        }
        let v4: Vec<u32> = (0..100_000).map(|low| 0x0a00_0000 + low).collect();
        let v6: Vec<[u64; 2]> = (0..100_000).map(|low| [0x2001_0db8_0000_0000, low]).collect();
        for seed in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            // Thrown at random 95 of 100 would find room.
            let (v4, v6) = (held::<_, 8>(seed, &v4), held::<_, 8>(seed, &v6));
            assert!(v4 > 92_000 && v6 > 92_000, "seed {seed}: {v4} and {v6} held");
        }
    }
}

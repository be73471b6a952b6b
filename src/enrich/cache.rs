//! Per-thread memory of look-ups: what is known of an address, and decoded database records. Both are direct-mapped
//! tables of fixed size, so that no choice of addresses makes them grow.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use super::{asset::AssetNumber, meters::Tally};

/// What the tables say of one address, as small numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Which record of the City or Country database; see [`RecordKey`].
    pub(super) place: Option<RecordKey>,
    /// Which record of the ASN database.
    pub(super) network: Option<RecordKey>,
    /// Which asset, by address.
    pub(super) asset: Option<AssetNumber>,
    /// Whether it is inside.
    pub(super) internal: bool,
}

/// Tells the records of one database, or of two used in turn, apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordKey(NonZeroU32);

/// What is known of addresses of one family, by address.
#[derive(Debug)]
pub(super) struct AddressCache<A> {
    slots: Box<[Slot<A>]>,
    seed: u64,
    shift: u32,
}

/// One address. In 24 bytes for IPv4.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot<A> {
    address: A,
    place: Option<RecordKey>,
    network: Option<RecordKey>,
    /// [`USED`], [`INTERNAL`], and the number of the asset.
    flags: u32,
    /// In which filling of the batch [`Slot::endpoint`] holds; 0 in none.
    pub(super) filling: u32,
    /// The address's place in that batch's endpoints.
    pub(super) endpoint: u32,
}

/// An address as caches keep it.
pub(super) trait CacheAddress: Copy + Eq + Default {
    /// Its hash under `seed`, in the upper bits.
    fn hash(self, seed: u64) -> u64;
}

/// Decoded records by key. A record that says nothing is remembered as that.
#[derive(Debug)]
pub(super) struct RecordCache<T> {
    slots: Box<[RecordSlot<T>]>,
    /// Look-ups since they were last told.
    pub(super) tally: Tally,
}

/// One record, and what was decoded of it.
type RecordSlot<T> = (Option<RecordKey>, Option<Arc<T>>);

// === impl RecordKey ===

impl RecordKey {
    /// The record at `offset` of the first or, where `second`, of the second database. Offsets fit 31 bits, because no
    /// database larger than that is read.
    pub(super) fn new(offset: u32, second: bool) -> Option<Self> {
        let key = offset.checked_mul(2)?.checked_add(1)?.checked_add(u32::from(second));
        key.and_then(NonZeroU32::new).map(Self)
    }

    /// Whether it is a record of the second database.
    pub(super) fn is_second(self) -> bool {
        self.0.get().is_multiple_of(2)
    }
}

// === impl CacheAddress ===

/// An odd number whose bits look random; multiplying by it spreads what differs over the upper bits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl CacheAddress for u32 {
    #[inline]
    fn hash(self, seed: u64) -> u64 {
        // Multiply-shift by a secret odd number: whoever chooses addresses cannot choose what meets in a slot.
        (u64::from(self) ^ seed >> 32).wrapping_mul(seed | 1).wrapping_mul(SPREAD)
    }
}

impl CacheAddress for [u64; 2] {
    #[inline]
    fn hash(self, seed: u64) -> u64 {
        let [high, low] = self;
        let product = u128::from(high ^ seed) * u128::from(low ^ seed.rotate_left(32) ^ SPREAD);
        ((product >> 64) as u64 ^ product as u64).wrapping_mul(SPREAD)
    }
}

// === impl AddressCache ===

impl<A: CacheAddress> AddressCache<A> {
    /// An empty cache of `slots` addresses, a power of two.
    pub(super) fn new(slots: usize, seed: u64) -> Self {
        debug_assert!(slots.is_power_of_two() && slots > 1, "a slot is found by the upper bits of a hash");
        Self {
            slots: vec![Slot::default(); slots].into_boxed_slice(),
            seed,
            shift: u64::BITS - slots.trailing_zeros(),
        }
    }

    /// Bytes that a cache of `slots` addresses takes.
    pub(super) const fn memory_bytes(slots: usize) -> usize {
        slots * size_of::<Slot<A>>()
    }

    /// The slot of `address`, once it holds what `know` says where it did not yet.
    #[inline]
    pub(super) fn slot(
        &mut self,
        address: A,
        tally: &mut Tally,
        know: impl FnOnce() -> Known,
    ) -> &mut Slot<A> {
        let place = (address.hash(self.seed) >> self.shift) as usize;
        let slot = &mut self.slots[place];
        if slot.address == address && slot.flags & USED != 0 {
            tally.hits += 1;
        } else {
            tally.misses += 1;
            *slot = Slot::holding(address, know());
        }
        slot
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.slots.fill(Slot::default());
    }
}

// === impl Slot ===

const USED: u32 = 1 << 31;
const INTERNAL: u32 = 1 << 30;

impl<A> Slot<A> {
    fn holding(address: A, known: Known) -> Self {
        let internal = if known.internal { INTERNAL } else { 0 };
        let asset = known.asset.map_or(0, NonZeroU32::get);
        debug_assert!(asset < INTERNAL, "the number of an asset fits 30 bits");
        Self {
            address,
            place: known.place,
            network: known.network,
            flags: USED | internal | asset,
            filling: 0,
            endpoint: 0,
        }
    }

    /// Whether the address is inside.
    #[inline]
    pub(super) fn is_internal(&self) -> bool {
        self.flags & INTERNAL != 0
    }

    /// What is known of the address.
    pub(super) fn known(&self) -> Known {
        Known {
            place: self.place,
            network: self.network,
            asset: NonZeroU32::new(self.flags & (INTERNAL - 1)),
            internal: self.is_internal(),
        }
    }
}

// === impl RecordCache ===

impl<T> RecordCache<T> {
    /// An empty cache of `slots` records, a power of two.
    pub(super) fn new(slots: usize) -> Self {
        debug_assert!(slots.is_power_of_two() && slots > 1, "a slot is found by the upper bits of a hash");
        Self { slots: (0..slots).map(|_| (None, None)).collect(), tally: Tally::default() }
    }

    /// The record `key`; `decode` is asked where it is not here, and what it says takes the place of another.
    pub(super) fn get(&mut self, key: RecordKey, decode: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        let spread = u64::from(key.0.get()).wrapping_mul(SPREAD);
        let place = (spread >> (u64::BITS - self.slots.len().trailing_zeros())) as usize;
        let (held, record) = &mut self.slots[place];
        if *held == Some(key) {
            self.tally.hits += 1;
        } else {
            self.tally.misses += 1;
            *record = decode().map(Arc::new);
            *held = Some(key);
        }
        record.clone()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.slots.fill_with(|| (None, None));
    }
}

/// An address as the cache of its family keeps it.
#[inline]
pub(super) fn v6_words(octets: [u8; 16]) -> [u64; 2] {
    let bits = u128::from_be_bytes(octets);
    [(bits >> 64) as u64, bits as u64]
}

/// The address that `words` were made of.
pub(super) fn v6_address(words: [u64; 2]) -> IpAddr {
    IpAddr::from((u128::from(words[0]) << 64 | u128::from(words[1])).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(asset: u32) -> Known {
        Known { asset: NonZeroU32::new(asset), place: RecordKey::new(asset, false), ..Known::default() }
    }

    #[test]
    fn an_ipv4_address_takes_24_bytes_and_an_ipv6_address_40() {
        assert_eq!(AddressCache::<u32>::memory_bytes(1), 24);
        assert_eq!(AddressCache::<[u64; 2]>::memory_bytes(1), 40);
    }

    #[test]
    fn an_address_is_asked_for_once_and_its_slot_gives_back_what_was_said() {
        let mut cache = AddressCache::<u32>::new(16, 7);
        let mut tally = Tally::default();
        let said = Known { internal: true, network: RecordKey::new(0, true), ..known(9) };
        // The address of all zeros is what empty slots hold: it must be asked for too.
        assert_eq!(cache.slot(0, &mut tally, || said).known(), said);
        assert_eq!(cache.slot(0, &mut tally, || panic!("it is known")).known(), said);
        assert_eq!(tally, Tally { hits: 1, misses: 1 });
        cache.clear();
        assert_eq!(cache.slot(0, &mut tally, || known(1)).known(), known(1));
    }

    #[test]
    fn an_address_that_takes_anothers_slot_brings_its_own_knowledge() {
        let mut cache = AddressCache::<u32>::new(2, 7);
        let mut tally = Tally::default();
        for round in 0..3 {
            for address in 1..50_u32 {
                let slot = cache.slot(address, &mut tally, || known(address));
                assert_eq!((slot.known(), slot.filling), (known(address), 0), "round {round}");
                slot.filling = 1;
            }
        }
    }

    #[test]
    fn a_hundred_thousand_neighbours_spread_over_the_slots() {
        for seed in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let slots = 1 << 17;
            let used = |hashes: &mut dyn Iterator<Item = u64>| {
                let mut used: Vec<u64> = hashes.map(|hash| hash >> (64 - 17)).collect();
                used.sort_unstable();
                used.dedup();
                used.len()
            };
            let v4 = used(&mut (0..100_000_u32).map(|low| (0x0a00_0000 + low).hash(seed)));
            let v6 = used(&mut (0..100_000_u64).map(|low| [0x2001_0db8_0000_0000, low].hash(seed)));
            // Thrown at random they would use 53 of 100 slots.
            assert!(v4 > slots * 45 / 100 && v6 > slots * 45 / 100, "seed {seed}: {v4} and {v6} slots");
        }
    }

    #[test]
    fn a_record_is_decoded_once_and_one_that_says_nothing_too() {
        let mut cache = RecordCache::<u32>::new(16);
        let [a, b] = [RecordKey::new(0, false).unwrap(), RecordKey::new(0, true).unwrap()];
        assert_eq!(cache.get(a, || Some(5)).as_deref(), Some(&5));
        assert_eq!(cache.get(a, || panic!("it is known")).as_deref(), Some(&5));
        assert_eq!(cache.get(b, || None), None, "offset 0 of the second database is another record");
        assert_eq!(cache.get(b, || panic!("it is known")), None);
        assert_eq!(cache.tally, Tally { hits: 2, misses: 2 });
        cache.clear();
        assert_eq!(cache.get(a, || Some(6)).as_deref(), Some(&6));
    }

    #[test]
    fn a_full_cache_of_records_holds_no_more_than_its_slots() {
        let mut cache = RecordCache::<Arc<()>>::new(4);
        let alive = Arc::new(());
        for offset in 0..1_000 {
            cache.get(RecordKey::new(offset, false).unwrap(), || Some(alive.clone()));
        }
        assert!(Arc::strong_count(&alive) <= 1 + 4);
    }

    #[test]
    fn record_keys_tell_database_and_offset_apart() {
        assert!(RecordKey::new(7, true).unwrap().is_second());
        assert!(!RecordKey::new(7, false).unwrap().is_second());
        assert_ne!(RecordKey::new(7, true), RecordKey::new(8, false));
        assert_eq!(RecordKey::new(u32::MAX, false), None);
    }

    #[test]
    fn an_ipv6_address_survives_its_two_words() {
        let address: std::net::Ipv6Addr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        assert_eq!(v6_address(v6_words(address.octets())), IpAddr::from(address));
    }
}

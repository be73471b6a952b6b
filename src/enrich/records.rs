//! Per-thread memory of decoded database records: a direct-mapped table of fixed size.

use std::{num::NonZeroU32, sync::Arc};

use super::{meters::Tally, spread::spread};

/// Tells the records of one database, or of two used in turn, apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RecordKey(NonZeroU32);

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

// === impl RecordCache ===

impl<T> RecordCache<T> {
    /// An empty cache of `slots` records, a power of two.
    pub(super) fn new(slots: usize) -> Self {
        debug_assert!(slots.is_power_of_two() && slots > 1, "a slot is found by the upper bits of a hash");
        Self { slots: (0..slots).map(|_| (None, None)).collect(), tally: Tally::default() }
    }

    /// The record `key`; `decode` is asked where it is not here, and what it says takes the place of another.
    pub(super) fn get(&mut self, key: RecordKey, decode: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        let spread = spread(u64::from(key.0.get()));
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

#[cfg(test)]
mod tests {
    use super::*;

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
}

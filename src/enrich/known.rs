//! What the tables say of addresses, each distinct answer once and under a small number: a hundred thousand addresses
//! lie in far fewer places and networks.

use std::num::NonZeroU32;

use hashbrown::HashMap;

use super::{asset::Answer, provider::ProviderNumber, records::RecordKey};

/// What the tables say of one address, as small numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Known {
    /// Which record of the City or Country database; see [`RecordKey`].
    pub(super) place: Option<RecordKey>,
    /// Which record of the ASN database.
    pub(super) network: Option<RecordKey>,
    /// Which asset, by address.
    pub(super) asset: Option<Answer>,
    /// Which provider's range it is in, where it is not inside whatever the time.
    pub(super) provider: Option<ProviderNumber>,
    /// Whether it is inside, whatever the time.
    pub(super) internal: bool,
    /// Whether it is inside at some times.
    pub(super) is_timed: bool,
}

/// The number of an answer in its list; the first is 1.
pub(super) type KnownNumber = NonZeroU32;

/// All distinct answers so far.
#[derive(Debug)]
pub(super) struct KnownList {
    rows: Vec<KnownRow>,
    numbers: HashMap<Known, KnownNumber, foldhash::fast::FixedState>,
}

/// One answer, and its place in the endpoints of the batch at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownRow {
    /// What is known.
    pub(super) known: Known,
    /// In which filling of the batch `endpoint` holds; 0 in none.
    pub(super) filling: u32,
    /// The answer's place in that batch's endpoints.
    pub(super) endpoint: u32,
}

// === impl Known ===

impl Known {
    /// Whether what is known depends on the record's scope or time.
    #[inline]
    pub(super) fn asks(self) -> bool {
        self.is_timed || self.asset.is_some_and(|answer| answer.only().is_none())
    }
}

// === impl KnownList ===

impl KnownList {
    /// The most answers kept: what the table of numbers holds, seven eighths of its buckets.
    pub(super) const LEN_MAX: usize = Self::BUCKETS / 8 * 7;
    /// Bytes that a list takes at most. Behind the buckets the table repeats the marks of a few.
    pub(super) const MEMORY_BYTES_MAX: usize =
        Self::BUCKETS * (size_of::<KnownRow>() + size_of::<(Known, KnownNumber)>() + 1) + 64;
    const BUCKETS: usize = 1 << 15;

    /// An empty list; `seed` is that of its hashes.
    pub(super) fn new(seed: u64) -> Self {
        let numbers = HashMap::with_hasher(foldhash::fast::FixedState::with_seed(seed));
        Self { rows: Vec::new(), numbers }
    }

    /// Whether `known` is here or finds room.
    pub(super) fn has_room_for(&self, known: Known) -> bool {
        self.rows.len() < Self::LEN_MAX || self.numbers.contains_key(&known)
    }

    /// The number of `known`, for which there is room.
    pub(super) fn number(&mut self, known: Known) -> KnownNumber {
        *self.numbers.entry(known).or_insert_with(|| {
            self.rows.push(KnownRow { known, filling: 0, endpoint: 0 });
            KnownNumber::MIN.saturating_add(self.rows.len() as u32 - 1)
        })
    }

    /// The answer `number`, which this list gave since it was last cleared.
    #[inline]
    pub(super) fn row(&mut self, number: KnownNumber) -> &mut KnownRow {
        &mut self.rows[number.get() as usize - 1]
    }

    /// Makes every place in a batch's endpoints void.
    pub(super) fn forget_endpoints(&mut self) {
        self.rows.iter_mut().for_each(|row| row.filling = 0);
    }

    /// Forgets everything; numbers given before mean nothing any more.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.numbers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(offset: u32) -> Known {
        Known { place: RecordKey::new(offset, false), ..Known::default() }
    }

    #[test]
    fn an_answer_has_one_number_and_another_answer_another() {
        let mut list = KnownList::new(7);
        let internal = Known { internal: true, ..known(1) };
        let numbers = [known(1), internal, known(2), Known::default()].map(|known| list.number(known));
        assert_eq!(numbers.map(NonZeroU32::get), [1, 2, 3, 4]);
        assert_eq!(list.number(internal), numbers[1]);
        assert_eq!(list.row(numbers[1]).known, internal);
        list.clear();
        assert_eq!(list.number(known(2)).get(), 1);
    }

    #[test]
    fn a_full_list_has_room_for_no_new_answer_and_stays_within_its_bound() {
        let mut list = KnownList::new(7);
        for offset in 0..KnownList::LEN_MAX as u32 {
            assert!(list.has_room_for(known(offset)));
            list.number(known(offset));
        }
        assert!(!list.has_room_for(known(u32::MAX >> 2)));
        assert!(list.has_room_for(known(5)));
        assert_eq!(list.number(known(5)).get(), 6);
        let rows = list.rows.capacity() * size_of::<KnownRow>();
        assert!(rows + list.numbers.allocation_size() <= KnownList::MEMORY_BYTES_MAX);
    }
}

//! Records by key in bounded room: whoever has come once lately goes before whoever keeps coming.
//!
//! After S3-FIFO (Yang et al., SOSP 2023): who is new stands in a small queue; who comes again while there is moved to the
//! main one when its turn comes, and who does not goes, leaving a fingerprint, its ghost. Whoever comes back while the
//! ghost is there goes straight to the main queue, where each turn costs one of the visits that it has to its credit. A
//! flood of strangers turns over the small queue, a tenth of the room, and leaves the main one to those who stay. Even one
//! that comes again and again replaces no more than an eighth of the room in a window, or half of it where each is
//! proven to be where it says.
//!
//! Nobody goes before the table is full; until then what it holds does not depend on any order. Who goes then does.

use std::collections::VecDeque;

use crate::score::{
    histogram::DecodeError,
    sketch::mixer::{Mixer, place},
};

pub use self::credit::Credit;

mod credit;

/// Records that are written into the state together.
pub const PAGE: usize = 64;

/// Of the few contacts that are taken in at a time, how many make somebody go, as a rule.
const LEAVING: usize = 4;

/// What a table holds.
pub trait Record: Copy {
    /// Its hash, whose upper four bits are the shard's.
    fn hash(&self, mixer: &Mixer) -> u64;
    /// What the table keeps with it; 0 at first.
    fn credit(&mut self) -> &mut Credit;
    /// Whether both are of the same key.
    fn is_same(&self, other: &Self) -> bool;
    /// Reads its first and its last bytes, which may lie in two lines of the processor's cache.
    fn warm(&self) -> u64;
    /// When it was seen last.
    fn last(&self) -> u32;
    /// Appends its bytes to `out`.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes what [`Record::put`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes.
    fn take(bytes: &mut &[u8]) -> Result<Self, DecodeError>;
}

/// Records by key.
#[derive(Debug, Clone)]
pub struct Table<T> {
    records: Vec<T>,
    /// Open addressing: the key's hash in the upper half, its record's place plus one in the lower; 0 is free.
    index: Vec<u64>,
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    /// Fingerprints of those who went; 0 is none. A later one takes the place of an earlier.
    ghosts: Vec<u32>,
    /// How many may still join the main queue in this window when it is full: of others, and of those who are proven.
    joins: [usize; 2],
    max: usize,
    /// Whether the queues differ from what was captured last.
    moved: bool,
    /// Pages with a record that has changed.
    dirty: Vec<bool>,
    /// Pages of the state, from the first of these on, that hold nothing any more.
    stale: std::ops::Range<usize>,
}

const fn index_of(max: usize) -> usize {
    max + max / 3 + 8
}

/// What the index says of a hash: its middle, which neither the shard nor the sketches' places leave the same.
#[inline]
const fn tag(hash: u64) -> u32 {
    (hash >> 28) as u32
}

/// What stands for a hash among the ghosts.
#[inline]
const fn ghost(hash: u64) -> u32 {
    hash as u32 | 1
}

// === impl Table ===

impl<T: Record> Table<T> {
    /// Nothing, and room for `max` records, at least one. The room is reserved; memory is taken as records come.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let max = max.max(1);
        Self {
            records: Vec::with_capacity(max),
            index: vec![0; index_of(max)],
            small: VecDeque::with_capacity(max),
            main: VecDeque::with_capacity(max),
            ghosts: vec![0; max],
            joins: Self::joins_of(max),
            max,
            moved: false,
            dirty: vec![false; max.div_ceil(PAGE)],
            stale: 0..0,
        }
    }

    const fn joins_of(max: usize) -> [usize; 2] {
        [max.div_ceil(8), max.div_ceil(2)]
    }

    /// Begins a window: as many as may be in one can join the main queue again.
    pub fn renew(&mut self) {
        let joins = Self::joins_of(self.max);
        self.moved |= self.joins != joins;
        self.joins = joins;
    }

    /// Takes one of those who may join the main queue, if one is left or the queue has room.
    fn may_join(&mut self, is_proven: bool) -> bool {
        if self.main.len() + self.max / 10 < self.max {
            return true;
        }
        let left = &mut self.joins[usize::from(is_proven)];
        let may = *left > 0;
        *left -= usize::from(may);
        may
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Every record.
    #[must_use]
    pub fn records(&self) -> &[T] {
        &self.records
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        place(tag, self.index.len())
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        if at + 1 == self.index.len() { 0 } else { at + 1 }
    }

    /// The entries of the index from that where `tag` belongs to the next free one.
    #[inline]
    fn entries(&self, tag: u32) -> impl Iterator<Item = u64> {
        let (before, after) = self.index.split_at(self.home(tag));
        after.iter().chain(before).copied().take_while(|entry| *entry != 0)
    }

    /// Reads where the index says something of `hash`: without a branch, so that many can be under way at a time.
    #[inline]
    #[must_use]
    pub fn touch(&self, hash: u64) -> u64 {
        self.index[self.home(tag(hash))]
    }

    /// Reads what taking in the record that hashes to `hash` will read: where its ghost would stand.
    #[inline]
    #[must_use]
    pub fn warm_vacant(&self, hash: u64) -> u32 {
        self.ghosts[place(tag(hash), self.ghosts.len())]
    }

    /// Reads those who will go first when the table is full.
    #[inline]
    #[must_use]
    pub fn warm_leaving(&self) -> u64 {
        if self.records.len() < self.max {
            return 0;
        }
        let next = self.small.iter().take(LEAVING).chain(self.main.iter().take(2 * LEAVING));
        next.fold(0, |read, slot| read ^ self.warm_record(*slot))
    }

    /// The place of the record that the index may mean with `hash`.
    #[inline]
    #[must_use]
    pub fn warm(&self, hash: u64) -> Option<u32> {
        let tag = tag(hash);
        let entry = self.entries(tag).find(|entry| (entry >> 32) as u32 == tag)?;
        Some(entry as u32 - 1)
    }

    /// Reads the record at `slot`, so that the memory of several is fetched side by side.
    #[inline]
    #[must_use]
    pub fn warm_record(&self, slot: u32) -> u64 {
        self.records[slot as usize].warm()
    }

    /// The place of the record that hashes to `hash` and for which `is` holds, which was at `hint` a moment ago if it was
    /// there at all.
    #[inline]
    #[must_use]
    pub fn find_near(&self, hint: Option<u32>, hash: u64, is: impl Fn(&T) -> bool) -> Option<u32> {
        match hint {
            Some(slot) if self.records.get(slot as usize).is_some_and(&is) => hint,
            _ => self.find(hash, is),
        }
    }

    /// The place of the record that hashes to `hash` and for which `is` holds.
    #[inline]
    #[must_use]
    pub fn find(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let slots =
            self.entries(tag).filter(|entry| (entry >> 32) as u32 == tag).map(|entry| entry as u32 - 1);
        { slots }.find(|slot| is(&self.records[*slot as usize]))
    }

    /// The record at `slot`, which is about to change because it was visited.
    #[inline]
    pub fn visit(&mut self, slot: u32) -> &mut T {
        self.dirty[slot as usize / PAGE] = true;
        let record = &mut self.records[slot as usize];
        record.credit().raise();
        record
    }

    /// Takes in `record`, which is not there yet; gives its place, and whether another one had to go.
    pub fn insert(&mut self, hash: u64, mut record: T, mixer: &Mixer) -> (u32, bool) {
        let is_proven = record.credit().is_proven();
        let is_full = self.records.len() >= self.max;
        let slot = if is_full {
            let slot = self.evict(mixer);
            self.records[slot as usize] = record;
            slot
        } else {
            self.records.push(record);
            self.records.len() as u32 - 1
        };
        self.dirty[slot as usize / PAGE] = true;
        self.enter(hash, slot);
        let seat = place(tag(hash), self.ghosts.len());
        self.moved = true;
        if self.ghosts[seat] == ghost(hash) && self.may_join(is_proven) {
            self.ghosts[seat] = 0;
            self.promote(slot, 0);
        } else {
            self.small.push_back(slot);
        }
        (slot, is_full)
    }

    /// Puts the record at `slot` into the index.
    fn enter(&mut self, hash: u64, slot: u32) {
        let mut at = self.home(tag(hash));
        while self.index[at] != 0 {
            at = self.next(at);
        }
        self.index[at] = u64::from(tag(hash)) << 32 | u64::from(slot + 1);
    }

    /// Puts the record at `slot` at the end of the main queue, with this many visits to its credit.
    fn promote(&mut self, slot: u32, visits: u8) {
        self.records[slot as usize].credit().promote(visits);
        self.dirty[slot as usize / PAGE] = true;
        self.main.push_back(slot);
    }

    /// Lets somebody go, and gives the place that was theirs.
    fn evict(&mut self, mixer: &Mixer) -> u32 {
        loop {
            let from_small = self.small.len() >= (self.max / 10).max(1) || self.main.is_empty();
            let queue = if from_small { &mut self.small } else { &mut self.main };
            // One of the queues holds somebody, because the table is full.
            let Some(slot) = queue.pop_front() else { return 0 };
            let record = &mut self.records[slot as usize];
            let credit = *record.credit();
            let (is_proven, visits) = (credit.is_proven(), credit.visits());
            match from_small {
                // The first visit is the one that it came with.
                true if visits > 2 - u8::from(is_proven) && self.may_join(is_proven) => {
                    self.promote(slot, if is_proven { visits / 2 } else { 0 });
                }
                false if visits > 0 => self.promote(slot, visits - 1),
                _ => {
                    let hash = self.records[slot as usize].hash(mixer);
                    self.remove(hash, slot);
                    if from_small {
                        let seat = place(tag(hash), self.ghosts.len());
                        self.ghosts[seat] = ghost(hash);
                    }
                    return slot;
                }
            }
        }
    }

    /// Takes the record at `slot`, which hashes to `hash`, out of the index, and moves those up that stood behind it.
    fn remove(&mut self, hash: u64, slot: u32) {
        let mut hole = self.home(tag(hash));
        while self.index[hole] as u32 != slot + 1 {
            if self.index[hole] == 0 {
                return;
            }
            hole = self.next(hole);
        }
        let places = self.index.len();
        let mut at = hole;
        loop {
            at = self.next(at);
            let entry = self.index[at];
            if entry == 0 {
                break;
            }
            let home = self.home((entry >> 32) as u32);
            // It may move up if its home does not lie between the hole and itself.
            let behind = |from: usize| if at >= from { at - from } else { at + places - from };
            if behind(home) >= behind(hole) {
                self.index[hole] = entry;
                hole = at;
            }
        }
        self.index[hole] = 0;
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let each = size_of::<T>() + 2 * size_of::<u32>();
        self.records.len() * each + self.index.len() * 8 + self.ghosts.len() * 4 + self.dirty.len()
    }
}

impl<T> Table<T> {
    /// The most memory that a table of `max` records takes, in bytes.
    #[must_use]
    pub const fn bytes_of(max: usize) -> usize {
        size_of::<Self>() + max * (size_of::<T>() + 12) + index_of(max) * 8 + max / PAGE + 1
    }
}

mod saved;
#[cfg(test)]
mod tests;

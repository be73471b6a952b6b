//! What a window has seen of the outside, whoever has a record of their own: numbers that do not depend on any order.

use crate::score::{
    kept::wire::{StateError, put_int, put_uint, take_end, take_int, take_uint},
    sketch::{cardinality::Cardinality, mixer::Mixer},
};

use super::{
    Contact,
    counts::CountMin,
    sizes::Sizes,
    spreaders::{Places, Spreader, Spreaders},
};

/// Spreaders of a window that are kept when it folds.
pub const WIDEST: usize = 32;

/// A window's sketches.
#[derive(Debug, Clone)]
pub struct Tide {
    pub(super) window: i64,
    pub(super) contacts: u64,
    pub(super) rejects: u64,
    pub(super) fresh: u64,
    pub(super) unadmitted: u64,
    sources: Cardinality<10>,
    pub(super) counts: CountMin,
    /// External sources by their distinct entities, of those without a record.
    pub(super) spread: Spreaders,
    /// Entities by their distinct external sources.
    targets: Spreaders,
}

/// What a window has seen of the outside, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Flow records between an entity and the outside.
    pub contacts: u64,
    /// How many of them were refused.
    pub rejects: u64,
    /// How many came from somebody whom the door-keeper did not know: about as many as there were new sources.
    pub fresh: u64,
    /// How many were of somebody who has no record.
    pub unadmitted: u64,
    /// Distinct external sources that sent something, let through or not: an estimate, 3 % off a shard, 1 % off for all.
    pub sources: u64,
    /// External sources without a record that came to unusually many entities, the widest first, by their keys.
    pub widest: Vec<Spreader>,
    /// Entities that unusually many external sources came to, the widest first.
    pub targets: Vec<Spreader>,
}

// === impl Tide ===

impl Tide {
    /// Memory that the count of sources takes beyond the struct, in bytes.
    pub(super) const SOURCES_BYTES: usize = Cardinality::<10>::BYTES_MAX;

    /// Nothing seen in `window`.
    pub(super) fn new(window: i64, sizes: &Sizes) -> Self {
        Self {
            window,
            contacts: 0,
            rejects: 0,
            fresh: 0,
            unadmitted: 0,
            sources: Cardinality::new(),
            counts: CountMin::new(sizes.counters),
            spread: Spreaders::new(sizes.spreads),
            targets: Spreaders::new(sizes.spreads),
        }
    }

    /// Begins `window` anew.
    pub(super) fn begin(&mut self, window: i64) {
        (self.window, self.contacts, self.rejects, self.fresh, self.unadmitted) = (window, 0, 0, 0, 0);
        self.sources.clear();
        self.counts.clear();
        self.spread.clear();
        self.targets.clear();
    }

    /// Reads what [`Tide::add`] will read of the entity's cells at `places`.
    #[inline]
    pub(super) fn warm(&self, places: &Places) -> u64 {
        self.targets.warm(places)
    }

    /// Takes in what everybody counts for; the entity's cells are at `places`.
    #[inline]
    pub(super) fn add(&mut self, contact: &Contact, places: &Places, pair: u64) {
        self.contacts += 1;
        self.rejects += u64::from(!contact.accepted);
        if !contact.sent {
            self.sources.insert_uncounted((contact.hash >> 28) as u32);
            self.targets.note(places, contact.entity, pair);
        }
    }

    /// What it has seen.
    pub(super) fn seen(&self, mixer: &Mixer) -> Seen {
        Seen {
            contacts: self.contacts,
            rejects: self.rejects,
            fresh: self.fresh,
            unadmitted: self.unadmitted,
            sources: self.sources.count().into(),
            widest: self.spread.widest(WIDEST, |key| mixer.of(key)),
            targets: self.targets.widest(WIDEST, super::again),
        }
    }

    /// Appends its bytes to `out`: the window, the numbers, and each sketch.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_int(self.window, out);
        for number in [self.contacts, self.rejects, self.fresh, self.unadmitted] {
            put_uint(number, out);
        }
        self.sources.encode(out);
        self.counts.encode(out);
        self.spread.encode(out);
        self.targets.encode(out);
    }

    /// Reads what [`Tide::encode`] wrote with the same sizes.
    pub(super) fn decode(sizes: &Sizes, mut bytes: &[u8]) -> Result<Self, StateError> {
        let bytes = &mut bytes;
        let mut tide = Self::new(take_int(bytes)?, sizes);
        for number in [&mut tide.contacts, &mut tide.rejects, &mut tide.fresh, &mut tide.unadmitted] {
            *number = take_uint(bytes)?;
        }
        tide.sources = Cardinality::decode(bytes)?;
        tide.counts = CountMin::decode(sizes.counters, bytes)?;
        tide.spread = Spreaders::decode(sizes.spreads, bytes)?;
        tide.targets = Spreaders::decode(sizes.spreads, bytes)?;
        take_end(bytes)?;
        Ok(tide)
    }

    /// Adds what `other`, of the same window and sizes, has seen.
    pub fn merge(&mut self, other: &Self) {
        self.contacts += other.contacts;
        self.rejects += other.rejects;
        self.fresh += other.fresh;
        self.unadmitted += other.unadmitted;
        self.sources.merge(&other.sources);
        self.counts.merge(&other.counts);
        self.spread.merge(&other.spread);
        self.targets.merge(&other.targets);
    }
}

// === impl Seen ===

impl Seen {
    /// Adds what another shard, which has other sources, has seen of the same window.
    pub fn add(&mut self, other: &Self) {
        self.contacts += other.contacts;
        self.rejects += other.rejects;
        self.fresh += other.fresh;
        self.unadmitted += other.unadmitted;
        self.sources += other.sources;
        for (own, theirs) in [(&mut self.widest, &other.widest), (&mut self.targets, &other.targets)] {
            for spreader in theirs {
                match own.iter_mut().find(|known| known.key == spreader.key) {
                    Some(known) => known.peers = known.peers.saturating_add(spreader.peers),
                    None => own.push(*spreader),
                }
            }
            own.sort_unstable_by_key(|spreader| (std::cmp::Reverse(spreader.peers), spreader.key));
        }
    }
}

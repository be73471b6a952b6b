//! The fringe: what is known of the outside, in bounded memory. External addresses are as many as an attacker likes, so
//! that nobody out there has a baseline; everybody counts in sketches of fixed size, and whoever keeps coming, or is proven
//! to be where it says, has a record of about a hundred bytes, as do pairs of an entity and an external address.
//!
//! One fringe is a sixteenth of the outside, worked on by one thread at a time; which one an address belongs to follows
//! from its hash under the state's seed, and so does everything else, so that every process with that state agrees.
//!
//! What depends on the order of a window's records: who is let in at the third time rather than the second, and from which
//! contact on a record counts; who goes when a table is full; which of more than 512 heavy hitters are kept, and from how
//! many bytes on they are weighed by lot; when the door-keeper forgets. Everything else is a sum, a maximum or a set.
//! Nothing depends on threads, or on where batches end.

mod ahead;
pub mod capture;
pub mod contact;
pub mod counts;
pub mod door;
pub mod external;
pub mod heavy;
pub(super) mod outside;
pub mod pair;
pub mod sizes;
pub mod spreaders;
pub mod table;
pub mod targets;
pub mod tide;
pub mod totals;

use super::sketch::mixer::{Mixer, place};

pub use contact::{Contact, external_address, external_key, shard_of};
pub use totals::Totals;

use self::{
    ahead::{AHEAD, Ahead},
    contact::TCP,
    counts::CountMin,
    door::Door,
    external::External,
    heavy::Top,
    pair::Pair,
    sizes::Sizes,
    table::Table,
    tide::Seen,
    tide::Tide,
};

/// A sixteenth of the outside.
#[derive(Debug)]
pub struct Fringe {
    mixer: Mixer,
    sizes: Sizes,
    door: Door,
    /// By window, ascending.
    tides: Vec<Tide>,
    spare: Vec<Tide>,
    externals: Table<External>,
    pairs: Table<Pair>,
    addresses: Top<u64>,
    services: Top<u32>,
    talks: Top<(u64, u64)>,
    totals: Totals,
    /// What the last window that folded has seen, and of what had to fold before its time.
    last: (i64, Seen),
    early: Option<(i64, Seen)>,
}

/// In how many parts of all bytes heavy hitters are weighed, at least.
const QUANTA: u64 = 2_048;
/// In heavy hitters, windows after which what was counted counts half: a day.
const FADE: i64 = 144;
/// Told apart from the address itself: an entity has asked it, and it has sent an answer to somebody.
const ASKED: u64 = 0xa5ce_d000_0000_0001;
/// See [`ASKED`].
const REPLIED: u64 = 0x4e71_1ed0_0000_0003;

/// Another hash of what is a hash already, or is not secret.
#[inline]
const fn again(hash: u64) -> u64 {
    let product = (hash ^ 0x9e37_79b9_7f4a_7c15) as u128 * 0xd6e8_feb8_6659_fd93_u128;
    let folded = product as u64 ^ (product >> 64) as u64;
    let product = (folded ^ 0xe703_7ed1_a0b4_28db) as u128 * 0x8ebc_6af0_9c88_c6e3_u128;
    product as u64 ^ (product >> 64) as u64
}

/// A place below `places` for a hash within its shard: all hashes of a shard have the same upper four bits.
#[inline]
const fn inner(hash: u64, places: usize) -> usize {
    place((hash >> 28) as u32, places)
}

/// The hash of a pair whose external address hashes to `hash`, of the same shard.
#[inline]
const fn pair_hash(hash: u64, entity: u64) -> u64 {
    again(hash ^ entity.rotate_left(29)) & !(15 << 60) | hash & 15 << 60
}

// === impl Fringe ===

impl Fringe {
    /// The hash that every shard's fringe uses, under the state's `seed`.
    #[must_use]
    pub fn mixer(seed: [u8; 16]) -> Mixer {
        Mixer::new(seed, "external")
    }

    /// Nobody out there yet.
    #[must_use]
    pub fn new(mixer: Mixer, sizes: Sizes) -> Self {
        Self {
            mixer,
            sizes,
            door: Door::new(sizes.door_keys),
            tides: Vec::new(),
            spare: Vec::new(),
            externals: Table::new(sizes.externals),
            pairs: Table::new(sizes.pairs),
            addresses: Top::new(mixer.of(1)),
            services: Top::new(mixer.of(2)),
            talks: Top::new(mixer.of(3)),
            totals: Totals::default(),
            last: (i64::MIN, Seen::default()),
            early: None,
        }
    }

    /// Takes in contacts of its own shard, in the order of their records.
    pub fn observe(&mut self, contacts: &[Contact]) {
        for few in contacts.chunks(AHEAD) {
            let ahead = self.look_ahead(few);
            few.iter().zip(&ahead).for_each(|(contact, ahead)| self.add(contact, ahead));
        }
    }

    #[inline]
    fn add(&mut self, contact: &Contact, ahead: &Ahead) {
        let tide = self.tide(contact.window);
        match tide {
            Some(tide) => self.tides[tide].add(contact, &ahead.places, ahead.pair),
            None => self.totals.unsketched += 1,
        }
        if contact.accepted && contact.bytes > 0 {
            self.weigh(contact, ahead.pair);
        }
        let resident = self
            .externals
            .find_near(ahead.external, contact.hash, |external| external.key() == contact.external);
        let is_proven = contact.shows_both()
            || contact.accepted && contact.initiated && contact.protocol != TCP && {
                let known =
                    resident.is_some_and(|slot| self.externals.records()[slot as usize].has_answered());
                known || self.meets(contact)
            };
        let slot = match resident {
            Some(slot) => slot,
            None => match self.admit(contact, tide, ahead.pair, is_proven) {
                Some(slot) => slot,
                None => {
                    self.totals.unadmitted += 1;
                    if let Some(tide) = tide {
                        self.tides[tide].unadmitted += 1;
                    }
                    return;
                }
            },
        };
        self.externals.visit(slot).add(contact, is_proven);
        if contact.initiated {
            self.add_pair(contact, tide, ahead, is_proven);
        }
    }

    /// Counts the contact's bytes for the heaviest. Once there are many, a contact with less than a [`QUANTA`]th of them all
    /// counts for that much or for nothing, by a lot that follows from the record: on average for what it has.
    #[inline]
    fn weigh(&mut self, contact: &Contact, pair: u64) {
        let quantum = self.services.total() / QUANTA;
        let weight = contact.bytes.max(quantum);
        if contact.bytes < quantum {
            let lot =
                again(pair ^ u64::from(contact.at) << 32 ^ contact.bytes ^ u64::from(contact.port) << 16);
            if ((u128::from(lot) * u128::from(quantum)) >> 64) as u64 >= contact.bytes {
                return;
            }
        }
        self.addresses.add(contact.external, weight);
        self.services.add(u32::from(contact.protocol) << 16 | u32::from(contact.port), weight);
        self.talks.add((contact.entity, contact.external), weight);
    }

    /// Whether both an entity has asked and the external address has sent something, over a protocol that has no handshake;
    /// whichever is seen last tells.
    #[inline]
    fn meets(&mut self, contact: &Contact) -> bool {
        let (own, other) = if contact.sent { (ASKED, REPLIED) } else { (REPLIED, ASKED) };
        let mark = |sign| again(contact.hash ^ sign) & !(15 << 60) | contact.hash & 15 << 60;
        self.door.enter(mark(own));
        self.door.knows(mark(other))
    }

    /// Gives the contact's external a record if it is due one.
    fn admit(&mut self, contact: &Contact, tide: Option<usize>, pair: u64, is_proven: bool) -> Option<u32> {
        let mut reason = is_proven.then_some(&mut self.totals.admitted_proven);
        if contact.is_visit() {
            let known = self.door.enter(contact.hash);
            if let Some(tide) = tide {
                let tide = &mut self.tides[tide];
                tide.fresh += u64::from(!known);
                // Who is let in anyway needs no count.
                if reason.is_none() {
                    // The door-keeper keeps those who never come again out of the counts; it stands for the first time.
                    if known && 1 + tide.counts.add(contact.hash) >= tide.counts.often() {
                        reason = Some(&mut self.totals.admitted_often);
                    }
                    if !contact.sent && tide.spread.add(contact.hash, contact.external, pair).is_some() {
                        reason = reason.or(Some(&mut self.totals.admitted_spread));
                    }
                }
            }
        }
        *reason? += 1;
        let (slot, evicted) =
            self.externals.insert(contact.hash, External::new(contact.external), &self.mixer);
        self.totals.evicted += u64::from(evicted);
        Some(slot)
    }

    /// Takes in what the contact says of a pair, if it has a record or is due one.
    fn add_pair(&mut self, contact: &Contact, tide: Option<usize>, ahead: &Ahead, is_proven: bool) {
        let key = (contact.entity, contact.external);
        let hash = ahead.pair;
        let slot = match self.pairs.find_near(ahead.talk, hash, |pair| pair.key() == key) {
            Some(slot) => slot,
            None => {
                let counts = tide.map(|tide| &mut self.tides[tide].counts);
                let often = |counts: &mut CountMin| counts.add(hash) >= counts.often();
                if !is_proven && !counts.is_some_and(often) {
                    return;
                }
                let pair = Pair::new(contact.entity, contact.external);
                let (slot, evicted) = self.pairs.insert(hash, pair, &self.mixer);
                self.totals.pairs_admitted += 1;
                self.totals.pairs_evicted += u64::from(evicted);
                slot
            }
        };
        self.pairs.visit(slot).add(contact, is_proven);
    }

    /// The place of the sketches of `window`; none where newer windows have taken them all.
    #[inline]
    fn tide(&mut self, window: i64) -> Option<usize> {
        match self.tides.iter().rposition(|tide| tide.window == window) {
            None => self.begin(window),
            found => found,
        }
    }

    #[cold]
    fn begin(&mut self, window: i64) -> Option<usize> {
        if window <= self.last.0 {
            return None;
        }
        if self.tides.len() >= self.sizes.windows {
            if window < self.tides[0].window {
                return None;
            }
            // Somebody is far ahead of the watermark: the oldest window's numbers stay, its sketches do not.
            let tide = self.tides.remove(0);
            self.early = Some((tide.window, tide.seen(&self.mixer)));
            self.spare.push(tide);
        }
        let mut tide = self.spare.pop().unwrap_or_else(|| Tide::new(window, &self.sizes));
        tide.begin(window);
        let at = self.tides.partition_point(|tide| tide.window < window);
        self.tides.insert(at, tide);
        Some(at)
    }

    /// Folds every window through `window`: what the last of them has seen can be read from now on.
    pub fn fold(&mut self, window: i64) {
        if window <= self.last.0 {
            return;
        }
        let early = self.early.take_if(|(early, _)| *early <= window);
        let mut last = early.filter(|(early, _)| *early == window).map(|(_, seen)| seen);
        while self.tides.first().is_some_and(|tide| tide.window <= window) {
            let tide = self.tides.remove(0);
            if tide.window == window {
                last = Some(tide.seen(&self.mixer));
            }
            self.spare.push(tide);
        }
        if self.last.0 > i64::MIN && window.div_euclid(FADE) > self.last.0.div_euclid(FADE) {
            self.addresses.halve();
            self.services.halve();
            self.talks.halve();
        }
        self.last = (window, last.unwrap_or_default());
        self.externals.renew();
        self.pairs.renew();
    }

    /// What the last window that folded has seen.
    #[must_use]
    pub const fn last(&self) -> (i64, &Seen) {
        (self.last.0, &self.last.1)
    }

    /// How many of what there were, since the process began.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// The record of the external address that hashes to `hash`.
    #[must_use]
    pub fn external(&self, hash: u64, key: u64) -> Option<&External> {
        let slot = self.externals.find(hash, |external| external.key() == key)?;
        self.externals.records().get(slot as usize)
    }

    /// The record of the pair, whose external address hashes to `hash`.
    #[must_use]
    pub fn pair(&self, hash: u64, entity: u64, external: u64) -> Option<&Pair> {
        let slot = self.pairs.find(pair_hash(hash, entity), |pair| pair.key() == (entity, external))?;
        self.pairs.records().get(slot as usize)
    }

    /// External sources with a record.
    #[must_use]
    pub const fn externals(&self) -> &Table<External> {
        &self.externals
    }

    /// Pairs with a record.
    #[must_use]
    pub const fn pairs(&self) -> &Table<Pair> {
        &self.pairs
    }

    /// The heaviest external addresses, services (protocol and port, see [`service_of`]) and pairs of entity and external
    /// address, by bytes let through both ways; what is a day old counts half. Beside the error that each is given with, a
    /// weight is off by chance, by a standard deviation of √(weight × all / 2,048) at most, once there are as many records.
    #[must_use]
    pub const fn heaviest(&self) -> (&Top<u64>, &Top<u32>, &Top<(u64, u64)>) {
        (&self.addresses, &self.services, &self.talks)
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let tides = (self.tides.len() + self.spare.len()) as isize - self.sizes.windows as isize;
        let tide = size_of::<Tide>() + Tide::SOURCES_BYTES;
        let sketches = self.sizes.sketch_bytes() as isize + tides * tide as isize;
        sketches as usize + self.externals.bytes() + self.pairs.bytes()
    }
}

/// Protocol and port of a service among the heavy hitters.
#[must_use]
pub const fn service_of(service: u32) -> (u8, u16) {
    ((service >> 16) as u8, service as u16)
}

#[cfg(test)]
mod tests;

//! What a window or an hour shows of its entity's roles: at most eight things of each kind, whoever came first.
//!
//! Of more than eight, those are kept whose hashes under the state's seed and the hour are the smallest. Which these are
//! depends on what was shown and on nothing else, so that the order of records does not matter, and merging two of one hour
//! gives what one would hold that had seen all. Every hour has hashes of its own: of a host that always shows the same
//! twenty things some other eight are taken each hour, until all are known.
//!
//! Only what an entity sent, and what was let through, shows anything: whoever scans it or is refused teaches it nothing.
//! Whether it serves a port or calls one follows from the ports alone: what comes from below the ephemeral ports and goes
//! to one of them is an answer. What it costs: a server on an ephemeral port seems to be a client of its clients' ports.

use thin_vec::ThinVec;

use crate::event::{Batch, Event};

use crate::score::histogram::DecodeError;
use crate::score::histogram::wire::{VERSION, put, take, take_version};
use crate::score::{
    gate::plan::{NO_PORT, Observation},
    sketch::mixer::Mixer,
    usual::{
        habits::hour_of,
        roles::{self, Role},
    },
};

/// How many things of each kind are kept.
pub(in crate::score) const SHOWN_MAX: usize = 8;
/// For how many things there is room when the first is shown.
const ROOM: usize = 6;
/// The bits of an entry that hold its hash.
const HASH: u64 = ((1 << 30) - 1) << 32;

/// What was shown: a pointer, and eight bytes for each thing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::score) struct Shown {
    /// Ascending: the role in two bits, the hash in thirty, the key in the rest.
    entries: ThinVec<u64>,
}

/// Where `role` stands in an entry.
const fn place(role: Role) -> u64 {
    (role as u64) << 62
}

// === impl Shown ===

impl Shown {
    /// Notes what `observation`, which is of `event` and was sent, shows.
    #[inline]
    pub(in crate::score) fn note(
        &mut self,
        observation: &Observation,
        (batch, event): (&Batch, &Event),
        mixer: &Mixer,
    ) {
        let Observation { window, port, served, protocol, role, .. } = *observation;
        let hour = hour_of(window);
        match served {
            0 if port == NO_PORT => return,
            0 => self.insert(Role::ClientPort, roles::port(protocol, port as u16), hour, mixer),
            _ => self.insert(Role::ServerPort, roles::port(protocol, served), hour, mixer),
        }
        if !role.outside {
            return;
        }
        let peer = batch.outermost(event.destination, event.nat_destination);
        if let Some(network) = &peer.network {
            self.insert(Role::PeerAsn, network.number, hour, mixer);
        }
        let country = peer.place.as_ref().and_then(|place| place.country_code.as_deref());
        if let Some(&[one, other]) = country.map(str::as_bytes) {
            self.insert(Role::PeerCountry, roles::country([one, other]), hour, mixer);
        }
    }

    /// Notes that `key` was shown in `hour`.
    #[inline]
    pub(in crate::score) fn insert(&mut self, role: Role, key: u32, hour: i64, mixer: &Mixer) {
        let what = place(role) | u64::from(key);
        if !self.entries.iter().any(|entry| entry & !HASH == what) {
            let hash = mixer.of_two(what, hour as u64) >> 2 & HASH;
            self.put(what | hash);
        }
    }

    /// Puts `entry`, which is not there, where it belongs, unless there are enough that come before it.
    #[cold]
    fn put(&mut self, entry: u64) {
        let role = entry >> 62;
        let start = self.entries.partition_point(|other| other >> 62 < role);
        let end = self.entries.partition_point(|other| other >> 62 <= role);
        let place = self.entries.partition_point(|other| *other < entry);
        if end - start == SHOWN_MAX {
            if place == end {
                return;
            }
            self.entries.remove(end - 1);
        } else if self.entries.is_empty() {
            // Most show no more, and so cost one allocation: of 64 bytes with what the vector says of itself.
            self.entries.reserve_exact(ROOM);
        }
        self.entries.insert(place, entry);
    }

    /// Takes in what `other`, of the same hour, holds.
    pub(in crate::score) fn merge(&mut self, other: &Self) {
        for entry in &other.entries {
            if self.entries.binary_search(entry).is_err() {
                self.put(*entry);
            }
        }
    }

    /// Whether nothing was shown.
    pub(in crate::score) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The keys of `role` that were shown, in no order that means anything.
    pub(in crate::score) fn keys(&self, role: Role) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().filter(move |entry| *entry >> 62 == role as u64).map(|entry| *entry as u32)
    }

    /// Reads where the entries begin.
    #[inline]
    pub(in crate::score) fn warm(&self) -> u64 {
        self.entries.first().copied().unwrap_or(0)
    }

    /// Bytes beyond the struct.
    pub(in crate::score) fn beyond(&self) -> usize {
        self.entries.capacity() * size_of::<u64>()
    }

    /// Appends its bytes to `out`: a version, how many there are, and each in eight bytes.
    pub(in crate::score) fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put(self.entries.len() as u64, out);
        out.extend(self.entries.iter().flat_map(|entry| entry.to_le_bytes()));
    }

    /// Takes what [`Shown::encode`] wrote off the front of `bytes`.
    pub(in crate::score) fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_version(bytes)?;
        let count = take(bytes)?;
        if count > (SHOWN_MAX * Role::ALL.len()) as u64 {
            return Err(DecodeError::Form);
        }
        let mut shown = Self { entries: ThinVec::with_capacity(count as usize) };
        for _ in 0..count {
            let (octets, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
            shown.entries.push(u64::from_le_bytes(*octets));
            *bytes = rest;
        }
        if shown.is_sound() { Ok(shown) } else { Err(DecodeError::Form) }
    }

    fn is_sound(&self) -> bool {
        let few = |role: Role| {
            let mut keys: Vec<u32> = self.keys(role).collect();
            let count = keys.len();
            keys.sort_unstable();
            keys.dedup();
            count <= SHOWN_MAX && keys.len() == count && keys.last().is_none_or(|key| role.has(*key))
        };
        self.entries.is_sorted_by(|one, other| one < other) && Role::ALL.into_iter().all(few)
    }
}

#[cfg(test)]
mod tests;

//! What an entity usually is and does: the ports it serves, the ports it calls, and whose networks and countries its peers
//! are in.
//!
//! Four small sets, at most sixteen of each kind, eight bytes each and nothing for what is not there. For each it is
//! kept when it was last seen (the day) and on how many days. Where a kind is full, the newcomer takes the place of the
//! least recently seen; among those, of the one seen on the fewest days; among those, of the largest. So what is kept
//! depends on what was seen in each fold, not on the order in it.
//!
//! A host that scans shows thousands of new ports an hour: where a kind is full, at most [`NEWCOMERS_MAX`] of one fold
//! are taken, so that four hours of scanning are needed to push out what was not seen meanwhile, and what was seen
//! stays, because it is as recent and has more days.

use std::cmp::Reverse;

use crate::score::histogram::{
    DecodeError,
    wire::{put, take, take_byte},
};

/// How many of each kind are kept.
pub const KEPT_MAX: usize = 16;
/// How many of one fold may take the places of others.
pub const NEWCOMERS_MAX: usize = 4;

/// What is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// A port on which it answers: see [`port`].
    ServerPort = 0,
    /// A port that it calls at others: see [`port`].
    ClientPort = 1,
    /// The number of an autonomous system of a peer.
    PeerAsn = 2,
    /// The country of a peer: see [`country`].
    PeerCountry = 3,
}

/// The roles of an entity: sixteen bytes, and eight more for each thing remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles {
    /// Ascending by role and key; exactly as many as there are.
    seen: Box<[Seen]>,
}

/// One thing remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    role: Role,
    /// On how many distinct days, from 1 up to 255.
    days: u8,
    /// The last day it was seen, counted from 1970.
    day: u16,
    key: u32,
}

/// The key of a port: IP protocol and number.
#[must_use]
pub const fn port(protocol: u8, port: u16) -> u32 {
    (protocol as u32) << 16 | port as u32
}

/// The key of a country: the two letters of ISO 3166.
#[must_use]
pub const fn country(letters: [u8; 2]) -> u32 {
    u16::from_be_bytes(letters) as u32
}

// === impl Role ===

impl Role {
    /// Every kind, in ascending order.
    pub const ALL: [Self; 4] = [Self::ServerPort, Self::ClientPort, Self::PeerAsn, Self::PeerCountry];

    /// What it is called: `server_port`, `client_port`, `peer_asn`, `peer_country`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServerPort => "server_port",
            Self::ClientPort => "client_port",
            Self::PeerAsn => "peer_asn",
            Self::PeerCountry => "peer_country",
        }
    }

    /// Whether `key` can be one of this role.
    #[must_use]
    pub const fn has(self, key: u32) -> bool {
        match self {
            Self::ServerPort | Self::ClientPort => key < 1 << 24,
            Self::PeerAsn => true,
            Self::PeerCountry => key < 1 << 16,
        }
    }

    /// What `key` stands for: `tcp/443`, `AS64500`, `CH`.
    #[must_use]
    pub fn spelled(self, key: u32) -> String {
        match (self, key >> 16) {
            (Self::PeerAsn, _) => format!("AS{key}"),
            (Self::PeerCountry, _) => {
                (key as u16).to_be_bytes().iter().map(|letter| char::from(*letter)).collect()
            }
            (_, 6) => format!("tcp/{}", key as u16),
            (_, 17) => format!("udp/{}", key as u16),
            (_, protocol) => format!("{protocol}/{}", key as u16),
        }
    }
}

// === impl Seen ===

impl Seen {
    /// Where it stands.
    const fn place(&self) -> (Role, u32) {
        (self.role, self.key)
    }

    /// What stays longest is the largest: the most recent, the most often seen, the smallest key.
    const fn rank(&self) -> (u16, u8, Reverse<u32>) {
        (self.day, self.days, Reverse(self.key))
    }

    /// Seen again on `day`.
    const fn touch(&mut self, day: u16) {
        if day > self.day {
            self.day = day;
            self.days = self.days.saturating_add(1);
        }
    }
}

// === impl Roles ===

impl Roles {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes the `keys` of one role that one fold showed on `day`, in any order, with or without repetition. Returns how
    /// many of them were new.
    ///
    /// The same again on the same day changes nothing for what is known. A day before the last one seen counts as that.
    pub fn note(&mut self, role: Role, keys: &[u32], day: u16) -> usize {
        let mut fresh = Vec::new();
        for &key in keys {
            match self.find(role, key) {
                Ok(place) => self.seen[place].touch(day),
                Err(_) => fresh.push(Seen { role, days: 1, day, key }),
            }
        }
        if fresh.is_empty() {
            return 0;
        }
        fresh.sort_unstable();
        fresh.dedup();
        let new = fresh.len();
        let free = KEPT_MAX - self.of(role).len().min(KEPT_MAX);
        fresh.truncate(free.max(NEWCOMERS_MAX));
        let mut seen = self.seen.to_vec();
        seen.append(&mut fresh);
        self.keep(seen);
        new
    }

    /// Whether it is known.
    #[must_use]
    pub fn has(&self, role: Role, key: u32) -> bool {
        self.find(role, key).is_ok()
    }

    /// The day it was last seen, and on how many days up to then (255 stands for that many or more), if it is known.
    #[must_use]
    pub fn seen(&self, role: Role, key: u32) -> Option<(u16, u8)> {
        self.find(role, key).ok().map(|place| (self.seen[place].day, self.seen[place].days))
    }

    /// All that is known, by role and key: the role, the key, the day it was last seen, and on how many days.
    pub fn all(&self) -> impl ExactSizeIterator<Item = (Role, u32, u16, u8)> + '_ {
        self.seen.iter().map(|seen| (seen.role, seen.key, seen.day, seen.days))
    }

    /// The keys known of `role`, ascending.
    pub fn keys(&self, role: Role) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.of(role).iter().map(|seen| seen.key)
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Takes in what `other` knows: of what both know, the more recent, or of the same day the one of more days. In
    /// whatever order and grouping sets are merged, and however often, the same comes out.
    pub fn merge(&mut self, other: &Self) {
        let mut seen = self.seen.to_vec();
        seen.extend_from_slice(&other.seen);
        self.keep(seen);
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.seen)
    }

    /// Appends its bytes to `out`: four, and five to nine for each thing remembered.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for role in Role::ALL {
            let known = self.of(role);
            put(known.len() as u64, out);
            let mut next = 0;
            for seen in known {
                put(u64::from(seen.key) - next, out);
                put(seen.day.into(), out);
                out.push(seen.days);
                next = u64::from(seen.key) + 1;
            }
        }
    }

    /// Takes what [`Roles::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut known = Vec::new();
        for role in Role::ALL {
            let count = take(bytes)?;
            if count > KEPT_MAX as u64 {
                return Err(DecodeError::Form);
            }
            let mut next = 0_u64;
            for _ in 0..count {
                let place = next.saturating_add(take(bytes)?);
                let key = u32::try_from(place).map_err(|_| DecodeError::Place { place })?;
                let day = u16::try_from(take(bytes)?).map_err(|_| DecodeError::Number)?;
                let days = take_byte(bytes)?;
                if !role.has(key) {
                    return Err(DecodeError::Place { place });
                }
                if days == 0 {
                    return Err(DecodeError::Weight { weight: 0 });
                }
                known.push(Seen { role, days, day, key });
                next = place + 1;
            }
        }
        Ok(Self { seen: known.into() })
    }

    /// Its place, or where it would stand.
    fn find(&self, role: Role, key: u32) -> Result<usize, usize> {
        self.seen.binary_search_by_key(&(role, key), Seen::place)
    }

    /// All of one role.
    fn of(&self, role: Role) -> &[Seen] {
        let start = self.seen.partition_point(|seen| seen.role < role);
        let rest = &self.seen[start..];
        &rest[..rest.partition_point(|seen| seen.role == role)]
    }

    /// Keeps of `seen`, for each key, the highest rank, and of each role the [`KEPT_MAX`] of highest rank.
    fn keep(&mut self, mut seen: Vec<Seen>) {
        seen.sort_unstable_by_key(|seen| (seen.place(), Reverse(seen.rank())));
        seen.dedup_by_key(|seen| seen.place());
        seen.sort_unstable_by_key(|seen| (seen.role, Reverse(seen.rank())));
        let (mut last, mut count) = (None, 0);
        seen.retain(|seen| {
            count = if last == Some(seen.role) { count + 1 } else { 1 };
            last = Some(seen.role);
            count <= KEPT_MAX
        });
        seen.sort_unstable_by_key(Seen::place);
        self.seen = seen.into();
    }
}

#[cfg(test)]
mod tests;

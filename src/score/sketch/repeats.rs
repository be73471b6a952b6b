//! Repeats: a record that comes again at another position counts once inside its window, while there is room to remember.
//!
//! A window keeps a fingerprint of 32 bits of each record, in lines of sixteen, which are lines of the processor's cache. A
//! record's fingerprint stands in the emptier of its two lines, so that both fill up alike; when both are full, in the next
//! level. The first has room for 65,536 records, each that follows for four times as many as there was before, the last one
//! for sixteen times as many. Nothing is ever taken out, so that a line with room left ends a search. When a window
//! folds, its part goes as a whole.
//!
//! No window takes more than half of what may be taken, so that the next one finds room while the last is waited for. Where
//! many windows are open, because something is waited for or a backlog is read, each that begins takes a small share of
//! what is left, so that hundreds find room. When there is no room, a record counts as new: rather too much than too little.
//!
//! A genuine record is taken for a repeat when its fingerprint stands in one of its lines by chance: at most 32 are
//! compared in each of at most four levels, so that it happens less than once in 33 million records (see
//! [`FALSE_MAX`]), and less the emptier the lines are.
//!
//! What it tells depends on the set of records alone, but for which of too many found room. It is not written into the
//! state: a restart forgets what was seen before the snapshot, and the records between what was delivered and what was
//! scored, which are read again, are remembered again.

mod part;

use std::collections::BTreeMap;

use super::mixer::{Mixer, folded};

pub(in crate::score) use part::Part;
pub use part::Sighting;
use part::{FIRST, LINE, Level, Line};

/// Fewest lines that are worth remembering anything in.
const LEAST: usize = 128;
/// Fewest lines of a level.
const LEVEL_MIN: usize = 4;
/// While as many first levels of full size are free, a window that begins takes one.
const PLENTY: usize = 8;
/// What share a window that begins takes at most of what is free where that is not so.
const SHARE: usize = 32;
/// By how much each level widens those before it.
const WIDER: usize = 4;
/// The same of the last level.
const WIDEST: usize = 16;
/// Most levels of a window.
const LEVELS_MAX: usize = 4;
/// How often at most a genuine record is taken for a repeat.
pub const FALSE_MAX: f64 = (2 * LINE * LEVELS_MAX) as f64 / 4_294_967_296.0;

/// What tells a record from every other: what a flow log has once only for each interface, pair of sockets and interval,
/// and its counts, because other logs may write two records of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// Hash of the interface's name and scope, or of whatever else tells where it was seen; 0 where nothing does.
    pub interface: u64,
    /// Addresses, as IPv6 with IPv4 mapped into it.
    pub source: u128,
    /// See [`Self::source`].
    pub destination: u128,
    /// Ports.
    pub source_port: u16,
    /// See [`Self::source_port`].
    pub destination_port: u16,
    /// IANA's number of the protocol.
    pub protocol: u8,
    /// TCP flags.
    pub flags: u8,
    /// The network let it through.
    pub accepted: bool,
    /// Seconds since 1970.
    pub start: u64,
    /// See [`Self::start`].
    pub end: u64,
    /// What the record counts.
    pub bytes: u64,
    /// See [`Self::bytes`].
    pub packets: u64,
}

/// Secret numbers that records are hashed under.
type Keys = [u64; KEYS];
const KEYS: usize = 12;

/// Records by window.
pub struct Repeats {
    keys: Keys,
    windows: BTreeMap<i64, Part>,
    /// The part of the window that was asked for last, out of the map.
    near: Option<(i64, Part)>,
    /// Lines that all windows together may have.
    lines_max: usize,
    lines: usize,
    spare: Vec<Level>,
}

// === impl Identity ===

impl Identity {
    /// Its hash under `keys`: products of two numbers each, under a key for each, which do not wait for one another.
    #[inline]
    fn hash(&self, keys: &Keys) -> u64 {
        let marks = u64::from(self.source_port) << 48
            | u64::from(self.destination_port) << 32
            | u64::from(self.protocol) << 16
            | u64::from(self.flags) << 8
            | u64::from(self.accepted);
        let halves = |address: u128| [address as u64, (address >> 64) as u64];
        let ([source, above], [destination, beyond]) = (halves(self.source), halves(self.destination));
        let numbers = [
            [source, self.interface],
            [destination, marks],
            // Those of IPv4 are 0.
            [above, beyond],
            [self.start, self.bytes],
            [self.end, self.packets],
        ];
        let pairs = numbers.iter().zip(keys.as_chunks().0);
        let products = pairs.map(|([one, other], [key, another])| folded(one ^ key, other ^ another));
        let sum = products.fold(0, u64::wrapping_add);
        folded(sum ^ keys[KEYS - 2], keys[KEYS - 1])
    }
}

// It does not show its keys.
impl std::fmt::Debug for Repeats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repeats").field("held", &self.held()).field("lines", &self.lines).finish()
    }
}

// === impl Repeats ===

impl Repeats {
    /// Nothing remembered, under the state's `seed`; it takes at most `bytes`. Less than 8 KiB remember nothing.
    #[must_use]
    pub fn new(seed: [u8; 16], bytes: u64) -> Self {
        let mixer = Mixer::new(seed, "repeats");
        Self {
            // An odd factor is never nought, which would swallow whatever it meets.
            keys: std::array::from_fn(|nth| mixer.of(nth as u64) | u64::from(nth + 1 == KEYS)),
            windows: BTreeMap::new(),
            near: None,
            lines_max: usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<Line>(),
            lines: 0,
            spare: Vec::new(),
        }
    }

    /// Whether it remembers anything at all.
    #[inline]
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.lines_max >= LEAST
    }

    /// The hash of a record.
    #[inline]
    #[must_use]
    pub fn hash(&self, identity: &Identity) -> u64 {
        identity.hash(&self.keys)
    }

    /// Reads what [`Repeats::sight`] will read of records with these hashes, if they are of the window that was asked for
    /// last, so that it is fetched side by side.
    #[inline]
    #[must_use]
    pub fn warm(&self, hashes: &[u64]) -> u32 {
        let Some((_, part)) = &self.near else { return 0 };
        hashes.iter().fold(0, |read, hash| read ^ part.warm(*hash))
    }

    /// Whether the record that hashes to `hash` has been seen in `window`; it has from now on, where there is room.
    #[inline]
    pub fn sight(&mut self, window: i64, hash: u64) -> Sighting {
        let part = match &mut self.near {
            Some((near, part)) if *near == window => part,
            _ => self.turn_to(window),
        };
        match part.sight(hash) {
            Sighting::Full => self.grow(hash),
            sighting => sighting,
        }
    }

    #[cold]
    fn turn_to(&mut self, window: i64) -> &mut Part {
        let part = self.windows.remove(&window).unwrap_or_default();
        if let Some((before, part)) = self.near.replace((window, part)) {
            self.windows.insert(before, part);
        }
        &mut self.near.get_or_insert_default().1
    }

    /// Gives the near window another level, where it may have one, for the record that hashes to `hash`.
    #[cold]
    fn grow(&mut self, hash: u64) -> Sighting {
        let is_on = self.is_on();
        let Some((_, part)) = &mut self.near else { return Sighting::Full };
        let own = part.lines();
        let free = self.lines_max - self.lines;
        let room = (self.lines_max / 2).saturating_sub(own).min(free);
        let lines = match part.levels.len() {
            0 => room.min(first_of(free)),
            levels if levels + 1 < LEVELS_MAX => room.min(WIDER * own),
            _ => room.min(WIDEST * own),
        };
        // A level that hardly widens it would only be one more to look through.
        if !is_on || lines < LEVEL_MIN.max(own / 4) || part.levels.len() >= LEVELS_MAX {
            return Sighting::Full;
        }
        let level = match self.spare.iter().position(|level| level.lines.len() == lines) {
            Some(place) => {
                let mut level = self.spare.swap_remove(place);
                level.clear();
                level
            }
            None => {
                // What is kept must not come on top of what is taken.
                self.spare.clear();
                Level::new(lines)
            }
        };
        self.lines += lines;
        part.levels.push(level);
        part.sight(hash)
    }

    /// Forgets every window through `window`.
    pub fn fold(&mut self, window: i64) {
        if self.near.as_ref().is_some_and(|(near, _)| *near <= window)
            && let Some((near, part)) = self.near.take()
        {
            self.windows.insert(near, part);
        }
        let later = self.windows.split_off(&window.saturating_add(1));
        for part in std::mem::replace(&mut self.windows, later).into_values() {
            self.lines -= part.lines();
            // The next window to begin takes them over.
            self.spare = part.levels;
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.windows.values().chain(self.near.as_ref().map(|(_, part)| part))
    }

    /// How many records are remembered.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.parts().map(|part| part.held() as u64).sum()
    }

    /// How often a genuine record is taken for a repeat, as full as the windows are now: of the window where it is most.
    /// Never more than [`FALSE_MAX`].
    #[must_use]
    pub fn false_rate(&self) -> f64 {
        self.parts().map(Part::compared).fold(0.0, f64::max) / 4_294_967_295.0
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.lines + self.spare.iter().map(|level| level.lines.len()).sum::<usize>()) * size_of::<Line>()
    }
}

/// How many lines the first level of a window has that begins while so many are free. A power of two, so that those of
/// windows that folded fit.
fn first_of(free: usize) -> usize {
    if free >= PLENTY * FIRST {
        return FIRST;
    }
    let share = (free / SHARE).max(LEVEL_MIN);
    1 << share.ilog2()
}

#[cfg(test)]
mod tests;

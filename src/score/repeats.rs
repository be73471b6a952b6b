//! Repeats: a record that comes again at another position counts once inside its window, while there is room to remember.
//!
//! A window keeps a fingerprint of 32 bits of each record, in lines of sixteen, which are lines of the processor's cache. A
//! record's fingerprint stands in the first of its two lines that had room; when both are full, in the next level: the first
//! has room for 65,536 records, the next one for all that a window may have. Nothing is ever taken out, so that a line with
//! room left ends a search. When a window folds, its part goes as a whole.
//!
//! No window takes more than half of what may be taken, so that the next one finds room while the last is waited for. When
//! there is no room, a record counts as new: rather too much than too little.
//!
//! A genuine record is taken for a repeat when its fingerprint stands in one of its lines by chance: at most 32 are
//! compared in each of at most four levels, so that it happens less than once in 33 million records (see
//! [`FALSE_MAX`]), and less the emptier the lines are.
//!
//! What it tells depends on the set of records alone, but for which of too many found room. It is not written into the
//! state: a restart forgets what was seen before the snapshot, and the records between what was delivered and what was
//! scored, which are read again, are remembered again.

use std::collections::BTreeMap;

use super::mixer::{Mixer, place};

/// Fingerprints in a line.
const LINE: usize = 16;
/// Lines of the first level: 256 KiB.
const FIRST: usize = 1 << 12;
/// Fewest lines of a level.
const LEAST: usize = 64;
/// Most levels of a window; two, unless it got little room at first and more when another window folded.
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

/// What is known of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// It has not been seen in its window; from now on it has.
    New,
    /// It has been seen in its window.
    Repeat,
    /// It has not been seen, as far as anybody remembers, and there is no room to remember it.
    Full,
}

/// Sixteen fingerprints; 0 is none, and they fill up from the front.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([u32; LINE]);

/// Records by window.
#[derive(Debug)]
pub struct Repeats {
    mixer: Mixer,
    windows: BTreeMap<i64, Part>,
    /// The part of the window that was asked for last, out of the map.
    near: Option<(i64, Part)>,
    /// Lines that all windows together may have.
    lines_max: usize,
    lines: usize,
    spare: Vec<Level>,
}

/// Lines that are searched together, and how full they are.
#[derive(Debug)]
struct Level {
    lines: Vec<Line>,
    /// Fingerprints in them.
    held: usize,
    /// Lines that take no more.
    full: usize,
}

/// What a window remembers.
#[derive(Debug, Default)]
struct Part {
    levels: Vec<Level>,
}

// === impl Identity ===

impl Identity {
    /// Its hash under `mixer`.
    #[inline]
    #[must_use]
    pub fn hash(&self, mixer: &Mixer) -> u64 {
        let marks = u64::from(self.source_port) << 48
            | u64::from(self.destination_port) << 32
            | u64::from(self.protocol) << 16
            | u64::from(self.flags) << 8
            | u64::from(self.accepted);
        // Both halves of an address count; those of IPv4 have an upper half of 0.
        let source = mixer.of_two(self.source as u64, (self.source >> 64) as u64 ^ self.interface);
        let destination =
            mixer.of_two(self.destination as u64 ^ source, (self.destination >> 64) as u64 ^ marks);
        let times = mixer.of_two(destination ^ self.start, self.end);
        mixer.of_two(times ^ self.bytes, self.packets)
    }
}

/// The two lines of a hash among `lines`, and its fingerprint.
#[inline]
fn places(hash: u64, lines: usize) -> ([usize; 2], u32) {
    let fingerprint = (hash as u32).max(1);
    let first = (hash >> 32) as u32;
    let second = first.rotate_left(16) ^ fingerprint.wrapping_mul(0x9e37_79b1);
    ([place(first, lines), place(second, lines)], fingerprint)
}

/// Finds `fingerprint` in `line`: where it is to be put, or whether it is there.
#[inline]
fn search(line: &Line, fingerprint: u32) -> Search {
    // Without a branch for each: what is compared is one line of the processor's cache.
    let (mut found, mut held) = (0_u32, 0_u32);
    for other in line.0 {
        found |= u32::from(other == fingerprint);
        held += u32::from(other != 0);
    }
    match held as usize {
        _ if found > 0 => Search::Found,
        LINE => Search::Full,
        held => Search::Room(held),
    }
}

/// What a look at a line comes to.
enum Search {
    Found,
    Room(usize),
    Full,
}

// === impl Level ===

impl Level {
    fn new(lines: usize) -> Self {
        Self { lines: vec![Line([0; LINE]); lines], held: 0, full: 0 }
    }

    fn clear(&mut self) {
        self.lines.fill(Line([0; LINE]));
        (self.held, self.full) = (0, 0);
    }
}

// === impl Part ===

impl Part {
    /// Looks for `hash` and puts it where there is room.
    #[inline]
    fn sight(&mut self, hash: u64) -> Sighting {
        for level in &mut self.levels {
            let (places, fingerprint) = places(hash, level.lines.len());
            for place in places {
                let line = &mut level.lines[place];
                match search(line, fingerprint) {
                    Search::Found => return Sighting::Repeat,
                    Search::Full => {}
                    Search::Room(at) => {
                        line.0[at] = fingerprint;
                        level.held += 1;
                        level.full += usize::from(at + 1 == LINE);
                        return Sighting::New;
                    }
                }
            }
        }
        Sighting::Full
    }

    fn lines(&self) -> usize {
        self.levels.iter().map(|level| level.lines.len()).sum()
    }

    fn held(&self) -> usize {
        self.levels.iter().map(|level| level.held).sum()
    }

    /// Fingerprints that a search compares on average.
    fn compared(&self) -> f64 {
        let mut reached = 1.0;
        let mut compared = 0.0;
        for level in &self.levels {
            let lines = level.lines.len() as f64;
            let (each, full) = (level.held as f64 / lines, level.full as f64 / lines);
            compared += reached * (each + full * each);
            reached *= full * full;
        }
        compared
    }
}

// === impl Repeats ===

impl Repeats {
    /// Nothing remembered, under the state's `seed`; it takes at most `bytes`. Less than 8 KiB remember nothing.
    #[must_use]
    pub fn new(seed: [u8; 16], bytes: u64) -> Self {
        Self {
            mixer: Mixer::new(seed, "repeats"),
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
        self.lines_max / 2 >= LEAST
    }

    /// The hash of a record.
    #[inline]
    #[must_use]
    pub fn hash(&self, identity: &Identity) -> u64 {
        identity.hash(&self.mixer)
    }

    /// Reads what [`Repeats::sight`] will read first, so that the memory of several is fetched side by side.
    #[inline]
    #[must_use]
    pub fn warm(&self, window: i64, hash: u64) -> u32 {
        let part = match &self.near {
            Some((near, part)) if *near == window => part,
            _ => return 0,
        };
        part.levels.iter().fold(0, |read, level| {
            let ([one, other], _) = places(hash, level.lines.len());
            read ^ level.lines[one].0[0] ^ level.lines[other].0[0]
        })
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
        let Some((_, part)) = &mut self.near else { return Sighting::Full };
        let own = part.lines();
        let room = (self.lines_max / 2).saturating_sub(own).min(self.lines_max - self.lines);
        let lines = if own == 0 { room.min(FIRST) } else { room };
        // A level that hardly widens it would only be one more to look through.
        if lines < LEAST.max(own / 4) || part.levels.len() >= LEVELS_MAX {
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

#[cfg(test)]
mod tests;

//! What a window remembers of its records: fingerprints in lines, and lines in levels, of which each widens those before it.

use crate::score::sketch::mixer::place;

/// Fingerprints in a line.
pub(super) const LINE: usize = 16;
/// Lines of the first level: 256 KiB.
pub(super) const FIRST: usize = 1 << 12;

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
pub(super) struct Line([u32; LINE]);

/// Lines that are searched together, and how full they are.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) lines: Vec<Line>,
    /// Fingerprints in them.
    held: usize,
    /// Lines that take no more.
    full: usize,
}

/// What a window remembers.
#[derive(Debug, Default)]
pub(in crate::score) struct Part {
    pub(super) levels: Vec<Level>,
}

/// The two lines of a hash among `lines`, and its fingerprint.
#[inline]
pub(super) fn places(hash: u64, lines: usize) -> ([usize; 2], u32) {
    let fingerprint = (hash as u32).max(1);
    let first = (hash >> 32) as u32;
    let second = first.rotate_left(16) ^ fingerprint.wrapping_mul(0x9e37_79b1);
    ([place(first, lines), place(second, lines)], fingerprint)
}

/// How many fingerprints `line` holds; none where one of them is `fingerprint`.
#[inline]
pub(super) fn search(line: &Line, fingerprint: u32) -> Option<usize> {
    // Without a branch for each: what is compared is one line of the processor's cache.
    let (mut found, mut held) = (0_u32, 0_u32);
    for other in line.0 {
        found |= u32::from(other == fingerprint);
        held += u32::from(other != 0);
    }
    (found == 0).then_some(held as usize)
}

// === impl Level ===

impl Level {
    pub(super) fn new(lines: usize) -> Self {
        Self { lines: vec![Line([0; LINE]); lines], held: 0, full: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.lines.fill(Line([0; LINE]));
        (self.held, self.full) = (0, 0);
    }
}

// === impl Part ===

impl Part {
    /// Looks for `hash` and puts it where there is room.
    #[inline]
    pub(super) fn sight(&mut self, hash: u64) -> Sighting {
        for level in &mut self.levels {
            let (places, fingerprint) = places(hash, level.lines.len());
            let [one, other] = places;
            let found = [search(&level.lines[one], fingerprint), search(&level.lines[other], fingerprint)];
            let (place, at) = match found {
                [None, _] | [_, None] => return Sighting::Repeat,
                [Some(one), Some(other)] if one <= other => (places[0], one),
                [_, Some(other)] => (places[1], other),
            };
            if let Some(room) = level.lines[place].0.get_mut(at) {
                *room = fingerprint;
                level.held += 1;
                level.full += usize::from(at + 1 == LINE);
                return Sighting::New;
            }
        }
        Sighting::Full
    }

    pub(super) fn lines(&self) -> usize {
        self.levels.iter().map(|level| level.lines.len()).sum()
    }

    /// Reads what looking for `hash` will read first.
    #[inline]
    pub(in crate::score) fn warm(&self, hash: u64) -> u32 {
        let mut read = 0;
        for level in &self.levels {
            let ([one, other], _) = places(hash, level.lines.len());
            read ^= level.lines[one].0[0] ^ level.lines[other].0[0];
            // Few are looked for further before most lines are full.
            if level.full < level.lines.len() / 2 {
                break;
            }
        }
        read
    }

    /// Whether the record that hashes to `hash` has not been seen; it has from now on. There is always room: of 256 records
    /// at first, then each level makes it four times as much, and twice as much from 4,096 on.
    pub(in crate::score) fn takes(&mut self, hash: u64) -> bool {
        loop {
            match self.sight(hash) {
                Sighting::New => return true,
                Sighting::Repeat => return false,
                Sighting::Full => {
                    let lines = self.lines();
                    let more = if lines < FIRST / 16 { 3 * lines } else { lines };
                    self.levels.push(Level::new(more.max(LINE)));
                }
            }
        }
    }

    /// Memory held, in bytes.
    pub(in crate::score) fn bytes(&self) -> usize {
        self.lines() * size_of::<Line>()
    }

    pub(super) fn held(&self) -> usize {
        self.levels.iter().map(|level| level.held).sum()
    }

    /// Fingerprints that a search compares on average.
    pub(super) fn compared(&self) -> f64 {
        let mut reached = 1.0;
        let mut compared = 0.0;
        for level in &self.levels {
            let lines = level.lines.len() as f64;
            compared += reached * 2.0 * level.held as f64 / lines;
            reached *= (level.full as f64 / lines).powi(2);
        }
        compared
    }
}

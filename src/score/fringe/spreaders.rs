//! Who has unusually many distinct peers, among more keys than could be kept: a spread sketch that gives the keys back.
//!
//! After SpreadSketch (Tang, Huang, Lee, INFOCOM 2020): a key falls into one cell of each of three rows; a cell counts the
//! distinct (key, peer) pairs that fall into it, here by a HyperLogLog of 64 registers, and names the key of the pair whose
//! hash has most leading zeros, which is the more probably the key with most peers the more it has. A key's spread is at
//! most what the emptiest of its cells says. All of it is a maximum, so order and merging do not matter.

use crate::score::{
    histogram::{
        DecodeError,
        wire::{VERSION, put, take, take_byte, take_version},
    },
    sketch::{
        cardinality::{Mark, Shape, check, raise_all, register, words_of},
        mixer::place,
    },
};

/// Cells of a key.
pub(super) const ROWS: usize = 3;
/// 64 registers: a standard error of 13 %.
const PRECISION: u32 = 6;
const WORDS: usize = words_of(PRECISION);
const REGISTERS: usize = 1 << PRECISION;
/// Sums of 2^-rank are counted in units of 2^-26.
const UNIT: u32 = 26;
/// Least spread that is worth a look, 2^5.
pub const SPREAD_MIN: u32 = 32;
/// With fewer registers set than this no estimate reaches [`SPREAD_MIN`], whatever their ranks.
const SET_MIN: u8 = 24;

/// What falls into one place: a line of the processor's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(align(64))]
struct Cell {
    words: [u64; WORDS],
    /// Whose pair has most leading zeros; of two, the greater.
    key: u64,
    /// Sum of 2^-rank over the registers that are set, in units of 2^-26; the highest rank, 27, adds nothing.
    sum: u32,
    /// How many registers are set.
    set: u8,
    /// One more than those zeros; 0 where nothing fell.
    level: u8,
}

/// Where a key's cells are.
pub type Places = [u32; ROWS];

/// A key with many peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spreader {
    /// Who it is.
    pub key: u64,
    /// How many distinct peers it has, at most: 13 % off, and more by what shares its cells.
    pub peers: u32,
}

/// Distinct peers by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spreaders {
    cells: Vec<Cell>,
}

/// What a register of `rank` adds to [`Cell::sum`].
#[inline]
const fn weight(rank: u32) -> u32 {
    if rank == 0 { 0 } else { 1 << UNIT >> rank }
}

/// The places of the cells of the key that hashes to `hash`, in rows of `columns` cells.
#[inline]
#[must_use]
pub fn places_of(hash: u64, columns: usize) -> Places {
    let mixed = super::again(hash ^ 0x5eed);
    let one = (mixed >> 32) as u32;
    let step = mixed as u32 | 1;
    std::array::from_fn(|row| {
        (row * columns + place(one.wrapping_add(step.wrapping_mul(row as u32)), columns)) as u32
    })
}

// === impl Cell ===

impl Cell {
    fn peers(&self) -> u32 {
        let shape = Shape::new(u64::from(self.sum) << (32 - UNIT), REGISTERS as u32 - u32::from(self.set));
        (shape.estimate(PRECISION) + 0.5) as u32
    }

    /// Raises a register to a rank, and says whether that changed anything.
    #[inline]
    fn raise(&mut self, mark: Mark) -> bool {
        let Some(before) = mark.raise(&mut self.words) else { return false };
        self.sum = self.sum - weight(before) + weight(mark.rank());
        self.set += u8::from(before == 0);
        true
    }

    /// Sums up the registers anew, after words were changed as a whole.
    fn recount(&mut self) {
        let ranks = || (0..REGISTERS).map(|nth| register(&self.words, nth));
        let (sum, set) = (ranks().map(weight).sum(), ranks().filter(|rank| *rank > 0).count() as u8);
        (self.sum, self.set) = (sum, set);
    }

    fn nominate(&mut self, level: u8, key: u64) {
        if (level, key) > (self.level, self.key) {
            (self.level, self.key) = (level, key);
        }
    }
}

// === impl Spreaders ===

impl Spreaders {
    /// Nobody, `columns` cells a row, at least one.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { cells: vec![Cell::default(); ROWS * columns.max(1)] }
    }

    /// Memory of rows of `columns` cells, in bytes.
    #[must_use]
    pub const fn bytes_of(columns: usize) -> usize {
        ROWS * columns * size_of::<Cell>()
    }

    /// Forgets everything and keeps the room.
    pub fn clear(&mut self) {
        self.cells.fill(Cell::default());
    }

    /// The places of the cells of the key that hashes to `hash`.
    #[inline]
    fn places(&self, hash: u64) -> Places {
        places_of(hash, self.cells.len() / ROWS)
    }

    /// Reads the cells at `places`, so that the memory of several keys is fetched side by side.
    #[inline]
    #[must_use]
    pub fn warm(&self, places: &Places) -> u64 {
        places.iter().fold(0, |read, place| read ^ self.cells[*place as usize].key)
    }

    /// Notes that `key`, whose cells are at `places`, has met a peer; `pair` is the hash of both. Says whether the key's
    /// spread may be worth a look: the peer is new to all its cells, and most of them name it.
    #[inline]
    pub fn note(&mut self, places: &Places, key: u64, pair: u64) -> bool {
        // The upper four bits are the shard's, and the same for all that meet here.
        let level = 1 + ((pair >> 28) as u32).leading_zeros() as u8;
        let mark = Mark::of(pair as u32, PRECISION);
        let (mut raised, mut named, mut set) = (0, 0, u8::MAX);
        for place in places {
            let cell = &mut self.cells[*place as usize];
            raised += usize::from(cell.raise(mark));
            cell.nominate(level, key);
            named += usize::from(cell.key == key);
            set = set.min(cell.set);
        }
        raised == ROWS && named + 1 >= ROWS && set >= SET_MIN
    }

    /// The same, but gives the spread where it is worth a look.
    #[inline]
    pub fn add(&mut self, hash: u64, key: u64, pair: u64) -> Option<u32> {
        let places = self.places(hash);
        let spread = if self.note(&places, key, pair) { self.peers(hash) } else { 0 };
        (spread >= SPREAD_MIN).then_some(spread)
    }

    /// How many distinct peers the key that hashes to `hash` has, at most.
    #[must_use]
    pub fn peers(&self, hash: u64) -> u32 {
        self.places(hash).iter().map(|place| self.cells[*place as usize].peers()).min().unwrap_or(0)
    }

    /// What a cell counts that holds nobody in particular: the median of the first row.
    #[must_use]
    pub fn background(&self) -> u32 {
        let columns = self.cells.len() / ROWS;
        let mut peers: Vec<u32> = self.cells[..columns].iter().map(Cell::peers).collect();
        *peers.select_nth_unstable(columns / 2).1
    }

    /// At most `most` keys that the cells name and whose spread is worth a look and twice the background, the widest first;
    /// `hash` hashes a key.
    #[must_use]
    pub fn widest(&self, most: usize, hash: impl Fn(u64) -> u64) -> Vec<Spreader> {
        let mut keys: Vec<u64> =
            self.cells.iter().filter(|cell| cell.level > 5).map(|cell| cell.key).collect();
        keys.sort_unstable();
        keys.dedup();
        let least = SPREAD_MIN.max(self.background().saturating_mul(2));
        let spreaders = keys.into_iter().map(|key| Spreader { key, peers: self.peers(hash(key)) });
        let mut spreaders: Vec<Spreader> = spreaders.filter(|spreader| spreader.peers >= least).collect();
        spreaders.sort_unstable_by_key(|spreader| (std::cmp::Reverse(spreader.peers), spreader.key));
        spreaders.truncate(most);
        spreaders
    }

    /// Adds what `other`, of the same width, has seen.
    pub fn merge(&mut self, other: &Self) {
        for (own, theirs) in self.cells.iter_mut().zip(&other.cells) {
            raise_all(&mut own.words, PRECISION, &theirs.words);
            own.recount();
            own.nominate(theirs.level, theirs.key);
        }
    }

    /// Appends its bytes to `out`: a version, how many cells hold something, and each as its distance from the one before,
    /// its key, level and registers.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put(self.cells.iter().filter(|cell| cell.level > 0).count() as u64, out);
        let mut next = 0;
        for (place, cell) in self.cells.iter().enumerate().filter(|(_, cell)| cell.level > 0) {
            put((place - next) as u64, out);
            out.extend_from_slice(&cell.key.to_le_bytes());
            out.push(cell.level);
            cell.words.iter().for_each(|word| put(*word, out));
            next = place + 1;
        }
    }

    /// Takes what [`Spreaders::encode`] wrote off the front of `bytes`, for rows of `columns` cells.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(columns: usize, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_version(bytes)?;
        let mut whole = Self::new(columns);
        let mut next = 0_u64;
        for _ in 0..take(bytes)? {
            let place = next.saturating_add(take(bytes)?);
            let cell = usize::try_from(place).ok().and_then(|place| whole.cells.get_mut(place));
            let cell = cell.ok_or(DecodeError::Place { place })?;
            let (octets, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
            (cell.key, *bytes) = (u64::from_le_bytes(*octets), rest);
            cell.level = take_byte(bytes)?;
            if !(1..=33).contains(&cell.level) {
                return Err(DecodeError::Form);
            }
            for word in &mut cell.words {
                *word = take(bytes)?;
            }
            check(&cell.words, PRECISION)?;
            cell.recount();
            next = place + 1;
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::score::sketch::mixer::Mixer;

    fn mixer() -> Mixer {
        Mixer::new([1; 16], "spread")
    }

    fn add(spreaders: &mut Spreaders, key: u64, peer: u64) -> Option<u32> {
        spreaders.add(mixer().of(key), key, mixer().of_two(key, peer))
    }

    #[test]
    fn a_cell_is_a_line() {
        assert_eq!(size_of::<Cell>(), 64);
    }

    #[test]
    fn no_estimate_is_worth_a_look_with_fewer_registers_set_than_is_said() {
        let mut cell = Cell { set: SET_MIN - 1, ..Cell::default() };
        assert!(cell.peers() < SPREAD_MIN);
        cell.set += 1;
        assert!(cell.peers() >= SPREAD_MIN);
    }

    #[test]
    fn those_with_many_peers_are_named_among_a_hundred_thousand_with_one() {
        let mut spreaders = Spreaders::new(1_024);
        for key in 0..100_000 {
            add(&mut spreaders, key, 7);
        }
        let mut told = 0;
        for peer in 0..2_000 {
            for key in [5, 77_777, 200_000] {
                told += usize::from(add(&mut spreaders, key, peer).is_some());
            }
        }
        let widest = spreaders.widest(10, |key| mixer().of(key));
        let mut keys: Vec<u64> = widest.iter().take(3).map(|spreader| spreader.key).collect();
        keys.sort_unstable();
        assert_eq!(keys, [5, 77_777, 200_000], "{widest:?}");
        assert!(widest.iter().take(3).all(|spreader| (1_400..3_000).contains(&spreader.peers)), "{widest:?}");
        assert!(widest.len() < 6 && told >= 3, "{widest:?}, {told}");
        assert!((60..200).contains(&spreaders.background()));
    }

    #[test]
    fn a_flood_of_keys_with_one_peer_each_names_few_of_them() {
        let mut spreaders = Spreaders::new(256);
        let told = (0..625_000).filter(|key| add(&mut spreaders, *key, 7).is_some()).count();
        assert!(told < 300, "{told} of 625,000");
        assert!(spreaders.widest(100, |key| mixer().of(key)).len() < 3);
    }

    proptest! {
        #[test]
        fn order_and_merging_do_not_matter_and_it_comes_back_from_its_bytes(
            pairs in proptest::collection::vec((0..30_u64, 0..1000_u64), 0..200), cut in 0..200_usize,
        ) {
            let of = |pairs: &[(u64, u64)]| {
                let mut spreaders = Spreaders::new(16);
                pairs.iter().rev().for_each(|(key, peer)| { add(&mut spreaders, *key, *peer); });
                spreaders
            };
            let cut = cut.min(pairs.len());
            let mut whole = Spreaders::new(16);
            pairs.iter().for_each(|(key, peer)| { add(&mut whole, *key, *peer); });
            let mut merged = of(&pairs[cut..]);
            merged.merge(&of(&pairs[..cut]));
            prop_assert_eq!(&merged, &whole);
            let mut bytes = Vec::new();
            whole.encode(&mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(Spreaders::decode(16, &mut rest).unwrap(), whole);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_bytes_make_a_sketch_or_an_error(mut bytes: Vec<u8>) {
            bytes.insert(0, VERSION);
            let _ = Spreaders::decode(4, &mut &bytes[..]);
        }
    }
}

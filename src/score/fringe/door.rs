//! The door-keeper: who has been here before, for as many keys as fit, at ten bits a key.
//!
//! Two Bloom filters of blocks (Putze, Sanders, Singler, WEA 2007): a key's seven bits lie in one line of the processor's
//! cache, and the two filters' lines side by side. When the young one has taken its keys, the old one is emptied and
//! becomes the young one; whoever comes again is carried over, so that only who has stayed away is forgotten. Of keys that
//! were never here it takes about one in forty for known when both are full.
//!
//! Which keys it knows does not depend on their order while the young filter has room for all of them.

/// Bits of a key, in the block.
const BITS: usize = 7;
/// Room for each key, in bits.
const BITS_EACH: usize = 10;
/// Words of a block.
const WORDS: usize = 8;
/// Pairs of blocks that are written into the state together.
const PAGE: usize = 32;

/// One key's block in both filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(align(64))]
struct Pair([[u64; WORDS]; 2]);

/// Who has been here before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    blocks: Vec<Pair>,
    /// Which filter is the young one.
    young: usize,
    /// Keys that the young one has taken.
    taken: usize,
    keys: usize,
    /// Pages that have changed.
    dirty: Vec<bool>,
}

const fn blocks_of(keys: usize) -> usize {
    (keys * BITS_EACH).div_ceil(WORDS * 64)
}

/// The bits of a key's block that stand for it.
#[inline]
fn mask_of(hash: u64) -> [u64; WORDS] {
    let mut rest = super::again(hash);
    let mut mask = [0; WORDS];
    for _ in 0..BITS {
        mask[(rest & 7) as usize] |= 1 << (rest >> 3 & 63);
        rest >>= 9;
    }
    mask
}

// === impl Door ===

impl Door {
    /// Nobody has been here; each filter takes `keys`, at least one.
    #[must_use]
    pub fn new(keys: usize) -> Self {
        let keys = keys.max(1);
        let blocks = vec![Pair::default(); blocks_of(keys)];
        let dirty = vec![false; blocks.len().div_ceil(PAGE)];
        Self { blocks, young: 0, taken: 0, keys, dirty }
    }

    /// Memory of filters that take `keys` each, in bytes.
    #[must_use]
    pub const fn bytes_of(keys: usize) -> usize {
        blocks_of(keys) * size_of::<Pair>() + blocks_of(keys).div_ceil(PAGE)
    }

    #[inline]
    fn block_of(&self, hash: u64) -> usize {
        super::inner(hash, self.blocks.len())
    }

    /// Reads where `hash` stands, so that the memory of several keys is fetched side by side.
    #[inline]
    #[must_use]
    pub fn warm(&self, hash: u64) -> u64 {
        let Pair([one, other]) = &self.blocks[self.block_of(hash)];
        one[0] ^ other[0]
    }

    /// Whether `hash` has been here before.
    #[inline]
    #[must_use]
    pub fn knows(&self, hash: u64) -> bool {
        let mask = mask_of(hash);
        let has = |block: &[u64; WORDS]| block.iter().zip(&mask).all(|(word, bits)| word & bits == *bits);
        self.blocks[self.block_of(hash)].0.iter().any(has)
    }

    /// Lets `hash` in, and says whether it has been here before.
    #[inline]
    pub fn enter(&mut self, hash: u64) -> bool {
        let mask = mask_of(hash);
        let place = self.block_of(hash);
        let has = |block: &[u64; WORDS]| block.iter().zip(&mask).all(|(word, bits)| word & bits == *bits);
        let Pair(pair) = &mut self.blocks[place];
        if has(&pair[self.young]) {
            return true;
        }
        let known = has(&pair[1 - self.young]);
        for (word, bits) in pair[self.young].iter_mut().zip(&mask) {
            *word |= bits;
        }
        self.dirty[place / PAGE] = true;
        self.taken += 1;
        if self.taken >= self.keys {
            self.turn();
        }
        known
    }

    /// Forgets who has stayed away.
    #[cold]
    fn turn(&mut self) {
        self.young = 1 - self.young;
        self.taken = 0;
        for Pair(pair) in &mut self.blocks {
            pair[self.young] = [0; WORDS];
        }
        self.dirty.fill(true);
    }

    /// Gives the bytes of each page that has changed since this was called last, with its number, and those of what stands
    /// beside the pages.
    pub fn take_dirty(&mut self, mut each: impl FnMut(usize, Vec<u8>)) {
        for (nth, page) in self.blocks.chunks(PAGE).enumerate() {
            if std::mem::take(&mut self.dirty[nth]) {
                let words = page.iter().flat_map(|Pair(pair)| pair.iter().flatten());
                each(nth, words.flat_map(|word| word.to_le_bytes()).collect());
            }
        }
    }

    /// Which filter is the young one, and how many keys it has taken.
    #[must_use]
    pub const fn young(&self) -> (usize, usize) {
        (self.young, self.taken)
    }

    /// Takes over what [`Door::young`] gave.
    pub fn set_young(&mut self, young: usize, taken: usize) {
        (self.young, self.taken) = (young & 1, taken.min(self.keys - 1));
    }

    /// How many blocks the filters have: two of one size have the same pages.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.blocks.len()
    }

    /// How long the page `nth` of a door-keeper of this size is, in bytes; 0 where there is no such page.
    #[must_use]
    pub const fn page_bytes(size: usize, nth: usize) -> usize {
        let left = size.saturating_sub(nth.saturating_mul(PAGE));
        size_of::<Pair>() * if left < PAGE { left } else { PAGE }
    }

    /// Notes that every page is to be given again.
    pub fn soil(&mut self) {
        self.dirty.fill(true);
    }

    /// Takes over the page `nth` from what [`Door::take_dirty`] gave; says whether it is one.
    #[must_use]
    pub fn set_page(&mut self, nth: usize, bytes: &[u8]) -> bool {
        let Some(page) = self.blocks.chunks_mut(PAGE).nth(nth) else { return false };
        if bytes.len() != size_of_val(page) {
            return false;
        }
        let mut words = bytes.as_chunks().0.iter().map(|octets| u64::from_le_bytes(*octets));
        for Pair(pair) in page {
            pair.iter_mut().flatten().for_each(|word| *word = words.next().unwrap_or(0));
        }
        true
    }

    /// Adds whom `other`, of the same size, knows.
    pub fn merge(&mut self, other: &Self) {
        for (Pair(own), Pair(theirs)) in self.blocks.iter_mut().zip(&other.blocks) {
            for age in [0, 1] {
                let theirs = theirs[other.young ^ age];
                own[self.young ^ age].iter_mut().zip(theirs).for_each(|(word, bits)| *word |= bits);
            }
        }
        self.taken = (self.taken + other.taken).min(self.keys - 1);
        self.dirty.fill(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::mixer::Mixer;

    const PAGE_BYTES: usize = PAGE * 2 * WORDS * 8;

    fn hash(nth: u64) -> u64 {
        Mixer::new([1; 16], "door").of(nth)
    }

    #[test]
    fn whoever_was_here_is_known_and_few_others_are() {
        let mut door = Door::new(10_000);
        let wrong = (0..9_999).filter(|nth| door.enter(hash(*nth))).count();
        assert!(wrong < 60, "{wrong} were taken for others while it filled");
        assert!((0..9_999).all(|nth| door.knows(hash(nth)) && door.enter(hash(nth))));
        let wrong = (1 << 20..(1 << 20) + 100_000).filter(|nth| door.knows(hash(*nth))).count();
        assert!(wrong < 2_000, "{wrong} of 100,000 were never here");
    }

    #[test]
    fn who_comes_again_stays_known_and_who_stays_away_is_forgotten() {
        let mut door = Door::new(10_000);
        (0..5_000).for_each(|nth| {
            door.enter(hash(nth));
        });
        for round in 1..10 {
            assert!((0..2_500).all(|nth| door.enter(hash(nth))), "round {round}");
            (0..5_000).for_each(|nth| {
                door.enter(hash(round << 32 | nth));
            });
        }
        assert!((0..2_500).all(|nth| door.knows(hash(nth))));
        assert!((2_500..5_000).filter(|nth| door.knows(hash(*nth))).count() < 150);
    }

    #[test]
    fn it_comes_back_from_its_pages_and_merges_as_a_set() {
        let (mut one, mut other, mut both) = (Door::new(5_000), Door::new(5_000), Door::new(5_000));
        for nth in 0..2_000 {
            if nth < 1_500 {
                one.enter(hash(nth))
            } else {
                other.enter(hash(nth))
            };
            both.enter(hash(nth));
        }
        let mut again = Door::new(5_000);
        one.take_dirty(|nth, bytes| {
            assert!(bytes.len() <= PAGE_BYTES);
            assert!(again.set_page(nth, &bytes));
        });
        again.set_young(one.young().0, one.young().1);
        assert_eq!(again, one);
        one.take_dirty(|nth, _| panic!("page {nth} has not changed"));
        one.merge(&other);
        assert_eq!(one.blocks, both.blocks);
        assert!(!again.set_page(0, &[1; 7]) && !again.set_page(1_000, &[1; PAGE_BYTES]));
    }
}

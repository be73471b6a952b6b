//! How many distinct things there are among hashes: exactly up to 16, within a few percent above, in at most 176 bytes.
//!
//! What it holds depends on the set of hashes alone, never on their order or on how they were merged. Three forms follow
//! each other as the set grows: eight hashes in place; up to sixteen in a sorted list; and from the seventeenth on the
//! 2^P registers of a HyperLogLog (Flajolet et al., AofA 2007) of five bits each, which is what a rank of the 32 - P bits
//! left takes. The count follows from them by Ertl's improved estimator (arXiv:1702.01284, algorithm 6): no tables, no
//! bias where small and large ranges meet, and only sums, products and quotients, which IEEE arithmetic makes the same
//! everywhere. Its standard error is 1.04/√(2^P): 6.5 % for P = 8. It never falls when something is added.

use crate::score::histogram::{
    DecodeError,
    wire::{VERSION, put, take, take_version},
};

pub(in crate::score) use self::registers::{Mark, Shape, check, raise_all, register, words_of};
use self::registers::{PER_WORD, raise};

pub mod registers;

/// Hashes up to which the count is exact, but for two that fall together: of 16 hashes of 32 bits, once in 36 million.
pub const EXACT_MAX: usize = 16;
/// Hashes that cost no memory beyond the struct.
const INLINE: usize = 8;
/// In the encoding, instead of a number of hashes: registers follow.
const REGISTERS: u64 = EXACT_MAX as u64 + 1;

/// A set of hashes of 32 bits that can tell about how many it has. `P` is 4 to 12.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cardinality<const P: u32 = 8> {
    form: Form,
}

/// How the hashes are held.
#[derive(Debug, Clone, Eq)]
enum Form {
    /// The first `count` are hashes, ascending; the others are 0.
    Inline { hashes: [u32; INLINE], count: u32 },
    /// More than [`INLINE`], at most [`EXACT_MAX`], ascending, then 0.
    List { hashes: Box<[u32; EXACT_MAX]>, count: u32 },
    /// More than [`EXACT_MAX`]; the count is kept current, or is 0 where it follows from the shape whenever it is asked for.
    Registers { words: Box<[u64]>, shape: Shape, count: u32 },
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline { hashes, count }, Self::Inline { hashes: others, count: other }) => {
                (hashes, count) == (others, other)
            }
            (Self::List { hashes, count }, Self::List { hashes: others, count: other }) => {
                (hashes, count) == (others, other)
            }
            // All else follows from them.
            (Self::Registers { words, .. }, Self::Registers { words: others, .. }) => words == others,
            _ => false,
        }
    }
}

// === impl Cardinality ===

impl<const P: u32> Default for Cardinality<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const P: u32> Cardinality<P> {
    /// Most memory that it takes beyond the struct itself, in bytes.
    pub const BYTES_MAX: usize = words_of(P) * size_of::<u64>();

    /// No hashes.
    #[must_use]
    pub const fn new() -> Self {
        Self { form: Form::Inline { hashes: [0; INLINE], count: 0 } }
    }

    /// Adds `hash`, and says whether the count has changed.
    #[inline]
    pub fn insert(&mut self, hash: u32) -> bool {
        match &mut self.form {
            Form::Inline { hashes, count } => {
                let len = *count as usize;
                if hashes[..len].contains(&hash) {
                    return false;
                }
                if len < INLINE {
                    put_in_order(hashes, len, hash);
                    *count += 1;
                    return true;
                }
                let mut list = Box::new([0; EXACT_MAX]);
                list[..INLINE].copy_from_slice(hashes);
                put_in_order(&mut *list, len, hash);
                self.form = Form::List { hashes: list, count: *count + 1 };
                true
            }
            Form::List { hashes, count } => {
                let len = *count as usize;
                if hashes[..len].contains(&hash) {
                    return false;
                }
                if len < EXACT_MAX {
                    put_in_order(&mut **hashes, len, hash);
                    *count += 1;
                    return true;
                }
                let known = **hashes;
                self.widen(&known);
                self.insert(hash);
                true
            }
            Form::Registers { words, shape, .. } => {
                let Some((before, after)) = raise(words, P, hash) else { return false };
                shape.change(before, after);
                self.recount()
            }
        }
    }

    /// Changes to registers, with `known` in them.
    #[cold]
    fn widen(&mut self, known: &[u32]) {
        let mut words = vec![0; words_of(P)].into_boxed_slice();
        for hash in known {
            raise(&mut words, P, *hash);
        }
        let shape = Shape::of(&words, P);
        self.form = Form::Registers { words, shape, count: 0 };
        self.recount();
    }

    /// Estimates the count anew, and says whether it has changed. What has registers has more than [`EXACT_MAX`].
    fn recount(&mut self) -> bool {
        let Form::Registers { shape, count, .. } = &mut self.form else { return false };
        let estimate = shape.count(P);
        std::mem::replace(count, estimate) != estimate
    }

    /// Adds `hash` for who asks for the count much more rarely than it changes.
    #[inline]
    pub fn insert_uncounted(&mut self, hash: u32) {
        match &mut self.form {
            Form::Registers { words, shape, count } => {
                if let Some((before, after)) = raise(words, P, hash) {
                    shape.change(before, after);
                    *count = 0;
                }
            }
            _ => {
                self.insert(hash);
            }
        }
    }

    /// How many distinct hashes there are: exactly up to [`EXACT_MAX`], an estimate above, good up to 2^31.
    #[must_use]
    #[inline]
    pub fn count(&self) -> u32 {
        match self.form {
            Form::Registers { shape, count: 0, .. } => shape.count(P),
            Form::Inline { count, .. } | Form::List { count, .. } | Form::Registers { count, .. } => count,
        }
    }

    /// Whether the count is exact rather than an estimate.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        !matches!(self.form, Form::Registers { .. })
    }

    /// Whether there are no hashes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Reads what the next insertion will read beyond the struct, so that the memory of several is fetched side by side.
    #[must_use]
    #[inline]
    pub fn warm(&self, hash: u32) -> u64 {
        match &self.form {
            Form::Inline { .. } => 0,
            Form::List { hashes, .. } => hashes[0].into(),
            Form::Registers { words, .. } => words[(hash >> (32 - P)) as usize / PER_WORD],
        }
    }

    /// Adds the hashes of `other`: the same as adding each of them.
    pub fn merge(&mut self, other: &Self) {
        if let Form::Registers { words: theirs, .. } = &other.form {
            if self.is_exact() {
                let (known, len) = self.list();
                self.widen(&known[..len]);
            }
            if let Form::Registers { words, shape, .. } = &mut self.form {
                raise_all(words, P, theirs);
                *shape = Shape::of(words, P);
            }
            self.recount();
        } else {
            let (theirs, len) = other.list();
            for hash in &theirs[..len] {
                self.insert(*hash);
            }
        }
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.form {
                Form::Inline { .. } => 0,
                Form::List { .. } => EXACT_MAX * size_of::<u32>(),
                Form::Registers { .. } => Self::BYTES_MAX,
            }
    }

    /// Forgets everything and its memory.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Appends its bytes to `out`: a version, the number of hashes, and each in four bytes, ascending; or the registers.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        if let Form::Registers { words, .. } = &self.form {
            put(REGISTERS, out);
            out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            return;
        }
        put(u64::from(self.count()), out);
        let (hashes, len) = self.list();
        out.extend(hashes[..len].iter().flat_map(|hash| hash.to_le_bytes()));
    }

    /// Takes what [`Cardinality::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_version(bytes)?;
        match take(bytes)? {
            REGISTERS => {
                let mut words = Vec::with_capacity(words_of(P));
                for _ in 0..words_of(P) {
                    let (octets, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
                    words.push(u64::from_le_bytes(*octets));
                    *bytes = rest;
                }
                check(&words, P)?;
                let shape = Shape::of(&words, P);
                if shape == Shape::empty(P) {
                    return Err(DecodeError::Form);
                }
                let mut whole =
                    Self { form: Form::Registers { words: words.into_boxed_slice(), shape, count: 0 } };
                whole.recount();
                Ok(whole)
            }
            count if count < REGISTERS => {
                let mut whole = Self::new();
                let mut before = None;
                for _ in 0..count {
                    let (octets, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
                    let hash = u32::from_le_bytes(*octets);
                    if before >= Some(hash) {
                        return Err(DecodeError::Place { place: hash.into() });
                    }
                    whole.insert(hash);
                    (before, *bytes) = (Some(hash), rest);
                }
                Ok(whole)
            }
            _ => Err(DecodeError::Form),
        }
    }

    /// The hashes, ascending, and how many there are, while each is known.
    fn list(&self) -> ([u32; EXACT_MAX], usize) {
        let mut list = [0; EXACT_MAX];
        match &self.form {
            Form::Inline { hashes, .. } => list[..INLINE].copy_from_slice(hashes),
            Form::List { hashes, .. } => list = **hashes,
            Form::Registers { .. } => return (list, 0),
        }
        (list, self.count() as usize)
    }
}

/// Puts `hash` where it belongs among the first `len`.
#[inline]
fn put_in_order(hashes: &mut [u32], len: usize, hash: u32) {
    let place = hashes[..len].partition_point(|&other| other < hash);
    hashes.copy_within(place..len, place + 1);
    hashes[place] = hash;
}

#[cfg(test)]
mod tests;

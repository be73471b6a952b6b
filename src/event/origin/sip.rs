//! SipHash-2-4 with 128 bits of many texts side by side, one in each lane of the processor's wide registers.
//!
//! Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), and its reference code for 128 bits. A hash
//! by itself waits for itself: every step needs the one before it. Of eight in step, each costs two fifths.

/// The states of `N` hashes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sip<const N: usize> {
    v: [[u64; N]; 4],
    /// Bytes taken in so far by each; all begin with the same whole words.
    len: usize,
}

/// Where the text of one hash stands in the buffer: its offset and its length.
pub(super) type Text = (usize, usize);

/// What the state starts from, xored with the key; the second word for 128 bits of output.
const START: [u64; 4] =
    [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d ^ 0xee, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];

// === impl Sip ===

impl Sip<1> {
    /// The state under `key` once `prefix` is taken in, and zeros up to a whole word.
    pub(super) fn after(key: [u8; 16], prefix: impl Iterator<Item = u8>) -> Self {
        let key = u128::from_le_bytes(key);
        let [low, high] = [key as u64, (key >> 64) as u64];
        let mut state =
            Self { v: [[START[0] ^ low], [START[1] ^ high], [START[2] ^ low], [START[3] ^ high]], len: 0 };
        let (mut word, mut filled) = (0, 0);
        for byte in prefix {
            word |= u64::from(byte) << (8 * filled);
            filled += 1;
            if filled == 8 {
                state.take([word]);
                (word, filled) = (0, 0);
            }
        }
        if filled > 0 {
            state.take([word]);
        }
        state
    }

    /// `N` times this state.
    #[inline(always)]
    pub(super) fn lanes<const N: usize>(&self) -> Sip<N> {
        Sip { v: self.v.map(|[word]| [word; N]), len: self.len }
    }
}

impl<const N: usize> Sip<N> {
    /// Takes in one word each.
    #[inline(always)]
    pub(super) fn take(&mut self, words: [u64; N]) {
        self.mix(words);
        self.len += 8;
    }

    /// Takes in what is left, which is the text of each in `buffer`, and returns the hashes: the first eight bytes of each
    /// as a number, least significant first, and the last eight.
    #[inline(always)]
    pub(super) fn finish(mut self, buffer: &[u8], texts: [Text; N]) -> [[u64; 2]; N] {
        let whole = texts.map(|(_, len)| len / 8);
        let (mut least, mut most) = (usize::MAX, 0);
        for count in whole {
            (least, most) = (least.min(count), most.max(count));
        }
        for number in 0..least {
            let mut words = [0; N];
            for (word, (start, _)) in words.iter_mut().zip(texts) {
                *word = word_at(buffer, start + 8 * number, 8);
            }
            self.mix(words);
        }
        // The last words: a lane whose text has ended keeps its state.
        for number in least..=most {
            let (mut words, mut live) = ([0; N], [0; N]);
            for lane in 0..N {
                let (start, len) = texts[lane];
                let length = if number == whole[lane] { ((self.len + len) as u64) << 56 } else { 0 };
                let left = len.saturating_sub(8 * number).min(8);
                words[lane] = word_at(buffer, start + 8 * number, left) | length;
                live[lane] = if number <= whole[lane] { u64::MAX } else { 0 };
            }
            let before = self.v;
            self.mix(words);
            for (now, before) in self.v.iter_mut().zip(before) {
                for lane in 0..N {
                    now[lane] = now[lane] & live[lane] | before[lane] & !live[lane];
                }
            }
        }
        let low = self.digest(2, 0xee);
        let high = self.digest(1, 0xdd);
        let mut hashes = [[0; 2]; N];
        for lane in 0..N {
            hashes[lane] = [low[lane], high[lane]];
        }
        hashes
    }

    #[inline(always)]
    fn mix(&mut self, words: [u64; N]) {
        self.v[3].iter_mut().zip(words).for_each(|(state, word)| *state ^= word);
        self.round();
        self.round();
        self.v[0].iter_mut().zip(words).for_each(|(state, word)| *state ^= word);
    }

    /// Half of each hash, after four rounds that begin with `mark` in word `place`.
    #[inline(always)]
    fn digest(&mut self, place: usize, mark: u64) -> [u64; N] {
        for lane in 0..N {
            self.v[place][lane] ^= mark;
        }
        for _ in 0..4 {
            self.round();
        }
        let mut half = [0; N];
        for (lane, half) in half.iter_mut().enumerate() {
            *half = self.v[0][lane] ^ self.v[1][lane] ^ self.v[2][lane] ^ self.v[3][lane];
        }
        half
    }

    #[inline(always)]
    fn round(&mut self) {
        for lane in 0..N {
            let [mut a, mut b, mut c, mut d] = [0, 1, 2, 3].map(|word: usize| self.v[word][lane]);
            a = a.wrapping_add(b);
            c = c.wrapping_add(d);
            b = b.rotate_left(13) ^ a;
            d = d.rotate_left(16) ^ c;
            a = a.rotate_left(32);
            c = c.wrapping_add(b);
            a = a.wrapping_add(d);
            b = b.rotate_left(17) ^ c;
            d = d.rotate_left(21) ^ a;
            c = c.rotate_left(32);
            (self.v[0][lane], self.v[1][lane], self.v[2][lane], self.v[3][lane]) = (a, b, c, d);
        }
    }
}

/// The `len` bytes of `buffer` from `at` on, eight at most, the first as the lowest, with zeros above them.
#[inline(always)]
fn word_at(buffer: &[u8], at: usize, len: usize) -> u64 {
    let Some(word) = buffer.get(at..at + 8).and_then(<[u8]>::first_chunk) else {
        return last_word(buffer, at, len);
    };
    // Of eight bytes all are kept, of none no bit.
    u64::from_le_bytes(*word) & u64::MAX.checked_shr(64 - 8 * len as u32).unwrap_or(0)
}

/// The same, where the buffer ends within eight bytes.
#[cold]
fn last_word(buffer: &[u8], at: usize, len: usize) -> u64 {
    let bytes = buffer.get(at..).unwrap_or_default();
    let bytes = &bytes[..len.min(bytes.len())];
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use siphasher::sip128::SipHasher24;

    use super::*;

    proptest! {
        #[test]
        fn hashes_side_by_side_are_those_of_the_reference_crate(
            key in any::<[u8; 16]>(),
            prefix in prop::collection::vec(any::<u8>(), 0..30),
            texts in prop::array::uniform4(prop::collection::vec(any::<u8>(), 0..40)),
        ) {
            let mut start = 0;
            let places = [0, 1, 2, 3].map(|lane: usize| {
                start += texts[lane].len();
                (start - texts[lane].len(), texts[lane].len())
            });
            let hashes = Sip::after(key, prefix.iter().copied()).lanes::<4>().finish(&texts.concat(), places);
            let mut prefix = prefix;
            prefix.resize(prefix.len().next_multiple_of(8), 0);
            for (text, [low, high]) in texts.iter().zip(hashes) {
                let expected = SipHasher24::new_with_key(&key).hash(&[prefix.as_slice(), text].concat());
                prop_assert_eq!((low, high), (expected.h1, expected.h2));
            }
        }
    }
}

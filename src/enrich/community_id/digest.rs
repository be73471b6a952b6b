//! SHA-1 of single blocks, written in base64: many side by side, one in each lane of the processor's wide registers.
//!
//! Sources: FIPS 180-4, section 6.1, and RFC 4648, section 4. The steps of one hash wait for each other even where the
//! processor has an instruction for them; sixteen hashes in step cost a quarter of that each.

use pulp::{Arch, Simd, WithSimd};
use sha1::block_api::compress;

/// One block of SHA-1, padding included.
pub(super) type Block = [u8; 64];

/// Characters of a digest in base64, without the padding.
pub(super) const DIGITS: usize = 27;

/// What SHA-1 starts from (FIPS 180-4, section 5.3.1).
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// The digests of some blocks, each as seven words of four characters, the first in the lowest byte.
struct Digests<'a, F> {
    blocks: &'a [Block],
    take: F,
}

/// One word of `N` hashes.
type Word<const N: usize> = [u32; N];

/// Gives `take` the digests of `blocks` in base64, in order.
pub(super) fn each(blocks: &[Block], take: impl FnMut([u8; DIGITS])) {
    Arch::new().dispatch(Digests { blocks, take });
}

impl<F: FnMut([u8; DIGITS])> WithSimd for Digests<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        // In narrow registers the processor's own instruction for one hash is faster.
        match S::U32_LANES {
            16 => self.side_by_side::<16>(),
            8 => self.side_by_side::<8>(),
            _ => self.one_by_one(),
        }
    }
}

impl<F: FnMut([u8; DIGITS])> Digests<'_, F> {
    #[inline(always)]
    fn side_by_side<const N: usize>(&mut self) {
        for blocks in self.blocks.chunks(N) {
            let mut words = [[0; N]; 16];
            for (lane, block) in blocks.iter().enumerate() {
                for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
                    word[lane] = u32::from_be_bytes(*bytes);
                }
            }
            let letters = letters(hash(words));
            for lane in 0..blocks.len() {
                (self.take)(digits(&letters, lane));
            }
        }
    }

    fn one_by_one(&mut self) {
        for block in self.blocks {
            let mut state = START;
            compress(&mut state, &[*block]);
            (self.take)(digits(&letters(state.map(|word| [word])), 0));
        }
    }
}

/// The digests of `N` blocks, given as their words.
#[inline(always)]
fn hash<const N: usize>(mut words: [Word<N>; 16]) -> [Word<N>; 5] {
    let mut state = START.map(|word| [word; N]);
    rounds(&mut state, &mut words, 0, 0x5a82_7999, |b, c, d| b & c | !b & d);
    rounds(&mut state, &mut words, 20, 0x6ed9_eba1, |b, c, d| b ^ c ^ d);
    rounds(&mut state, &mut words, 40, 0x8f1b_bcdc, |b, c, d| b & c | b & d | c & d);
    rounds(&mut state, &mut words, 60, 0xca62_c1d6, |b, c, d| b ^ c ^ d);
    for (word, start) in state.iter_mut().zip(START) {
        for lane in word {
            *lane = lane.wrapping_add(start);
        }
    }
    state
}

/// Twenty rounds from number `first` on, with their constant and their function.
#[inline(always)]
fn rounds<const N: usize>(
    state: &mut [Word<N>; 5],
    words: &mut [Word<N>; 16],
    first: usize,
    constant: u32,
    function: impl Fn(u32, u32, u32) -> u32,
) {
    for round in first..first + 20 {
        let at = round % 16;
        if round >= 16 {
            let [a, b, c] = [13, 8, 2].map(|on: usize| words[(round + on) % 16]);
            for (lane, word) in words[at].iter_mut().enumerate() {
                *word = (*word ^ a[lane] ^ b[lane] ^ c[lane]).rotate_left(1);
            }
        }
        let [a, b, c, d, e] = *state;
        let (mut next, mut turned) = ([0; N], [0; N]);
        for lane in 0..N {
            let added = e[lane].wrapping_add(constant).wrapping_add(words[at][lane]);
            let mixed = a[lane].rotate_left(5).wrapping_add(function(b[lane], c[lane], d[lane]));
            next[lane] = mixed.wrapping_add(added);
            turned[lane] = b[lane].rotate_left(30);
        }
        *state = [next, a, turned, c, d];
    }
}

/// `N` digests in base64, four characters a word; the last character stands where the padding goes.
#[inline(always)]
fn letters<const N: usize>([a, b, c, d, e]: [Word<N>; 5]) -> [Word<N>; 7] {
    let none = [0; N];
    // The lower 24 bits of each are three bytes of the digest.
    let groups = [
        joined(none, 0, a, 8),
        joined(a, 16, b, 16),
        joined(b, 8, c, 24),
        joined(c, 0, none, 0),
        joined(none, 0, d, 8),
        joined(d, 16, e, 16),
        joined(e, 8, none, 0),
    ];
    groups.map(|mut group| {
        for lane in &mut group {
            *lane = four_letters(*lane);
        }
        group
    })
}

/// The lower bits of each `high`, moved `up`, with the upper bits of each `low`, moved `down`.
#[inline(always)]
fn joined<const N: usize>(high: Word<N>, up: u32, low: Word<N>, down: u32) -> Word<N> {
    let mut joined = [0; N];
    for lane in 0..N {
        joined[lane] = high[lane] << up | low[lane] >> down;
    }
    joined
}

/// The lower 24 bits of `group` as four characters, the first in the lowest byte.
#[inline(always)]
const fn four_letters(group: u32) -> u32 {
    const ONES: u32 = 0x0101_0101;
    let six = group >> 18 & 63 | (group >> 12 & 63) << 8 | (group >> 6 & 63) << 16 | group << 26 >> 2;
    // All bits of each byte that is above `limit`; no byte is above 63, so none carries into the next.
    const fn above(six: u32, limit: u32) -> u32 {
        let marks = (six + (127 - limit) * ONES) >> 7 & ONES;
        (marks << 8).wrapping_sub(marks)
    }
    // From `A` on to the next row of the alphabet: to `a`, to `0`, to `+`, to `/`.
    let forward = 65 * ONES + (above(six, 25) & (6 * ONES)) + (above(six, 62) & (3 * ONES));
    let back = (above(six, 51) & (75 * ONES)) + (above(six, 61) & (15 * ONES));
    six + forward - back
}

/// The characters of one lane.
#[inline(always)]
fn digits<const N: usize>(letters: &[Word<N>; 7], lane: usize) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    for (place, word) in digits.chunks_mut(4).zip(letters) {
        place.copy_from_slice(&word[lane].to_le_bytes()[..place.len()]);
    }
    digits
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_number_of_blocks_has_the_digests_of_the_reference_crate(
            blocks in prop::collection::vec(any::<[[u8; 32]; 2]>(), 0..40),
        ) {
            let blocks: Vec<Block> = blocks.iter().map(|halves| halves.concat().try_into().unwrap()).collect();
            let expected = |block: &Block| {
                let mut state = START;
                compress(&mut state, &[*block]);
                STANDARD_NO_PAD.encode(state.map(u32::to_be_bytes).concat())
            };
            let expected: Vec<String> = blocks.iter().map(expected).collect();
            for way in 0..4 {
                let mut said = Vec::new();
                let take = |digits: [u8; DIGITS]| said.push(String::from_utf8(digits.to_vec()).unwrap());
                let mut digests = Digests { blocks: &blocks, take };
                match way {
                    0 => digests.side_by_side::<16>(),
                    1 => digests.side_by_side::<8>(),
                    2 => digests.one_by_one(),
                    _ => each(&blocks, digests.take),
                }
                prop_assert_eq!(&said, &expected);
            }
        }
    }

    #[test]
    fn every_six_bits_have_their_letter() {
        for bits in 0..64_u32 {
            let group = bits << 18 | (63 - bits) << 12 | (bits ^ 21) << 6 | bits;
            let expected = STANDARD_NO_PAD.encode(&group.to_be_bytes()[1..]);
            assert_eq!(four_letters(group | 0xff00_0000).to_le_bytes(), expected.as_bytes());
        }
    }
}

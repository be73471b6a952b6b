//! Small numbers in few bits: Golomb-Rice codes (Rice and Plaunt, "Adaptive Variable-Length Coding", 1971), the highest bit
//! of a byte first.
//!
//! With shift `k` a number is its upper bits as so many zeros and a one, and then its lower `k` bits. One whose upper bits
//! come to [`LONG`] or more is that many zeros and all of its 32 bits.

/// Zeros of a number that stands in full.
const LONG: u32 = 15;

/// Writes bits behind what a vector holds.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Fewer than eight bits that wait for the rest of their byte, the last of them lowest.
    waiting: u64,
    count: u32,
}

/// Reads bits, and zeros beyond the last.
#[derive(Debug, Clone)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits that were read and not taken, the next of them highest.
    ahead: u64,
    count: u32,
}

// === impl BitWriter ===

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, waiting: 0, count: 0 }
    }

    /// Puts the lowest `count` bits of `bits`, at most 32; those above are 0.
    fn put(&mut self, bits: u32, count: u32) {
        self.waiting = self.waiting << count | u64::from(bits);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            self.out.push((self.waiting >> self.count) as u8);
        }
        self.waiting &= 0x7f;
    }

    /// Puts `number` with a shift of `shift`, at most 31.
    pub(super) fn number(&mut self, number: u32, shift: u32) {
        let high = number >> shift;
        if high >= LONG {
            self.put(0, LONG);
            self.put(number, 32);
        } else {
            self.put(1, high + 1);
            self.put(number & ((1 << shift) - 1), shift);
        }
    }

    /// Fills the last byte with zeros.
    pub(super) fn end(mut self) {
        self.put(0, (8 - self.count) % 8);
    }
}

// === impl BitReader ===

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ahead: 0, count: 0 }
    }

    /// Looks at as many bits as a number can take, where there are so many.
    #[inline]
    fn look_ahead(&mut self) {
        if let Some((next, _)) = self.bytes.split_first_chunk::<8>() {
            self.ahead |= u64::from_be_bytes(*next) >> self.count;
            let whole = (63 - self.count) / 8;
            self.bytes = &self.bytes[whole as usize..];
            self.count += whole * 8;
            return;
        }
        while self.count <= 56
            && let Some((byte, rest)) = self.bytes.split_first()
        {
            self.ahead |= u64::from(*byte) << (56 - self.count);
            self.bytes = rest;
            self.count += 8;
        }
    }

    /// Takes `count` bits, at most 32, that were looked at.
    #[inline]
    fn take(&mut self, count: u32) -> u32 {
        let bits = self.ahead >> 32 >> (32 - count);
        self.ahead <<= count;
        self.count = self.count.saturating_sub(count);
        bits as u32
    }

    /// Takes a number that was put with a shift of `shift`, at most 31.
    #[inline]
    pub(super) fn number(&mut self, shift: u32) -> u32 {
        self.look_ahead();
        let high = self.ahead.leading_zeros().min(LONG);
        if high == LONG {
            self.take(LONG);
            return self.take(32);
        }
        self.take(high + 1);
        high << shift | self.take(shift)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back_whatever_their_shifts(
            numbers in vec((0_u32..33, any::<u32>(), 0_u32..32), 0..80), before in vec(any::<u8>(), 0..3),
        ) {
            let mut bytes = before.clone();
            let mut writer = BitWriter::new(&mut bytes);
            let numbers: Vec<_> = numbers
                .into_iter()
                .map(|(down, number, shift)| (number.checked_shr(down).unwrap_or(0), shift))
                .collect();
            numbers.iter().for_each(|(number, shift)| writer.number(*number, *shift));
            writer.end();
            let mut reader = BitReader::new(&bytes[before.len()..]);
            for (number, shift) in numbers {
                prop_assert_eq!(reader.number(shift), number);
            }
        }
    }

    #[test]
    fn a_number_takes_its_zeros_a_one_and_the_bits_of_the_shift() {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        writer.number(0b10_110, 3);
        writer.end();
        assert_eq!(bytes, [0b0011_1000]);
    }
}

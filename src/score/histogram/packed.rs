//! The histograms of an entity in one piece of memory: about two bytes for each bucket that holds something.
//!
//! ```text
//! { length  total  lowest  highest  shifts  weight  { buckets between, weight } … } × series
//! ```
//!
//! Length, total, lowest and highest are unsigned LEB128, the shifts are a byte, and what follows is bits (`bits`): the
//! weights, less one, with the shift of the lower five of its bits, the buckets between with that of the upper three. Buckets
//! go from the highest down: a tail is read from the front, and only as far as it is asked for. An empty histogram is a length
//! of 0. All buckets are coarse ones (`geometry::coarse`), and stand here by their rank among these.

use super::{
    Compact, DecodeError,
    bits::{BitReader, BitWriter},
    geometry::{LAST, bucket_of_rank, rank_of},
    wire::{put, take},
};

/// Histograms of one landmark, each of a series of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packed {
    /// Exactly as many as there are: a vector that is made smaller keeps up to half of its room with the allocator.
    bytes: Box<[u8]>,
    landmark: u32,
}

/// One histogram, to be read from its highest bucket down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Series<'a> {
    total: u64,
    landmark: u32,
    /// By their ranks.
    lowest: u16,
    highest: u16,
    shifts: Shifts,
    /// Weights and buckets, from the highest down.
    bytes: &'a [u8],
}

/// The buckets of a series with their weights, in descending order.
#[derive(Debug, Clone)]
pub struct Falling<'a> {
    bits: BitReader<'a>,
    shifts: Shifts,
    /// By their ranks.
    next: u16,
    lowest: u16,
    has_more: bool,
}

/// How the numbers of a histogram are coded: what suits it best, near enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Shifts {
    weights: u8,
    between: u8,
}

// === impl Packed ===

impl Packed {
    /// Nothing learned of any series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The series, in order; none where nothing was ever learned.
    pub fn series(&self) -> impl Iterator<Item = Series<'_>> {
        let mut bytes = &self.bytes[..];
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let length = number(&mut bytes) as usize;
            let (body, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            Some(Series::read(body, self.landmark))
        })
    }

    /// The series numbered `nth`; empty where there is none.
    #[must_use]
    pub fn nth(&self, nth: usize) -> Series<'_> {
        self.series().nth(nth).unwrap_or_default()
    }

    /// Changes every one of `series` histograms: `change` is given the number of each and the histogram, and leaves all of
    /// them at one landmark, or empty. What it puts into a bucket is kept in the coarse one.
    pub fn change(&mut self, series: usize, mut change: impl FnMut(usize, &mut Compact)) {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 8 * series);
        let mut body = Vec::new();
        let mut landmark = 0;
        let mut loose = Compact::new();
        let mut before = self.series();
        for nth in 0..series {
            before.next().unwrap_or_default().unpack(&mut loose);
            change(nth, &mut loose);
            body.clear();
            write(&loose, &mut body);
            landmark = loose.landmark().max(landmark);
            put(body.len() as u64, &mut bytes);
            bytes.extend_from_slice(&body);
        }
        drop(before);
        *self = Self { bytes: bytes[..].into(), landmark };
    }

    /// The landmark from which all weights count; 0 while empty.
    #[must_use]
    pub const fn landmark(&self) -> u32 {
        self.landmark
    }

    /// Moves all of `series` histograms on to `landmark`, unless they stand there or further on.
    pub fn advance(&mut self, series: usize, landmark: u32) {
        if landmark > self.landmark && !self.bytes.is_empty() {
            self.change(series, |_, own| own.advance(landmark));
        }
    }

    /// Adds all that `other` holds of as many series: both move on to the later of their landmarks.
    pub fn merge(&mut self, series: usize, other: &Self) {
        let landmark = self.landmark.max(other.landmark);
        let mut others = other.series();
        self.change(series, |_, own| {
            own.advance(landmark);
            let mut theirs = others.next().unwrap_or_default().loose();
            theirs.advance(landmark);
            own.merge(&theirs);
        });
        if self.series().all(|series| series.is_empty()) {
            *self = Self::new();
        }
    }

    /// Reads where the bytes begin, so that the memory of several is fetched side by side.
    #[inline]
    pub(in crate::score) fn warm(&self) -> u64 {
        self.bytes.first().copied().unwrap_or(0).into()
    }

    /// Memory held beyond the struct, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Appends its bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put(u64::from(self.landmark), out);
        put(self.bytes.len() as u64, out);
        out.extend_from_slice(&self.bytes);
    }

    /// Takes what [`Packed::encode`] wrote of at most `series` histograms off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(series: usize, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let landmark = u32::try_from(take(bytes)?).map_err(|_| DecodeError::Number)?;
        let length = usize::try_from(take(bytes)?).unwrap_or(usize::MAX);
        let (own, rest) = bytes.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        *bytes = rest;
        let mut left = own;
        let mut count = 0;
        while !left.is_empty() {
            let length = usize::try_from(take(&mut left)?).unwrap_or(usize::MAX);
            let (body, rest) = left.split_at_checked(length).ok_or(DecodeError::Truncated)?;
            check(body)?;
            left = rest;
            count += 1;
        }
        if count > 0 && count != series || count == 0 && landmark != 0 {
            return Err(DecodeError::Form);
        }
        Ok(Self { bytes: own.into(), landmark })
    }
}

// === impl Series ===

impl<'a> Series<'a> {
    fn read(mut body: &'a [u8], landmark: u32) -> Self {
        if body.is_empty() {
            return Self::default();
        }
        let total = number(&mut body);
        let (lowest, highest) = (number(&mut body) as u16, number(&mut body) as u16);
        let (&shifts, bytes) = body.split_first().unwrap_or((&0, &[]));
        Self { total, landmark, lowest, highest, shifts: Shifts::of_byte(shifts), bytes }
    }

    /// The landmark from which the weights count; 0 while empty.
    #[must_use]
    pub const fn landmark(&self) -> u32 {
        self.landmark
    }

    /// Sum of the weights.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Whether nothing is recorded, or all of it forgotten.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The first and the last bucket that hold something.
    #[must_use]
    pub const fn range(&self) -> Option<(u16, u16)> {
        if self.is_empty() { None } else { Some((bucket_of_rank(self.lowest), bucket_of_rank(self.highest))) }
    }

    /// The buckets that hold something, with their weights, in descending order.
    #[must_use]
    pub const fn falling(&self) -> Falling<'a> {
        let Self { shifts, lowest, highest, bytes, .. } = *self;
        Falling { bits: BitReader::new(bytes), shifts, next: highest, lowest, has_more: !self.is_empty() }
    }

    /// Makes `loose` the same histogram.
    pub fn unpack(&self, loose: &mut Compact) {
        loose.refill(self.landmark, self.falling());
    }

    /// The same histogram, to be changed.
    #[must_use]
    pub fn loose(&self) -> Compact {
        let mut loose = Compact::new();
        self.unpack(&mut loose);
        loose
    }
}

// === impl Falling ===

impl Iterator for Falling<'_> {
    type Item = (u16, u32);

    #[inline]
    fn next(&mut self) -> Option<(u16, u32)> {
        if !self.has_more {
            return None;
        }
        let rank = self.next;
        let weight = self.bits.number(self.shifts.weights.into()).wrapping_add(1);
        self.has_more = rank > self.lowest;
        if self.has_more {
            let between = self.bits.number(self.shifts.between.into());
            self.next = rank.saturating_sub(between as u16).saturating_sub(1);
        }
        Some((bucket_of_rank(rank), weight))
    }
}

// === impl Shifts ===

impl Shifts {
    /// Those for `count` buckets over `width`, whose weights have so many bits together. Weights lie around the power of two
    /// that has as many bits as they have on average.
    fn of(count: u32, width: u32, bits: u32) -> Self {
        let between = (width / count).max(1).ilog2().min(7);
        Self { weights: (bits / count).saturating_sub(1) as u8, between: between as u8 }
    }

    const fn of_byte(byte: u8) -> Self {
        Self { weights: byte & 31, between: byte >> 5 }
    }

    const fn byte(self) -> u8 {
        self.weights | self.between << 5
    }
}

/// The coarse buckets that hold something, by their ranks, with their weights, in descending order.
fn ranked(histogram: &Compact) -> impl Iterator<Item = (u16, u32)> {
    let mut buckets = histogram.iter().rev().peekable();
    std::iter::from_fn(move || {
        let (bucket, mut weight) = buckets.next()?;
        let rank = rank_of(bucket);
        while let Some((_, more)) = buckets.next_if(|(bucket, _)| rank_of(*bucket) == rank) {
            weight = weight.saturating_add(more);
        }
        Some((rank, weight))
    })
}

/// Appends `histogram`; nothing where it is empty.
fn write(histogram: &Compact, out: &mut Vec<u8>) {
    let Some((highest, _)) = ranked(histogram).next() else { return };
    let (mut count, mut bits, mut total, mut lowest) = (0, 0, 0, highest);
    for (rank, weight) in ranked(histogram) {
        (count, bits) = (count + 1, bits + u32::BITS - weight.leading_zeros());
        (total, lowest) = (total + u64::from(weight), rank);
    }
    let shifts = Shifts::of(count, u32::from(highest - lowest), bits);
    put(total, out);
    put(u64::from(lowest), out);
    put(u64::from(highest), out);
    out.push(shifts.byte());
    let mut writer = BitWriter::new(out);
    let mut above = highest;
    for (rank, weight) in ranked(histogram) {
        if rank < highest {
            writer.number(u32::from(above - rank - 1), shifts.between.into());
        }
        writer.number(weight - 1, shifts.weights.into());
        above = rank;
    }
    writer.end();
}

/// Checks that `body` is what [`write`] writes of what it says.
fn check(body: &[u8]) -> Result<(), DecodeError> {
    let mut ends = body;
    if body.is_empty() {
        return Ok(());
    }
    let (_, lowest, highest) = (take(&mut ends)?, take(&mut ends)?, take(&mut ends)?);
    if highest > rank_of(LAST).into() || lowest > highest {
        return Err(DecodeError::Place { place: highest });
    }
    let series = Series::read(body, 0);
    if series.falling().any(|(_, weight)| weight == 0) {
        return Err(DecodeError::Weight { weight: 0 });
    }
    let mut again = Vec::with_capacity(body.len());
    write(&series.loose(), &mut again);
    if again == body { Ok(()) } else { Err(DecodeError::Form) }
}

/// Takes a number off the front of `bytes`, which were written or checked here; 0 at their end.
#[inline]
fn number(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    let mut shift = 0;
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 || shift > 63 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::score::histogram::geometry::{bucket_of, coarse};
    use crate::score::usual::decay::Moment;

    const SERIES: usize = 3;

    fn windows() -> impl Strategy<Value = Vec<[u64; SERIES]>> {
        let value = (0_u32..41, 0_u64..1 << 41).prop_map(|(shift, value)| value >> shift);
        vec([value.clone(), value.clone(), value], 0..150)
    }

    fn moment() -> impl Strategy<Value = Moment> {
        (5_u32..7, 16_u32..4_097).prop_map(|(landmark, weight)| Moment { landmark, weight })
    }

    #[test]
    fn what_was_never_learned_takes_nothing_and_has_no_series() {
        let packed = Packed::new();
        assert_eq!((packed.bytes(), packed.series().count(), packed.nth(7)), (0, 0, Series::default()));
        assert_eq!(packed.nth(0).range(), None);
    }

    proptest! {
        #[test]
        fn a_packed_histogram_is_the_loose_one_whatever_was_learned_at_once(
            windows in windows(), moments in vec(moment(), 150), at_once in 1_usize..9,
        ) {
            let mut loose: [Compact; SERIES] = Default::default();
            let mut packed = Packed::new();
            let all: Vec<_> = windows.iter().zip(&moments).collect();
            for few in all.chunks(at_once) {
                let kept = |value| coarse(bucket_of(value));
                for (values, at) in few {
                    let both = loose.iter_mut().zip(**values);
                    both.for_each(|(own, value)| own.record_bucket_at(kept(value), **at));
                }
                packed.change(SERIES, |nth, own| {
                    few.iter().for_each(|(values, at)| own.record_bucket_at(kept(values[nth]), **at));
                });
            }
            for (nth, loose) in loose.iter().enumerate() {
                let series = packed.nth(nth);
                prop_assert_eq!(&series.loose(), loose);
                prop_assert_eq!(series.total(), loose.total());
                let ends = loose.iter().next().zip(loose.iter().next_back());
                prop_assert_eq!(series.range(), ends.map(|(first, last)| (first.0, last.0)));
                prop_assert_eq!(series.falling().collect::<Vec<_>>(), loose.iter().rev().collect::<Vec<_>>());
                // The histogram that everybody knows, and back.
                prop_assert_eq!(&Compact::from_hdr(&series.loose().to_hdr(), series.landmark()), loose);
            }
        }

        #[test]
        fn what_is_encoded_comes_back_and_what_is_not_is_refused_without_a_panic(
            windows in windows(), at in moment(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut packed = Packed::new();
            packed.change(SERIES, |nth, own| windows.iter().for_each(|values| own.record_at(values[nth], at)));
            let mut bytes = Vec::new();
            packed.encode(&mut bytes);
            prop_assert_eq!(&Packed::decode(SERIES, &mut &bytes[..]).unwrap(), &packed);
            prop_assert!(Packed::decode(SERIES, &mut &bytes[..bytes.len() - 1]).is_err());
            let place = place.index(bytes.len());
            bytes[place] = byte;
            if let Ok(other) = Packed::decode(SERIES, &mut &bytes[..]) {
                // What is taken is sound.
                other.series().for_each(|series| prop_assert_eq_total(series));
            }
        }
    }

    fn prop_assert_eq_total(series: Series<'_>) {
        let sum: u64 = series.falling().map(|(_, weight)| u64::from(weight)).sum();
        assert_eq!(sum, series.total());
    }
}

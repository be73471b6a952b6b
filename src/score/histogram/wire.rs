//! How a histogram is written into the state: a version, the landmark, and the buckets with their weights as varints.
//!
//! ```text
//! version (1)  landmark  count  { bucket − previous bucket − 1, weight } × count
//! ```
//!
//! The first bucket stands as itself. All but the version are unsigned LEB128. One histogram has one encoding: what is
//! decoded and encoded again gives the same bytes.

use super::geometry::BUCKETS;

/// Version of the encoding; the geometry belongs to it.
pub const VERSION: u8 = 1;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("could not decode: the bytes end too early")]
    Truncated,
    /// Another version wrote them.
    #[error("could not decode: version {found} is not known")]
    Version {
        /// The version that stands there.
        found: u8,
    },
    /// A number has more digits than its type, or more than it needs.
    #[error("could not decode: a number is too long")]
    Number,
    /// A place beyond the last, or out of order.
    #[error("could not decode: place {place} does not exist")]
    Place {
        /// The place that stands there.
        place: u64,
    },
    /// A weight of nothing, or more than can be held.
    #[error("could not decode: weight {weight} cannot be")]
    Weight {
        /// The weight that stands there.
        weight: u64,
    },
    /// A form that was not the one to choose for what it holds.
    #[error("could not decode: the form does not fit what it holds")]
    Form,
}

/// Appends `number` as unsigned LEB128: seven bits a byte, the lowest first.
pub(crate) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes one byte off the front of `bytes`.
pub(crate) fn take_byte(bytes: &mut &[u8]) -> Result<u8, DecodeError> {
    let (&first, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(first)
}

/// Takes a number that [`put`] wrote off the front of `bytes`.
pub(crate) fn take(bytes: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(bytes)?;
        let digit = u64::from(byte & 0x7f);
        if digit << shift >> shift != digit || (byte == 0 && shift > 0) {
            return Err(DecodeError::Number);
        }
        number |= digit << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(DecodeError::Number)
}

/// Takes the version off the front of `bytes`, which must be [`VERSION`].
pub(crate) fn take_version(bytes: &mut &[u8]) -> Result<(), DecodeError> {
    match take_byte(bytes)? {
        VERSION => Ok(()),
        found => Err(DecodeError::Version { found }),
    }
}

/// Appends a histogram: its landmark and its `count` non-zero buckets in ascending order.
pub(crate) fn put_histogram(
    landmark: u32,
    count: usize,
    buckets: impl Iterator<Item = (u16, u64)>,
    out: &mut Vec<u8>,
) {
    out.push(VERSION);
    put(u64::from(landmark), out);
    put(count as u64, out);
    let mut next = 0;
    for (bucket, weight) in buckets {
        put(u64::from(bucket - next), out);
        put(weight, out);
        next = bucket + 1;
    }
}

/// Takes a histogram that [`put_histogram`] wrote off the front of `bytes`, gives each bucket to `bucket`, in ascending
/// order, and returns the landmark. No weight is 0 or above `weight_max`, and their sum fits in 64 bits.
pub(crate) fn take_histogram(
    bytes: &mut &[u8],
    weight_max: u64,
    mut bucket: impl FnMut(u16, u64),
) -> Result<u32, DecodeError> {
    take_version(bytes)?;
    let landmark = u32::try_from(take(bytes)?).map_err(|_| DecodeError::Number)?;
    let count = take(bytes)?;
    let mut next = 0_u64;
    let mut total = 0_u64;
    for _ in 0..count {
        let place = next.saturating_add(take(bytes)?);
        let weight = take(bytes)?;
        if place >= BUCKETS as u64 {
            return Err(DecodeError::Place { place });
        }
        if weight == 0 || weight > weight_max {
            return Err(DecodeError::Weight { weight });
        }
        total = total.checked_add(weight).ok_or(DecodeError::Weight { weight })?;
        bucket(place as u16, weight);
        next = place + 1;
    }
    if count == 0 && landmark != 0 { Err(DecodeError::Form) } else { Ok(landmark) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_longer_than_it_needs_to_be_is_refused() {
        for bytes in
            [&[0x80, 0x00][..], &[0xff; 10], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]]
        {
            assert_eq!(take(&mut &*bytes), Err(DecodeError::Number), "{bytes:?}");
        }
        assert_eq!(take(&mut &[0x80][..]), Err(DecodeError::Truncated));
    }

    #[test]
    fn what_no_histogram_would_write_is_refused() {
        let cases: [(&[u8], DecodeError); 7] = [
            (&[], DecodeError::Truncated),
            (&[2, 0, 0], DecodeError::Version { found: 2 }),
            (&[1, 0, 1, 0, 0], DecodeError::Weight { weight: 0 }),
            (&[1, 0, 1, 0, 11], DecodeError::Weight { weight: 11 }),
            (&[1, 0, 1, 0xe0, 0x04, 1], DecodeError::Place { place: 608 }),
            (&[1, 0, 2, 0xdf, 0x04, 1, 0, 1], DecodeError::Place { place: 608 }),
            (&[1, 7, 0], DecodeError::Form),
        ];
        for (bytes, error) in cases {
            assert_eq!(take_histogram(&mut &*bytes, 10, |_, _| ()), Err(error), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_number_comes_back_and_what_follows_it_stays(number in any::<u64>(), shift in 0..64, tail in any::<u8>()) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            put(number, &mut bytes);
            bytes.push(tail);
            let mut rest = &bytes[..];
            prop_assert_eq!(take(&mut rest).unwrap(), number);
            prop_assert_eq!(rest, &[tail]);
        }
    }
}

//! Numbers, texts and addresses of an observation as bytes.

use std::{net::IpAddr, ops::Range};

use super::ObservationError;

/// Appends a number as LEB128.
pub(super) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes what [`put`] wrote; nothing longer than it would have written.
pub(super) fn take(rest: &mut &[u8]) -> Result<u64, ObservationError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(rest)?;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 || shift > 0 && byte == 0 {
            return Err(ObservationError::Torn);
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(ObservationError::Torn)
}

/// A difference as a number that is small where the difference is, in either direction.
pub(super) const fn zigzag(difference: u64) -> u64 {
    difference << 1 ^ ((difference as i64) >> 63) as u64
}

/// What [`zigzag`] was given.
pub(super) const fn unzigzag(number: u64) -> u64 {
    number >> 1 ^ (number & 1).wrapping_neg()
}

/// Appends a text after its length.
pub(super) fn put_text(text: &[u8], out: &mut Vec<u8>) {
    put(text.len() as u64, out);
    out.extend_from_slice(text);
}

/// Takes what [`put_text`] wrote; where it stands in `bytes`, of which `rest` is the end.
pub(super) fn take_text(bytes: &[u8], rest: &mut &[u8]) -> Result<Range<usize>, ObservationError> {
    let length = usize::try_from(take(rest)?).map_err(|_| ObservationError::Torn)?;
    skip(bytes, rest, length)
}

/// Takes `length` bytes; where they stand in `bytes`, of which `rest` is the end.
pub(super) fn skip(bytes: &[u8], rest: &mut &[u8], length: usize) -> Result<Range<usize>, ObservationError> {
    let start = bytes.len() - rest.len();
    *rest = rest.get(length..).ok_or(ObservationError::Torn)?;
    Ok(start..start + length)
}

/// Takes one byte.
pub(super) fn take_byte(rest: &mut &[u8]) -> Result<u8, ObservationError> {
    let (first, left) = rest.split_first().ok_or(ObservationError::Torn)?;
    *rest = left;
    Ok(*first)
}

/// Takes an address; its length stands before it unless `is_short`.
pub(super) fn take_address(rest: &mut &[u8], is_short: bool) -> Result<IpAddr, ObservationError> {
    let length = if is_short { 4 } else { take_byte(rest)? };
    match length {
        4 => take_octets::<4>(rest).map(IpAddr::from),
        16 => take_octets::<16>(rest).map(IpAddr::from),
        _ => Err(ObservationError::Torn),
    }
}

fn take_octets<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], ObservationError> {
    let (octets, left) = rest.split_first_chunk().ok_or(ObservationError::Torn)?;
    *rest = left;
    Ok(*octets)
}

//! How scoring's state is written: one entry for each entity, interface and peer group, and one for the gate.
//!
//! An entry's key is a letter and the 16 bytes of a hash under the state's seed; its value begins with a version. Numbers
//! are LEB128 (signed ones zigzag), texts stand after their lengths. Bytes that nobody wrote make an error, not a panic.

use super::histogram::{
    DecodeError,
    wire::{put, take, take_byte},
};

/// Why a stored state cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A key that no version wrote.
    #[error("could not restore scoring: key {0:?} is not known")]
    Key(Vec<u8>),
    /// An entry of another version.
    #[error("could not restore scoring: an entry has version {0}, this program reads {VERSION}")]
    Version(u8),
    /// Bytes that are no entry.
    #[error("could not restore scoring: {0}")]
    Bytes(#[from] DecodeError),
    /// A text that is none, or a name that is not known.
    #[error("could not restore scoring: an entry holds a bad text")]
    Text,
    /// Two entries that cannot both be, or bytes left over.
    #[error("could not restore scoring: an entry is not whole")]
    Torn,
    /// The state was made with other settings that its numbers depend on.
    #[error("could not restore scoring: it was learned with {name} {stored}, the config says {set}")]
    Settings {
        /// Which setting.
        name: &'static str,
        /// Its value when the state was made, in seconds.
        stored: u64,
        /// Its value now, in seconds.
        set: u64,
    },
}

/// Version of every entry.
pub(super) const VERSION: u8 = 4;

/// First byte of a key, by what the entry is.
pub(super) const ENTITY: u8 = b'e';
/// See [`ENTITY`].
pub(super) const INTERFACE: u8 = b'i';
/// See [`ENTITY`].
pub(super) const ADDRESS: u8 = b'a';
/// See [`ENTITY`].
pub(super) const GROUP: u8 = b'p';
/// See [`ENTITY`].
pub(super) const GATE: u8 = b'g';

/// The key of an entry.
pub(super) fn key(letter: u8, hash: u128) -> Vec<u8> {
    let mut key = vec![letter];
    key.extend_from_slice(&hash.to_be_bytes());
    key
}

/// The hash in a key.
pub(super) fn hash_of(key: &[u8]) -> Result<u128, StateError> {
    let octets = key.get(1..).and_then(|rest| rest.try_into().ok());
    octets.map(u128::from_be_bytes).ok_or_else(|| StateError::Key(key.to_vec()))
}

/// Appends an unsigned number.
pub(super) fn put_uint(number: u64, out: &mut Vec<u8>) {
    put(number, out);
}

/// Appends a signed number.
pub(super) fn put_int(number: i64, out: &mut Vec<u8>) {
    put((number << 1 ^ number >> 63) as u64, out);
}

/// Appends a text.
pub(super) fn put_text(text: &str, out: &mut Vec<u8>) {
    put(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Appends sixteen bytes.
pub(super) fn put_wide(number: u128, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends `value` with `write`, after a byte that says whether there is one.
pub(super) fn put_option<T>(value: Option<T>, out: &mut Vec<u8>, write: impl FnOnce(T, &mut Vec<u8>)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        write(value, out);
    }
}

/// Takes an entry's version.
pub(super) fn take_version(bytes: &mut &[u8]) -> Result<(), StateError> {
    match take_byte(bytes)? {
        VERSION => Ok(()),
        other => Err(StateError::Version(other)),
    }
}

/// Takes an unsigned number.
pub(super) fn take_uint(bytes: &mut &[u8]) -> Result<u64, StateError> {
    Ok(take(bytes)?)
}

/// Takes a number of things that follow, each of at least one byte.
pub(super) fn take_count(bytes: &mut &[u8]) -> Result<usize, StateError> {
    let count = usize::try_from(take(bytes)?).unwrap_or(usize::MAX);
    if count > bytes.len() { Err(DecodeError::Truncated.into()) } else { Ok(count) }
}

/// Takes a signed number.
pub(super) fn take_int(bytes: &mut &[u8]) -> Result<i64, StateError> {
    let number = take(bytes)?;
    Ok((number >> 1) as i64 ^ -((number & 1) as i64))
}

/// Takes a text.
pub(super) fn take_text<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, StateError> {
    let length = take_count(bytes)?;
    let (text, rest) = bytes.split_at(length);
    *bytes = rest;
    std::str::from_utf8(text).map_err(|_| StateError::Text)
}

/// Takes sixteen bytes.
pub(super) fn take_wide(bytes: &mut &[u8]) -> Result<u128, StateError> {
    let (octets, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(u128::from_be_bytes(*octets))
}

/// Takes what [`put_option`] wrote.
pub(super) fn take_option<'a, T>(
    bytes: &mut &'a [u8],
    read: impl FnOnce(&mut &'a [u8]) -> Result<T, StateError>,
) -> Result<Option<T>, StateError> {
    match take_byte(bytes)? {
        0 => Ok(None),
        1 => read(bytes).map(Some),
        _ => Err(StateError::Torn),
    }
}

/// Checks that an entry is over.
pub(super) fn take_end(bytes: &[u8]) -> Result<(), StateError> {
    if bytes.is_empty() { Ok(()) } else { Err(StateError::Torn) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_texts_come_back(int: i64, wide: u128, text: String, option: Option<u64>) {
            let mut out = Vec::new();
            put_int(int, &mut out);
            put_wide(wide, &mut out);
            put_text(&text, &mut out);
            put_option(option, &mut out, put_uint);
            let mut bytes = out.as_slice();
            prop_assert_eq!(take_int(&mut bytes).unwrap(), int);
            prop_assert_eq!(take_wide(&mut bytes).unwrap(), wide);
            prop_assert_eq!(take_text(&mut bytes).unwrap(), text);
            prop_assert_eq!(take_option(&mut bytes, take_uint).unwrap(), option);
            prop_assert!(take_end(bytes).is_ok());
        }
    }
}

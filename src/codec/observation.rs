//! Observations: what a worker that read a record says of it to the worker that scores its entity, by way of a topic.
//!
//! An observation is the record reduced to what scoring reads, with what only the first worker could tell: which side is
//! the entity's own. One is written for each key that a detector uses; what kind of key is part of it. The key itself is
//! that of Kafka's record. Bytes that nobody wrote make an error, never a panic.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | [`MAGIC`]: no compression, JSON or line of text begins so |
//! | 1 | [`VERSION`] |
//! | 1 | the kind of key in the low five bits; from the sixth on: the own side sends, addresses are IPv4 |
//! | text | the stream that the record came in: each has a watermark of its own |
//! | LEB128 | which fields follow: bit n stands for number n of [`CARRIED`] |
//! | | their values in that order |
//! | 1 | [`END`]: a source may put a line feed behind it, which must not pass for the last byte of a value |
//!
//! A mark stands between observations and says how far a stream has come: its kind of key is 31, and behind the stream's name stand
//! a time and the number of streams.
//!
//! Numbers are LEB128, `start` counts back from `end` (zigzag), an address is its 4 or 16 bytes (which, says its length
//! before it where one of them is IPv6), a text is the number of a word (0 for `ACCEPT`, 1 for `REJECT`) or eight more
//! than its length, and then its bytes.

mod wire;

#[cfg(test)]
mod tests;

use std::{net::IpAddr, ops::Range};

use crate::event::{Field, Kind};

use wire::{put, put_text, take, take_address, take_byte, take_text, unzigzag, zigzag};

/// First byte of every observation.
pub const MAGIC: u8 = b'o';
/// Last byte of every observation.
pub const END: u8 = b'.';
/// Second byte: the version that is written, and the only one that is read.
pub const VERSION: u8 = 1;

/// The fields that an observation can hold, by their numbers. New ones are put behind these.
pub const CARRIED: [Field; 30] = [
    Field::End,
    Field::Start,
    Field::Bytes,
    Field::Packets,
    Field::SrcAddr,
    Field::DstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Action,
    Field::AccountId,
    Field::InterfaceId,
    Field::TcpFlags,
    Field::PktSrcAddr,
    Field::PktDstAddr,
    Field::Region,
    Field::VpcId,
    Field::InstanceId,
    Field::EcsServiceName,
    Field::InstanceTag,
    Field::InstanceTag2,
    Field::InterfaceTag,
    Field::InterfaceTag2,
    Field::AsgTag,
    Field::AsgTag2,
    Field::InterfaceType,
    Field::NextHopInterfaceType,
    Field::PktSrcAwsService,
    Field::PktDstAwsService,
    Field::TrafficPath,
];

/// Texts that come so often that they have numbers. New ones are put behind these; there is room for eight.
const WORDS: [&[u8]; 2] = [b"ACCEPT", b"REJECT"];
const WORDS_MAX: u64 = 8;

/// The kind of key of a mark, which has none.
const MARK: u8 = 0b1_1111;
const KIND: u8 = 0b1_1111;
const SENDS: u8 = 1 << 5;
const SHORT: u8 = 1 << 6;

/// What kind of key an observation is sent by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum KeyKind {
    /// The internal entity that the record is scored for.
    Entity = 0,
    /// A service: an own address, port and protocol that others reach.
    Service = 1,
    /// An external address.
    External = 2,
    /// An entity and whom it talks to.
    Pair = 3,
    /// A session: both ends and both ports.
    Session = 4,
}

/// What a field says to whoever writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// A number.
    Uint(u64),
    /// An address.
    Address(IpAddr),
    /// A text.
    Text(&'a [u8]),
}

/// What a field says to whoever reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A number.
    Uint(u64),
    /// An address.
    Address(IpAddr),
    /// A text, by its place in the observation's bytes.
    Text(Range<usize>),
    /// A text that has a number.
    Word(&'static [u8]),
}

/// What an observation says beside its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What kind of key it was sent by.
    pub kind: KeyKind,
    /// Whether the own side sends.
    pub sends: bool,
    /// The stream that the record came in, by its place in the observation's bytes.
    pub stream: Range<usize>,
}

/// What bytes tell of their stream, and a time in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// An observation of it: its record ended then; 0 where it does not say when.
    Ended(&'a [u8], u64),
    /// A mark: all of it that ended before has been written; and how many streams there are, 0 where nobody could say.
    Passed(&'a [u8], u64, u64),
}

/// Why bytes are no observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObservationError {
    /// Something else stands there.
    #[error("could not read an observation: it begins as none")]
    Foreign,
    /// A later release wrote it.
    #[error(
        "could not read an observation: it has version {0}, this program reads {VERSION}; update the workers that score first"
    )]
    Version(u8),
    /// A kind of key, a field or a word that this version does not have.
    #[error("could not read an observation: it holds something that its version does not have")]
    Unknown,
    /// It ends too early, too late, or a number is none.
    #[error("could not read an observation: it is not whole")]
    Torn,
}

// === impl KeyKind ===

impl KeyKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Entity, Self::Service, Self::External, Self::Pair, Self::Session];
}

/// Appends the observation of a record of `stream` to `out`: what `say` says of the fields that are carried.
pub fn write<'a>(
    kind: KeyKind,
    sends: bool,
    stream: &[u8],
    say: impl Fn(Field) -> Option<Said<'a>>,
    out: &mut Vec<u8>,
) {
    let said = CARRIED.map(say);
    let is_long = |said: &Option<Said<'_>>| matches!(said, Some(Said::Address(IpAddr::V6(_))));
    let is_short = !said.iter().any(is_long);
    let flags = if sends { SENDS } else { 0 } | if is_short { SHORT } else { 0 };
    out.extend_from_slice(&[MAGIC, VERSION, kind as u8 | flags]);
    put_text(stream, out);
    let mask = said.iter().rev().fold(0_u64, |mask, said| mask << 1 | u64::from(said.is_some()));
    put(mask, out);
    let end = match said[0] {
        Some(Said::Uint(end)) => end,
        _ => 0,
    };
    for (field, said) in CARRIED.iter().zip(said) {
        match said {
            None => {}
            Some(Said::Uint(start)) if *field == Field::Start => put(zigzag(end.wrapping_sub(start)), out),
            Some(Said::Uint(number)) => put(number, out),
            Some(Said::Address(address)) => put_address(address, is_short, out),
            Some(Said::Text(text)) => match WORDS.iter().position(|word| *word == text) {
                Some(word) => put(word as u64, out),
                None => {
                    put(text.len() as u64 + WORDS_MAX, out);
                    out.extend_from_slice(text);
                }
            },
        }
    }
    out.push(END);
}

fn put_address(address: IpAddr, is_short: bool, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => {
            if !is_short {
                out.push(4);
            }
            out.extend_from_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            out.push(16);
            out.extend_from_slice(&address.octets());
        }
    }
}

/// Reads the observation that `bytes` hold, gives each field to `each` in the order of [`CARRIED`], and returns the rest of what it
/// says. A line feed may follow it.
///
/// # Errors
/// When the bytes are no observation; fields may have been given by then.
pub fn read(bytes: &[u8], mut each: impl FnMut(Field, Found)) -> Result<Head, ObservationError> {
    let mut rest = bytes;
    let (head, is_short) = read_head(bytes, &mut rest)?;
    let mask = take(&mut rest)?;
    if mask >> CARRIED.len() != 0 {
        return Err(ObservationError::Unknown);
    }
    let mut end = 0;
    for (number, field) in CARRIED.into_iter().enumerate() {
        if mask >> number & 1 == 0 {
            continue;
        }
        each(
            field,
            match field.info().kind {
                Kind::Uint(most) => {
                    let said = take(&mut rest)?;
                    let value = match field {
                        Field::Start => u64::wrapping_sub(end, unzigzag(said)),
                        _ => said,
                    };
                    if value > most {
                        return Err(ObservationError::Torn);
                    }
                    if field == Field::End {
                        end = value;
                    }
                    Found::Uint(value)
                }
                Kind::Address => Found::Address(take_address(&mut rest, is_short)?),
                Kind::Text | Kind::Action | Kind::LogStatus => read_text(bytes, &mut rest)?,
            },
        );
    }
    if is_over(rest) { Ok(head) } else { Err(ObservationError::Torn) }
}

/// Appends a mark to `out`: all of `stream` that ended before `passed`, in seconds since 1970, has been written, and there are so
/// many `streams`, 0 where nobody could say.
pub fn write_mark(stream: &[u8], passed: u64, streams: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[MAGIC, VERSION, MARK]);
    put_text(stream, out);
    put(passed, out);
    put(streams, out);
    out.push(END);
}

/// Reads only what bytes tell of their stream.
///
/// # Errors
/// As [`read`], as far as it looks; those of a mark are read to their end.
pub fn peek(bytes: &[u8]) -> Result<Told<'_>, ObservationError> {
    let mut rest = bytes;
    if bytes.get(..3) == Some(&[MAGIC, VERSION, MARK]) {
        rest = &bytes[3..];
        let stream = take_text(bytes, &mut rest)?;
        let (passed, streams) = (take(&mut rest)?, take(&mut rest)?);
        return if is_over(rest) {
            Ok(Told::Passed(&bytes[stream], passed, streams))
        } else {
            Err(ObservationError::Torn)
        };
    }
    let (head, _) = read_head(bytes, &mut rest)?;
    let mask = take(&mut rest)?;
    let end = if mask & 1 == 1 { take(&mut rest)? } else { 0 };
    Ok(Told::Ended(&bytes[head.stream], end))
}

/// Whether nothing is left but the end, and perhaps the line feed that a source has put behind it.
fn is_over(rest: &[u8]) -> bool {
    matches!(rest, [END] | [END, b'\n'])
}

fn read_head(bytes: &[u8], rest: &mut &[u8]) -> Result<(Head, bool), ObservationError> {
    if take_byte(rest)? != MAGIC {
        return Err(ObservationError::Foreign);
    }
    match take_byte(rest)? {
        VERSION => {}
        other => return Err(ObservationError::Version(other)),
    }
    let flags = take_byte(rest)?;
    let kind = KeyKind::ALL.get(usize::from(flags & KIND)).ok_or(ObservationError::Unknown)?;
    if flags & !(KIND | SENDS | SHORT) != 0 {
        return Err(ObservationError::Unknown);
    }
    let stream = take_text(bytes, rest)?;
    Ok((Head { kind: *kind, sends: flags & SENDS != 0, stream }, flags & SHORT != 0))
}

fn read_text(bytes: &[u8], rest: &mut &[u8]) -> Result<Found, ObservationError> {
    let said = take(rest)?;
    let Some(length) = said.checked_sub(WORDS_MAX) else {
        let word = WORDS.get(said as usize).ok_or(ObservationError::Unknown)?;
        return Ok(Found::Word(word));
    };
    let length = usize::try_from(length).map_err(|_| ObservationError::Torn)?;
    wire::skip(bytes, rest, length).map(Found::Text)
}

//! The values that a filter compares with, by what a field holds: how they are read, and written again.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use crate::quantity::ByteSize;

use super::{FilterFault, token::Word};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number.
    Number,
    /// A number of bytes.
    Bytes,
    /// Seconds since 1970.
    Time,
    /// An IPv4 or IPv6 address.
    Address,
}

/// A value as a field of its kind reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    Text(Box<str>),
    Address(IpAddr),
    Net(IpNet),
}

// === impl Kind ===

impl Kind {
    /// What it is, with its article.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Word(_) => "a word",
            Self::Number => "a number",
            Self::Bytes => "a number of bytes",
            Self::Time => "a time",
            Self::Address => "an address",
        }
    }

    /// Whether its values have an order.
    pub(super) fn is_ordered(self) -> bool {
        matches!(self, Self::Number | Self::Bytes | Self::Time)
    }
}

// === impl Value ===

impl Value {
    /// What `word` says of the field that was written as `field` and holds values of `kind`.
    pub(super) fn read(field: &str, kind: Kind, word: &Word<'_>) -> Result<Self, FilterFault> {
        let (text, quoted) = match word {
            Word::Bare(text) => (*text, false),
            Word::Quoted(text) => (text.as_str(), true),
            other => {
                let remedy = Some("write a text in quotation marks");
                return Err(FilterFault::Unexpected { expected: "a value", found: other.shown(), remedy });
            }
        };
        let read = match kind {
            Kind::Text => Some(Self::Text(text.into())),
            Kind::Word(words) => words
                .iter()
                .find(|word| word.eq_ignore_ascii_case(text))
                .map(|word| Self::Text((*word).into())),
            Kind::Number => whole(text).filter(|_| !quoted).map(Self::Number),
            Kind::Bytes => whole(text).or_else(|| text.parse().ok().map(ByteSize::as_u64)).map(Self::Number),
            Kind::Time => whole(text).or_else(|| seconds(text)).map(Self::Number),
            Kind::Address => address(text),
        };
        read.ok_or_else(|| FilterFault::WrongValue {
            field: field.to_owned(),
            kind: kind.name(),
            value: text.to_owned(),
            remedy: remedy(kind, text),
        })
    }
}

/// Digits alone, as a number.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A time as RFC 3339 writes it, in seconds since 1970.
fn seconds(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_second()).ok()
}

fn address(text: &str) -> Option<Value> {
    if let Ok(address) = text.parse() {
        return Some(Value::Address(address));
    }
    // A network whose address has bits behind its length is somebody's slip; which of the two is meant is not known.
    text.parse::<IpNet>().ok().filter(|net| net.addr() == net.network()).map(Value::Net)
}

fn remedy(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Text => "write it in quotation marks".to_owned(),
        Kind::Word(words) => format!("its values are {}", words.join(", ")),
        Kind::Number => "write it in digits, without quotation marks".to_owned(),
        Kind::Bytes => "write it in digits, or with a unit: 100MB, 1GiB".to_owned(),
        Kind::Time => "write `\"2026-11-21T12:00:00Z\"`, or seconds since 1970".to_owned(),
        Kind::Address => match text.parse::<IpNet>() {
            Ok(net) => format!("the network is written `{}`", net.trunc()),
            Err(_) => "write 10.0.0.7, 2001:db8::7, or after `in` a network such as 10.0.0.0/8".to_owned(),
        },
    }
}

/// A text in quotation marks.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

//! How a schema is stated: kinds of values, and what is wrong with a value that is none of its kind.

use std::net::IpAddr;

use super::{FaultReason, json::Json};

/// What a single value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// 64 bits with a sign.
    Integer,
    /// Any number.
    Float,
    Truth,
    /// An address, written in at most so many characters.
    Ip(usize),
    /// A hardware address: six pairs of hexadecimal digits, joined by colons or hyphens.
    Mac,
    Port,
    /// An instant in UTC as a text, by RFC 3339.
    Date,
    /// An instant in milliseconds since 1970, up to the year 9999.
    Millis,
    /// Latitude and longitude in degrees, as an object.
    Point,
    /// An object whose members are anybody's.
    Free,
}

const LAST_MILLIS: i128 = 253_402_300_799_999;

// === impl Kind ===

impl Kind {
    /// What is wrong with `value`, if it is none of these.
    pub(super) fn fault(self, value: &Json<'_>) -> Option<FaultReason> {
        let within = |low: i128, high: i128| match value {
            Json::Integer(number) if (low..=high).contains(number) => None,
            Json::Integer(_) => Some(FaultReason::OutOfRange),
            _ => Some(FaultReason::WrongType),
        };
        let is = |fits: bool| (!fits).then_some(FaultReason::WrongType);
        match self {
            Self::Text => is(value.text().is_some()),
            Self::Integer => within(i64::MIN.into(), i64::MAX.into()),
            Self::Float => is(matches!(value, Json::Integer(_) | Json::Float(_))),
            Self::Truth => is(matches!(value, Json::Truth(_))),
            Self::Port => within(0, 65_535),
            Self::Millis => within(0, LAST_MILLIS),
            Self::Free => is(matches!(value, Json::Object(_))),
            Self::Ip(longest) => {
                formatted(value, |text| text.len() <= longest && text.parse::<IpAddr>().is_ok())
            }
            Self::Mac => formatted(value, is_mac),
            Self::Date => formatted(value, is_date),
            Self::Point => point(value),
        }
    }
}

/// What is wrong with a text for which `fits` should hold.
fn formatted(value: &Json<'_>, fits: impl FnOnce(&str) -> bool) -> Option<FaultReason> {
    match value.text() {
        Some(text) if fits(text) => None,
        Some(_) => Some(FaultReason::BadFormat),
        None => Some(FaultReason::WrongType),
    }
}

/// Whether it is an instant in UTC, to the end of the year 9999.
fn is_date(text: &str) -> bool {
    let in_utc = text.strip_suffix('Z').filter(|text| text.as_bytes().get(10) == Some(&b'T'));
    in_utc.is_some_and(|text| text.parse::<jiff::civil::DateTime>().is_ok())
}

fn is_mac(text: &str) -> bool {
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split([':', '-']).count() == 6 && text.split([':', '-']).all(is_pair)
}

fn point(value: &Json<'_>) -> Option<FaultReason> {
    let Json::Object(members) = value else { return Some(FaultReason::WrongType) };
    let degrees = |name: &str, most: f64| match value.member(name) {
        Some(Json::Float(number)) => Some(number.abs() <= most),
        Some(Json::Integer(number)) => Some(number.unsigned_abs() <= most as u128),
        _ => None,
    };
    match (degrees("lat", 90.0), degrees("lon", 180.0)) {
        (Some(true), Some(true)) if members.len() == 2 => None,
        (Some(_), Some(_)) if members.len() == 2 => Some(FaultReason::OutOfRange),
        _ => Some(FaultReason::WrongType),
    }
}

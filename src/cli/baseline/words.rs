//! Numbers and times as people read them.

use jiff::Timestamp;

use crate::event::Feature;

/// What `feature` counts, after a number; bytes have units of their own.
fn unit(feature: Feature) -> &'static str {
    match feature {
        Feature::BytesOut | Feature::ExternalBytesOut | Feature::BytesIn => "",
        Feature::Packets => " packets",
        Feature::DestinationPorts => " ports",
        Feature::Peers => " peers",
        Feature::Sources => " sources",
        Feature::Rejects => " rejected flows",
    }
}

/// `value` of `feature`, with its unit.
pub(super) fn amount(feature: Feature, value: u64) -> String {
    if feature.is_bytes() { bytes(value) } else { format!("{}{}", grouped(value), unit(feature)) }
}

/// The same, short enough for an axis.
pub(super) fn short(feature: Feature, value: u64) -> String {
    if feature.is_bytes() { bytes(value) } else { grouped(value) }
}

/// A number of bytes with three digits: `1.5 KiB`.
pub(super) fn bytes(value: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut power = (value.max(1).ilog2() / 10) as usize;
    let mut scaled = value as f64 / 1024_f64.powi(power as i32);
    // What would be rounded to 1,024 of a unit is one of the next.
    if scaled >= 1_023.5 && power + 1 < UNITS.len() {
        (scaled, power) = (1.0, power + 1);
    }
    let decimals = if scaled >= 100.0 { 0 } else { 2 - usize::from(scaled >= 10.0) };
    let text = format!("{scaled:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {}", UNITS[power])
}

/// `68783` as `68,783`.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Seconds since 1970 as `2026-03-08 14:20`, UTC.
pub(super) fn minute(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).ok();
    time.map_or_else(|| seconds.to_string(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

/// Its day.
pub(super) fn day(seconds: i64) -> String {
    minute(seconds).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits_and_a_unit_of_1024() {
        for (value, text) in [
            (0, "0 B"),
            (1_000, "1000 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB"),
            (65_535, "64 KiB"),
            (112_000, "109 KiB"),
            (1_048_575, "1 MiB"),
            (1_288_490_189, "1.2 GiB"),
        ] {
            assert_eq!(bytes(value), text);
        }
    }

    #[test]
    fn counts_say_what_they_count() {
        assert_eq!(amount(Feature::DestinationPorts, 1_024), "1,024 ports");
        assert_eq!(amount(Feature::BytesOut, 2_048), "2 KiB");
        assert_eq!(minute(1_772_409_600), "2026-03-02 00:00");
    }
}

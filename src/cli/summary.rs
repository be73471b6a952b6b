//! The summary at the end of a run: what was read, where it went, and who rose above the mark, for a person.

use std::fmt;

use jiff::Timestamp;

use crate::{
    app::{CheckBooks, Report},
    event::Feature,
    normalize::Fault,
    score::{Highest, Scorer},
};

/// What a run did, ready to be printed.
pub(super) struct Summary<'a> {
    report: &'a Report,
    highest: Vec<Highest>,
}

/// Hosts that are named.
const HOSTS: usize = 5;
/// Reasons with their fields that are told of what was checked.
const FAULTS: usize = 10;
/// Characters of the longest bar.
const BAR: usize = 40;

/// Logs what was counted, a line for each source and sink: for who reads logs with a program.
pub(super) fn log(report: &Report) {
    for (name, source) in &report.books.sources {
        tracing::info!(
            source = &**name,
            records = source.records_received.get(),
            events = source.entries_parsed.get(),
            quarantined = source.entries_quarantined_sum(),
            elapsed_ms = report.elapsed_ms,
            "this source has ended"
        );
    }
    for (name, sink) in &report.books.sinks {
        let (documents, bytes) = (sink.documents_delivered.get(), sink.bytes_delivered.get());
        let waiting = sink.documents_in_flight.get();
        tracing::info!(sink = &**name, documents, bytes, waiting, "this sink has ended");
    }
    for (name, checks) in &report.books.checks {
        let (checked, unsound, unchecked) =
            (checks.checked.get(), checks.unsound.get(), checks.unchecked.get());
        tracing::info!(sink = &**name, checked, unsound, unchecked, "documents were checked");
        for (Fault { reason, field }, documents) in checks.faults() {
            tracing::warn!(sink = &**name, %reason, field, documents, "documents did not follow their schema");
        }
    }
}

// === impl Summary ===

impl<'a> Summary<'a> {
    pub(super) fn new(report: &'a Report, scorer: Option<&Scorer>) -> Self {
        Self { report, highest: scorer.map(|scorer| scorer.highest(HOSTS)).unwrap_or_default() }
    }

    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let books = &self.report.books;
        let seconds = self.report.elapsed_ms.max(1) as f64 / 1e3;
        let events: u64 = books.sources.values().map(|source| source.entries_parsed.get()).sum();
        for (name, source) in &books.sources {
            let records = source.records_received.get();
            let rate = records as f64 / seconds;
            writeln!(
                f,
                "{name}: {} records in {seconds:.2} s, {} a second; {} events, {} quarantined, {} headers and blank lines",
                grouped(records),
                grouped(rate as u64),
                grouped(source.entries_parsed.get()),
                grouped(source.entries_quarantined_sum()),
                source.entries_ignored_header.get() + source.entries_ignored_blank.get(),
            )?;
        }
        for (name, sink) in &books.sinks {
            let (delivered, bytes) = (sink.documents_delivered.get(), sink.bytes_delivered.get());
            write!(f, "{name}: {} documents delivered, {}", grouped(delivered), amount(bytes, "B"))?;
            if let Some(each) = bytes.checked_div(events) {
                write!(f, ", {} B for each event read", grouped(each))?;
            }
            let left_out = [(&sink.documents_filtered, "filtered"), (&sink.documents_sampled, "sampled")];
            for (count, word) in left_out.map(|(counter, word)| (counter.get(), word)) {
                if count > 0 {
                    write!(f, "; {} {word}", grouped(count))?;
                }
            }
            match u64::try_from(sink.documents_in_flight.get()) {
                Ok(waiting) if waiting > 0 => {
                    writeln!(f, "; {} wait in the disk buffer for the next run", grouped(waiting))?;
                }
                _ => writeln!(f)?,
            }
        }
        for (name, checks) in &books.checks {
            writeln!(f, "{name}: {}", checked(checks))?;
        }
        Ok(())
    }

    fn hosts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.highest.is_empty() {
            return writeln!(
                f,
                "\nNo host has a score yet: a score needs 24 windows of ten minutes, a host's and its peers'."
            );
        }
        writeln!(f, "\nWho rose highest above the usual mark")?;
        for highest in &self.highest {
            let Highest { entity, host, score, window_start, .. } = highest;
            let usual = score.usual;
            writeln!(
                f,
                "  {:>3}  {:<28} {}  {}; usual {}, p99 {}, largest {} ({} windows, {} of peers)",
                score.points,
                host.as_deref()
                    .map_or_else(|| entity.name().to_owned(), |host| format!("{host} {}", entity.name())),
                minute(*window_start),
                saw(score.feature, score.observed),
                value(score.feature, usual.median),
                value(score.feature, usual.p99),
                value(score.feature, usual.max),
                usual.samples,
                usual.peer_samples,
            )?;
        }
        Ok(())
    }

    /// The first host's windows by size, and where its highest one stands among them.
    fn picture(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Highest { entity, host, score, window_start, sizes, .. }) = self.highest.first() else {
            return Ok(());
        };
        let name = host.as_deref().unwrap_or(entity.name());
        let what = match score.feature {
            Feature::BytesOut => "bytes sent in ten minutes",
            Feature::ExternalBytesOut => "bytes sent outside in ten minutes",
            Feature::BytesIn => "bytes received in ten minutes",
            Feature::Packets => "packets in ten minutes",
            Feature::DestinationPorts => "ports sent to in ten minutes",
            Feature::Peers => "addresses sent to in ten minutes",
            Feature::Sources => "addresses that sent to it in ten minutes",
            Feature::Rejects => "flows rejected in ten minutes",
        };
        writeln!(f, "\n{name}, {what}: its windows so far, and that of {}", minute(*window_start))?;
        let row_of = |value: u64| value.max(1).ilog10();
        let mut rows = [0_u64; 20];
        for (value, windows) in sizes {
            rows[row_of(*value) as usize] += windows;
        }
        let mark = row_of(score.observed);
        let first = rows.iter().position(|windows| *windows > 0).map_or(mark, |row| row as u32).min(mark);
        let last = rows.iter().rposition(|windows| *windows > 0).map_or(mark, |row| row as u32).max(mark);
        let most = rows.iter().copied().max().unwrap_or(0).max(1);
        for row in first..=last {
            let windows = rows[row as usize];
            let low = value(score.feature, 10_u64.pow(row));
            let length = (windows as usize * BAR).div_ceil(most as usize);
            let count = if windows > 0 { format!(" {windows}") } else { String::new() };
            let here = if row == mark {
                format!("  ◀ {}", value(score.feature, score.observed))
            } else {
                String::new()
            };
            writeln!(f, "  from {low:>8} {}{count}{here}", "█".repeat(length))?;
        }
        Ok(())
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts(f)?;
        self.hosts(f)?;
        self.picture(f)
    }
}

/// What the check of a sink's documents has found.
fn checked(checks: &CheckBooks) -> String {
    let (unsound, unchecked) = (checks.unsound.get(), checks.unchecked.get());
    let mut told = format!("{} documents checked", grouped(checks.checked.get()));
    told += &match unsound {
        0 => ", all sound".to_owned(),
        unsound => format!(", {} unsound", grouped(unsound)),
    };
    if unchecked > 0 {
        told += &format!("; {} more for which the check had no room", grouped(unchecked));
    }
    for (Fault { reason, field }, documents) in checks.faults().iter().take(FAULTS) {
        told += &format!("\n  {} {reason}: {field}", grouped(*documents));
    }
    told
}

fn saw(feature: Feature, observed: u64) -> String {
    let value = value(feature, observed);
    match feature {
        Feature::BytesOut => format!("sent {value}"),
        Feature::ExternalBytesOut => format!("sent {value} outside"),
        Feature::BytesIn => format!("received {value}"),
        Feature::Packets => format!("sent and received {value}"),
        Feature::DestinationPorts | Feature::Peers => format!("sent to {value}"),
        Feature::Sources => format!("was sent to by {value}"),
        Feature::Rejects => format!("had {value} rejected"),
    }
}

fn value(feature: Feature, value: u64) -> String {
    let (one, many) = match feature {
        Feature::BytesOut | Feature::ExternalBytesOut | Feature::BytesIn => return amount(value, "B"),
        Feature::Packets => ("packet", "packets"),
        Feature::DestinationPorts => ("port", "ports"),
        Feature::Peers | Feature::Sources => ("address", "addresses"),
        Feature::Rejects => ("flow", "flows"),
    };
    format!("{value} {}", if value == 1 { one } else { many })
}

/// `1020000000` as `1.02 GB`.
fn amount(value: u64, unit: &str) -> String {
    const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let power = (value.max(1).ilog10() / 3) as usize;
    let scaled = value as f64 / 1e3_f64.powi(power as i32);
    let decimals = if power == 0 || scaled >= 100.0 { 0 } else { 2 - usize::from(scaled >= 10.0) };
    format!("{scaled:.decimals$} {}{unit}", PREFIXES[power])
}

/// `68783` as `68,783`.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Seconds since 1970 as `2026-03-08 14:20`, UTC.
fn minute(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| seconds.to_string(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_digits_and_a_prefix() {
        for (value, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_024, "1.02 kB"),
            (48_300, "48.3 kB"),
            (2_100_000, "2.10 MB"),
            (1_018_019_100, "1.02 GB"),
            (999_000_000, "999 MB"),
        ] {
            assert_eq!(amount(value, "B"), text);
        }
    }

    #[test]
    fn digits_are_grouped_by_three() {
        for (value, text) in [(7, "7"), (999, "999"), (68_783, "68,783"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(value), text);
        }
    }
}

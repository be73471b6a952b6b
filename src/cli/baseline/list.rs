//! `floodmark baseline list`: a line for every entity.

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;

use super::{
    Exit, Failure, From, out, tell,
    words::{grouped, minute},
};
use crate::{
    event::Feature,
    score::review::{About, Baseline, SPANS},
};

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only entities whose name, with its scope, holds this.
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    from: From,
    /// What to sort by: numbers from the largest down.
    #[arg(long, value_enum, default_value_t = Sort::Name)]
    sort: Sort,
    /// No more than so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// As JSON: an array with an object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// By scope, kind and name.
    Name,
    /// By how far the baseline may be trusted.
    Maturity,
    /// By the windows that it is worth.
    Samples,
    /// By when it was seen first.
    FirstSeen,
    /// By when it was seen last.
    LastSeen,
    /// By the windows that were held out.
    HeldOut,
    /// By what is in quarantine.
    Quarantine,
    /// By how many features drift.
    Drift,
}

/// One entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Line {
    class: Option<String>,
    days: u16,
    drifting: Vec<String>,
    entity: String,
    first_seen: Option<i64>,
    in_quarantine: usize,
    kind: String,
    last_seen: Option<i64>,
    maturity: &'static str,
    peer_group: String,
    samples: u32,
    windows_held_out: u32,
    #[serde(skip)]
    trust: usize,
}

// === impl Line ===

impl Line {
    fn of(row: &Baseline, about: &About) -> Self {
        let maturity = row.maturity(about);
        Self {
            class: row.class.clone(),
            days: row.habits.as_ref().map_or(0, |habits| habits.days),
            drifting: row.drifting().into_iter().map(str::to_owned).collect(),
            entity: row.full_name(),
            first_seen: row.first_window_start,
            in_quarantine: row.habits.as_ref().map_or(0, |habits| habits.quarantine.len()),
            kind: row.kind.clone(),
            last_seen: row.last_seen(),
            maturity: maturity.name(),
            peer_group: row.peer_group.clone(),
            samples: row.reading(about, SPANS[0].0, Feature::BytesOut).samples,
            windows_held_out: row.windows_held_out,
            trust: maturity as usize,
        }
    }

    /// What it is sorted by, the largest first.
    fn rank(&self, sort: Sort) -> i64 {
        match sort {
            Sort::Name => 0,
            Sort::Maturity => self.trust as i64,
            Sort::Samples => self.samples.into(),
            Sort::FirstSeen => self.first_seen.unwrap_or(i64::MIN),
            Sort::LastSeen => self.last_seen.unwrap_or(i64::MIN),
            Sort::HeldOut => self.windows_held_out.into(),
            Sort::Quarantine => self.in_quarantine as i64,
            Sort::Drift => self.drifting.len() as i64,
        }
    }

    fn cells(&self) -> [String; 12] {
        let time = |seconds: Option<i64>| seconds.map_or_else(String::new, minute);
        [
            self.entity.clone(),
            self.kind.clone(),
            self.class.clone().unwrap_or_default(),
            self.peer_group.clone(),
            self.maturity.to_owned(),
            grouped(self.samples.into()),
            self.days.to_string(),
            time(self.first_seen),
            time(self.last_seen),
            grouped(self.windows_held_out.into()),
            self.in_quarantine.to_string(),
            self.drifting.join(" "),
        ]
    }
}

const HEAD: [&str; 12] = [
    "ENTITY",
    "KIND",
    "CLASS",
    "GROUP",
    "MATURITY",
    "WINDOWS",
    "DAYS",
    "FIRST SEEN",
    "LAST SEEN",
    "HELD OUT",
    "QUARANTINE",
    "DRIFT",
];
/// Columns of numbers, which end below each other.
const NUMBERS: [usize; 4] = [5, 6, 9, 10];

// === impl List ===

impl List {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let rows = self.from.find()?.rows()?;
        let wanted = self.text.as_deref().unwrap_or_default();
        let named = |row: &&Baseline| row.unique_name().contains(wanted);
        let found = rows.baselines.iter().filter(named);
        let mut lines: Vec<Line> = found.map(|row| Line::of(row, &rows.about)).collect();
        // They are sorted by name already, and stay so among equals.
        lines.sort_by_key(|line| std::cmp::Reverse(line.rank(self.sort)));
        let found = lines.len();
        lines.truncate(self.limit.unwrap_or(usize::MAX));
        let mut out = out();
        if self.json {
            for (nth, line) in lines.iter().enumerate() {
                let line = serde_json::to_string(line).map_err(std::io::Error::from)?;
                writeln!(out, "{}{line}", if nth == 0 { "[" } else { "," })?;
            }
            writeln!(out, "{}", if lines.is_empty() { "[]" } else { "]" })?;
        } else if !lines.is_empty() {
            for line in table(&lines) {
                writeln!(out, "{line}")?;
            }
        }
        out.flush()?;
        drop(out);
        tell(format_args!(
            "{} of {} entities, as of {} UTC",
            grouped(lines.len() as u64),
            grouped(if wanted.is_empty() { found } else { rows.baselines.len() } as u64),
            minute(rows.about.folded_until)
        ));
        Ok(Exit::Success)
    }
}

/// The table of `lines`, with its head; columns are as wide as they must be.
fn table(lines: &[Line]) -> Vec<String> {
    let cells: Vec<[String; 12]> =
        std::iter::once(HEAD.map(str::to_owned)).chain(lines.iter().map(Line::cells)).collect();
    let wide = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 12] = std::array::from_fn(wide);
    let line = |row: &[String; 12]| {
        let cell = |(column, text): (usize, &String)| {
            let width = widths[column];
            if NUMBERS.contains(&column) { format!("{text:>width$}") } else { format!("{text:width$}") }
        };
        let texts: Vec<_> = row.iter().enumerate().map(cell).collect();
        texts.join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_numbers_end_below_each_other() {
        let line = |entity: &str, samples| Line {
            entity: entity.to_owned(),
            samples,
            kind: "address".to_owned(),
            class: Some("workload".to_owned()),
            peer_group: "all".to_owned(),
            maturity: "mature",
            days: 9,
            drifting: vec!["peers".to_owned()],
            first_seen: Some(1_772_409_600),
            last_seen: None,
            in_quarantine: 2,
            windows_held_out: 7,
            trust: 2,
        };
        let drawn = table(&[line("1/10.0.0.1", 1_044), line("1/10.0.0.112", 7)]).join("\n");
        let expected = "\
ENTITY        KIND     CLASS     GROUP  MATURITY  WINDOWS  DAYS  FIRST SEEN        LAST SEEN  HELD OUT  QUARANTINE  DRIFT
1/10.0.0.1    address  workload  all    mature      1,044     9  2026-03-02 00:00                    7           2  peers
1/10.0.0.112  address  workload  all    mature          7     9  2026-03-02 00:00                    7           2  peers";
        assert_eq!(drawn, expected, "\n{drawn}");
    }
}

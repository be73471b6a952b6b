//! `floodmark backtest`: past flow logs through the detectors, before they are switched on, and what comes of it.

mod scratch;

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use clap::ValueEnum;

use super::{
    Exit,
    bar::{Bar, Come},
    run::{carried_out, read_config},
    tell,
};
use crate::{
    app::{Books, Options, begin_with},
    backtest::{Backtest as Measured, Found, Label, Side, Span, incidents, measure},
    config::{self, Config},
    source::file::{ArchiveProgress, Lanes, archive},
};

use scratch::Scratch;

/// Run past flow logs through the detectors, and measure what is found.
///
/// The engine is the one of `run`, with the `score` and `enrich` of the config and a state of its own: nothing is written but the outcome.
/// Flow logs teach it as they are read, so measure from later on with `--from`: a third of the time to learn from is a good choice.
/// Files are told apart by flow log where they have the names that AWS gives them; files of other names are read in order of name, as one.
#[derive(Debug, clap::Args)]
pub(super) struct Backtest {
    /// Flow logs: files, folders and patterns, plain or compressed with gzip or zstd.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// A config: its `score`, its `enrich` and its `limits` hold, and the format of its only source. Default: the defaults.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to begin with: the folder of a state, which stays as it is, a folder that `learn --out` wrote, or a baseline's file.
    /// Default: nothing is known.
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
    /// What is known to have happened, an object a line, as `generate --labels` writes it: `kind`, `attack`, `address`, `start`, `end`,
    /// and, where known, `account`, `vpc`, `service`, `interface`, `instance`, `peer`.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// From when on to measure: 2026-11-22, or 2026-11-22T01:02:03Z. Default: everything.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<u64>,
    /// How the outcome is written to stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Two configs over the same flow logs: what the second one gains and loses.
    #[arg(long, value_names = ["OLD", "NEW"], num_args = 2, conflicts_with = "config")]
    compare: Option<Vec<PathBuf>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
}

/// What a config found.
struct Ran {
    alerts: Vec<Found>,
    /// When the first and the last record ended, in seconds since 1970.
    period: (u64, u64),
    late: u64,
    records: u64,
    quarantined: u64,
}

// === impl Backtest ===

impl Backtest {
    pub(super) fn run(self) -> Exit {
        match self.measured() {
            Ok(measured) => self.print(&measured),
            Err(exit) => exit,
        }
    }

    fn measured(&self) -> Result<Measured, Exit> {
        let configs = self.configs()?;
        let labels = self.labels.as_deref().map(read_labels).transpose()?;
        let files = archive(&self.paths).map_err(|error| {
            tell(&error);
            Exit::NoInput
        })?;
        let scratch = Scratch::new().map_err(|error| {
            tell(format_args!(
                "could not make a folder for what is found: {error}; set TMPDIR to one that can be written"
            ));
            Exit::Unavailable
        })?;
        let mut ran = Vec::new();
        for (name, config) in configs {
            ran.push((name, self.carry_out(config.as_ref(), &files, &scratch)?));
        }
        let (_, first) = &ran[0];
        let span = self.span(first.period)?;
        Ok(Measured {
            span,
            records: first.records,
            quarantined: first.quarantined,
            late: first.late,
            sides: ran.iter().map(|(name, ran)| side(name, ran, labels.as_deref(), span)).collect(),
            labels,
        })
    }

    /// The configs by name: one, or the old one and the new one.
    fn configs(&self) -> Result<Vec<(String, Option<Config>)>, Exit> {
        let paths = self.compare.iter().flatten().chain(&self.config);
        let read = |path: &PathBuf| Ok((path.display().to_string(), Some(read_config(path)?)));
        let configs = paths.map(read).collect::<Result<Vec<_>, Exit>>()?;
        Ok(if configs.is_empty() { vec![("the defaults".to_owned(), None)] } else { configs })
    }

    fn carry_out(&self, config: Option<&Config>, files: &[PathBuf], scratch: &Scratch) -> Result<Ran, Exit> {
        let room = scratch.room().map_err(|error| {
            tell(format_args!("could not make a folder for what is found: {error}"));
            Exit::Unavailable
        })?;
        let findings = room.join("findings.ndjson");
        let over = Config::over_archive(config, &findings.display().to_string()).map_err(|error| {
            tell(error);
            Exit::Config
        })?;
        let progress = Arc::new(ArchiveProgress::default());
        let options = Options {
            archive: Some(Lanes::new(files, Arc::clone(&progress))),
            baseline: self.begin(&room)?,
            ..Options::default()
        };
        let mut bar = None;
        let watch = |books| bar = Some(Bar::start(move || come(&progress, &books)));
        let done = carried_out(over, options, false, watch);
        if let Some(bar) = bar {
            bar.end();
        }
        let (report, scorer) = done?;
        if !report.inputs_ended {
            tell("stopped before the end of the flow logs: nothing is measured");
            return Err(Exit::Code(75));
        }
        let covered = scorer.map(|scorer| scorer.covered()).unwrap_or_default();
        let Some(period) = covered.period else {
            tell(match covered.late {
                0 => "nothing can be measured: no record has addresses and a time",
                _ => {
                    "--baseline: every record is from before what the baseline knows; give flow logs of later"
                }
            });
            return Err(Exit::NoInput);
        };
        let sources = || report.books.sources.values();
        Ok(Ran {
            alerts: read_alerts(&findings)?,
            period,
            late: covered.late,
            records: sources().map(|books| books.records_received.get()).sum(),
            quarantined: sources().map(|books| books.entries_quarantined_sum()).sum(),
        })
    }

    /// The baseline to begin with, where one is wanted.
    fn begin(&self, room: &Path) -> Result<Option<config::Baseline>, Exit> {
        let begun = self.baseline.as_deref().map(|path| begin_with(path, room)).transpose();
        begun.map_err(|error| {
            tell(format_args!("--baseline: {error}"));
            Exit::Code(error.exit_code())
        })
    }

    /// What is measured of flow logs whose records end between `first` and `last`.
    fn span(&self, (first, last): (u64, u64)) -> Result<Span, Exit> {
        let end = last + 1;
        let start = self.from.unwrap_or(first).max(first);
        if start >= end {
            let last = i64::try_from(last).ok().and_then(|last| jiff::Timestamp::from_second(last).ok());
            let last = last.unwrap_or_default();
            tell(format_args!(
                "--from: nothing is left to measure, the flow logs end at {last}; give an earlier time"
            ));
            return Err(Exit::Usage);
        }
        Ok(Span { start, end })
    }

    fn print(&self, measured: &Measured) -> Exit {
        let text = match self.format {
            Format::Table => measured.to_string(),
            Format::Json => format!("{:#}\n", measured.json()),
        };
        match std::io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                tell(format_args!("could not write to stdout: {error}"));
                Exit::Unavailable
            }
            _ => Exit::Success,
        }
    }
}

fn side(name: &str, ran: &Ran, labels: Option<&[Label]>, span: Span) -> Side {
    let incidents = incidents(&ran.alerts, labels.unwrap_or_default(), span.start);
    let measures = measure(&incidents, labels, span);
    Side { name: name.to_owned(), incidents, measures }
}

fn come(progress: &ArchiveProgress, books: &Books) -> Come {
    Come {
        bytes_total: progress.bytes_total.load(Ordering::Relaxed),
        bytes: progress.bytes.load(Ordering::Relaxed),
        records: books.sources.values().map(|books| books.records_received.get()).sum(),
        windows: (0, 0),
    }
}

fn read_labels(path: &Path) -> Result<Vec<Label>, Exit> {
    let told = |error: &dyn std::fmt::Display| {
        tell(format_args!("--labels {}: {error}", path.display()));
        Exit::NoInput
    };
    let file = File::open(path).map_err(|error| told(&error))?;
    Label::all(BufReader::new(file)).map_err(|error| told(&error))
}

/// The alerts in the file that the sink wrote, which is not there where nothing was found.
fn read_alerts(path: &Path) -> Result<Vec<Found>, Exit> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            tell(format_args!("could not read {}: {error}", path.display()));
            return Err(Exit::Unavailable);
        }
    };
    Found::alerts(BufReader::new(file)).map_err(|error| {
        tell(error);
        Exit::Software
    })
}

/// A day or a moment, in seconds since 1970.
fn moment(text: &str) -> Result<u64, String> {
    let midnight = |day: jiff::civil::Date| day.to_zoned(jiff::tz::TimeZone::UTC).map(|day| day.timestamp());
    let moment = text.parse::<jiff::Timestamp>().or_else(|_| text.parse().and_then(midnight));
    let seconds = moment.ok().and_then(|moment| u64::try_from(moment.as_second()).ok());
    seconds.ok_or_else(|| "expected a day, as 2026-11-22, or a time, as 2026-11-22T01:02:03Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_day_or_a_time() {
        assert_eq!(moment("1970-01-02"), Ok(86_400));
        assert_eq!(moment("1970-01-02T00:00:07Z"), Ok(86_407));
        assert_eq!(moment("1970-01-02T01:00:00+01:00"), Ok(86_400));
        for text in ["yesterday", "", "1969-12-31", "2026-13-01"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}

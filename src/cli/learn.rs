//! `floodmark learn`: an archive of flow logs to baselines that `run` begins with, and what stood out of it.

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{
    Exit,
    bar::{Bar, Come},
    run::read_config,
    tell,
};
use crate::{
    app::{LearnOptions, LearnProgress, Taught, allow_huge_pages, learn},
    quantity::ByteSize,
    score::{HeldOut, Report},
};

/// Learn baselines from an archive of flow logs, and list what stood out of it.
///
/// The order of files means nothing. What stands out of the whole archive is not learned, and listed: it is where to look
/// back. `run --baseline FILE` begins with what was learned.
#[derive(Debug, clap::Args)]
pub(super) struct Learn {
    /// Flow logs: files, folders and patterns, plain or compressed with gzip or zstd; and parts that `--partial` wrote.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The folder for the baselines and `report.json`.
    #[arg(long, value_name = "DIR", required_unless_present = "partial", conflicts_with = "partial")]
    out: Option<PathBuf>,
    /// A config: its `score`, its assets and internal networks hold, and the format of its only source.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Threads that read [default: one for each processor].
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Only read, and write what was found to this file: parts are merged by `learn PART… --out DIR`, which gives what
    /// learning everything at once would give. All parts need the same `--seed` and config.
    #[arg(long, value_name = "FILE")]
    partial: Option<PathBuf>,
    /// A file with the seed of the hashes, 16 hexadecimal digits; made, and kept secret, where there is none. Without it
    /// each run has its own.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// The most memory for what is gathered before it is learned: about 200 bytes for ten minutes of an entity.
    #[arg(long, value_name = "BYTES", default_value = "4GiB")]
    max_memory: ByteSize,
}

/// Held-out windows that are shown; the report has all.
const SHOWN: usize = 20;

// === impl Learn ===

impl Learn {
    pub(super) fn run(self) -> Exit {
        let config = match self.config.as_deref().map(read_config).transpose() {
            Ok(config) => config,
            Err(exit) => return exit,
        };
        allow_huge_pages(self.max_memory.as_u64());
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let options = LearnOptions {
            paths: self.paths,
            threads: self.threads.map_or(processors, NonZeroUsize::get),
            partial: self.partial,
            out: self.out,
            seed: self.seed,
            memory_bytes_max: self.max_memory.as_u64(),
        };
        let progress = Arc::new(LearnProgress::default());
        let shown = Arc::clone(&progress);
        let bar = Bar::start(move || come(&shown));
        let taught = learn(config.as_ref(), &options, &progress);
        bar.end();
        match taught {
            Ok(Taught::Part(path, rows)) => {
                tell(format_args!(
                    "wrote {rows} rows to {}\nmerge all parts: floodmark learn PART… --out DIR",
                    path.display()
                ));
                Exit::Success
            }
            Ok(Taught::Baselines(path, report)) => {
                tell_report(&report);
                let config = if config.is_some() { "" } else { "with the default `score`, " };
                tell(format_args!(
                    "wrote {}\nto begin with it, {config}in an empty state: floodmark run --config FILE --baseline {}",
                    path.display(),
                    path.display()
                ));
                Exit::Success
            }
            Ok(Taught::Nothing(report)) => {
                tell_report(&report);
                tell(
                    "nothing could be learned: no record is of an entity inside; see `enrich.internal` and `score.identity`",
                );
                Exit::NoInput
            }
            Err(error) => {
                tell(&error);
                Exit::Code(error.exit_code())
            }
        }
    }
}

fn come(progress: &LearnProgress) -> Come {
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Come {
        bytes_total: load(&progress.bytes_total),
        bytes: load(&progress.bytes),
        records: load(&progress.records),
        windows: (load(&progress.windows), load(&progress.windows_total)),
    }
}

fn tell_report(report: &Report) {
    let Report { coverage, period, gaps, entities, .. } = report;
    tell(format_args!("{} files, {} records", coverage.files, coverage.records));
    let others = [
        (coverage.files_repeated, "files left out that begin like another"),
        (coverage.no_data, "records of no traffic (NODATA)"),
        (coverage.skip_data, "records of skipped flows (SKIPDATA): what they skipped is in no baseline"),
        (coverage.without_addresses, "records without addresses"),
        (coverage.without_end, "records without an end"),
        (coverage.too_far_ahead, "records from more than a day ahead"),
        (coverage.nobody, "records of nobody inside"),
        (coverage.repeated, "records that came before, and count once"),
    ];
    for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
        tell(format_args!("  {count} {what}"));
    }
    for (reason, count) in &coverage.quarantined {
        tell(format_args!("  {count} could not be read: {reason}"));
    }
    if let Some(period) = period {
        tell(format_args!("from {} to {}, {} gaps", period.start, period.end, gaps.len()));
    }
    for gap in gaps.iter().take(SHOWN) {
        tell(format_args!("  nothing from {} to {}", gap.start, gap.end));
    }
    tell(format_args!(
        "{} entities: {} mature, {} shrunk, {} warming; {} refused",
        entities.all, entities.mature, entities.shrunk, entities.warming, entities.refused
    ));
    tell(format_args!(
        "{} windows learned, {} held out, {} beyond what their day may teach",
        report.windows_learned, report.windows_held_out, report.windows_capped
    ));
    tell_held_out(&report.held_out);
}

fn tell_held_out(held_out: &[HeldOut]) {
    if held_out.is_empty() {
        return;
    }
    let mut most: Vec<&HeldOut> = held_out.iter().collect();
    most.sort_by_key(|one| (std::cmp::Reverse((one.of_whole_archive, one.score)), &one.window_start));
    let columns = ["window", "score", "feature", "observed", "usual", "p99", "entity"];
    let row = |[window, score, feature, observed, usual, p99, entity]: [&str; 7]| {
        tell(format_args!(
            "{window:<20} {score:>5} {feature:<19} {observed:>14} {usual:>14} {p99:>14}  {entity}"
        ));
    };
    tell(format_args!(
        "where to look back, the most surprising of {} (all are in report.json):",
        held_out.len()
    ));
    row(columns);
    for one in most.iter().take(SHOWN) {
        row([
            &one.window_start,
            &one.score.to_string(),
            &one.feature,
            &one.observed.to_string(),
            &one.usual.median.to_string(),
            &one.usual.p99.to_string(),
            &format!("{} {} {}", one.kind, one.entity, one.scope),
        ]);
    }
}

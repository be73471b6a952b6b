//! Learning an archive: reads its files side by side into tables, merges them, and writes baselines that `run` begins with.

mod error;
mod part;
mod reading;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub use error::LearnError;

use super::{
    build::widened,
    snapshots::{facts, snapshot_name},
};
use crate::{
    config::{Config, Past},
    score::{self, Report, Table, Tenant, settle},
    source::file::archive,
    state::snapshot::{Facts, Section, SnapshotError, Written, give_name, write_temporary},
    telemetry::{clock, metrics::Metrics, seed},
};

use part::{is_part, read_part, seed_in, seed_of_parts, write_part};
use reading::{Bench, read_all};

/// What is to be learned, and where it goes.
#[derive(Debug, Clone, Default)]
pub struct LearnOptions {
    /// Files, folders and patterns; and parts that were written before.
    pub paths: Vec<PathBuf>,
    /// Threads that read; at least one.
    pub threads: usize,
    /// Where the part goes, if this is only a part of the archive.
    pub partial: Option<PathBuf>,
    /// The folder where baselines and report go.
    pub out: Option<PathBuf>,
    /// A file that holds the seed of the hashes; made where there is none.
    pub seed: Option<PathBuf>,
    /// The most bytes that tables may take.
    pub memory_bytes_max: u64,
}

/// How far learning has come; shared with whoever shows it.
#[derive(Debug, Default)]
pub struct LearnProgress {
    /// Bytes of all files.
    pub bytes_total: AtomicU64,
    /// Bytes of the files that are read.
    pub bytes: AtomicU64,
    /// Records so far.
    pub records: AtomicU64,
    /// Windows of entities that there are, once everything is read.
    pub windows_total: AtomicU64,
    /// Those that are learned.
    pub windows: AtomicU64,
}

/// What came of it.
#[derive(Debug)]
pub enum Taught {
    /// A part, with so many rows, was written to this file.
    Part(PathBuf, u64),
    /// Baselines were written to this file; the report stands beside it.
    Baselines(PathBuf, Box<Report>),
    /// There was nothing that could be learned; the report says why.
    Nothing(Box<Report>),
}

/// Name of the report beside the baselines.
const REPORT: &str = "report.json";
/// How far ahead of the clock a record may lie, in seconds, as `run` has it.
const AHEAD_MAX: u64 = 86_400;

/// Learns what `options` name, with the scoring, assets and networks of `config`, or the default ones.
///
/// # Errors
/// When something cannot be read or written, parts do not belong together, or tables take more memory than they may.
pub fn learn(
    config: Option<&Config>,
    options: &LearnOptions,
    progress: &Arc<LearnProgress>,
) -> Result<Taught, LearnError> {
    let (mut files, mut parts) = (Vec::new(), Vec::new());
    for path in archive(&options.paths)? {
        if is_part(&path)? { parts.push(path) } else { files.push(path) }
    }
    let mut settings = Past::of(config)?;
    // Nobody is told anything.
    settings.enrich.watchlists.clear();
    let seed = seed_for(options, &parts)?;
    let facts = facts_of_rows(&settings, seed);
    let metrics = Metrics::default();
    let believed = (clock::wall_millis() / 1_000 + AHEAD_MAX) as i64;
    let mut table = Table::new(&settings.score, widened(seed), believed);
    if !files.is_empty() {
        let bench = Bench::new(&settings, &metrics)?;
        read_all(&bench, files, options, progress, &mut table)?;
    }
    for part in &parts {
        read_part(part, &facts, &mut table, options.memory_bytes_max)?;
    }
    if let Some(path) = &options.partial {
        let rows = write_part(path, &facts, &table)?;
        return Ok(Taught::Part(path.clone(), rows));
    }
    let Some(out) = &options.out else { return Err(LearnError::Nowhere) };
    let told = |done, total| {
        progress.windows_total.store(total, Ordering::Relaxed);
        progress.windows.store(done, Ordering::Relaxed);
    };
    let score::Learned { entries, report, end } =
        settle(table, &settings.score, &metrics, widened(seed), told);
    fs::create_dir_all(out).map_err(|cause| LearnError::write(out, cause))?;
    write_report(&out.join(REPORT), &report)?;
    if report.period.is_none() {
        return Ok(Taught::Nothing(Box::new(report)));
    }
    // As old as what it has learned, so that the same archive gives the same bytes.
    let created_ms = u64::try_from(end).unwrap_or(0) * 1_000;
    let facts = Facts { created_ms, ..super::snapshots::facts(&settings.score, seed) };
    let path = write_baselines(out, &facts, &entries)?;
    Ok(Taught::Baselines(path, Box::new(report)))
}

/// On what the rows of a part depend.
fn facts_of_rows(settings: &Past, seed: u64) -> Facts {
    let mut facts = facts(&settings.score, seed);
    let identity: Vec<String> = settings.score.identity.iter().map(ToString::to_string).collect();
    let mut internal: Vec<String> = settings.enrich.internal.iter().map(ToString::to_string).collect();
    internal.sort_unstable();
    facts.settings.insert("identity".to_owned(), identity.join(" "));
    facts.settings.insert("internal".to_owned(), internal.join(" "));
    let tenant = settings.score.tenants.first().and_then(Option::as_ref).map(Tenant::as_str);
    facts.settings.insert("tenant".to_owned(), tenant.unwrap_or_default().to_owned());
    facts
}

/// The seed of the hashes: that of the parts, or of the file that is named, or a fresh one.
fn seed_for(options: &LearnOptions, parts: &[PathBuf]) -> Result<u64, LearnError> {
    let of_parts = seed_of_parts(parts)?;
    let of_file = options.seed.as_deref().map(|path| seed_in(path, of_parts)).transpose()?;
    match (of_parts, of_file) {
        (Some(of_parts), Some(of_file)) if of_parts != of_file => Err(LearnError::Seeds),
        (of_parts, of_file) => Ok(of_parts.or(of_file).unwrap_or_else(seed::fresh)),
    }
}

fn write_report(path: &Path, report: &Report) -> Result<(), LearnError> {
    let text = serde_json::to_string_pretty(report).map_err(|cause| LearnError::write(path, cause.into()))?;
    fs::write(path, text + "\n").map_err(|cause| LearnError::write(path, cause))
}

fn write_baselines(out: &Path, facts: &Facts, entries: &[(Vec<u8>, Vec<u8>)]) -> Result<PathBuf, LearnError> {
    let temporary = out.join(".baseline-learned.tmp");
    let written: Written = write_temporary::<SnapshotError>(&temporary, facts, |writer| {
        entries.iter().try_for_each(|(key, value)| writer.put(Section::Scoring, key, value))
    })
    .map_err(|cause| LearnError::snapshot(out, cause))?;
    let path = out.join(snapshot_name(facts.created_ms, &written.id));
    give_name(&temporary, &path).map_err(|cause| LearnError::snapshot(out, cause))?;
    Ok(path)
}

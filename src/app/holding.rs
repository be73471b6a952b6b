//! What holds baselines, opened to be looked at or changed: a state, a snapshot, an export, a running process.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    BaselineError,
    baseline::{check, waited_for},
    snapshots::facts_of,
};
use crate::{
    score::{
        self,
        review::{self, Baseline, Export, ExportError, Index, entry_key, read_rows, tallies_key},
    },
    state::{
        Changes, OpenOptions, StateError, Store,
        snapshot::{Facts, Row, Section, SnapshotError, SnapshotReader, Written, give_name, write_temporary},
    },
};

/// Where baselines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// The folder of a state.
    State(PathBuf),
    /// A snapshot, or an export.
    File(PathBuf),
    /// The address of a running process: its `telemetry.listen`, as a URL.
    Process(String),
}

/// Keys of entries with their values.
pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a state or a snapshot holds.
#[derive(Debug, Clone)]
pub struct Held {
    /// On what its entries depend.
    pub facts: Facts,
    /// The entries of scoring.
    pub entries: Entries,
}

/// What was found.
#[derive(Debug, Clone)]
pub enum Holding {
    /// Entries, which can be changed.
    Held(Held),
    /// Rows, which can only be looked at.
    Rows(Box<Export>),
}

/// Why baselines cannot be had or written.
#[derive(Debug, thiserror::Error)]
pub enum HoldingError {
    /// The state cannot be opened.
    #[error(transparent)]
    State(#[from] StateError),
    /// The file cannot be opened or made.
    #[error("could not open {}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is no whole snapshot, or one of another release.
    #[error("could not use {from}: {error}")]
    Snapshot {
        /// Which.
        from: String,
        /// Why.
        error: BaselineError,
    },
    /// The entries are none that this program wrote.
    #[error("could not use {from}: {error}")]
    Entries {
        /// Whose.
        from: String,
        /// Why.
        error: ExportError,
    },
    /// A running process does not show its baselines.
    #[error("could not ask {url}: {cause}; is it the `telemetry.listen` of a floodmark that runs?")]
    Process {
        /// Its address.
        url: String,
        /// Why.
        cause: String,
    },
    /// What is merged was not learned alike.
    #[error(
        "could not merge {other} with {one}: they have different seeds, and under another seed nothing is found again; \
         begin both processes with one baseline (`run --baseline FILE`), which gives them one seed"
    )]
    Seeds {
        /// The first.
        one: String,
        /// The one that does not fit it.
        other: String,
    },
    /// What is merged was learned with another setting.
    #[error("could not merge {other} with {one}: their settings differ ({settings}); learn one of them anew")]
    Settings {
        /// The first.
        one: String,
        /// The one that does not fit it.
        other: String,
        /// What differs.
        settings: String,
    },
    /// A folder holds nothing of the kind.
    #[error("there is no state and no baseline in {}; name the folder of a state, or one that `learn --out` wrote", .0.display())]
    Nothing(PathBuf),
    /// Rows cannot be changed.
    #[error("could not change {0}: it is no state and no snapshot")]
    RowsOnly(String),
    /// What would be written over is there.
    #[error("could not write {}: it exists; give it another name, or remove it", .0.display())]
    Exists(PathBuf),
    /// The snapshot cannot be written.
    #[error("could not write the snapshot: {0}")]
    Write(#[from] SnapshotError),
}

/// How long a process may take to begin its answer, and between two pieces of it.
const ANSWER_MAX: Duration = Duration::from_secs(60);

// === impl HoldingError ===

impl HoldingError {
    /// The process's exit code for it (BSD's `sysexits.h`).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::State(StateError::Corrupt { .. }) | Self::Snapshot { .. } | Self::Entries { .. } => 74,
            Self::File { .. } | Self::Nothing(_) => 66,
            Self::State(_) | Self::Process { .. } | Self::Write(_) => 69,
            Self::Seeds { .. } | Self::Settings { .. } | Self::RowsOnly(_) | Self::Exists(_) => 64,
        }
    }
}

// === impl Where ===

impl std::fmt::Display for Where {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::State(path) | Self::File(path) => path.display().fmt(f),
            Self::Process(url) => f.write_str(url),
        }
    }
}

impl Where {
    /// Opens it to look at it.
    ///
    /// # Errors
    /// When it cannot be read, or is none of those.
    pub fn open(&self) -> Result<Holding, HoldingError> {
        match self {
            Self::State(directory) => state(directory).map(Holding::Held),
            Self::File(path) => file(path),
            Self::Process(url) => process(url).map(|export| Holding::Rows(Box::new(export))),
        }
    }

    /// What it holds, as rows.
    ///
    /// # Errors
    /// As [`Where::open`], and when an entry is not what a capture wrote.
    pub fn rows(&self) -> Result<Export, HoldingError> {
        match self.open()? {
            Holding::Rows(rows) => Ok(*rows),
            Holding::Held(held) => {
                let failed = |error| HoldingError::Entries { from: self.to_string(), error };
                held.index().and_then(|index| index.rows(|key| held.get(key))).map_err(failed)
            }
        }
    }

    /// What it holds, as entries.
    ///
    /// # Errors
    /// As [`Where::open`], and where there are only rows.
    pub fn entries(&self) -> Result<Held, HoldingError> {
        match self.open()? {
            Holding::Held(held) => Ok(held),
            Holding::Rows(_) => Err(HoldingError::RowsOnly(self.to_string())),
        }
    }

    /// Writes all that it holds to `out`, as one JSON document.
    ///
    /// # Errors
    /// As [`Where::open`], and when `out` cannot be written.
    pub fn export(&self, out: &mut dyn Write) -> Result<(), HoldingError> {
        let failed = |error| HoldingError::Entries { from: self.to_string(), error };
        match self.open()? {
            Holding::Rows(rows) => rows.write(out).map_err(failed),
            Holding::Held(held) => {
                held.index().and_then(|index| index.write(out, |key| held.get(key))).map_err(failed)
            }
        }
    }

    /// Takes the entry of the entity that `row` tells of out of it, where it is a state.
    ///
    /// # Errors
    /// When it is none, or cannot be written.
    pub fn forget(&self, row: &Baseline) -> Result<(), HoldingError> {
        let Self::State(directory) = self else { return Err(HoldingError::RowsOnly(self.to_string())) };
        let store = Store::open(directory, OpenOptions { reset: false, geometry: score::GEOMETRY })?;
        let key = entry_key(super::build::widened(store.header().seed), row);
        let mut gone = vec![(key, None)];
        if let Some(counted) = tallies_key(row) {
            let is_counted = |key: &[u8]| key.starts_with(&counted);
            store.read_scoring(&mut |key, _| gone.extend(is_counted(key).then(|| (key.to_vec(), None))))?;
        }
        store.commit(&Changes { scoring: gone, ..Changes::default() })?;
        Ok(())
    }
}

fn state(directory: &Path) -> Result<Held, HoldingError> {
    let store = Store::open_read_only(directory, score::GEOMETRY)?;
    let mut entries = Entries::new();
    store.read_scoring(&mut |key, value| drop(entries.insert(key.to_vec(), value.to_vec())))?;
    let from = directory.display().to_string();
    let mut held = Held { facts: facts_of(0, store.header().seed), entries };
    let about = held.index().map_err(|error| HoldingError::Entries { from, error })?.about();
    held.facts = facts_of(about.half_life_seconds.into(), store.header().seed);
    // The state does not say when it was written; what has folded does, and is the same for equal states.
    held.facts.created_ms = u64::try_from(about.folded_until).unwrap_or(0) * 1_000;
    Ok(held)
}

fn file(path: &Path) -> Result<Holding, HoldingError> {
    let failed = |cause| HoldingError::File { path: path.into(), cause };
    let mut first = [0];
    let read = File::open(path).and_then(|mut file| file.read(&mut first)).map_err(failed)?;
    let input = BufReader::new(File::open(path).map_err(failed)?);
    let from = path.display().to_string();
    if read > 0 && first == *b"{" {
        let mut input = input;
        let rows = read_rows(&mut input);
        let rows = rows.map_err(|error| HoldingError::Entries { from, error: ExportError::Io(error) })?;
        return Ok(Holding::Rows(Box::new(rows)));
    }
    let held = snapshot(input).map_err(|error| HoldingError::Snapshot { from, error })?;
    Ok(Holding::Held(held))
}

fn snapshot(input: BufReader<File>) -> Result<Held, BaselineError> {
    let mut reader = SnapshotReader::new(input)?;
    let facts = reader.facts().clone();
    check(&facts, &Facts { settings: facts.settings.clone(), ..facts_of(0, facts.seed) })?;
    let mut entries = Entries::new();
    while let Some(Row { section, key, value }) = reader.next_row()? {
        if section == Section::Scoring {
            entries.insert(key.to_vec(), value.to_vec());
        }
    }
    Ok(Held { facts, entries })
}

fn process(url: &str) -> Result<Export, HoldingError> {
    let failed = |cause: String| HoldingError::Process { url: url.to_owned(), cause };
    let page = format!("{}/baselines", url.trim_end_matches('/').trim_end_matches("/baselines"));
    let asked = async move {
        // What is asked is near; a proxy is for what is far.
        let http = reqwest::Client::builder().no_proxy().read_timeout(ANSWER_MAX).build()?;
        let answer = http.get(page).send().await?;
        let status = answer.status();
        Ok::<_, reqwest::Error>((status, answer.bytes().await?))
    };
    let answered = waited_for(asked).map_err(|error| failed(error.to_string()))?;
    let (status, body) = answered.map_err(|error| failed(causes(&error)))?;
    if !status.is_success() {
        return Err(failed(format!("it answered {status}: {}", String::from_utf8_lossy(&body).trim_end())));
    }
    read_rows(&mut &body[..]).map_err(|error| failed(error.to_string()))
}

/// What failed, down to the first cause: the outer errors only say that something did.
fn causes(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

// === impl Held ===

impl Held {
    fn index(&self) -> Result<Index, ExportError> {
        let mut index = Index::default();
        for (key, value) in &self.entries {
            index.add(key, value)?;
        }
        Ok(index)
    }

    fn get(&self, key: &[u8]) -> io::Result<Vec<u8>> {
        self.entries.get(key).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Takes out the entity that `row` tells of; says whether it was there.
    pub fn forget(&mut self, row: &Baseline) -> bool {
        let key = entry_key(super::build::widened(self.facts.seed), row);
        if let Some(counted) = tallies_key(row) {
            self.entries.retain(|key, _| !key.starts_with(&counted));
        }
        self.entries.remove(&key).is_some()
    }

    /// Writes it as a snapshot to `path`, which must not exist.
    ///
    /// # Errors
    /// When it exists, or cannot be written; then nothing is left of it.
    pub fn write(&self, path: &Path) -> Result<Written, HoldingError> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(HoldingError::Exists(path.into()));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.tmp"));
        let written = write_temporary(&temporary, &self.facts, |writer| {
            self.entries.iter().try_for_each(|(key, value)| writer.put(Section::Scoring, key, value))
        })?;
        give_name(&temporary, path)?;
        Ok(written)
    }
}

/// Merges what `all` hold, of which there is at least one: see [`review::merge`].
///
/// # Errors
/// When one was learned under another seed or with other settings, or has an entry that is none.
pub fn merged(all: &[(String, Held)]) -> Result<Held, HoldingError> {
    let Some(((one, first), others)) = all.split_first() else {
        return Ok(Held { facts: facts_of(0, 0), entries: Entries::new() });
    };
    let mut facts = first.facts.clone();
    for (other, held) in others {
        let (one, other) = (one.clone(), other.clone());
        if held.facts.seed != facts.seed {
            return Err(HoldingError::Seeds { one, other });
        }
        if held.facts.settings != facts.settings {
            let settings = format!("{:?} and {:?}", facts.settings, held.facts.settings);
            return Err(HoldingError::Settings { one, other, settings });
        }
        facts.created_ms = facts.created_ms.max(held.facts.created_ms);
    }
    let states: Vec<&Entries> = all.iter().map(|(_, held)| &held.entries).collect();
    let entries = review::merge(&states)
        .map_err(|error| HoldingError::Entries { from: one.clone(), error: ExportError::State(error) })?;
    Ok(Held { facts, entries })
}

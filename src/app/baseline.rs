//! Beginning with a baseline: what was learned elsewhere goes into a state that has learned nothing.

#[cfg(feature = "aws")]
mod object;

use std::{
    fs::File,
    io::{self, BufReader},
    path::PathBuf,
};

use super::{
    AppError,
    snapshots::{Place, facts},
};
use crate::{
    config::{Baseline, Config},
    score::{self, Scorer},
    state::{
        StateError, Store,
        snapshot::{Facts, Row, Section, SnapshotError, SnapshotReader},
    },
    telemetry::metrics::Metrics,
};

/// Why a baseline cannot be begun with. The texts go on from "could not begin with the baseline …: ".
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is not whole, or none.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// It was made by a program that measures otherwise.
    #[error(
        "its {what} is {found:x}, this program's is {ours:x}; begin with it in the release that wrote it, or learn anew \
         without it"
    )]
    Measure {
        /// What is not the same.
        what: &'static str,
        /// The baseline's.
        found: u64,
        /// This program's.
        ours: u64,
    },
    /// It was learned with other settings.
    #[error(
        "it was learned with {name} {found}, the config says {ours}; set `score.{name}` to {found} s, or learn anew without it"
    )]
    Settings {
        /// Which setting.
        name: String,
        /// Its value there, in seconds.
        found: String,
        /// Its value here, in seconds.
        ours: String,
    },
    /// Scoring cannot go on from its entries.
    #[error("{0}; take an older one, or learn anew without it")]
    Entries(#[from] score::StateError),
    /// It is no baseline yet.
    #[error("it is part of an archive; make a baseline of all parts with `floodmark learn PART… --out DIR`")]
    Part,
    /// The state cannot take it.
    #[error(transparent)]
    State(#[from] StateError),
    /// It cannot be had.
    #[error("{0}")]
    Unavailable(String),
    /// There is no place to look for the latest in.
    #[error(
        "there are no `state.snapshots` of which one could be the latest; name a file, or say where they are"
    )]
    Nowhere,
}

/// A baseline at hand.
struct Found {
    name: String,
    file: File,
}

/// One of scoring's entries.
type Entry = (Vec<u8>, Vec<u8>);

/// A scorer that goes on from the baseline `wanted`, which `store` takes over, if there is one; nothing where the store is
/// not empty, or `latest` is wanted and there is none yet.
pub(super) fn begin(
    config: &Config,
    wanted: &Baseline,
    store: Option<&mut Store>,
    metrics: &Metrics,
) -> Result<Option<Scorer>, AppError> {
    if let Some(store) = &store
        && !store.is_empty()?
    {
        tracing::info!(
            baseline = %wanted,
            "the state is not empty and goes before the baseline; --reset-state puts it aside and begins with the baseline"
        );
        return Ok(None);
    }
    let failed = |from: &str, error| AppError::Baseline { from: from.to_owned(), error };
    let found = find(config, wanted).map_err(|error| failed(&wanted.to_string(), error))?;
    let Some(Found { name, file }) = found else {
        tracing::warn!("there is no snapshot yet that could be the latest; the baselines are learned anew");
        return Ok(None);
    };
    let scorer = take(config, file, store, metrics).map_err(|error| failed(&name, error))?;
    Ok(Some(scorer))
}

fn take(
    config: &Config,
    file: File,
    store: Option<&mut Store>,
    metrics: &Metrics,
) -> Result<Scorer, BaselineError> {
    let mut reader = SnapshotReader::new(BufReader::new(file))?;
    let Facts { seed, created_ms, .. } = *reader.facts();
    let ours = facts(&config.score, seed);
    check(reader.facts(), &ours)?;
    let restore = |entries: Vec<Entry>| {
        Ok(Scorer::restore(&config.score, metrics, super::build::widened(seed), entries)?)
    };
    let scorer = match store {
        Some(store) => {
            let fill = |adoption: &mut crate::state::Adoption<'_>| {
                each_entry(&mut reader, |key, value| Ok(adoption.put(key, value)?))
            };
            store.adopt(seed, fill, restore)?
        }
        None => {
            let mut entries = Vec::new();
            each_entry(&mut reader, |key, value| {
                entries.push((key.to_vec(), value.to_vec()));
                Ok(())
            })?;
            restore(entries)?
        }
    };
    let id = reader.id().unwrap_or_default();
    let created = i64::try_from(created_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let created = created.unwrap_or_default();
    tracing::info!(id, %created, "began with a baseline");
    Ok(scorer)
}

fn each_entry(
    reader: &mut SnapshotReader<BufReader<File>>,
    mut each: impl FnMut(&[u8], &[u8]) -> Result<(), BaselineError>,
) -> Result<(), BaselineError> {
    while let Some(Row { section, key, value }) = reader.next_row()? {
        // Positions are of the process that wrote it: this one begins where its config says.
        match section {
            Section::Scoring => each(key, value)?,
            Section::Positions => {}
            Section::History => return Err(BaselineError::Part),
        }
    }
    Ok(())
}

/// Whether scoring means by its numbers what it would mean by them here.
pub(super) fn check(found: &Facts, ours: &Facts) -> Result<(), BaselineError> {
    let measures = [
        ("geometry", u64::from(found.geometry), u64::from(ours.geometry)),
        ("list of features", found.features, ours.features),
    ];
    for (what, found, ours) in measures {
        if found != ours {
            return Err(BaselineError::Measure { what, found, ours });
        }
    }
    for (name, ours) in &ours.settings {
        let found = found.settings.get(name).cloned().unwrap_or_default();
        if found != *ours {
            return Err(BaselineError::Settings { name: name.clone(), found, ours: ours.clone() });
        }
    }
    Ok(())
}

fn find(config: &Config, wanted: &Baseline) -> Result<Option<Found>, BaselineError> {
    match wanted {
        Baseline::File(path) => file(path.clone()).map(Some),
        Baseline::Latest => {
            let Some(snapshots) = config.snapshots() else { return Err(BaselineError::Nowhere) };
            let place = Place::of(&snapshots.to).map_err(unavailable)?;
            let aside = place.clone();
            let names = waited_for(async move { aside.names().await })?.map_err(unavailable)?;
            let Some(name) = names.last() else { return Ok(None) };
            match place {
                Place::Directory(path) => file(path.join(name)).map(Some),
                #[cfg(feature = "aws")]
                Place::S3 { bucket, shown } => {
                    let shown = format!("{}/{name}", shown.trim_end_matches('/'));
                    object::object(config, bucket, name.clone(), shown).map(Some)
                }
            }
        }
        #[cfg(feature = "aws")]
        Baseline::S3 { bucket, key } => {
            let place = object::bucket(config, bucket)?;
            object::object(config, place, key.clone(), wanted.to_string()).map(Some)
        }
    }
}

fn file(path: PathBuf) -> Result<Found, BaselineError> {
    let file = File::open(&path).map_err(unavailable)?;
    Ok(Found { name: path.display().to_string(), file })
}

fn unavailable(error: impl std::fmt::Display) -> BaselineError {
    BaselineError::Unavailable(error.to_string())
}

/// What `future` comes to. It has a runtime of its own, on a thread of its own, since whoever builds may be in one.
pub(super) fn waited_for<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, BaselineError> {
    let wait = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok::<_, io::Error>(runtime.block_on(future))
    };
    let thread = std::thread::Builder::new().name("baseline".to_owned()).spawn(wait).map_err(unavailable)?;
    let waited = thread.join().map_err(|_| BaselineError::Unavailable("its thread is gone".to_owned()))?;
    waited.map_err(unavailable)
}

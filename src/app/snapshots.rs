//! Snapshots: what the state holds, written at intervals and at a clean stop to where another machine finds it.
//!
//! All of it runs beside the data: a thread of its own reads the state as of one commit, and what is slow or gone holds up
//! nobody. A snapshot that cannot be written is warned of, counted and tried again.

mod books;
mod place;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    config::{Config, SnapshotsConfig, StateConfig},
    event::Feature,
    pipe::{Backoff, Stop},
    score,
    state::{
        StateError, Store,
        snapshot::{Facts, Section, SnapshotError, Written, schema_hash, write_temporary},
    },
    telemetry::{clock, metrics::Metrics, seed},
};

use books::Books;
#[cfg(feature = "aws")]
pub(super) use place::AWS_KEY;
pub(super) use place::{Place, PlaceError, name as snapshot_name, newest as newest_snapshot};

/// Writes snapshots of one state.
pub(super) struct Snapshots {
    store: Arc<Store>,
    place: Place,
    settings: SnapshotsConfig,
    /// What does not change from one to the next.
    facts: Facts,
    /// Where one is written before it has a name.
    temporary: PathBuf,
    /// Held while it is written: one that was given up may still be at it.
    writing: Arc<Mutex<()>>,
    books: Books,
}

/// Why a snapshot could not be kept.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("its thread is gone")]
    Gone,
}

/// Wait before the first further try after one that failed.
const RETRY: Duration = Duration::from_secs(5);

/// On what the rows of a snapshot depend, whoever writes them.
pub(super) fn facts(config: &score::Config, seed: u64) -> Facts {
    facts_of(config.half_life.as_secs(), seed)
}

/// The same, of a state that was learned with this half-life.
pub(super) fn facts_of(half_life_seconds: u64, seed: u64) -> Facts {
    let half_life = half_life_seconds.to_string();
    Facts {
        geometry: score::GEOMETRY,
        features: schema_hash(Feature::ALL.iter().map(|feature| feature.name())),
        seed,
        created_ms: 0,
        settings: [("half_life".to_owned(), half_life)].into(),
    }
}

// === impl Snapshots ===

impl Snapshots {
    /// What writes the snapshots that `config` asks for, if it asks for any. Nothing is opened or connected yet.
    ///
    /// # Errors
    /// When there can be no such place.
    pub(super) fn new(
        config: &Config,
        store: &Arc<Store>,
        metrics: &Metrics,
    ) -> Result<Option<Self>, PlaceError> {
        let Some(StateConfig { directory, snapshots: Some(settings), .. }) = &config.state else {
            return Ok(None);
        };
        let place = Place::of(&settings.to)?;
        let header = store.header();
        Ok(Some(Self {
            temporary: place.temporary(directory, &header.id),
            place,
            store: store.clone(),
            settings: settings.clone(),
            facts: facts(&config.score, header.seed),
            writing: Arc::default(),
            books: Books::new(metrics),
        }))
    }

    /// Writes one every so often, until `stop`.
    pub(super) async fn run(&self, mut stop: Stop) {
        let every = self.settings.every.std();
        let mut backoff = Backoff::new(RETRY, every.max(RETRY), seed::fresh());
        let mut wait = every;
        loop {
            let taken = async {
                sleep(wait).await;
                self.take().await
            };
            let taken = tokio::select! {
                taken = taken => taken,
                () = stop.stopped() => return,
            };
            wait = match taken {
                Ok(()) => {
                    backoff.reset();
                    every
                }
                Err(error) => {
                    let wait = backoff.next_wait(None).min(every);
                    let (place, seconds) = (&self.place, wait.as_secs_f64().ceil());
                    tracing::warn!(
                        %error, %place, again_in_s = seconds,
                        "could not write a snapshot of the baselines; the one before stays, and nothing else waits for it"
                    );
                    wait
                }
            };
        }
    }

    /// Writes the one of a clean stop, unless it is time to give up before.
    pub(super) async fn last(&self, mut give_up: Stop) {
        let taken = tokio::select! {
            taken = self.take() => taken.map_err(|error| error.to_string()),
            () = give_up.stopped() => {
                self.books.failed();
                Err("`shutdown.grace` was over before".to_owned())
            }
        };
        if let Err(error) = taken {
            let place = &self.place;
            tracing::warn!(%error, %place, "could not write the last snapshot of the baselines; the one before stays");
        }
    }

    /// Writes one, and deletes those that are too old.
    async fn take(&self) -> Result<(), Failure> {
        let begun = clock::monotonic();
        let kept = self.keep().await;
        let Some((name, written)) = kept.inspect_err(|_| self.books.failed())? else {
            tracing::debug!("nothing is learned yet of which a snapshot could be written");
            return Ok(());
        };
        let took = begun.elapsed();
        self.books.written(&written, took, clock::wall_millis());
        let Written { rows, bytes, .. } = written;
        let place = &self.place;
        tracing::info!(%place, name, rows, bytes, ms = took.as_millis() as u64, "wrote a snapshot of the baselines");
        self.delete_old().await;
        Ok(())
    }

    async fn keep(&self) -> Result<Option<(String, Written)>, Failure> {
        let at = clock::wall_millis();
        let (store, place, writing) = (self.store.clone(), self.place.clone(), self.writing.clone());
        let (temporary, facts) = (self.temporary.clone(), Facts { created_ms: at, ..self.facts.clone() });
        let write = move || {
            let _writing = writing.lock().unwrap_or_else(PoisonError::into_inner);
            place.prepare()?;
            let written = write_temporary::<Failure>(&temporary, &facts, |writer| {
                store.try_read_scoring(|key, value| Ok(writer.put(Section::Scoring, key, value)?))
            })?;
            if written.rows == 0 {
                // The newest one is what others begin with, and it must not be nothing.
                let _ = std::fs::remove_file(&temporary);
                return Ok(None);
            }
            let name = place::name(at, &written.id);
            place.name_file(&temporary, &name)?;
            Ok(Some((name, written)))
        };
        let kept = tokio::task::spawn_blocking(write).await.unwrap_or(Err(Failure::Gone))?;
        if let Some((name, written)) = &kept {
            self.place.upload(&self.temporary, name, written).await?;
        }
        Ok(kept)
    }

    async fn delete_old(&self) {
        let keep = usize::try_from(self.settings.keep.get()).unwrap_or(usize::MAX);
        let place = &self.place;
        let names = match self.place.names().await {
            Ok(names) => names,
            Err(error) => {
                tracing::warn!(%error, %place, "could not look for old snapshots; they stay");
                return;
            }
        };
        for name in names.iter().rev().skip(keep) {
            if let Err(error) = self.place.delete(name).await {
                tracing::warn!(%error, %place, name, "could not delete an old snapshot");
            }
        }
    }
}

//! Building: opens everything that a config names, so that what cannot work is said before anything is read.

use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use tokio::runtime::Handle;

#[cfg(feature = "kafka")]
use super::rekey::Crew;
use super::{
    App, AppError, Books, BuiltSource, CheckBooks, MemoryPlan,
    archived::Archived,
    baseline,
    checks::Checks,
    crashes::Crashes,
    kit::Kit,
    looks,
    outlet::Outlet,
    policies::Policies,
    rekey::REKEY,
    snapshots::Snapshots,
    workers::{Front, Line, Quarantine, clock_origin},
};
use crate::{
    config::{Baseline, BufferPlace, Config},
    enrich::{self, Enricher},
    event::{Batch, Namespace},
    normalize::{Form, Normalizer, ObservationWriter, Selection},
    parse::{Input, Parser, Resolver},
    pipe::{Flight, Intake},
    score::{self, Scorer},
    sink::{self, BufferBooks, Spool, look_at_buffer},
    source::{self, NothingKnown, Progress, Replay, ReplayedRecord, Source, StoreProgress, file::Lanes},
    state::{OpenOptions, StateError, Store},
    telemetry::{
        books::{SinkBooks, SourceBooks},
        health::Health,
        metrics::Metrics,
        seed,
    },
};

/// How a pipeline is built.
#[derive(Default)]
pub struct Options {
    /// The file that the config was read from, to be read again when it changes.
    pub config_file: Option<PathBuf>,
    /// Start with empty state; what is there is kept under another name.
    pub reset_state: bool,
    /// Read these instead of what the config's sources read; positions are not committed.
    pub replay: Option<Replayed>,
    /// Read these in place of what the config's only source reads.
    pub archive: Option<Lanes>,
    /// What an empty state begins with, before what the config says of that.
    pub baseline: Option<Baseline>,
    /// Check one document in so many against its schema, and only count what is wrong.
    pub validate: Option<NonZeroU64>,
}

/// What is sent through the pipeline again.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Quarantined entries, by the name of the source that they came from.
    pub records: BTreeMap<String, Vec<ReplayedRecord>>,
    /// Documents that a sink refused, by the name of that sink.
    pub documents: BTreeMap<String, Vec<sink::Refused>>,
}

impl App {
    /// Opens what `config` names: databases, state, the telemetry address. Starts nothing.
    ///
    /// # Errors
    /// When something cannot be opened, or the parts do not fit the memory that they may take.
    pub fn build(mut config: Config, mut options: Options) -> Result<Self, AppError> {
        let metrics = Metrics::default();
        let tables = enrich::Shared::open(&config.enrich, &metrics).map_err(AppError::Enrich)?;
        let policies = Policies::open(&mut config, options.config_file.as_deref(), &metrics)?;
        let plan =
            MemoryPlan::of(&config, tables.tables().memory_bytes() as u64, Enricher::memory_bytes() as u64)?;
        tracing::debug!(%plan, "memory");
        let (store, scorer) = open_state(&config, &options, &metrics)?;
        scorer.iter().for_each(|scorer| scorer.watch(tables.watched()));
        // A replay learns nothing that is kept.
        let kept = store.as_ref().filter(|_| options.replay.is_none());
        let snapshots = kept.map(|store| open_snapshots(&config, store, &metrics)).transpose()?.flatten();
        let progress: Arc<dyn Progress> = match (&store, &options.replay) {
            (Some(store), None) => Arc::new(StoreProgress(store.clone())),
            _ => Arc::new(NothingKnown),
        };
        let crashes = crashes_of(&config, &options)?;
        let buffers = match options.replay {
            // A replay beside a running process must not touch what that one holds, and needs no buffer.
            Some(_) => BTreeMap::new(),
            None => open_buffers(&config, &metrics)?,
        };
        let sources = build_sources(&config, &mut options)?;
        let listener = match config.telemetry.listen {
            Some(address) => Some(bind(address)?),
            None => None,
        };
        let books = Books {
            sources: sources
                .iter()
                .map(|built| (built.name.clone(), SourceBooks::new(&metrics, &built.name)))
                .collect(),
            sinks: books_of_sinks(&config, &sources, &metrics),
            keepers: ["dead_letter", "quarantine"].map(|name| (name, SinkBooks::new(&metrics, name))).into(),
            checks: options
                .validate
                .iter()
                .flat_map(|_| config.sinks.keys())
                .map(|name| (name.clone(), CheckBooks::new(&metrics, name)))
                .collect(),
        };
        Ok(Self {
            #[cfg(feature = "kafka")]
            crew: sources.iter().find(|built| built.is_rekeyed).and_then(|_| Crew::of(&config, &metrics)),
            flight: Arc::new(Flight::new(plan.in_flight_bytes)),
            health: Health::default(),
            tables,
            policies,
            #[cfg(feature = "kafka")]
            membership: config.exactly_once().map(|_| crate::kafka::Membership::default()),
            config,
            metrics,
            scorer,
            store,
            snapshots,
            progress,
            sources,
            dead_letters: options.replay.map(|replayed| replayed.documents).unwrap_or_default(),
            buffers,
            books,
            checked: options.validate,
            listener,
            crashes,
        })
    }

    /// Opens what `config` names, each for itself and to be closed again, and tells everything that cannot be, and what is
    /// worth knowing of the rest: what `check --online` does.
    #[must_use]
    pub fn try_all(config: &Config) -> (Vec<AppError>, Vec<String>) {
        let (mut errors, mut notes) = (Vec::new(), Vec::new());
        let metrics = Metrics::default();
        match enrich::Shared::open(&config.enrich, &metrics) {
            Err(error) => errors.push(AppError::Enrich(error)),
            Ok(tables) => {
                let tables = tables.tables();
                notes = tables.notes();
                let (tables, caches) = (tables.memory_bytes() as u64, Enricher::memory_bytes() as u64);
                errors.extend(MemoryPlan::of(config, tables, caches).err());
                #[cfg(feature = "kafka")]
                notes.extend(looks::asset_topics(&config.enrich));
            }
        }
        errors.extend(Policies::look(config).err());
        for (name, source) in &config.sources {
            let found = source::build(&source.from).and_then(|source| source.look());
            errors.extend(found.err().map(|error| AppError::Source { name: name.clone(), error }));
        }
        #[cfg(feature = "kafka")]
        errors.extend(super::rekey::look(config));
        let keepers = [("quarantine", &config.quarantine.to), ("dead_letter", &config.dead_letter.to)];
        let sinks = config.sinks.iter().map(|(name, sink)| (name.as_str(), &sink.to));
        errors.extend(looks::all(sinks.chain(keepers)));
        for BufferPlace { sink, folder, .. } in config.buffers() {
            let found = look_at_buffer(&folder);
            errors.extend(found.err().map(|error| AppError::Buffer { sink: sink.to_owned(), error }));
        }
        if let Some(state) = &config.state {
            match Store::open_read_only(&state.directory, score::GEOMETRY) {
                // A state that is not there is made; one that is held belongs to the running pipeline.
                Ok(_) | Err(StateError::Missing { .. } | StateError::Locked { .. }) => {}
                Err(error) => errors.push(AppError::State(error)),
            }
        }
        errors.extend(config.snapshots().and_then(|snapshots| looks::snapshots(&snapshots.to).err()));
        errors.extend(config.telemetry.listen.and_then(|address| bind(address).err()));
        (errors, notes)
    }

    pub(super) fn start_workers(
        &mut self,
        sources: &[BuiltSource],
        (outlets, rekey): (Vec<(Outlet, Form, Selection)>, Option<Outlet>),
        quarantine: Quarantine,
        intake: Intake,
        checks: Option<Checks>,
    ) -> Result<Vec<JoinHandle<()>>, AppError> {
        let inputs = sources.iter().map(|built| Input {
            format: built.format.format(),
            books: self.books.sources[&built.name].clone(),
        });
        let inputs: Arc<[Input]> = inputs.collect();
        let parser = Parser::new(inputs.clone());
        let dialects = self.config.dialects();
        let written = |(form, namespace): &(Form, Namespace)| {
            Normalizer::new(form.build(namespace, score::WINDOW_SECONDS))
        };
        let kits = (0..self.config.limits.threads).map(|_| Kit {
            parser: parser.clone(),
            enricher: Enricher::new(self.tables.clone()),
            normalizers: dialects.all.iter().map(written).collect(),
            observations: ObservationWriter::default(),
            batch: Batch::default(),
        });
        let kits = kits.collect();
        let rekey = rekey.and_then(|outlet| self.rekey(sources, outlet));
        let parts = rekey.as_ref().map(|rekey| (rekey.source, rekey.parts.clone()));
        let front = Front::new(intake, Resolver::new(inputs), std::mem::take(&mut self.crashes), parts);
        let line = Line {
            front: Mutex::new(front),
            scorer: self.scorer.clone(),
            rekey,
            door: crate::pipe::Turn::default(),
            sources: sources.iter().map(|built| built.name.clone()).collect(),
            outlets,
            dialects: dialects.of_sinks,
            checks,
            quarantine,
            clock_window: self.flight.window(&clock_origin(), 0),
            runtime: Handle::current(),
        };
        Arc::new(line).start(kits).map_err(|error| AppError::Environment {
            part: "limits.threads".to_owned(),
            cause: format!("could not start a thread: {error}"),
        })
    }
}

/// The state and who scores with it, as far as there are any.
type Remembered = (Option<Arc<Store>>, Option<Arc<Scorer>>);

/// Opens the state, where the config has one, and what scoring remembers in it. A replay goes on without either while
/// a running process holds the state.
fn open_state(config: &Config, options: &Options, metrics: &Metrics) -> Result<Remembered, AppError> {
    let wanted = match &options.baseline {
        _ if options.replay.is_some() => None,
        Some(wanted) => Some(wanted.clone()),
        None => config.state.as_ref().and_then(|state| state.baseline.as_deref()?.parse().ok()),
    };
    let Some(state) = &config.state else {
        let begun = wanted.map(|wanted| baseline::begin(config, &wanted, None, metrics)).transpose()?;
        if let Some(scorer) = begun.flatten() {
            return Ok((None, Some(Arc::new(scorer))));
        }
        let scorer = Scorer::new(&config.score, metrics, widened(seed::fresh()));
        return Ok((None, Some(Arc::new(scorer))));
    };
    let opened =
        Store::open(&state.directory, OpenOptions { reset: options.reset_state, geometry: score::GEOMETRY });
    let mut store = match opened {
        Err(StateError::Locked { .. }) if options.replay.is_some() => return Ok((None, None)),
        opened => opened?,
    };
    let begun =
        wanted.map(|wanted| baseline::begin(config, &wanted, Some(&mut store), metrics)).transpose()?;
    if let Some(scorer) = begun.flatten() {
        return Ok(remembered(store, scorer));
    }
    let mut entries = Vec::new();
    store.read_scoring(&mut |key, value| entries.push((key.to_vec(), value.to_vec())))?;
    let seed = widened(store.header().seed);
    let scorer = Scorer::restore(&config.score, metrics, seed, entries).map_err(|error| {
        StateError::Corrupt { directory: state.directory.clone(), cause: error.to_string() }
    })?;
    Ok(remembered(store, scorer))
}

/// A scorer whose entities may leave to `store`.
fn remembered(store: Store, scorer: Scorer) -> Remembered {
    let store = Arc::new(store);
    let scorer = scorer.with_archive(Arc::new(Archived(Arc::clone(&store))));
    (Some(store), Some(Arc::new(scorer)))
}

/// The crashes of earlier runs. Whoever replays what a crash sent to quarantine wants it tried again.
fn crashes_of(config: &Config, options: &Options) -> Result<Crashes, AppError> {
    let Some(state) = config.state.as_ref().filter(|_| options.replay.is_none()) else {
        return Ok(Crashes::default());
    };
    Crashes::of(&state.directory).map_err(|error| AppError::Environment {
        part: "state.directory".to_owned(),
        cause: format!("could not read the crashes of earlier runs: {error}"),
    })
}

fn open_snapshots(
    config: &Config,
    store: &Arc<Store>,
    metrics: &Metrics,
) -> Result<Option<Arc<Snapshots>>, AppError> {
    let snapshots = Snapshots::new(config, store, metrics).map_err(|error| AppError::Environment {
        part: "state.snapshots.to".to_owned(),
        cause: error.to_string(),
    })?;
    Ok(snapshots.map(Arc::new))
}

fn open_buffers(
    config: &Config,
    metrics: &Metrics,
) -> Result<BTreeMap<String, (Spool, BufferBooks)>, AppError> {
    for (folder, bytes) in config.buffers_left_behind() {
        let folder = folder.display();
        tracing::warn!(
            %folder, bytes,
            "a disk buffer holds documents, and no sink has it; they are delivered once a sink of that name has a \
             `buffer` again"
        );
    }
    let open = |BufferPlace { sink, folder, limit_bytes }: BufferPlace<'_>| {
        let spool = Spool::open(&folder, limit_bytes);
        let spool = spool.map_err(|error| AppError::Buffer { sink: sink.to_owned(), error })?;
        Ok((sink.to_owned(), (spool, BufferBooks::new(metrics, sink))))
    };
    config.buffers().map(open).collect()
}

/// The books of the sinks, and of the topic that workers share where there is one.
fn books_of_sinks(
    config: &Config,
    sources: &[BuiltSource],
    metrics: &Metrics,
) -> BTreeMap<String, SinkBooks> {
    let rekey = sources.iter().any(|built| built.is_rekeyed).then_some(REKEY);
    let names = config.sinks.keys().map(String::as_str).chain(rekey);
    names.map(|name| (name.to_owned(), SinkBooks::new(metrics, name))).collect()
}

fn build_sources(config: &Config, options: &mut Options) -> Result<Vec<BuiltSource>, AppError> {
    let Options { replay, archive, .. } = options;
    let mut built = Vec::new();
    for (name, source) in &config.sources {
        let fail = |error| AppError::Source { name: name.clone(), error };
        let input: Box<dyn Source> = match (&mut *replay, archive.take()) {
            (Some(replayed), _) => {
                Box::new(Replay::new(replayed.records.remove(name).unwrap_or_default().into_iter()))
            }
            (None, Some(archive)) => Box::new(archive),
            (None, None) => source::build(&source.from).map_err(fail)?,
        };
        let shared = (replay.is_none() && source.from.can_be_shared()).then_some(source.input);
        built.push(BuiltSource {
            name: name.clone(),
            source: input,
            format: source.format(),
            shared,
            is_rekeyed: false,
        });
    }
    #[cfg(feature = "kafka")]
    if let (Some(rekeyed), None) = (config.rekeyed(), &replay) {
        let fail = |error| AppError::Source { name: REKEY.to_owned(), error };
        built.push(BuiltSource {
            name: REKEY.to_owned(),
            source: source::build(&rekeyed.from).map_err(fail)?,
            format: crate::parse::Config::observations(config.score.idle.as_millis()),
            shared: Some(source::Input::Keyed),
            is_rekeyed: true,
        });
    }
    Ok(built)
}

fn bind(address: std::net::SocketAddr) -> Result<std::net::TcpListener, AppError> {
    let bound = std::net::TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|error| AppError::Environment {
        part: "telemetry.listen".to_owned(),
        cause: format!("could not listen on {address}: {error}"),
    })
}

/// Scoring's hashes take a key of 128 bits; the state keeps 64 that nobody can guess.
pub(super) fn widened(seed: u64) -> [u8; 16] {
    let mut wide = [0; 16];
    wide[..8].copy_from_slice(&seed.to_le_bytes());
    wide[8..].copy_from_slice(&seed.rotate_left(32).to_le_bytes());
    wide
}

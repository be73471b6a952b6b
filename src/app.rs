//! Builds the pipeline from a config, supervises it, drains it.
//!
//! [`App::build`] opens everything and starts nothing, so that what cannot work is said before anything is read.
//! [`App::run`] starts the sinks, the workers and the sources in that order, and stops them in the other.

mod archived;
mod baseline;
mod beginning;
mod build;
mod checks;
mod crashes;
mod dead_letter;
mod ending;
mod error;
mod holding;
mod huge_pages;
mod keeper;
mod kit;
mod learn;
mod looks;
mod memory;
mod outlet;
mod pages;
mod policies;
#[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only Kafka has topics"))]
mod rekey;
mod run;
mod setup;
mod sinks;
mod snapshots;
#[cfg(feature = "kafka")]
mod transactions;
mod workers;

use std::{collections::BTreeMap, num::NonZeroU64, sync::Arc};

pub use baseline::BaselineError;
pub use beginning::begin_with;
pub use build::{Options, Replayed};
pub use checks::CheckBooks;
pub use crashes::write_down as write_crash_down;
pub use error::AppError;
pub use holding::{Entries, Held, Holding, HoldingError, Where, merged};
pub use huge_pages::allow_huge_pages;
pub use learn::{LearnError, LearnOptions, LearnProgress, Taught, learn};
pub use memory::MemoryPlan;
pub use run::Report;
pub use setup::{SetUp, SetUpOptions, set_up};

use crashes::Crashes;

use crate::{
    config::Config,
    enrich,
    pipe::Flight,
    score::Scorer,
    sink::{BufferBooks, Refused, Spool},
    source::{Progress, Source},
    state::Store,
    telemetry::{
        books::{SinkBooks, SourceBooks},
        health::Health,
        metrics::Metrics,
    },
};

/// A pipeline that is ready to run.
pub struct App {
    config: Config,
    metrics: Metrics,
    health: Health,
    tables: Arc<enrich::Shared>,
    policies: Arc<policies::Policies>,
    /// Absent while another process holds the state.
    scorer: Option<Arc<Scorer>>,
    store: Option<Arc<Store>>,
    snapshots: Option<Arc<snapshots::Snapshots>>,
    progress: Arc<dyn Progress>,
    flight: Arc<Flight>,
    sources: Vec<BuiltSource>,
    /// Documents to be delivered again, by sink; only a replay has any.
    dead_letters: BTreeMap<String, Vec<Refused>>,
    /// The disk buffers, by sink; a replay has none.
    buffers: BTreeMap<String, (Spool, BufferBooks)>,
    books: Books,
    /// The share of documents that are checked, if any: one in so many.
    checked: Option<NonZeroU64>,
    listener: Option<std::net::TcpListener>,
    /// Where the source leaves its membership for the sink that commits positions in its transactions.
    #[cfg(feature = "kafka")]
    membership: Option<crate::kafka::Membership>,
    crashes: Crashes,
    /// What runs beside the data where workers share an estate.
    #[cfg(feature = "kafka")]
    crew: Option<rekey::Crew>,
}

/// One source that is ready to run.
struct BuiltSource {
    name: String,
    source: Box<dyn Source>,
    format: crate::parse::Config,
    /// How entities are spread over its partitions, where several processes can share them.
    shared: Option<crate::source::Input>,
    /// Whether it reads what workers have told each other.
    is_rekeyed: bool,
}

/// The books of every source and sink, by name; shared with the pipeline while it runs.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// The sources' books.
    pub sources: BTreeMap<String, SourceBooks>,
    /// The sinks' books.
    pub sinks: BTreeMap<String, SinkBooks>,
    /// The quarantine's and the dead letter's books, as sinks.
    pub keepers: BTreeMap<&'static str, SinkBooks>,
    /// What the check of each sink's documents has counted; empty where none is checked.
    pub checks: BTreeMap<String, CheckBooks>,
}

// === impl App ===

impl App {
    /// The books, which go on being written while the pipeline runs.
    #[must_use]
    pub fn books(&self) -> Books {
        self.books.clone()
    }

    /// What scoring knows, if it takes part; to be looked at when the pipeline has run.
    #[must_use]
    pub fn scorer(&self) -> Option<Arc<Scorer>> {
        self.scorer.clone()
    }
}

// === impl Books ===

impl Books {
    /// Documents given up by any sink.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        let all = self.sinks.values().chain(self.keepers.values());
        all.map(|books| books.documents_abandoned.get()).sum()
    }

    /// The names of all sources and sinks whose accounts do not balance.
    #[must_use]
    pub fn unbalanced(&self) -> Vec<String> {
        let sources = self.sources.iter().filter(|(_, books)| !books.balance()).map(|(name, _)| name.clone());
        let sinks = self.sinks.iter().filter(|(_, books)| !books.balance()).map(|(name, _)| name.clone());
        let keepers =
            self.keepers.iter().filter(|(_, books)| !books.balance()).map(|(name, _)| (*name).to_owned());
        sources.chain(sinks).chain(keepers).collect()
    }
}

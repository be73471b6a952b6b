//! A config turned to flow logs of the past: what of it holds for an archive, and a pipeline that reads one.

use std::collections::BTreeMap;

use super::{Config, DeadLetterConfig, LimitsConfig, QuarantineConfig, SinkConfig, SourceConfig};
use crate::{
    enrich, normalize, parse, score,
    sink::{To, WhenUnwritable},
    source::{From, Input},
};

/// What of a config holds for an archive; the defaults where there is no config.
#[derive(Debug, Clone)]
pub struct Past {
    /// What is added to each event. Assets from a topic are not followed.
    pub enrich: enrich::Config,
    /// How events are scored.
    pub score: score::Config,
    /// How entries are written: as those of the only source; found out where there are several.
    pub format: parse::Config,
}

/// Several estates, and nothing that says of which an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "could not tell whose estate the archive is: the config's `sources` have different `tenant`s; give a config that has \
     the sources of one"
)]
pub struct EstatesError;

/// The name of the one source, and of the one sink, of a pipeline that reads an archive.
const ARCHIVE: &str = "archive";
const FINDINGS: &str = "findings";

// === impl Past ===

impl Past {
    /// Of `config`.
    ///
    /// # Errors
    /// When its sources tell of different tenants.
    pub fn of(config: Option<&Config>) -> Result<Self, EstatesError> {
        let Some(config) = config else {
            return Ok(Self {
                enrich: enrich::Config::default(),
                score: score::Config::default(),
                format: parse::Config::Auto,
            });
        };
        if config.score.tenants.windows(2).any(|two| two[0] != two[1]) {
            return Err(EstatesError);
        }
        let mut sources = config.sources.values();
        let format = match (sources.next(), sources.next()) {
            (Some(only), None) => only.format(),
            _ => parse::Config::Auto,
        };
        let mut enrich = config.enrich.clone();
        enrich.assets.retain(|list| list.file.is_some());
        if enrich.assets.len() < config.enrich.assets.len() {
            tracing::warn!("assets from a topic are not followed while an archive is read; name a file");
        }
        Ok(Self { enrich, score: config.score.clone(), format })
    }
}

// === impl Config ===

impl Config {
    /// A pipeline that reads an archive with what of `config` holds for it and the same limits, and whose only sink is the file
    /// `findings`. It has no state, and nobody listens.
    ///
    /// # Errors
    /// When the sources of `config` tell of different tenants.
    pub fn over_archive(config: Option<&Self>, findings: &str) -> Result<Self, EstatesError> {
        let Past { enrich, score, format } = Past::of(config)?;
        let tenant = score.tenants.first().cloned().flatten();
        // Whoever runs it puts the archive in the source's place.
        let source = SourceConfig { from: From::once(&[]), format, input: Input::default(), tenant };
        let sink = SinkConfig {
            to: To::file(findings),
            schema: normalize::SchemaName::Ecs,
            original: false,
            fields: normalize::Fields::default(),
            select: normalize::Select::Findings,
            buffer: None,
            filter: None,
            sample: None,
        };
        let mut over = Self {
            sources: BTreeMap::from([(ARCHIVE.to_owned(), source)]),
            enrich,
            score,
            #[cfg(feature = "kafka")]
            rekey: None,
            sinks: BTreeMap::from([(FINDINGS.to_owned(), sink)]),
            quarantine: QuarantineConfig { to: To::Discard {}, when_full: WhenUnwritable::Drop },
            dead_letter: DeadLetterConfig { to: To::Discard {} },
            state: None,
            limits: config.map_or_else(LimitsConfig::default, |config| config.limits.clone()),
            telemetry: super::TelemetryConfig::default(),
            shutdown: super::ShutdownConfig::default(),
        };
        // How many of them anybody looks at is what is to be found out.
        over.score.budget = 0;
        over.derive();
        Ok(over)
    }
}

//! The root of a config: gathers what the rooms ask for, and checks what no room can see alone.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Loaded, Problems, Tree};
use crate::{
    enrich, normalize, parse,
    quantity::{ByteSize, Duration},
    score,
    sink::{To, WhenUnwritable},
    source::From,
};

/// A floodmark config: where records come from, what is added to them, and where documents go.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where records come from, each source under a name of your choice. At least one.
    #[schemars(extend("minProperties" = 1))]
    pub sources: BTreeMap<String, SourceConfig>,
    /// What is added to each event. Default: direction, protocol and service names, no databases.
    #[serde(default)]
    pub enrich: enrich::Config,
    /// How each host's traffic is compared with its past and its peers'.
    #[serde(default)]
    pub score: score::Config,
    /// Where documents go, each sink under a name of your choice. At least one.
    #[schemars(extend("minProperties" = 1))]
    pub sinks: BTreeMap<String, SinkConfig>,
    /// Where entries go that cannot be read. Default: the file `quarantine.ndjson`, begun with its first entry.
    #[serde(default)]
    pub quarantine: QuarantineConfig,
    /// Where documents go that a sink refuses for good. Default: the file `dead.ndjson`, begun with its first document.
    #[serde(default)]
    pub dead_letter: DeadLetterConfig,
    /// What survives a restart. Default: nothing does; baselines are learned anew from what is read.
    #[serde(default)]
    pub state: Option<StateConfig>,
    /// How much of the machine is used.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Where metrics and health are served.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// How the process ends.
    #[serde(default)]
    pub shutdown: ShutdownConfig,
}

/// A source: where its records come from, and how they are written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Where the records come from: one kind.
    pub from: From,
    /// How the entries are written. Default: `auto`.
    #[serde(default)]
    pub format: parse::Config,
}

/// A sink: where its documents go, in which form, and which.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkConfig {
    /// Where the documents go: one kind.
    pub to: To,
    /// The normal form of the documents. Default: `ecs`.
    #[serde(default)]
    pub schema: normalize::SchemaName,
    /// Which documents leave here. Default: `all`.
    #[serde(default)]
    pub select: normalize::Select,
}

/// Where entries go that cannot be read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantineConfig {
    /// Where they go: one kind.
    pub to: To,
    /// What happens while they cannot be written: `wait` stops the sources, `drop` loses them and counts them.
    /// Default: `wait`.
    #[serde(default)]
    pub when_full: WhenUnwritable,
}

/// Where documents go that a sink refuses for good.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterConfig {
    /// Where they go: one kind.
    pub to: To,
}

/// What survives a restart.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateConfig {
    /// The folder that holds it; made if it does not exist. One process at a time may use it.
    pub directory: PathBuf,
    /// How often a snapshot of the baselines is taken. What was learned since the last one is learned again after a
    /// crash, from sources that can be read again. Default: `60s`.
    #[serde(default = "default_every")]
    pub every: Duration,
}

/// How much of the machine is used.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// The most memory that the process may take; a config whose parts need more is refused. Default: `512MiB`.
    #[serde(default = "default_memory")]
    pub memory: ByteSize,
    /// Worker threads, 1 to 64. Default: 2.
    #[serde(default = "default_threads")]
    #[schemars(range(min = 1, max = 64))]
    pub threads: u16,
}

/// Where metrics and health are served.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Address and port for `/metrics`, `/live` and `/ready` over HTTP. Default: they are not served.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
}

/// How the process ends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShutdownConfig {
    /// How long a stop waits for what is on its way to be confirmed. What is not confirmed then is read again by the
    /// next run. Default: `25s`.
    #[serde(default = "default_grace")]
    pub grace: Duration,
}

const fn default_every() -> Duration {
    Duration::seconds(60)
}

const fn default_memory() -> ByteSize {
    ByteSize::mebibytes(512)
}

const fn default_threads() -> u16 {
    2
}

const fn default_grace() -> Duration {
    Duration::seconds(25)
}

// === defaults ===

impl Default for QuarantineConfig {
    fn default() -> Self {
        Self { to: To::file("quarantine.ndjson"), when_full: WhenUnwritable::Wait }
    }
}

impl Default for DeadLetterConfig {
    fn default() -> Self {
        Self { to: To::file("dead.ndjson") }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { memory: default_memory(), threads: default_threads() }
    }
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        Self { grace: default_grace() }
    }
}

// === impl Config ===

impl Config {
    /// Reads a config and checks it whole: syntax, schema, types, and what only several keys together can get wrong.
    ///
    /// # Errors
    /// Every problem found, in the order of the file.
    pub fn read(
        file: &str,
        text: &[u8],
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Loaded<Self>, Problems> {
        let loaded = super::read::<Self>(file, text, env)?;
        let mut problems = Problems::new(file);
        loaded.value.check(&loaded.tree, &mut problems);
        problems.into_result(loaded)
    }

    fn check(&self, tree: &Tree, problems: &mut Problems) {
        self.check_sources(tree, problems);
        self.check_shared_files(tree, problems);
        for (field, error) in self.score.problems() {
            problems.at(tree, &format!("score.{field}"), error.to_string(), None);
        }
    }

    fn check_sources(&self, tree: &Tree, problems: &mut Problems) {
        let stdin: Vec<_> =
            self.sources.iter().filter(|(_, source)| matches!(source.from, From::Stdin { .. })).collect();
        for (name, _) in stdin.iter().skip(1) {
            problems.at(
                tree,
                &format!("sources.{name}.from.stdin"),
                "standard input has one reader, and another source reads it already",
                "leave one source with `stdin`".to_owned(),
            );
        }
        for (name, source) in &self.sources {
            if source.from.follows() && self.state.is_none() {
                problems.at(
                    tree,
                    &format!("sources.{name}.from.file.follow"),
                    "a followed file needs a place to remember how far it was read",
                    "set `state.directory`".to_owned(),
                );
            }
        }
    }

    /// Two writers of one file would tear each other's lines.
    fn check_shared_files(&self, tree: &Tree, problems: &mut Problems) {
        let sinks = self.sinks.iter().map(|(name, sink)| (format!("sinks.{name}.to.file.path"), &sink.to));
        let others = [
            ("quarantine.to.file.path".to_owned(), &self.quarantine.to),
            ("dead_letter.to.file.path".to_owned(), &self.dead_letter.to),
        ];
        let mut seen = BTreeMap::new();
        for (path, to) in sinks.chain(others) {
            let Some(file) = to.path() else { continue };
            if file.starts_with("/dev") {
                continue;
            }
            if let Some(first) = seen.insert(file.to_owned(), path.clone()) {
                let text = format!("the file {} is also written by `{first}`", file.display());
                problems.at(tree, &path, text, "give each its own file".to_owned());
            }
        }
    }
}

//! The root of a config: gathers what the rooms ask for, and checks what no room can see alone.

use std::{collections::BTreeMap, net::SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Loaded, Problems, SourceConfig, StateConfig, Tree, choices, clusters, shared};
#[cfg(feature = "kafka")]
use crate::sink::{KafkaSinkConfig, Transactions};
use crate::{
    enrich,
    filter::FilterError,
    normalize,
    quantity::{ByteSize, Duration},
    score,
    sink::{BufferConfig, To, WhenUnwritable},
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
    /// A topic by way of which several processes score what is not keyed by entity: events leave without a score, and findings leave
    /// by the process that scores their entity. Needs one source, from Kafka. Default: none; each process scores what it reads.
    #[cfg(feature = "kafka")]
    #[serde(default)]
    pub rekey: Option<super::RekeyConfig>,
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

/// What exactly-once delivery is made of: the one sink and its transactions.
#[cfg(feature = "kafka")]
#[derive(Debug, Clone, Copy)]
pub struct Exactly<'a> {
    /// The sink's name.
    pub name: &'a str,
    /// The sink.
    pub sink: &'a SinkConfig,
    /// Its cluster and topics.
    pub kafka: &'a KafkaSinkConfig,
    /// Its transactions.
    pub transactions: &'a Transactions,
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
    /// Whether the document of an event holds the line as received too: `event.original` in ECS, `raw_data` in OCSF.
    /// Default: false.
    #[serde(default)]
    pub original: bool,
    /// How much of an event its document holds: `all`, or `slim`, which is what a SIEM searches. Default: `all`.
    #[serde(default)]
    pub fields: normalize::Fields,
    /// Which documents leave here. Default: `all`.
    #[serde(default)]
    pub select: normalize::Select,
    /// A buffer on disk before the sink: what it holds is confirmed, so that a sink that is down stops nothing else.
    /// Default: none; while the sink takes nothing the sources wait.
    #[serde(default)]
    pub buffer: Option<BufferConfig>,
    /// Which events leave here, of those that `select` lets pass: a condition on their fields, such as
    /// `destination.port in {22, 3389} and not source.ip in 10.0.0.0/8`. Fields have the names of
    /// `schemas/fields.json` or AWS's own. A comparison with a field that an event does not have is false. A finding leaves
    /// unless what it says itself makes the condition false. Default: all of them.
    #[serde(default, rename = "where")]
    pub filter: Option<String>,
    /// How much leaves of what scored low, of what `select` and `where` let pass. Default: all of it.
    #[serde(default)]
    pub sample: Option<normalize::Sampling>,
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

// === impl SinkConfig ===

impl SinkConfig {
    /// How its documents are written.
    #[must_use]
    pub fn form(&self) -> normalize::Form {
        normalize::Form { schema: self.schema, original: self.original, fields: self.fields }
    }

    /// Which documents leave by it.
    ///
    /// # Errors
    /// When `where` cannot be read; [`Config::read`] lets no such config pass.
    pub fn selection(&self) -> Result<normalize::Selection, FilterError> {
        let filter = self.filter.as_deref().map(str::parse).transpose()?;
        Ok(normalize::Selection { select: self.select, filter, sample: self.sample })
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
        let mut loaded = super::read::<Self>(file, text, env)?;
        loaded.value.derive();
        let mut problems = Problems::new(file);
        loaded.value.check(&loaded.tree, &mut problems);
        problems.into_result(loaded)
    }

    /// Tells scoring what follows from the other parts.
    pub(super) fn derive(&mut self) {
        let Self { sources, sinks, score, .. } = self;
        score.tenants = sources.values().map(|source| source.tenant.clone()).collect();
        score.sources = sources.keys().map(ToString::to_string).collect();
        score.second_hand = false;
        #[cfg(feature = "kafka")]
        if self.rekey.is_some() {
            // The topic's own source tells of whom the one source tells.
            let tenant = score.tenants.first().cloned().flatten();
            score.tenants.push(tenant);
            score.sources.push("rekey".to_owned());
            score.second_hand = true;
        }
        // What a sample leaves out stands in the findings.
        score.activity = sinks.values().any(|sink| sink.sample.is_some());
        score.tells_sessions = sinks.values().any(|sink| sink.select.has_sessions());
        let lists = score.watchlists.iter().map(|list| (list.path.clone(), list.name()));
        self.enrich.watchlists = lists.collect();
        score.stitches = score.tells_sessions || score.detectors.look() && !score.second_hand;
    }

    /// The sink that delivers exactly once, where one does.
    #[cfg(feature = "kafka")]
    #[must_use]
    pub fn exactly_once(&self) -> Option<Exactly<'_>> {
        self.sinks.iter().find_map(|(name, sink)| {
            let kafka = sink.to.kafka()?;
            Some(Exactly { name, sink, kafka, transactions: kafka.transactional.as_ref()? })
        })
    }

    fn check(&self, tree: &Tree, problems: &mut Problems) {
        #[cfg(feature = "kafka")]
        self.check_exactly_once(tree, problems);
        #[cfg(feature = "kafka")]
        self.check_rekey(tree, problems);
        self.check_sources(tree, problems);
        self.check_shared_files(tree, problems);
        self.check_buffers(tree, problems);
        self.check_state(tree, problems);
        choices::check(&self.sinks, self.score.sessions_max, tree, problems);
        clusters::check(self, tree, problems);
        for (path, to) in self.places() {
            for (key, text) in to.problems() {
                problems.at(tree, &format!("{path}.{key}"), text, None);
            }
        }
        for (key, text, help) in self.enrich.problems() {
            problems.at(tree, &format!("enrich.{key}"), text, help.to_owned());
        }
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
        shared::check(&self.sources, tree, problems);
        for (name, source) in &self.sources {
            for (key, text, help) in source.from.problems() {
                problems.at(tree, &format!("sources.{name}.from.{key}"), text, help.to_owned());
            }
            if let (Some((key, text)), None) = (source.from.needs_state(), &self.state) {
                let path = format!("sources.{name}.from.{key}");
                problems.at(tree, &path, text, "set `state.directory`".to_owned());
            }
        }
    }

    /// Two writers of one file would tear each other's lines.
    fn check_shared_files(&self, tree: &Tree, problems: &mut Problems) {
        let mut seen = BTreeMap::new();
        for (place, to) in self.places() {
            let path = format!("{place}.file.path");
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

    /// A transaction holds everything that leaves and the positions of one group, all in one cluster.
    #[cfg(feature = "kafka")]
    fn check_exactly_once(&self, tree: &Tree, problems: &mut Problems) {
        let Some(Exactly { name, kafka, .. }) = self.exactly_once() else { return };
        let place = format!("sinks.{name}.to.kafka.transactional");
        let brokers = |brokers: &[String]| brokers.iter().cloned().collect::<std::collections::BTreeSet<_>>();
        let cluster = brokers(&kafka.brokers);
        if self.sinks.len() > 1 {
            let text = "a transaction holds what one sink delivers, and there are others";
            problems.at(
                tree,
                &place,
                text,
                "leave this sink alone, and let others read its topic".to_owned(),
            );
        }
        if self.sources.len() > 1 {
            let text = "a transaction commits the positions of one source, and there are several";
            problems.at(tree, &place, text, "run a process for each source".to_owned());
        }
        for (source, config) in &self.sources {
            let same = matches!(&config.from, From::Kafka(from) if brokers(&from.brokers) == cluster);
            if !same {
                let path = format!("sources.{source}.from");
                let text = "a transaction commits positions of its own cluster only";
                problems.at(tree, &path, text, format!("read from the brokers of `sinks.{name}`"));
            }
        }
        for (path, to) in [("quarantine.to", &self.quarantine.to), ("dead_letter.to", &self.dead_letter.to)] {
            if to.kafka().is_none_or(|beside| brokers(&beside.brokers) != cluster) {
                let text = format!("what goes here must leave in the transactions of `sinks.{name}`");
                problems.at(tree, path, text, "name a topic of the same brokers under `kafka`".to_owned());
            }
        }
    }

    /// Everything that documents may go to, with its path in the config.
    fn places(&self) -> impl Iterator<Item = (String, &To)> {
        let sinks = self.sinks.iter().map(|(name, sink)| (format!("sinks.{name}.to"), &sink.to));
        let keepers = [("quarantine.to", &self.quarantine.to), ("dead_letter.to", &self.dead_letter.to)];
        sinks.chain(keepers.map(|(path, to)| (path.to_owned(), to)))
    }
}

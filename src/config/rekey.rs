//! `rekey`: the topic by way of which workers that share a source leave the scoring of each entity to one of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, Problems, Tree};
use crate::{
    normalize::Select,
    quantity::ByteSize,
    sink::{KafkaSinkConfig, To},
    source::{From, Input, kafka},
};

/// Scoring by way of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RekeyConfig {
    /// The topic, in the cluster of the source. It must exist, with at least as many partitions as there are workers, and is nobody
    /// else's: what is in it is read by these workers alone.
    #[schemars(length(min = 1, max = 249))]
    pub topic: String,
    /// The topic by way of which workers share what peers do; compacted, and nobody else's. Default: `topic` and `-pools`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 249))]
    pub pools: Option<String>,
    /// The topic that keeps what is known of hosts, so that it goes with them from worker to worker; compacted, with as many
    /// partitions as `topic`, and nobody else's. Default: `topic` and `-changelog`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 249))]
    pub changelog: Option<String>,
}

/// The two ends of the topic.
#[derive(Debug, Clone)]
pub struct Rekeyed {
    /// Where observations go.
    pub to: To,
    /// Where they come from.
    pub from: From,
    /// The topics whose partitions they speak of.
    pub topics: Vec<String>,
    /// The topic itself, that of pools, and that of what is known of hosts.
    pub topic: String,
    /// See [`Rekeyed::topic`].
    pub pools: String,
    /// See [`Rekeyed::topic`].
    pub changelog: String,
    /// The group that reads the topic.
    pub group: String,
}

/// Observations that are on their way at a time: a tenth of what documents take.
const IN_FLIGHT: ByteSize = ByteSize::mebibytes(4);
/// The name that both ends have in metrics and logs, and so nobody else.
const REKEY: &str = "rekey";

// === impl RekeyConfig ===

impl RekeyConfig {
    /// The topic, that of pools, and that of what is known of hosts.
    fn own_topics(&self) -> [String; 3] {
        let named = |name: &Option<String>, suffix: &str| {
            name.clone().unwrap_or_else(|| format!("{}-{suffix}", self.topic))
        };
        [self.topic.clone(), named(&self.pools, "pools"), named(&self.changelog, "changelog")]
    }
}

// === impl Config ===

impl Config {
    /// The two ends of the topic that observations go through, where they do.
    #[must_use]
    pub fn rekeyed(&self) -> Option<Rekeyed> {
        let rekey = self.rekey.as_ref()?;
        let topic = &rekey.topic;
        let source = self.sources.values().find_map(|source| match &source.from {
            From::Kafka(kafka) => Some(kafka),
            _ => None,
        })?;
        let to = KafkaSinkConfig {
            tls: source.tls.clone(),
            sasl: source.sasl.clone(),
            #[cfg(feature = "aws")]
            auth: source.auth.clone(),
            options: source.options.clone(),
            in_flight: IN_FLIGHT,
            ..KafkaSinkConfig::new(source.brokers.clone(), topic)
        };
        let group = format!("{}.{topic}", source.group);
        let from = kafka::Config {
            topics: vec![topic.clone()],
            group: group.clone(),
            start: kafka::Start::Earliest,
            ..(**source).clone()
        };
        let topics = source.topics.clone();
        let [topic, pools, changelog] = rekey.own_topics();
        Some(Rekeyed {
            to: To::Kafka(Box::new(to)),
            from: From::Kafka(Box::new(from)),
            topics,
            topic,
            pools,
            changelog,
            group,
        })
    }

    pub(super) fn check_rekey(&self, tree: &Tree, problems: &mut Problems) {
        let Some(rekey) = &self.rekey else { return };
        let mut tell = |path: &str, text: &str, help: &str| problems.at(tree, path, text, help.to_owned());
        let mut sources = self.sources.iter();
        match (sources.next(), sources.next()) {
            (Some((name, source)), None) => match &source.from {
                From::Kafka(kafka) if rekey.own_topics().iter().any(|topic| kafka.topics.contains(topic)) => {
                    tell(
                        "rekey",
                        "the source reads one of its topics",
                        "name topics that nobody else writes or reads",
                    )
                }
                From::Kafka(_) if source.input == Input::Keyed => tell(
                    &format!("sources.{name}.input"),
                    "what is keyed by entity need not be keyed anew",
                    "leave out `rekey`, or this",
                ),
                From::Kafka(_) => {}
                _ => tell("rekey", "the source is none of Kafka", "leave it out, or read from Kafka"),
            },
            _ => tell("rekey", "there are several sources", "run a process for each, with a topic for each"),
        }
        let [topic, pools, changelog] = rekey.own_topics();
        if topic == pools || pools == changelog || changelog == topic {
            tell(
                "rekey",
                "two of its three topics have one name",
                "name three, or leave out `pools` and `changelog`",
            );
        }
        if self.exactly_once().is_some() {
            let help = "leave out `rekey` or `transactional`";
            tell("rekey", "observations do not leave in the sink's transactions", help);
        }
        for (name, sink) in &self.sinks {
            if matches!(sink.select, Select::Score(_)) {
                let help = "select `findings` or `all`";
                tell(&format!("sinks.{name}.select"), "with `rekey` events leave without a score", help);
            }
            if sink.select.has_sessions() {
                let help = "select `findings` or `all`, or run one process without `rekey`";
                let text = "with `rekey` the two sides of a session may be two processes'";
                tell(&format!("sinks.{name}.select"), text, help);
            }
        }
        for (place, is_taken) in
            [("sources", self.sources.contains_key(REKEY)), ("sinks", self.sinks.contains_key(REKEY))]
        {
            if is_taken {
                tell(&format!("{place}.{REKEY}"), "the topic of `rekey` has this name", "give it another");
            }
        }
    }
}

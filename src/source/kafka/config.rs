//! What `from: { kafka: … }` holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(feature = "aws")]
use crate::kafka::Auth;
use crate::kafka::{Connection, Login, Options, Sasl, Tls};

/// Topics of a Kafka cluster, read as a member of a consumer group. What is delivered is committed to the group, and
/// nothing before.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Brokers to begin with, `host:port` each; the others are learned from them.
    #[schemars(length(min = 1))]
    pub brokers: Vec<String>,
    /// Topics, and patterns: regular expressions that begin with `^` and must match a whole name. A topic that appears
    /// later and matches is read from its start.
    #[schemars(length(min = 1))]
    pub topics: Vec<String>,
    /// The consumer group. All processes of one group share the topics' partitions.
    #[schemars(length(min = 1))]
    pub group: String,
    /// Where a partition is read from of which the group has committed nothing. Default: `earliest`. It decides nothing
    /// else: where what comes next was deleted by the topic's retention, reading goes on with the oldest record there is.
    #[serde(default)]
    pub start: Start,
    /// A name of this process in the group, the same after a restart and another for each process (`group.instance.id`): a
    /// restart within the session's time-out moves no partition. Default: none; each start joins anew.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub instance: Option<String>,
    /// How the group shares the partitions. Default: `classic`, with cooperative assignment.
    #[serde(default)]
    pub protocol: Protocol,
    /// An encrypted connection. Default: not encrypted.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Who we are, by name and password. Default: nobody.
    #[serde(default)]
    pub sasl: Option<Sasl>,
    /// Who we are, by other means. Default: what `sasl` says.
    #[cfg(feature = "aws")]
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Options that go to librdkafka as they are, by the names of its documentation; refused are those that floodmark
    /// sets itself or that would break what it promises.
    #[serde(default)]
    pub options: Options,
}

/// Where a partition without a committed position is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// From the oldest record there is.
    #[default]
    Earliest,
    /// From the first record that comes after the group first holds the partition; one that is added to a topic later, from
    /// the oldest record there is.
    Latest,
}

/// How a group shares partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// The members agree among themselves; every broker can do it.
    #[default]
    Classic,
    /// The broker decides (KIP-848); brokers from 4.0 on.
    Consumer,
}

// === impl Config ===

impl Config {
    pub(super) fn connection(&self) -> Connection {
        Connection {
            brokers: self.brokers.clone(),
            tls: self.tls.clone(),
            #[cfg(feature = "aws")]
            login: Login::of(self.sasl.as_ref(), self.auth.as_ref()),
            #[cfg(not(feature = "aws"))]
            login: self.sasl.clone().map(Login::Password),
            options: self.options.clone(),
        }
    }

    /// What no type can see: the key, below `kafka`, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        #[cfg(feature = "aws")]
        if let Some(auth) = &self.auth {
            return auth.problems(self.tls.as_ref(), self.sasl.as_ref());
        }
        Vec::new()
    }

    /// The topics that are names, not patterns.
    pub fn named_topics(&self) -> impl Iterator<Item = &str> {
        self.topics.iter().map(String::as_str).filter(|topic| !topic.starts_with('^'))
    }
}

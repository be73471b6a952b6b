//! Options that go to librdkafka as they are, and those that may not: each of them would break a promise.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of librdkafka, under the names of its own documentation.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
#[schemars(with = "BTreeMap<String, String>")]
pub struct Options(BTreeMap<String, String>);

/// An option that is not passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the option `{name}` may not be set: {remedy}")]
pub struct RefusedOption {
    name: String,
    remedy: &'static str,
}

const COMMITS: &str = "positions are committed when their records are delivered, and only then";
const ONCE: &str = "what is delivered must be confirmed by all replicas, in order and once";
const MEMORY: &str = "its memory is counted in `limits.memory`";
const BOOKS: &str = "every document must be accounted for";

/// Names, or beginnings of names that end in a dot, and why they are refused or what to set instead.
const REFUSED: &[(&str, &str)] = &[
    ("acks", ONCE),
    ("allow.auto.create.topics", "a misspelt topic would be made; create the topic first"),
    ("auto.commit.", COMMITS),
    ("auto.offset.reset", "set `start`"),
    ("batch.num.messages", "set `batch_size`"),
    ("batch.size", "set `batch_size`"),
    ("bootstrap.servers", "set `brokers`"),
    ("builtin.features", "it is what the library was built with"),
    ("compression.codec", "set `compression`"),
    ("compression.level", "set `compression_level`"),
    ("compression.type", "set `compression`"),
    ("delivery.report.only.error", BOOKS),
    ("delivery.timeout.ms", BOOKS),
    ("enable.auto.commit", COMMITS),
    ("enable.auto.offset.store", COMMITS),
    ("enable.gapless.guarantee", ONCE),
    ("enable.idempotence", ONCE),
    ("enable.partition.eof", "it is not a record"),
    ("enable.random.seed", "randomness has one source"),
    ("enable.ssl.certificate.verification", "name the authority in `tls.ca`"),
    ("group.id", "set `group`"),
    ("group.instance.id", "set `instance`"),
    ("group.protocol", "set `protocol`"),
    ("linger.ms", "set `linger`"),
    ("log.queue", "logs go one way"),
    ("max.in.flight", ONCE),
    ("max.in.flight.requests.per.connection", ONCE),
    ("message.send.max.retries", BOOKS),
    ("message.timeout.ms", BOOKS),
    ("metadata.broker.list", "set `brokers`"),
    ("partition.assignment.strategy", "partitions are handed over one by one; set `protocol`"),
    ("partitioner", "set `key`"),
    ("plugin.library.paths", "it would run foreign code"),
    ("queue.buffering.backpressure.threshold", MEMORY),
    ("queue.buffering.max.kbytes", MEMORY),
    ("queue.buffering.max.messages", MEMORY),
    ("queue.buffering.max.ms", "set `linger`"),
    ("queued.max.messages.kbytes", MEMORY),
    ("queued.min.messages", MEMORY),
    ("request.required.acks", ONCE),
    ("retries", BOOKS),
    ("sasl.mechanism", "set `sasl.mechanism` beside `options`"),
    ("sasl.mechanisms", "set `sasl.mechanism` beside `options`"),
    ("sasl.password", "set `sasl.password` beside `options`"),
    ("sasl.username", "set `sasl.username` beside `options`"),
    ("security.protocol", "set `tls` and `sasl`"),
    ("ssl.ca.location", "set `tls.ca`"),
    ("ssl.certificate.location", "set `tls.certificate`"),
    ("ssl.key.location", "set `tls.key`"),
    ("ssl.key.password", "set `tls.key_password`"),
    ("statistics.interval.ms", "the metrics are at `telemetry.listen`"),
    ("transactional.id", "set `transactional`"),
];

// === impl Options ===

impl Options {
    /// Names and values, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl TryFrom<BTreeMap<String, String>> for Options {
    type Error = RefusedOption;

    fn try_from(options: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        let fits = |name: &str, row: &str| name == row || row.ends_with('.') && name.starts_with(row);
        for name in options.keys() {
            if let Some((_, remedy)) = REFUSED.iter().find(|(row, _)| fits(name, row)) {
                return Err(RefusedOption { name: name.clone(), remedy });
            }
        }
        Ok(Self(options))
    }
}

impl From<Options> for BTreeMap<String, String> {
    fn from(options: Options) -> Self {
        options.0
    }
}

impl fmt::Debug for Options {
    /// The names only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(name: &str) -> Result<Options, RefusedOption> {
        Options::try_from(BTreeMap::from([(name.to_owned(), "1".to_owned())]))
    }

    #[test]
    fn an_option_that_would_break_a_promise_is_refused_with_what_to_set_instead() {
        for (name, remedy) in REFUSED.iter().filter(|(name, _)| !name.ends_with('.')) {
            let refused = options(name).map(drop);
            assert_eq!(refused, Err(RefusedOption { name: (*name).to_owned(), remedy }));
        }
        assert!(options("auto.commit.interval.ms").is_err(), "a family is refused by its beginning");
        assert_eq!(
            options("fetch.wait.max.ms").unwrap().iter().collect::<Vec<_>>(),
            [("fetch.wait.max.ms", "1")]
        );
    }

    #[test]
    fn the_value_of_an_option_is_in_no_debug_output() {
        let hidden = Options::try_from(BTreeMap::from([(
            "sasl.oauthbearer.client.secret".to_owned(),
            "hunter2".to_owned(),
        )]));
        assert!(!format!("{hidden:?}").contains("hunter2"));
    }
}

//! What `enrich.assets[].kafka` holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(feature = "aws")]
use crate::kafka::Auth;
use crate::kafka::{Compacted, Connection, Login, Options, Sasl, Tls};

/// A compacted topic of Kafka as an asset list. A record's key is the asset's key, its value the asset as one object of a JSON
/// list, or one network interface, instance, subnet or VPC as AWS describes it; a record without a value takes the asset
/// away. The topic is read from its beginning to its end before anything else starts, and followed from then on. At most
/// 64 MiB of values and 1,000,000 keys. The topic's partitions are those that it has at start.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetTopic {
    /// Brokers to begin with, `host:port` each; the others are learned from them.
    #[schemars(length(min = 1))]
    pub brokers: Vec<String>,
    /// The topic; its `cleanup.policy` is `compact`.
    #[schemars(length(min = 1))]
    pub topic: String,
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
    /// Options that go to librdkafka as they are, by the names of its documentation.
    #[serde(default)]
    pub options: Options,
}

/// Names this end in the brokers' logs.
pub(super) const ROLE: &str = "assets";
/// A group is neither joined nor committed to, but librdkafka assigns nothing without the name of one.
pub(super) const GROUP: &str = "floodmark-assets";

// === impl AssetTopic ===

impl AssetTopic {
    /// How its cluster is reached.
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

    /// The topic as one that keeps the last word under each key, which it should be.
    #[must_use]
    pub fn compacted(&self) -> Compacted {
        Compacted::new(self.connection(), ROLE, &self.topic, GROUP)
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
}

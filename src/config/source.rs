//! A source as the config has it: where its records come from, and how they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    parse,
    score::Tenant,
    source::{From, Input},
};

/// A source: where its records come from, and how they are written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Where the records come from: one kind.
    pub from: From,
    /// How the entries are written. Default: `auto`.
    #[serde(default)]
    pub format: parse::Config,
    /// Whether all records of an entity, as `score.identity` tells who that is, come in one partition or shard: `keyed` or
    /// `unkeyed`. Only then may several processes share a Kafka group or the leases of a Kinesis stream: a process that scores and finds
    /// another one beside it ends otherwise. Default: `unkeyed`.
    #[serde(default)]
    pub input: Input,
    /// Whose estate it tells of, where one process reads several: entities of two tenants are never one, whatever their
    /// addresses, services and accounts. Default: none.
    #[serde(default)]
    pub tenant: Option<Tenant>,
}

// === impl SourceConfig ===

impl SourceConfig {
    /// How the entries are written: what `auto` means depends on where they come from.
    #[must_use]
    pub fn format(&self) -> parse::Config {
        match (&self.from, &self.format) {
            (From::Syslog(_), parse::Config::Auto) => parse::Config::syslog(),
            (_, format) => format.clone(),
        }
    }
}

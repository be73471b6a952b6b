//! A source as the config has it: where its records come from, and how they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{parse, score::Tenant, source::From};

/// A source: where its records come from, and how they are written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Where the records come from: one kind.
    pub from: From,
    /// How the entries are written. Default: `auto`.
    #[serde(default)]
    pub format: parse::Config,
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

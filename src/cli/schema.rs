//! `floodmark schema`: prints what stands in `schemas/`.

use std::io::Write;

use clap::ValueEnum;

use super::{Exit, tell};
use crate::{
    config::{self, Config},
    normalize,
};

/// Print what stands in `schemas/`.
#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    /// Which one.
    which: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The JSON Schema of the config file.
    Config,
    /// Every field that a document can hold, with its type and where it comes from.
    Fields,
}

// === impl Schema ===

impl Schema {
    pub(super) fn run(self) -> Exit {
        let text = match self.which {
            Which::Config => config_schema(),
            Which::Fields => fields_schema(),
        };
        match std::io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => Exit::Success,
            Err(error) => {
                tell(format_args!("could not write to stdout: {error}"));
                Exit::Unavailable
            }
        }
    }
}

/// The text of `schemas/config.schema.json`.
#[must_use]
pub fn config_schema() -> String {
    pretty(&config::schema::<Config>())
}

/// The text of `schemas/fields.json`.
#[must_use]
pub fn fields_schema() -> String {
    pretty(&normalize::fields())
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

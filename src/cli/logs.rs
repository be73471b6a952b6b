//! Logs: on stderr, for a person or as JSON, filtered by `FLOODMARK_LOG`.

use std::{env, io::IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For a person.
    Text,
    /// A JSON object a line.
    Json,
}

/// What is logged unless somebody chooses. AWS's crates dump what each place said in which they found nothing; our own errors
/// say in a line what was missing.
const LEVELS: &str = "info,aws_config=error";

/// Starts logging. `FLOODMARK_LOG` chooses levels, as in `debug` or `floodmark::sink=debug,warn`; default `info`.
pub(super) fn start(format: LogFormat) {
    let wanted = env::var("FLOODMARK_LOG").unwrap_or_else(|_| LEVELS.to_owned());
    let (levels, wrong) = match wanted.parse::<Targets>() {
        Ok(levels) => (levels, None),
        Err(error) => (Targets::new().with_default(tracing::Level::INFO), Some(error)),
    };
    let base = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => base.with_ansi(std::io::stderr().is_terminal()).with_target(false).boxed(),
        LogFormat::Json => base.json().flatten_event(true).boxed(),
    };
    if let Err(error) = registry().with(levels).with(lines).try_init() {
        super::tell(format_args!("could not start logging: {error}"));
    }
    if let Some(error) = wrong {
        tracing::warn!(wanted, %error, "FLOODMARK_LOG is not understood, so `info` it is; it takes a level, or a list as in `floodmark::sink=debug,warn`");
    }
}

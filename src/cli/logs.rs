//! Logs: on stderr, for a person or as JSON, filtered by `FLOODMARK_LOG`.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For a person.
    Text,
    /// A JSON object a line.
    Json,
}

/// Starts logging. `FLOODMARK_LOG` chooses levels, as in `debug` or `floodmark::sink=debug,warn`; default `info`.
pub(super) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("FLOODMARK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => base.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => base.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        super::tell(format_args!("could not start logging: {error}"));
    }
}

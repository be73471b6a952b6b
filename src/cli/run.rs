//! `floodmark run`: the pipeline, until its inputs end or a signal comes.

use std::{
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, logs::LogFormat, progress::Progress, summary, tell};
use crate::{
    app::{App, AppError, Books, Options, Report, allow_huge_pages},
    config::{Baseline, Config},
    pipe::{StopSwitch, stop},
    score::Scorer,
};

/// Run the pipeline, until its inputs end or a signal comes.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// The config file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Start with empty baselines; the state file that is there is kept under another name.
    #[arg(long)]
    reset_state: bool,
    /// What an empty state begins with: a baseline's file, `s3://BUCKET/KEY`, or `latest` for the newest of
    /// `state.snapshots`. Goes before `state.baseline` of the config; a state that is not empty goes before both.
    #[arg(long, value_name = "BASELINE")]
    baseline: Option<Baseline>,
    /// No summary at the end; what it counts is logged instead, as it is with `--log-format json`.
    #[arg(short, long)]
    quiet: bool,
    /// Check one document in N (1024 where no N is given) and every finding against the published ECS or OCSF, and count,
    /// warn and sum up what is wrong. Every document leaves all the same, and the exit code stays what it is.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1024")]
    validate: Option<NonZeroU64>,
}

// === impl Run ===

impl Run {
    pub(super) fn run(self, log_format: LogFormat) -> Exit {
        let config = match read_config(&self.config) {
            Ok(config) => config,
            Err(exit) => return exit,
        };
        run_app(
            config,
            Options {
                config_file: Some(self.config),
                reset_state: self.reset_state,
                baseline: self.baseline,
                validate: self.validate,
                ..Options::default()
            },
            self.quiet || log_format == LogFormat::Json,
        )
    }
}

/// Builds and runs a pipeline, and prints the summary, or logs what was counted where `quiet`.
pub(super) fn run_app(config: Config, options: Options, quiet: bool) -> Exit {
    let (report, scorer) = match carried_out(config, options, !quiet, |_| ()) {
        Ok(done) => done,
        Err(exit) => return exit,
    };
    if quiet {
        summary::log(&report);
    } else {
        tell(summary::Summary::new(&report, scorer.as_deref()));
    }
    // The process ends here, and its memory with it: to give back a hundred thousand entities one by one takes 2 % of
    // the time that a million records of theirs take.
    std::mem::forget(scorer);
    Exit::Success
}

/// Builds a pipeline, shows its books to `watch`, and runs it; what failed is told. What scoring knows by then is for
/// whoever asks. Progress is shown where that is `wanted`.
pub(super) fn carried_out(
    config: Config,
    options: Options,
    wanted: bool,
    watch: impl FnOnce(Books),
) -> Result<(Report, Option<Arc<Scorer>>), Exit> {
    allow_huge_pages(config.limits.memory.as_u64());
    // What is left to the runtime (reading, delivering, answering) takes a small part of what the workers take, and with
    // a thread too many each step wakes one that finds nothing to do.
    let threads = usize::from(config.limits.threads).div_ceil(2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.map_err(|error| {
        tell(format_args!("could not start the runtime: {error}"));
        Exit::Unavailable
    })?;
    let app = App::build(config, options).map_err(|error| {
        tell(format_args!("could not start: {error}"));
        Exit::Code(error.exit_code())
    })?;
    let scorer = app.scorer();
    watch(app.books());
    let ran = runtime.block_on(supervised(app, wanted));
    // A call of librdkafka's that does not come back would be waited for.
    runtime.shutdown_background();
    let report = ran.map_err(|error| {
        tell(format_args!("stopped: {error}"));
        Exit::Code(error.exit_code())
    })?;
    Ok((report, scorer))
}

async fn supervised(app: App, wanted: bool) -> Result<Report, AppError> {
    let (switch, stop) = stop();
    let signals = tokio::spawn(stop_on_signal(switch));
    let progress = Progress::start(app.books(), wanted);
    let report = app.run(stop).await;
    progress.end().await;
    signals.abort();
    report
}

/// Says stop at the first SIGTERM or SIGINT. A second SIGINT is left to end the process at once.
async fn stop_on_signal(switch: StopSwitch) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("could not listen for signals; only the end of the input stops the process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    switch.stop();
    interrupt.recv().await;
    tracing::warn!("interrupted again: stopping at once; what is not confirmed is read again");
    std::process::exit(i32::from(Exit::Code(75).number()));
}

/// Reads the config at `path`, or tells every problem of it.
pub(super) fn read_config(path: &Path) -> Result<Config, Exit> {
    let text = std::fs::read(path).map_err(|error| {
        tell(format_args!("could not read the config {}: {error}", path.display()));
        Exit::Config
    })?;
    let environment = |name: &str| std::env::var(name).ok();
    Config::read(&path.display().to_string(), &text, &environment).map(|loaded| loaded.value).map_err(
        |problems| {
            tell(problems);
            Exit::Config
        },
    )
}

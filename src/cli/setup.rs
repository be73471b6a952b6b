//! `floodmark setup`: puts on a cluster what documents need there.

use std::path::PathBuf;

use super::{Exit, run::read_config, tell};
use crate::{
    app::{AppError, SetUp, SetUpOptions, set_up},
    config::Config,
    sink::ElasticsearchSinkConfig,
};

/// Put on a cluster what documents need there.
#[derive(Debug, clap::Args)]
pub(super) struct Setup {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Lifecycle policies and templates for Elasticsearch or OpenSearch, where the config's sinks write to.
    ///
    /// What is there and is floodmark's is replaced when it has changed; policies are put there once and then left alone.
    Elasticsearch(Elasticsearch),
}

#[derive(Debug, clap::Args)]
struct Elasticsearch {
    /// The config file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Only for this sink. Default: every `elasticsearch` sink of the config.
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Only tell what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Let data streams that are there begin new indices, which have the new templates.
    #[arg(long)]
    rollover: bool,
}

// === impl Setup ===

impl Setup {
    pub(super) fn run(self) -> Exit {
        let What::Elasticsearch(asked) = self.what;
        let config = match read_config(&asked.config) {
            Ok(config) => config,
            Err(exit) => return exit,
        };
        let sinks = chosen(&config, asked.sink.as_deref());
        if sinks.is_empty() {
            let which = asked.sink.map_or_else(String::new, |name| format!(" called `{name}`"));
            tell(format_args!("{}: there is no `elasticsearch` sink{which}", asked.config.display()));
            return Exit::Config;
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tell(format_args!("could not start the runtime: {error}"));
                return Exit::Unavailable;
            }
        };
        let options = SetUpOptions { dry_run: asked.dry_run, rollover: asked.rollover };
        for (name, sink) in sinks {
            if let Err(error) = runtime.block_on(one(name, sink, options)) {
                tell(format_args!("stopped: {error}"));
                return Exit::Code(error.exit_code());
            }
        }
        Exit::Success
    }
}

fn chosen<'a>(config: &'a Config, only: Option<&str>) -> Vec<(&'a str, &'a ElasticsearchSinkConfig)> {
    let sinks = config.sinks.iter().filter(|(name, _)| only.is_none_or(|only| *name == only));
    sinks.filter_map(|(name, sink)| Some((name.as_str(), sink.to.elasticsearch()?))).collect()
}

async fn one(name: &str, sink: &ElasticsearchSinkConfig, options: SetUpOptions) -> Result<(), AppError> {
    let (mut unknown, dry) = (0, options.dry_run);
    let told = |path: &str, becomes: SetUp| {
        unknown += u32::from(becomes == SetUp::Unknown);
        let word = match becomes {
            SetUp::Created if dry => "would be created",
            SetUp::Replaced if dry => "would be replaced",
            SetUp::Created => "created",
            SetUp::Replaced => "replaced",
            SetUp::Kept => "kept",
            SetUp::Unknown => "not known to this cluster",
        };
        tell(format_args!("sink {name}: {path}: {word}"));
    };
    let streams = set_up(name, sink, options, told).await?;
    if unknown > 0 {
        tell(format_args!(
            "sink {name}: this cluster has no index lifecycle management, so nothing deletes old documents there"
        ));
    }
    if !streams.is_empty() {
        let names = streams.join(", ");
        match options.rollover && !dry {
            true => tell(format_args!("sink {name}: rolled over: {names}")),
            false => tell(format_args!(
                "sink {name}: these have the old templates until they roll over, which `--rollover` has them do: {names}"
            )),
        }
    }
    Ok(())
}

//! `floodmark check`: every problem of a config at once.

use std::path::PathBuf;

use super::{Exit, run::read_config, tell};
use crate::app::App;

/// Check a config and tell every problem at once.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The config file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Also look for what the config names: databases, asset lists, folders, brokers, topics, the telemetry address.
    #[arg(long)]
    online: bool,
}

// === impl Check ===

impl Check {
    pub(super) fn run(self) -> Exit {
        let config = match read_config(&self.config) {
            Ok(config) => config,
            Err(exit) => return exit,
        };
        for (folder, bytes) in config.buffers_left_behind() {
            tell(format_args!(
                "{}: note: {} holds {bytes} bytes of documents, and no sink has it for its buffer; what it holds is \
                 delivered once a sink of that name has a `buffer` again",
                self.config.display(),
                folder.display()
            ));
        }
        if self.online {
            let (errors, notes) = App::try_all(&config);
            for note in notes {
                tell(format_args!("{}: note: {note}", self.config.display()));
            }
            for error in &errors {
                tell(format_args!("{}: {error}", self.config.display()));
            }
            if let Some(first) = errors.first() {
                return Exit::Code(first.exit_code());
            }
        }
        tell(format_args!("{}: no problem found", self.config.display()));
        Exit::Success
    }
}

//! `floodmark replay`: quarantined entries through the pipeline again, and dead letters to the sinks that refused them.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::{
    Exit,
    run::{read_config, run_app},
    tell,
};
use crate::{
    app::{Options, Replayed},
    config::Config,
    event::Origin,
    normalize::{QuarantinedRecord, Refused},
    sink,
    source::ReplayedRecord,
};

/// Send quarantined records through the pipeline again, with the ids they had; and dead letters to their own sink.
///
/// What still cannot be read is quarantined again: move the file away first, as in `mv quarantine.ndjson again.ndjson`.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// The config file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Files that the quarantine or the dead letter wrote.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error("could not read {path}: {cause}")]
    Read { path: String, cause: String },
    #[error("could not read {path}, line {line}: {cause}")]
    Line { path: String, line: usize, cause: String },
    #[error("could not replay {path}, line {line}: the config has no {kind} called {name:?}")]
    Unknown { path: String, line: usize, kind: &'static str, name: String },
}

// === impl Replay ===

impl Replay {
    pub(super) fn run(self) -> Exit {
        let config = match read_config(&self.config) {
            Ok(config) => config,
            Err(exit) => return exit,
        };
        let mut replayed = Replayed::default();
        for path in &self.paths {
            if same_file(path, &config) {
                tell(format_args!(
                    "{} is what the config's pipeline writes to; move it away first",
                    path.display()
                ));
                return Exit::Usage;
            }
            if let Err(error) = gather(path, &config, &mut replayed) {
                tell(error);
                return Exit::NoInput;
            }
        }
        run_app(config, Options { replay: Some(replayed), ..Options::default() }, true)
    }
}

/// Whether `path` is the file that the quarantine or the dead letter of `config` appends to.
fn same_file(path: &Path, config: &Config) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let kept = [config.quarantine.to.path(), config.dead_letter.to.path()];
    kept.into_iter().flatten().any(|file| real(file).is_some() && real(file) == real(path))
}

fn gather(path: &Path, config: &Config, replayed: &mut Replayed) -> Result<(), ReplayError> {
    let shown = || path.display().to_string();
    let read = |error: std::io::Error| ReplayError::Read { path: shown(), cause: error.to_string() };
    for (index, line) in BufReader::new(File::open(path).map_err(read)?).split(b'\n').enumerate() {
        let line = line.map_err(read)?;
        let number = index + 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let record = QuarantinedRecord::parse(&line);
        let record = record.map_err(|error| ReplayError::Line {
            path: shown(),
            line: number,
            cause: error.to_string(),
        })?;
        let unknown = |kind, name: String| ReplayError::Unknown { path: shown(), line: number, kind, name };
        let QuarantinedRecord {
            detail,
            source,
            origin,
            position,
            index,
            event_id,
            bytes,
            format,
            sender,
            refused,
            ..
        } = record;
        match refused {
            Some(Refused { sink, status, kind, at, document }) if config.sinks.contains_key(&sink) => {
                let document = document.into_bytes();
                let refused = sink::Refused { id: event_id, kind, at, document, status, reason: detail };
                replayed.documents.entry(sink).or_default().push(refused);
            }
            Some(Refused { sink, .. }) => return Err(unknown("sink", sink)),
            None if config.sources.contains_key(&source) => {
                let (origin, format) = (Origin::from_text(&origin), format.map(Into::into));
                let record = ReplayedRecord { origin, position, index, bytes, format, sender };
                replayed.records.entry(source).or_default().push(record);
            }
            None => return Err(unknown("source", source)),
        }
    }
    Ok(())
}

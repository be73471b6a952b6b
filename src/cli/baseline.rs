//! `floodmark baseline`: what is learned, listed, drawn, exported, compared, merged and forgotten.

mod change;
mod diff;
mod drawing;
mod list;
mod show;
mod words;

use std::{
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::{Exit, run::read_config, tell};
use crate::{
    app::{HoldingError, Where},
    score::review,
    state::StateError,
};

/// Look at what is learned, and change it.
#[derive(Debug, clap::Args)]
pub(super) struct Baseline {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List every entity: how far its baseline may be trusted, since when it is known, what is in quarantine.
    List(list::List),
    /// Draw what one entity has learned, with today's values and its rhythm.
    Show(show::Show),
    /// Write every baseline as one JSON document; the same state gives the same bytes.
    ///
    /// One entity, interface or peer group a line, keys in order, whole numbers only. `floodmark schema baseline` describes it.
    Export(Export),
    /// Compare two of them: who is only in one, and whose usual values moved how far.
    Diff(diff::Diff),
    /// Merge what several processes have learned into one snapshot.
    ///
    /// They must have one seed, as those have that began with the same baseline. Histograms and pools are added up, sketches
    /// united, quarantines joined. A window that two of them learned of one entity counts twice. What they know of addresses outside
    /// begins anew. Positions are not merged:
    /// who begins with the snapshot reads where its config says.
    Merge(change::Merge),
    /// Forget one entity: its baselines, its rhythm, its quarantine. What it taught its peers stays with them.
    Forget(change::Forget),
}

/// Whose baselines.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct From {
    /// A config file, for the state that it names; no process may be running with it.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A snapshot, an export, the folder of a state, or the `telemetry.listen` of a running process: `http://127.0.0.1:9464`.
    #[arg(short, long, value_name = "WHERE")]
    from: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    from: From,
    /// The file to write. Default: stdout.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How a command ends that did not do what it should.
enum Failure {
    /// What there is cannot be used.
    Holding(HoldingError),
    /// Nobody reads what is written, or it cannot be.
    Io(io::Error),
    /// It was told already.
    Told(Exit),
}

// === impl Failure ===

impl std::convert::From<HoldingError> for Failure {
    fn from(error: HoldingError) -> Self {
        // Who reads an export has seen enough; it is no fault of what is exported.
        match error {
            HoldingError::Entries { error: review::ExportError::Io(error), .. }
                if error.kind() == ErrorKind::BrokenPipe =>
            {
                Self::Io(error)
            }
            error => Self::Holding(error),
        }
    }
}

impl std::convert::From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failure {
    fn exit(self) -> Exit {
        match self {
            Self::Io(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Success,
            Self::Io(error) => {
                tell(format_args!("could not write: {error}"));
                Exit::Unavailable
            }
            Self::Holding(error) => {
                tell(&error);
                if matches!(error, HoldingError::State(StateError::Locked { .. })) {
                    tell(
                        "to look at what a running process has learned, ask it: `--from http://ADDRESS`, its \
                         `telemetry.listen`; or look at one of its snapshots",
                    );
                }
                Exit::Code(error.exit_code())
            }
            Self::Told(exit) => exit,
        }
    }
}

// === impl Baseline ===

impl Baseline {
    pub(super) fn run(self) -> Exit {
        let done = match self.what {
            What::List(command) => command.run(),
            What::Show(command) => command.run(),
            What::Export(command) => command.run(),
            What::Diff(command) => command.run(),
            What::Merge(command) => command.run(),
            What::Forget(command) => command.run(),
        };
        done.unwrap_or_else(Failure::exit)
    }
}

// === impl From ===

impl From {
    fn find(&self) -> Result<Where, Failure> {
        match (&self.config, &self.from) {
            (Some(config), _) => of_config(config),
            (None, Some(text)) => find(text),
            (None, None) => Err(Failure::Told(Exit::Usage)),
        }
    }
}

/// Where `text` says that baselines are.
fn find(text: &str) -> Result<Where, Failure> {
    let path = Path::new(text);
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(Where::Process(text.to_owned()));
    }
    if path.is_dir() {
        return Ok(Where::State(path.into()));
    }
    if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
        return of_config(path);
    }
    if path.file_name().is_some_and(|name| name == "state.redb") {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return Ok(Where::State(folder.unwrap_or(Path::new(".")).into()));
    }
    Ok(Where::File(path.into()))
}

fn of_config(path: &Path) -> Result<Where, Failure> {
    let config = read_config(path).map_err(Failure::Told)?;
    match config.state {
        Some(state) => Ok(Where::State(state.directory)),
        None => {
            tell(format_args!(
                "{}: there is no state that keeps what is learned; set `state.directory`",
                path.display()
            ));
            Err(Failure::Told(Exit::Config))
        }
    }
}

// === impl Export ===

impl Export {
    fn run(self) -> Result<Exit, Failure> {
        let from = self.from.find()?;
        match &self.output {
            None => from.export(&mut BufWriter::new(io::stdout().lock()))?,
            Some(path) => {
                let file = std::fs::File::create(path)?;
                from.export(&mut BufWriter::new(&file))?;
                file.sync_all()?;
            }
        }
        Ok(Exit::Success)
    }
}

/// The one of `rows` that `wanted` names: by its name, its name with its scope, or either after its kind and a colon; or, where
/// it need not be `exact`, by a part of these. Tells the candidates where there is not one.
fn one<'a>(rows: &'a [review::Baseline], wanted: &str, exact: bool) -> Result<&'a review::Baseline, Failure> {
    let called = |row: &&review::Baseline, same: &dyn Fn(&str) -> bool| {
        let full = row.full_name();
        [row.name.clone(), format!("{}:{}", row.kind, row.name), format!("{}:{full}", row.kind), full]
            .iter()
            .any(|name| same(name))
    };
    let mut found: Vec<_> = rows.iter().filter(|row| row.unique_name() == wanted).collect();
    if found.is_empty() {
        found = rows.iter().filter(|row| called(row, &|name| name == wanted)).collect();
    }
    let near: Vec<_> = rows.iter().filter(|row| called(row, &|name| name.contains(wanted))).collect();
    if found.is_empty() && (!exact || near.len() > 1) {
        found = near;
    }
    match found[..] {
        [one] => return Ok(one),
        [] => tell(format_args!("there is no entity `{wanted}`; `floodmark baseline list` lists them")),
        _ => {
            tell(format_args!("`{wanted}` names {} entities; which one?", found.len()));
            for row in found.iter().take(CANDIDATES) {
                tell(format_args!("  {}", row.unique_name()));
            }
            if found.len() > CANDIDATES {
                tell(format_args!("  and {} more", found.len() - CANDIDATES));
            }
        }
    }
    Err(Failure::Told(Exit::Usage))
}

/// Candidates that are told.
const CANDIDATES: usize = 20;

/// Stdout, to be written in larger pieces.
fn out() -> BufWriter<io::StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Writes `value` as JSON on lines of its own.
fn print_json(value: &serde_json::Value) -> Result<Exit, Failure> {
    let mut out = out();
    writeln!(out, "{value:#}")?;
    out.flush()?;
    Ok(Exit::Success)
}

//! `floodmark baseline merge` and `forget`: what changes baselines.

use std::path::PathBuf;

use super::{Exit, Failure, From, find, one, tell, words::grouped};
use crate::app::{Held, Where, merged};

#[derive(Debug, clap::Args)]
pub(super) struct Merge {
    /// What to merge: snapshots, configs of processes that are not running, or folders of their states.
    #[arg(value_name = "FROM", num_args = 2.., required = true)]
    from: Vec<String>,
    /// The snapshot to write; it must not exist.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Forget {
    /// Its whole name, alone, with its scope, or with its kind: `address:012345678901/10.0.1.7`.
    #[arg(value_name = "ENTITY")]
    entity: String,
    #[command(flatten)]
    from: From,
    /// Write a new snapshot instead of changing the state; needed where it comes from a snapshot.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only tell what would be forgotten.
    #[arg(long)]
    dry_run: bool,
}

/// How many entities `held` has.
fn entities(held: &Held) -> u64 {
    held.entries.keys().filter(|key| key.first() == Some(&b'e')).count() as u64
}

// === impl Merge ===

impl Merge {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut all = Vec::with_capacity(self.from.len());
        for text in &self.from {
            let from = find(text)?;
            all.push((text.clone(), from.entries()?));
        }
        let whole = merged(&all)?;
        let written = whole.write(&self.output)?;
        let before: u64 = all.iter().map(|(_, held)| entities(held)).sum();
        tell(format_args!(
            "{}: {} entities of {} in {}, id {}; positions are not merged: who begins with it reads where its config says",
            self.output.display(),
            grouped(entities(&whole)),
            grouped(before),
            self.from.len(),
            written.id
        ));
        Ok(Exit::Success)
    }
}

// === impl Forget ===

impl Forget {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let from = self.from.find()?;
        if matches!(from, Where::File(_)) && self.output.is_none() && !self.dry_run {
            tell("a snapshot is not changed: name the one to be written with `--output`");
            return Err(Failure::Told(Exit::Usage));
        }
        let mut held = from.entries()?;
        let rows = from.rows()?;
        let row = one(&rows.baselines, &self.entity, true)?;
        let full = row.unique_name();
        if self.dry_run {
            tell(format_args!("{from}: {full} would be forgotten"));
            return Ok(Exit::Success);
        }
        match &self.output {
            None => from.forget(row)?,
            Some(path) => {
                held.forget(row);
                held.write(path)?;
            }
        }
        tell(format_args!(
            "{}: {full} is forgotten; what it taught its peers stays with them and fades by half every {} days",
            self.output.as_ref().map_or_else(|| from.to_string(), |path| path.display().to_string()),
            rows.about.half_life_seconds / 86_400
        ));
        Ok(Exit::Success)
    }
}

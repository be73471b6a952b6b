//! Writing an export from the entries of a state, and reading one back.

use std::io::{self, BufRead, Write};

use serde::Serialize;

use crate::{
    event::AssetClass,
    score::{
        StateError,
        detect::known::capture::KNOWN,
        fringe::capture::FRINGE,
        kept::{
            capture::Times,
            entries,
            wire::{ADDRESS, ENTITY, GATE, GROUP, INTERFACE, hash_of},
        },
        policy::budget::BUDGET,
        sessions::capture::SESSIONS,
    },
};

use super::{
    record::{About, Address, Baseline, Export, FORMAT, Interface, Pool},
    rows,
};

/// Why an export cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The entries are none that this program wrote.
    #[error(transparent)]
    State(#[from] StateError),
    /// It cannot be written, or what is exported cannot be read.
    #[error("could not export: {0}")]
    Io(#[from] io::Error),
}

/// Which entries there are, in the order of an export: some hundred bytes each, so that the entries themselves need not be in
/// memory together.
#[derive(Debug, Default)]
pub struct Index {
    times: Times,
    addresses: Vec<Vec<u8>>,
    entities: Vec<(Name, Vec<u8>)>,
    interfaces: Vec<(Name, Vec<u8>)>,
    pools: Vec<(Name, Vec<u8>)>,
}

/// What rows are sorted by.
type Name = [Box<str>; 4];

// === impl Index ===

impl Index {
    /// Takes note of an entry. They may come in any order.
    ///
    /// # Errors
    /// When it is not what a capture wrote.
    pub fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        let name = |texts: [&str; 4]| texts.map(Into::into);
        match key.first() {
            Some(&GATE) => self.times = entries::times(value)?,
            Some(&INTERFACE) => {
                let (interface, ..) = entries::interface(value)?;
                let [account, region, vpc] = interface.scope.each_ref().map(|part| &**part);
                self.interfaces.push((name([account, region, vpc, &interface.name]), key.to_vec()));
            }
            Some(&GROUP) => {
                let (scope, group) = entries::name_of_group(value)?;
                self.pools.push((name([scope, group, "", ""]), key.to_vec()));
            }
            Some(&ENTITY) => {
                let ([kind, own, scope, _], class) = entries::name_of_entity(value)?;
                let class = class.map_or("", AssetClass::name);
                self.entities.push((name([scope, kind, own, class]), key.to_vec()));
            }
            Some(&ADDRESS) => self.addresses.push(key.to_vec()),
            // Sketches and counters of the outside, conversations, and what detectors know are nobody's baseline.
            Some(&(FRINGE | SESSIONS | KNOWN | BUDGET)) => {}
            _ => return Err(StateError::Key(key.to_vec())),
        }
        Ok(())
    }

    /// How many entities there are.
    #[must_use]
    pub fn entities(&self) -> usize {
        self.entities.len()
    }

    /// What the whole of it depends on.
    #[must_use]
    pub fn about(&self) -> About {
        rows::about(&self.times)
    }

    /// Writes the export to `out`; `get` gives the value of a key that was added.
    ///
    /// # Errors
    /// When `out` cannot be written, `get` fails, or an entry is not what a capture wrote.
    pub fn write(
        mut self,
        out: &mut dyn Write,
        mut get: impl FnMut(&[u8]) -> io::Result<Vec<u8>>,
    ) -> Result<(), ExportError> {
        for list in [&mut self.entities, &mut self.interfaces, &mut self.pools] {
            list.sort_unstable();
        }
        self.addresses.sort_unstable();
        head(out, &self.about())?;
        each(out, self.addresses.iter().map(|key| address(key, &get(key)?)))?;
        out.write_all(BASELINES)?;
        each(out, self.entities.iter().map(|(_, key)| baseline(key, &get(key)?)))?;
        out.write_all(INTERFACES)?;
        each(out, self.interfaces.iter().map(|(_, key)| interface(&get(key)?)))?;
        out.write_all(POOLS)?;
        each(out, self.pools.iter().map(|(_, key)| pool(key, &get(key)?)))?;
        end(out)
    }

    /// The same as rows.
    ///
    /// # Errors
    /// When `get` fails, or an entry is not what a capture wrote.
    pub fn rows(mut self, mut get: impl FnMut(&[u8]) -> io::Result<Vec<u8>>) -> Result<Export, ExportError> {
        for list in [&mut self.entities, &mut self.interfaces, &mut self.pools] {
            list.sort_unstable();
        }
        self.addresses.sort_unstable();
        let mut export = Export { about: self.about(), ..Export::default() };
        for key in &self.addresses {
            export.addresses.push(address(key, &get(key)?)?);
        }
        for (_, key) in &self.entities {
            export.baselines.push(baseline(key, &get(key)?)?);
        }
        for (_, key) in &self.interfaces {
            export.interfaces.push(interface(&get(key)?)?);
        }
        for (_, key) in &self.pools {
            export.pools.push(pool(key, &get(key)?)?);
        }
        Ok(export)
    }
}

fn baseline(key: &[u8], value: &[u8]) -> Result<Baseline, ExportError> {
    Ok(rows::baseline_row(&entries::entity(hash_of(key)?, value)?))
}

fn interface(value: &[u8]) -> Result<Interface, ExportError> {
    let (interface, shared, evidence) = entries::interface(value)?;
    Ok(rows::interface_row(&interface, shared, evidence.as_ref()))
}

fn address(key: &[u8], value: &[u8]) -> Result<Address, ExportError> {
    Ok(rows::address_row(hash_of(key)?, value)?)
}

fn pool(key: &[u8], value: &[u8]) -> Result<Pool, ExportError> {
    Ok(rows::pool_row(&entries::group(hash_of(key)?, value)?))
}

const BASELINES: &[u8] = b"],\n\"baselines\":[\n";
const INTERFACES: &[u8] = b"],\n\"interfaces\":[\n";
const POOLS: &[u8] = b"],\n\"pools\":[\n";

fn head(out: &mut dyn Write, about: &About) -> Result<(), ExportError> {
    out.write_all(b"{\"about\":")?;
    json(out, about)?;
    Ok(out.write_all(b",\n\"addresses\":[\n")?)
}

fn end(out: &mut dyn Write) -> Result<(), ExportError> {
    out.write_all(b"]}\n")?;
    Ok(out.flush()?)
}

/// Writes `rows` separated by commas, each on a line of its own.
fn each<T: Serialize>(
    out: &mut dyn Write,
    rows: impl Iterator<Item = Result<T, ExportError>>,
) -> Result<(), ExportError> {
    let mut any = false;
    for row in rows {
        let row = row?;
        if any {
            out.write_all(b",\n")?;
        }
        json(out, &row)?;
        any = true;
    }
    if any {
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn json<T: Serialize>(out: &mut dyn Write, row: &T) -> Result<(), ExportError> {
    serde_json::to_writer(out, row).map_err(io::Error::from)?;
    Ok(())
}

// === impl Export ===

impl Export {
    /// Writes it as it is: the same bytes as [`Index::write`] of the entries that it was made from.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), ExportError> {
        head(out, &self.about)?;
        each(out, self.addresses.iter().map(Ok))?;
        out.write_all(BASELINES)?;
        each(out, self.baselines.iter().map(Ok))?;
        out.write_all(INTERFACES)?;
        each(out, self.interfaces.iter().map(Ok))?;
        out.write_all(POOLS)?;
        each(out, self.pools.iter().map(Ok))?;
        end(out)
    }
}

/// Reads an export: row by row as it was written, or however else the document is laid out.
///
/// # Errors
/// When `input` cannot be read, or is no export of a form that this program reads.
pub fn read_rows(input: &mut dyn BufRead) -> io::Result<Export> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let head = line.trim_end().strip_suffix(',').and_then(|line| line.strip_prefix("{\"about\":"));
    let Some(head) = head else {
        let mut rest = Vec::new();
        input.read_to_end(&mut rest)?;
        let export: Export = serde_json::from_slice(&[line.as_bytes(), &rest].concat())?;
        return sound(export);
    };
    let mut export = sound(Export { about: serde_json::from_str(head)?, ..Export::default() })?;
    let mut section = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Err(bad("it ends too early"));
        }
        let text = line.trim_end();
        let row = text.strip_suffix(',').unwrap_or(text);
        match (text, section.as_str()) {
            ("]}", _) => return Ok(export),
            ("\"addresses\":[" | "\"baselines\":[" | "\"interfaces\":[" | "\"pools\":[", _) => {
                text.clone_into(&mut section);
            }
            ("],", _) => section.clear(),
            (_, "\"addresses\":[") => export.addresses.push(serde_json::from_str(row)?),
            (_, "\"baselines\":[") => export.baselines.push(serde_json::from_str(row)?),
            (_, "\"interfaces\":[") => export.interfaces.push(serde_json::from_str(row)?),
            (_, "\"pools\":[") => export.pools.push(serde_json::from_str(row)?),
            _ => return Err(bad("a line is out of place")),
        }
    }
}

fn bad(cause: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("this is no whole export of baselines: {cause}"))
}

fn sound(export: Export) -> io::Result<Export> {
    match export.about.format {
        FORMAT => Ok(export),
        other => Err(bad(&format!("its form is {other}, this program reads {FORMAT}; export it anew"))),
    }
}

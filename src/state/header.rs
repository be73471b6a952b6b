//! The header: what wrote the file, whose it is, and how often it was opened.

use std::path::Path;

use redb::{TableDefinition, TableError, WriteTransaction};

use super::{StateError, db::Db};
use crate::telemetry::seed;

/// What a state file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Seed of the hashes whose values are kept in it; secret, and the same for as long as the file lives.
    pub seed: u64,
    /// Random name of this state, 32 hex digits: tells its commits from those of another or a reset one.
    pub id: String,
    /// How often it was opened to write, this time included.
    pub epoch: u64,
    /// Version of the geometry that scoring's values are written in.
    pub geometry: u32,
}

/// Version of the tables and of what stands in them.
const FORMAT: u64 = 1;
const HEADER: TableDefinition<'_, &str, u64> = TableDefinition::new("header");
const SEED: &str = "seed";

/// Reads the header, or writes that of a new file, and begins an epoch.
pub(super) fn begin(db: &Db, directory: &Path, geometry: u32) -> Result<Header, StateError> {
    let mut header = match read(db, directory, geometry) {
        Err(StateError::Missing { .. }) => fresh(geometry),
        other => other?,
    };
    header.epoch += 1;
    let transaction = db.write()?;
    {
        let mut table = transaction.open_table(HEADER)?;
        let id = u128::from_str_radix(&header.id, 16).unwrap_or_default();
        let rows = [
            ("format", FORMAT),
            ("geometry", header.geometry.into()),
            (SEED, header.seed),
            ("id-high", (id >> 64) as u64),
            ("id-low", id as u64),
            ("epoch", header.epoch),
        ];
        for (key, value) in rows {
            table.insert(key, value)?;
        }
        // Made here, so that readers find every table.
        transaction.open_table(super::SCORING)?;
        super::positions::make(&transaction)?;
    }
    transaction.commit()?;
    Ok(header)
}

/// Makes `seed` the one of the file, as of when `transaction` is committed.
pub(super) fn put_seed(transaction: &WriteTransaction, seed: u64) -> Result<(), StateError> {
    transaction.open_table(HEADER)?.insert(SEED, seed)?;
    Ok(())
}

/// Reads the header and checks that this program can use the file. A file without a header is
/// [`StateError::Missing`].
pub(super) fn read(db: &Db, directory: &Path, geometry: u32) -> Result<Header, StateError> {
    let table = match db.read()?.open_table(HEADER) {
        Err(TableError::TableDoesNotExist(_)) => {
            return Err(StateError::Missing { directory: directory.into() });
        }
        other => other?,
    };
    let corrupt = |cause: String| StateError::Corrupt { directory: directory.into(), cause };
    let row = |key: &str| -> Result<u64, StateError> {
        let value = table.get(key)?.map(|value| value.value());
        value.ok_or_else(|| corrupt(format!("its header has no {key}")))
    };
    let (format, found) = (row("format")?, row("geometry")?);
    if format != FORMAT {
        return Err(corrupt(format!("its format is {format}, this program's is {FORMAT}")));
    }
    if found != u64::from(geometry) {
        return Err(corrupt(format!("its geometry is {found}, this program's is {geometry}")));
    }
    let id = format!("{:016x}{:016x}", row("id-high")?, row("id-low")?);
    Ok(Header { seed: row(SEED)?, id, epoch: row("epoch")?, geometry })
}

fn fresh(geometry: u32) -> Header {
    let id = format!("{:016x}{:016x}", seed::fresh(), seed::fresh());
    Header { seed: seed::fresh(), id, epoch: 0, geometry }
}

//! Positions per origin, of which those not touched for longest are forgotten when there are too many.

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};

use super::{StateError, db::Db};
use crate::event::{Origin, Position};

/// Origin → (position, number of the commit that wrote it).
pub(super) type Positions<'a> = TableDefinition<'a, &'static str, (u64, u64)>;

pub(super) const SCORED: Positions<'_> = TableDefinition::new("scored");
pub(super) const COMMITTED: Positions<'_> = TableDefinition::new("committed");

const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
const COMMITS: &str = "commits";

/// The most origins per table. A file of five minutes each makes 100,000 in a year.
pub(super) const ORIGINS_MAX: u64 = 100_000;
/// How many stay when there are more, so that not every commit has to look for the oldest.
const ORIGINS_KEPT: usize = ORIGINS_MAX as usize / 10 * 9;

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), StateError> {
    transaction.open_table(SCORED)?;
    transaction.open_table(COMMITTED)?;
    transaction.open_table(COUNTERS)?;
    Ok(())
}

pub(super) fn get(db: &Db, table: Positions<'_>, origin: &Origin) -> Result<Option<Position>, StateError> {
    let table = db.read()?.open_table(table)?;
    Ok(table.get(origin.as_str())?.map(|row| row.value().0))
}

pub(super) fn put(
    transaction: &WriteTransaction,
    table: Positions<'_>,
    positions: &[(Origin, Position)],
) -> Result<(), StateError> {
    if positions.is_empty() {
        return Ok(());
    }
    let mut counters = transaction.open_table(COUNTERS)?;
    let commit = counters.get(COMMITS)?.map_or(0, |row| row.value()) + 1;
    counters.insert(COMMITS, commit)?;
    let mut table = transaction.open_table(table)?;
    for (origin, position) in positions {
        table.insert(origin.as_str(), (*position, commit))?;
    }
    if table.len()? > ORIGINS_MAX {
        let mut touched = Vec::new();
        for row in table.iter()? {
            touched.push(row?.1.value().1);
        }
        touched.sort_unstable();
        let surplus = touched.len().saturating_sub(ORIGINS_KEPT);
        // What this commit wrote stays, however much it is.
        let newest = touched.get(surplus).copied().unwrap_or(commit).min(commit);
        let mut as_new = surplus.saturating_sub(touched.partition_point(|touched| *touched < newest));
        table.retain(|_, (_, touched)| {
            let goes = touched < newest || (touched == newest && touched < commit && as_new > 0);
            if goes && touched == newest {
                as_new -= 1;
            }
            !goes
        })?;
    }
    Ok(())
}

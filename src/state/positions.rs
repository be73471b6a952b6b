//! Positions per origin, of which those not touched for longest are forgotten when there are too many.

use redb::{ReadableTable, ReadableTableMetadata, Table, TableDefinition, Value, WriteTransaction};

use super::{StateError, db::Db};
use crate::event::{Bookmark, Origin, Position};

/// Origin → (place, number of the commit that wrote it).
type Places<'a, P> = TableDefinition<'a, &'static str, (P, u64)>;
/// Places that are positions.
pub(super) type Positions<'a> = Places<'a, u64>;
/// Places that are bookmarks, of origins whose positions do not outlive a process.
pub(super) type Cursors<'a> = Places<'a, &'static str>;

pub(super) const SCORED: Positions<'_> = TableDefinition::new("scored");
pub(super) const COMMITTED: Positions<'_> = TableDefinition::new("committed");
pub(super) const SCORED_CURSORS: Cursors<'_> = TableDefinition::new("scored-cursors");
pub(super) const COMMITTED_CURSORS: Cursors<'_> = TableDefinition::new("committed-cursors");

const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
const COMMITS: &str = "commits";

/// The most origins per table. A file of five minutes each makes 100,000 in a year.
pub(super) const ORIGINS_MAX: u64 = 100_000;
/// How many stay when there are more, so that not every commit has to look for the oldest.
const ORIGINS_KEPT: usize = ORIGINS_MAX as usize / 10 * 9;

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), StateError> {
    transaction.open_table(SCORED)?;
    transaction.open_table(COMMITTED)?;
    transaction.open_table(SCORED_CURSORS)?;
    transaction.open_table(COMMITTED_CURSORS)?;
    transaction.open_table(COUNTERS)?;
    Ok(())
}

/// Whether no position of any origin is known.
pub(super) fn are_none(db: &Db) -> Result<bool, StateError> {
    let transaction = db.read()?;
    for table in [SCORED, COMMITTED] {
        if !transaction.open_table(table)?.is_empty()? {
            return Ok(false);
        }
    }
    for table in [SCORED_CURSORS, COMMITTED_CURSORS] {
        if !transaction.open_table(table)?.is_empty()? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn get(db: &Db, table: Positions<'_>, origin: &Origin) -> Result<Option<Position>, StateError> {
    let table = db.read()?.open_table(table)?;
    Ok(table.get(origin.as_str())?.map(|row| row.value().0))
}

pub(super) fn get_cursor(
    db: &Db,
    table: Cursors<'_>,
    origin: &Origin,
) -> Result<Option<Bookmark>, StateError> {
    let table = db.read()?.open_table(table)?;
    Ok(table.get(origin.as_str())?.map(|row| Bookmark::new(row.value().0)))
}

pub(super) fn put(
    transaction: &WriteTransaction,
    table: Positions<'_>,
    positions: &[(Origin, Position)],
) -> Result<(), StateError> {
    if positions.is_empty() {
        return Ok(());
    }
    let commit = next_commit(transaction)?;
    let mut table = transaction.open_table(table)?;
    for (origin, position) in positions {
        table.insert(origin.as_str(), (*position, commit))?;
    }
    forget_oldest(&mut table, commit, |(_, touched)| touched)
}

/// Writes `cursors`; one that is nothing is removed.
pub(super) fn put_cursors(
    transaction: &WriteTransaction,
    table: Cursors<'_>,
    cursors: &[(Origin, Option<Bookmark>)],
) -> Result<(), StateError> {
    if cursors.is_empty() {
        return Ok(());
    }
    let commit = next_commit(transaction)?;
    let mut table = transaction.open_table(table)?;
    for (origin, cursor) in cursors {
        match cursor {
            Some(cursor) => drop(table.insert(origin.as_str(), (cursor.as_str(), commit))?),
            None => drop(table.remove(origin.as_str())?),
        }
    }
    forget_oldest(&mut table, commit, |(_, touched)| touched)
}

fn next_commit(transaction: &WriteTransaction) -> Result<u64, StateError> {
    let mut counters = transaction.open_table(COUNTERS)?;
    let commit = counters.get(COMMITS)?.map_or(0, |row| row.value()) + 1;
    counters.insert(COMMITS, commit)?;
    Ok(commit)
}

fn forget_oldest<R: Value + 'static>(
    table: &mut Table<'_, &'static str, R>,
    commit: u64,
    touched_at: impl Fn(R::SelfType<'_>) -> u64,
) -> Result<(), StateError> {
    if table.len()? <= ORIGINS_MAX {
        return Ok(());
    }
    let mut touched = Vec::new();
    for row in table.iter()? {
        touched.push(touched_at(row?.1.value()));
    }
    touched.sort_unstable();
    let surplus = touched.len().saturating_sub(ORIGINS_KEPT);
    // What this commit wrote stays, however much it is.
    let newest = touched.get(surplus).copied().unwrap_or(commit).min(commit);
    let mut as_new = surplus.saturating_sub(touched.partition_point(|touched| *touched < newest));
    table.retain(|_, row| {
        let touched = touched_at(row);
        let goes = touched < newest || (touched == newest && touched < commit && as_new > 0);
        if goes && touched == newest {
            as_new -= 1;
        }
        !goes
    })?;
    Ok(())
}

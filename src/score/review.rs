//! Baselines to be looked at: the entries of a state as rows that say what they hold, the same for equal entries.
//!
//! What a person is shown, what is compared and what is exported are these rows, wherever the entries come from: a state
//! file, a snapshot, or a running process. What is merged are the entries themselves.

mod export;
mod merge;
mod reading;
mod record;
mod rows;
#[cfg(test)]
mod tests;

pub use export::{ExportError, Index, read_rows};
pub use merge::merge;
pub use reading::{Peak, Reading, SPANS, peer_reading, season_of};
pub use record::{
    About, Address, Baseline, DriftOf, Episode, Export, FORMAT, Habits, Held, Histogram, Influence,
    Interface, Pool, PoolEpoch, RoleOf, RolesWaiting, Running, Season, Waiting,
};

use crate::event::{EntityKind, EntityName};

use super::{
    detect::known::tallies::capture::tallies_of,
    kept::wire::{ENTITY, key},
    keys::Keys,
    whose::registry::entity_key,
};

/// The key of the entry of the entity that `row` tells of, in a state whose seed is `seed`.
#[must_use]
pub fn entry_key(seed: [u8; 16], row: &Baseline) -> Vec<u8> {
    key(ENTITY, entity_key(&Keys::new(seed), (&row.kind, &row.name, &row.scope), row.asset_class()))
}

/// What the keys of the entries begin with that hold what detectors count of the entity that `row` tells of; none where it is of no
/// kind that is known.
#[must_use]
pub fn tallies_key(row: &Baseline) -> Option<Vec<u8>> {
    let kind = EntityKind::of_name(&row.kind)?;
    Some(tallies_of(EntityName::number_of((kind, &row.name, &row.scope))))
}

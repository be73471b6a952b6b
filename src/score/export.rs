//! An export of a scorer in memory: what its baselines and pools hold, the same for equal knowledge, whatever the seed, the
//! threads and the order of batches. States are exported by [`super::review`], whose rows these are.

use std::{
    io::{self, Write},
    sync::MutexGuard,
};

use serde::Serialize;

use super::{
    Scorer,
    entity::Entity,
    lock,
    peers::Group,
    review::{baseline_row, pool_row},
    shard::Shard,
};

// === impl Scorer ===

impl Scorer {
    /// Writes everything that is learned as JSON, one baseline or pool a line, sorted by scope, kind and name, without what is
    /// hashed under the seed. Call it when no step is under way; it waits for no ticket.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn export(&self, out: &mut dyn Write) -> io::Result<()> {
        let shards: Vec<MutexGuard<'_, Shard>> = self.shards.iter().map(lock).collect();
        let decay = self.rules.decay;
        let learned = |entity: &&Entity| entity.held_out > 0 || !entity.baseline(decay).nth(0).is_empty();
        let mut entities: Vec<&Entity> =
            shards.iter().flat_map(|shard| &shard.entities).filter(learned).collect();
        entities.sort_by(|one, other| {
            let (one, other) = (&one.name, &other.name);
            (&one.scope, one.kind, &one.name).cmp(&(&other.scope, other.kind, &other.name))
        });
        let peers = self.peers.read();
        let mut groups: Vec<&Group> = peers.groups.iter().filter(|group| group.born.is_some()).collect();
        groups.sort_by(|one, other| (&one.scope, &one.name).cmp(&(&other.scope, &other.name)));

        out.write_all(b"{\"baselines\":[")?;
        lines(out, entities.iter().map(|entity| baseline_row(entity, false)))?;
        out.write_all(b"],\n\"pools\":[")?;
        lines(out, groups.iter().map(|group| pool_row(group, false)))?;
        out.write_all(b"]}\n")
    }
}

/// Writes `rows` separated by commas, each on a line of its own.
fn lines<T: Serialize>(out: &mut dyn Write, rows: impl Iterator<Item = T>) -> io::Result<()> {
    for (nth, row) in rows.enumerate() {
        out.write_all(if nth == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &row)?;
    }
    Ok(())
}

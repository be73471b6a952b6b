//! What a scorer in memory has learned, as JSON: the same for equal knowledge, whatever the seed, the threads and the order of
//! batches. Everything that a state holds is exported by [`crate::score::review`].

use std::{
    io::{self, Write},
    sync::MutexGuard,
};

use serde::Serialize;

use crate::{
    event::Feature,
    score::{
        Scorer,
        entities::entity::Entity,
        grid::Grid,
        lock,
        shard::Shard,
        usual::{decay::Decay, peers::Group},
    },
};

/// One entity's baseline.
#[derive(Debug, Serialize)]
struct Baseline<'a> {
    scope: &'a str,
    kind: &'a str,
    name: &'a str,
    peer_group: &'a str,
    first_window_start: Option<i64>,
    windows_held_out: u64,
    features: Vec<Weights>,
}

/// One peer group's pools; the group without a scope is everybody.
#[derive(Debug, Serialize)]
struct Peers<'a> {
    scope: &'a str,
    peer_group: &'a str,
    first_window_start: Option<i64>,
    features: Vec<Weights>,
}

/// One feature's histogram: bucket numbers with their weights, as of a landmark.
#[derive(Debug, Serialize)]
struct Weights {
    feature: &'static str,
    landmark: u32,
    weight: u64,
    buckets: Vec<(u16, u64)>,
}

// === impl Scorer ===

impl Scorer {
    /// Writes everything that is learned as JSON, one baseline or pool a line, sorted by scope, kind and name. Call it
    /// when no step is under way; it waits for no ticket.
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
            (one.scope(), one.kind.name(), one.name()).cmp(&(other.scope(), other.kind.name(), other.name()))
        });
        let peers = self.peers.read();
        let mut groups: Vec<&Group> = peers.groups.iter().filter(|group| group.born.is_some()).collect();
        groups.sort_by(|one, other| (&one.scope, &one.name).cmp(&(&other.scope, &other.name)));

        out.write_all(b"{\"baselines\":[")?;
        lines(out, entities.iter().map(|entity| baseline_of(entity, decay)))?;
        out.write_all(b"],\n\"pools\":[")?;
        lines(out, groups.iter().map(|group| peers_of(group)))?;
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

fn baseline_of(entity: &Entity, decay: Decay) -> Baseline<'_> {
    let baseline = entity.baseline(decay);
    let feature = |(nth, feature): (usize, &Feature)| {
        let own = baseline.nth(nth).loose();
        Weights {
            feature: feature.name(),
            landmark: own.landmark(),
            weight: own.total(),
            buckets: own.iter().map(|(bucket, weight)| (bucket, u64::from(weight))).collect(),
        }
    };
    Baseline {
        scope: entity.name.scope(),
        kind: entity.name.kind.name(),
        name: entity.name.name(),
        peer_group: entity.name.peer_group(),
        first_window_start: entity.born().map(Grid::start),
        windows_held_out: entity.held_out.into(),
        features: Feature::ALL.iter().enumerate().map(feature).collect(),
    }
}

fn peers_of(group: &Group) -> Peers<'_> {
    let pools = &group.pools;
    let feature = |(nth, feature): (usize, &Feature)| Weights {
        feature: feature.name(),
        landmark: pools[nth].landmark(),
        weight: pools[nth].total(),
        buckets: pools[nth].iter().collect(),
    };
    Peers {
        scope: &group.scope,
        peer_group: &group.name,
        first_window_start: group.born.map(Grid::start),
        features: Feature::ALL.iter().enumerate().map(feature).collect(),
    }
}

//! How much room each part of the fringe has in one shard, and what that comes to.

use super::{
    counts::{CountMin, ROWS},
    door::Door,
    external::External,
    heavy::Top,
    pair::Pair,
    spreaders::Spreaders,
    table::Table,
    tide::Tide,
};

/// How many shards share what is said for the whole process.
pub const SHARDS: usize = 16;

/// The room of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Keys that each of the door-keeper's two filters takes before it makes room for the next.
    pub door_keys: usize,
    /// Counters in a row of the Count-Min sketch.
    pub counters: usize,
    /// Cells in a row of a spread sketch.
    pub spreads: usize,
    /// Windows that are counted side by side.
    pub windows: usize,
    /// External sources with a record of their own.
    pub externals: usize,
    /// Pairs of an entity and an external address with a record of their own.
    pub pairs: usize,
}

/// Externals from which on the sketches have their full size.
const MANY: usize = 200_000;

// === impl Sizes ===

impl Sizes {
    /// The room of a shard when all together may hold `externals_max` externals and `pairs_max` pairs. The sketches take
    /// 10 MB in all where more than 200,000 externals may be held, else 5 MB.
    #[must_use]
    pub const fn new(externals_max: usize, pairs_max: usize) -> Self {
        let share = if externals_max > MANY { 1 } else { 4 };
        Self {
            door_keys: 65_536 / share,
            counters: 4_096,
            spreads: 256 / share,
            windows: 3,
            externals: externals_max.div_ceil(SHARDS),
            pairs: pairs_max.div_ceil(SHARDS),
        }
    }

    /// The most memory that a shard's sketches take, in bytes.
    #[must_use]
    pub const fn sketch_bytes(&self) -> usize {
        let tide = size_of::<Tide>()
            + CountMin::bytes_of(self.counters)
            + 2 * Spreaders::bytes_of(self.spreads)
            + Tide::SOURCES_BYTES;
        let tops = Top::<u64>::BYTES + Top::<u32>::BYTES + Top::<(u64, u64)>::BYTES;
        Door::bytes_of(self.door_keys) + self.windows * tide + tops
    }

    /// The most memory that a shard takes, in bytes.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.sketch_bytes()
            + Table::<External>::bytes_of(self.externals)
            + Table::<Pair>::bytes_of(self.pairs)
    }
}

/// The most memory that all shards take together, in bytes, when they may hold `externals_max` externals and `pairs_max`
/// pairs.
#[must_use]
pub const fn memory_bytes_max(externals_max: usize, pairs_max: usize) -> usize {
    SHARDS * Sizes::new(externals_max, pairs_max).bytes_max()
}

const _: () = assert!(ROWS == 4);

//! The rows of the table: what each candidate did in each window.

use hashbrown::HashTable;

use crate::{
    event::{Batch, Event},
    score::{
        entities::amounts::{Amounts, Sums},
        gate::plan::Observation,
        grid::{Narrow, Window},
        sketch::mixer::Mixer,
    },
};

/// What one candidate did in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The candidate, by its place.
    pub(super) candidate: u32,
    pub(super) window: Narrow,
    pub(super) amounts: Amounts,
}

/// All rows: in slabs, so that none moves when there are more.
#[derive(Debug, Default)]
pub(super) struct Rows {
    slabs: Vec<Vec<Row>>,
    /// With whose row of which window it is, so that looking for one reads no other rows.
    places: HashTable<(u32, Narrow, u32)>,
    count: u32,
    /// Bytes that sketches take beyond the rows.
    beyond: u64,
}

/// Rows of a slab.
const SLAB: usize = 1 << 10;

// === impl Rows ===

impl Rows {
    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.count as usize
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> u64 {
        let rows = self.slabs.len() * SLAB * size_of::<Row>();
        (rows + self.places.capacity() * (size_of::<(u32, Narrow, u32)>() + 1)) as u64 + self.beyond
    }

    /// The row at `place`.
    #[inline]
    pub(super) fn get(&self, place: u32) -> &Row {
        &self.slabs[place as usize / SLAB][place as usize % SLAB]
    }

    /// Reads the lines of the processor's cache that the row at `place` lies on.
    #[inline]
    pub(super) fn warm(&self, place: u32) -> u64 {
        let row = self.get(place);
        row.amounts.warm() ^ u64::from(row.candidate)
    }

    /// Reads what [`Rows::add`] will read beyond the row at `place`.
    #[inline]
    pub(super) fn warm_behind(&self, place: u32, observation: &Observation) -> u64 {
        let Amounts { peers, sources, .. } = &self.get(place).amounts;
        if observation.role.sends { peers.warm(observation.peer) } else { sources.warm(observation.peer) }
    }

    /// Every row, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.slabs.iter().flatten()
    }

    /// The place of the row of `candidate` in `window`, which is begun if there is none.
    #[inline]
    pub(super) fn enter(&mut self, candidate: u32, window: Window) -> u32 {
        let window = Narrow::of(window);
        let hash = hash(candidate, window);
        let found = self.places.find(hash, |entry| (entry.0, entry.1) == (candidate, window));
        if let Some((_, _, place)) = found {
            return *place;
        }
        let place = self.count;
        self.places.insert_unique(hash, (candidate, window, place), |entry| self::hash(entry.0, entry.1));
        if (place as usize).is_multiple_of(SLAB) {
            self.slabs.push(Vec::with_capacity(SLAB));
        }
        self.slabs[place as usize / SLAB].push(Row { candidate, window, amounts: Amounts::default() });
        self.count += 1;
        place
    }

    /// Adds what `observation`, which is of an event, says to the row at `place`.
    #[inline]
    pub(super) fn add(
        &mut self,
        place: u32,
        observation: &Observation,
        seen: (&Batch, &Event),
        roles: &Mixer,
    ) {
        let amounts = &mut self.slabs[place as usize / SLAB][place as usize % SLAB].amounts;
        let before = beyond(amounts);
        amounts.add(observation);
        if observation.shows() {
            amounts.shown.note(observation, seen, roles);
        }
        self.beyond += beyond(amounts) - before;
    }

    /// Adds all of `more` to the row of `candidate` in `window`.
    pub(super) fn merge(&mut self, candidate: u32, window: Window, more: &Amounts) {
        let place = self.enter(candidate, window);
        let amounts = &mut self.slabs[place as usize / SLAB][place as usize % SLAB].amounts;
        let before = beyond(amounts);
        amounts.merge(more);
        self.beyond = (self.beyond + beyond(amounts)).saturating_sub(before);
    }

    /// Takes what the row at `place` holds, and leaves nothing.
    #[inline]
    pub(super) fn take(&mut self, place: u32) -> Amounts {
        std::mem::take(&mut self.slabs[place as usize / SLAB][place as usize % SLAB].amounts)
    }

    /// Takes the rows, slab by slab.
    pub(super) fn into_slabs(self) -> Vec<Vec<Row>> {
        self.slabs
    }
}

/// Bytes that the sketches of `amounts` take beyond the struct.
#[inline]
fn beyond(amounts: &Amounts) -> u64 {
    let own = size_of_val(&amounts.ports) + size_of_val(&amounts.peers) + size_of_val(&amounts.sources);
    let sketches = amounts.ports.bytes() + amounts.peers.bytes() + amounts.sources.bytes() - own;
    (sketches + amounts.shown.beyond()) as u64
}

/// Spreads candidates and windows, which are numbers of our own making.
#[inline]
fn hash(candidate: u32, window: Narrow) -> u64 {
    let mixed = (u64::from(candidate) << 32 ^ window.window() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

//! Peers: the pools of every peer group and of everybody, each as it was after the last few folds.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::score::{
    entities::series::{SERIES, Span},
    grid::{Grid, Window},
    histogram::{Increments, geometry::BUCKETS},
    keys::Key,
    seat::{At, Seat},
};

use super::{
    decay::{Decay, Moment},
    knots::WINDOWS_MIN,
    newcomers::Newcomers,
    pool::{FrozenPool, Pool},
};

/// The place of everybody's pool.
pub(in crate::score) const EVERYBODY: u32 = 0;
/// Moments of folds that are kept.
const MOMENTS: usize = 4;
/// Most peer groups that have pools of their own; the members of further ones are compared with everybody.
pub(in crate::score) const POOLS_MAX: usize = 128;

/// The pools of one group after one fold: to be read, and as they are written.
#[derive(Debug, Clone, Default)]
pub(in crate::score) struct Epoch {
    pub(in crate::score) frozen: [FrozenPool; SERIES],
    pub(in crate::score) bytes: Box<[u8]>,
    /// How they judge newcomers, once one has come.
    newcomers: OnceLock<Box<Newcomers>>,
}

/// One peer group.
#[derive(Debug)]
pub(in crate::score) struct Group {
    pub(in crate::score) key: Key,
    pub(in crate::score) scope: Box<str>,
    pub(in crate::score) name: Box<str>,
    /// The first window that its pools learned.
    pub(in crate::score) born: Option<Window>,
    /// What all its members have taught.
    pub(in crate::score) pools: Box<[Pool; SERIES]>,
    /// After which fold what was in the pools, ascending; only folds that changed something.
    pub(in crate::score) epochs: Vec<(Window, Arc<Epoch>)>,
    /// What the epoch that has not ended taught so far.
    pub(in crate::score) gathered: [Increments; SERIES],
    dirty: bool,
}

/// All peer groups; the first is everybody.
#[derive(Debug)]
pub(in crate::score) struct Peers {
    pub(in crate::score) groups: Vec<Group>,
    nothing: Arc<Epoch>,
    /// The moments of the last few folds: every entity is judged as of one of them.
    moments: [(Window, Moment); MOMENTS],
    /// Where other parts teach too.
    pub(in crate::score) seat: Option<Seat>,
    /// How far a part was that is not seated yet.
    pub(in crate::score) restored: Option<At>,
}

/// The pools that judge an entity.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Pooled<'a> {
    epoch: &'a Epoch,
    /// The first window that they learned.
    pub(in crate::score) born: Option<Window>,
    /// They hold enough windows of others to judge an entity that has hardly any past of its own.
    pub(in crate::score) suffice: bool,
}

/// Peers that the gate adds to, shards read and folds change.
#[derive(Debug)]
pub(in crate::score) struct SharedPeers(RwLock<Peers>);

// === impl Pooled ===

impl<'a> Pooled<'a> {
    /// The pools.
    pub(in crate::score) fn frozen(&self) -> &'a [FrozenPool; SERIES] {
        &self.epoch.frozen
    }

    /// What they say as of `now` of who has no past: as they were asked first, which is nearly always as of the same moment.
    pub(super) fn newcomers(&self, now: Moment) -> Cow<'a, Newcomers> {
        let of = || Newcomers::of(&self.epoch.frozen, now);
        let first = self.epoch.newcomers.get_or_init(|| Box::new(of()));
        if first.now == now { Cow::Borrowed(&**first) } else { Cow::Owned(of()) }
    }
}

// === impl Epoch ===

impl Epoch {
    /// An epoch that holds `pools`.
    pub(in crate::score) fn of(pools: &[Pool; SERIES]) -> Self {
        let mut bytes = Vec::new();
        pools.iter().for_each(|pool| pool.encode(&mut bytes));
        let frozen = pools.each_ref().map(Pool::freeze);
        Self { frozen, bytes: bytes.into(), newcomers: OnceLock::new() }
    }

    /// The pools that it holds.
    pub(in crate::score) fn pools(&self) -> Box<[Pool; SERIES]> {
        let mut bytes = &self.bytes[..];
        let mut pools = Box::<[Pool; SERIES]>::default();
        // They are what `of` wrote.
        pools.iter_mut().for_each(|pool| *pool = Pool::decode(&mut bytes).unwrap_or_default());
        pools
    }
}

// === impl Group ===

impl Group {
    /// The group `name` of `scope`, of whose members nothing is known.
    pub(in crate::score) fn new(key: Key, scope: &str, name: &str) -> Self {
        Self {
            key,
            scope: scope.into(),
            name: name.into(),
            born: None,
            pools: Box::default(),
            epochs: Vec::new(),
            gathered: Default::default(),
            dirty: false,
        }
    }

    /// The pools as of fold `fold`.
    pub(in crate::score) fn as_of(&self, fold: Window) -> Option<&Arc<Epoch>> {
        self.epochs.iter().rev().find(|(folded, _)| *folded <= fold).map(|(_, epoch)| epoch)
    }

    /// Takes votes of its members, or of everybody. They are counted first: thousands fall into a few dozen buckets.
    fn gather(&mut self, first: usize, votes: &[(u32, &[u16])], moment: Moment) {
        // All are about the same series.
        let series = votes.first().map_or(0, |(_, buckets)| buckets.len());
        for (nth, gathered) in self.gathered[first..].iter_mut().take(series).enumerate() {
            let mut counts = [0_u32; BUCKETS];
            for bucket in votes.iter().filter_map(|(_, buckets)| buckets.get(nth)) {
                // There is no such bucket as `NOTHING`.
                if let Some(count) = counts.get_mut(usize::from(*bucket)) {
                    *count += 1;
                }
            }
            gathered.record_all_at(&counts, moment);
        }
        self.dirty |= !votes.is_empty();
    }

    /// Takes in what fold `fold` gathered. Forgets every epoch that no window judged after fold `settled` needs.
    fn settle(&mut self, fold: Window, settled: Window) {
        let mut gathered = std::mem::take(&mut self.gathered);
        self.take_in(&mut gathered, fold, settled);
        // With its memory.
        self.gathered = gathered;
    }

    /// Forgets what was gathered, which others are taught.
    pub(in crate::score) fn forget_gathered(&mut self) {
        self.gathered.iter_mut().for_each(Increments::clear);
        self.dirty = true;
    }

    /// Takes in what fold `fold` taught all members, and clears it. Forgets every epoch that no window judged after fold
    /// `settled` needs.
    pub(in crate::score) fn take_in(
        &mut self,
        taught: &mut [Increments; SERIES],
        fold: Window,
        settled: Window,
    ) {
        if taught.iter().all(Increments::is_empty) {
            return;
        }
        for (pool, taught) in self.pools.iter_mut().zip(taught) {
            pool.add(taught);
            taught.clear();
        }
        self.born.get_or_insert(fold);
        self.epochs.push((fold, Arc::new(Epoch::of(&self.pools))));
        let needed = self.epochs.iter().rposition(|(folded, _)| *folded <= settled).unwrap_or(0);
        self.epochs.drain(..needed);
        self.dirty = true;
    }
}

// === impl Peers ===

impl Peers {
    /// Everybody, who has seen nothing.
    pub(in crate::score) fn new(key: Key) -> Self {
        let everybody = Group::new(key, "", "");
        let moments = [(Window::MIN, Moment::default()); MOMENTS];
        Self { groups: vec![everybody], nothing: Arc::default(), moments, seat: None, restored: None }
    }

    /// Adds the group `name` of `scope`, and returns its place.
    pub(in crate::score) fn add(&mut self, key: Key, scope: &str, name: &str) -> u32 {
        // Another part may have taught of it.
        if let Some(place) = self.groups.iter().position(|group| group.key == key) {
            return place as u32;
        }
        self.put(Group::new(key, scope, name))
    }

    /// Adds `group`, and returns its place.
    pub(in crate::score) fn put(&mut self, group: Group) -> u32 {
        self.groups.push(group);
        self.groups.len() as u32 - 1
    }

    /// The pools that judge windows of a member of the group at `place`, of whose windows they hold `own`, as of fold
    /// `fold`: the group's if they hold enough windows of others, else everybody's. A host that is alone in its role has no
    /// peers there, and would be its own witness.
    pub(in crate::score) fn judging(&self, place: u32, own: u32, fold: Window, now: Moment) -> Pooled<'_> {
        self.judging_by(0, place, own, fold, now)
    }

    /// The same for the member's hours or days, as of the fold that has just been made.
    pub(in crate::score) fn judging_span(&self, span: Span, place: u32, own: u32, now: Moment) -> Pooled<'_> {
        self.judging_by(span.first(), place, own, Window::MAX, now)
    }

    fn judging_by(&self, series: usize, place: u32, own: u32, fold: Window, now: Moment) -> Pooled<'_> {
        let enough = |epoch: &&Arc<Epoch>| epoch.frozen[series].windows(now) >= own + WINDOWS_MIN;
        let everybody = &self.groups[EVERYBODY as usize];
        let group = self.groups.get(place as usize).unwrap_or(everybody);
        let (group, epoch) = match group.as_of(fold).filter(enough) {
            Some(epoch) => (group, epoch),
            None => (everybody, everybody.as_of(fold).unwrap_or(&self.nothing)),
        };
        Pooled { epoch, born: group.born, suffice: enough(&epoch) }
    }

    /// Takes votes of members, each with the place of the member's group, for that and for everybody: buckets of the series
    /// from `first` on.
    pub(in crate::score) fn gather<'v>(
        &mut self,
        first: usize,
        votes: impl Iterator<Item = (u32, &'v [u16])>,
        moment: Moment,
    ) {
        let mut votes: Vec<_> = votes.collect();
        self.groups[EVERYBODY as usize].gather(first, &votes, moment);
        votes.sort_unstable_by_key(|(place, _)| *place);
        for of_one in votes.chunk_by(|(one, _), (other, _)| one == other) {
            let group = self.groups.get_mut(of_one[0].0 as usize);
            if let Some(group) = group.filter(|_| of_one[0].0 != EVERYBODY) {
                group.gather(first, of_one, moment);
            }
        }
    }

    /// Takes in what fold `fold` gathered, for every group.
    pub(in crate::score) fn settle(&mut self, fold: Window, grid: &Grid) {
        for group in &mut self.groups {
            group.settle(fold, grid.settled(fold));
        }
    }

    /// Notes the moment of fold `fold`, the newest.
    pub(in crate::score) fn note(&mut self, fold: Window, moment: Moment) {
        self.moments.rotate_right(1);
        self.moments[0] = (fold, moment);
    }

    /// The moment of fold `fold`, if it is one of the last few.
    #[inline]
    pub(in crate::score) fn moment(&self, fold: Window) -> Option<Moment> {
        self.moments.iter().find(|(noted, _)| *noted == fold).map(|(_, moment)| *moment)
    }

    /// Gives each group that has changed since this was called last.
    pub(in crate::score) fn take_dirty(&mut self, mut each: impl FnMut(&Group)) {
        for group in self.groups.iter_mut().filter(|group| group.dirty) {
            group.dirty = false;
            each(group);
        }
    }
}

// === impl SharedPeers ===

impl SharedPeers {
    /// Shares `peers`.
    pub(in crate::score) fn new(peers: Peers) -> Self {
        Self(RwLock::new(peers))
    }

    /// To be read.
    pub(in crate::score) fn read(&self) -> RwLockReadGuard<'_, Peers> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be changed.
    pub(in crate::score) fn write(&self) -> RwLockWriteGuard<'_, Peers> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The moment at which fold `fold` has just been made: the end of its window.
pub(in crate::score) fn moment_of(decay: Decay, fold: Window) -> Moment {
    decay.moment(u64::try_from(Grid::end(fold)).unwrap_or(0))
}

//! How unusual each host's traffic is, against its own past and its peers'.
//!
//! [`Scorer`] is shared by the workers. Everything that depends on the order of events over all hosts happens at its
//! gate, one ticket at a time; the rest happens in sixteen shards, each passed in the order of tickets, so that several
//! threads work side by side and the outcome is that of one.

pub mod fringe;
pub mod histogram;
pub mod review;
pub mod sketch;
pub mod usual;

mod books;
mod config;
mod council;
mod covered;
mod detect;
mod endings;
mod entities;
mod gate;
mod grid;
mod history;
mod kept;
mod keyer;
mod keys;
mod memory;
mod policy;
mod seat;
mod sessions;
mod shard;
pub mod sum;
#[cfg(test)]
mod tests;
mod whose;

pub use config::{Config, ConfigError, Identity, IdentityError, Segment, WatchlistFile};
pub use council::{Council, Session, Word};
pub use covered::Covered;
pub use detect::{detectors, modes::Modes};
pub use entities::highest::Highest;
pub use history::{
    Counts, Coverage, EntityCounts, Gap, HeldOut, Learned, Past, Period, Report, Table, settle,
};
pub use kept::{archive::Archive, capture::Capture, wire::StateError};
pub use keyer::Keyer;
pub use memory::{memory_bytes_max, outside_bytes_max, sessions_bytes_max};
pub use policy::{Policy, SuppressionEntry, Suppressions, SuppressionsError};
pub use seat::learned_of;
pub use whose::tenant::{Tenant, TenantError};

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU64},
};

use arc_swap::ArcSwap;

use crate::{
    event::{Batch, Bookmark, Origin, Partition, Position, SourceId, Watchlists},
    pipe::Turn,
    telemetry::{metrics::Metrics, seed},
};

use self::{
    books::Books,
    detect::known::Known,
    endings::{Told, fold_conversations, tell_rest},
    entities::{
        finding::Notice,
        fold::{Rules, fold_through},
    },
    fringe::{Fringe, outside::Outside, sizes::Sizes},
    gate::aggregation::Aggregation,
    gate::{
        Gate, Tally,
        clocks::Clocks,
        dedup::Dedup,
        openings::Openings,
        plan::{Plan, SHARDS},
        tuples::Tuples,
    },
    grid::Grid,
    kept::archive::Desk,
    keys::{Finder, Keys},
    policy::{budget::Budget, deliver::deliver},
    sessions::{Sessions, meters::SessionMeters},
    shard::Shard,
    sketch::{mixer::Mixer, repeats::Repeats},
    usual::{
        decay::Decay,
        peers::{Peers, SharedPeers},
    },
    whose::attribution::Attribution,
};

/// Length of a window in seconds.
pub const WINDOW_SECONDS: u32 = grid::WINDOW_SECONDS as u32;
/// Version of the geometry that the state's values are written in: windows of ten minutes, histograms of one significant
/// digit from 1 to 2^40, those of an entity of half as many buckets and in bits.
pub const GEOMETRY: u32 = 5;

/// Everything that scoring knows.
///
/// Each call takes a ticket: 0, 1, 2, …, each exactly once, in whatever thread; a call waits until those with smaller
/// tickets have been where it wants to be. A ticket that is never used stops everything after it.
#[derive(Debug)]
pub struct Scorer {
    rules: Rules,
    policy: Arc<ArcSwap<Policy>>,
    segments: Vec<Segment>,
    tells_sessions: bool,
    gate: Mutex<Gate>,
    gate_turn: Turn,
    shards: [Mutex<Shard>; SHARDS],
    shard_turns: [Turn; SHARDS],
    peers: SharedPeers,
    books: Books,
    outside: Outside,
    stitched: SessionMeters,
    /// What the estate has shown so far, as far as detectors ask for it.
    known: Mutex<Known>,
    /// Where findings leave.
    telling: Turn,
    budget: Mutex<Budget>,
    /// The addresses that nobody is to talk with, where there are lists of them.
    watched: OnceLock<Arc<ArcSwap<Watchlists>>>,
    /// What a capture held that was not stored.
    unsaved: Mutex<Unsaved>,
    /// How many captures there were.
    captures: AtomicU64,
    /// Plans to be used again.
    spare: Mutex<Vec<Scratch>>,
}

/// The changes and positions of a capture that was not stored.
#[derive(Debug, Default)]
struct Unsaved {
    entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    positions: BTreeMap<Origin, Position>,
    cursors: BTreeMap<Origin, Option<Bookmark>>,
}

/// Room that one ticket needs.
#[derive(Debug, Default)]
struct Scratch {
    plan: Plan,
    notices: Vec<Notice>,
}

// === impl Scorer ===

impl Scorer {
    /// A scorer that has seen nothing. `state_seed` is secret, and the same for as long as the state lives.
    #[must_use]
    pub fn new(config: &Config, metrics: &Metrics, state_seed: [u8; 16]) -> Self {
        let grid = Grid::new(config.lateness.as_secs());
        let half_life = u32::try_from(config.half_life.as_secs()).unwrap_or(u32::MAX);
        let rules = Rules {
            grid,
            decay: Decay::new(half_life),
            learn_all: i64::try_from(config.learn_all.as_secs()).unwrap_or(i64::MAX),
            activity: config.activity,
            roles: Mixer::new(state_seed, "roles"),
            told: config.detectors.told(),
        };
        let keys = Keys::new(state_seed);
        let most = config.entities_max as usize;
        let peers = Peers::new(keys.of(&["pool"]));
        let whose = (config.identity.clone(), config.tenants.clone());
        let mut attribution = Attribution::new(whose, keys, Finder::new(seed::fresh()), most);
        attribution.second_hand = config.second_hand;
        let clocks = Clocks::new(config.idle.as_millis());
        let repeats = Repeats::new(state_seed, config.dedup_bytes.as_u64());
        let dedup = Dedup::new(state_seed, repeats);
        let mut gate = Gate::new(grid, clocks, attribution, (Openings::new(most), dedup));
        gate.aggregation = Aggregation::new(config, metrics);

        let sizes = Sizes::new(config.externals_max as usize, config.pairs_max as usize);
        let stitched = sessions::Sizes::of(config);
        gate.tuples = (stitched.max > 0).then(|| Tuples::new(state_seed));
        let shard = || {
            let fringe = Fringe::new(Fringe::mixer(state_seed), sizes);
            Mutex::new(Shard::new(fringe, Sessions::new(stitched)))
        };
        let known = Known::new(state_seed, if stitched.max > 0 { config.entities_max } else { 0 });
        Self {
            rules,
            policy: config.policy.clone().unwrap_or_else(|| Arc::new(ArcSwap::from_pointee(config.policy()))),
            segments: config.segments.clone(),
            tells_sessions: config.tells_sessions,
            gate: Mutex::new(gate),
            gate_turn: Turn::default(),
            shards: std::array::from_fn(|_| shard()),
            shard_turns: Default::default(),
            peers: SharedPeers::new(peers),
            books: Books::new(metrics, config.entities_max),
            outside: Outside::new(metrics),
            stitched: SessionMeters::new(metrics),
            known: Mutex::new(known),
            telling: Turn::default(),
            budget: Mutex::default(),
            watched: OnceLock::new(),
            unsaved: Mutex::default(),
            captures: AtomicU64::new(0),
            spare: Mutex::default(),
        }
    }

    /// Lets entities leave to `archive`, which is the state that captures go to, when there are more than may be. Those who
    /// found no room in a restore are there.
    #[must_use]
    pub fn with_archive(self, archive: Arc<dyn Archive>) -> Self {
        let desk = Desk::open(archive);
        let mut gate = lock(&self.gate);
        if std::mem::take(&mut gate.attribution.refused) > 0 {
            desk.used();
        }
        gate.desk = Some(Arc::clone(&desk));
        drop(gate);
        self.shards.iter().for_each(|shard| lock(shard).desk = Some(Arc::clone(&desk)));
        self
    }

    /// Looks for those whom these lists name, as they are when a window folds. Said once; later words are not heard.
    pub fn watch(&self, lists: Arc<ArcSwap<Watchlists>>) {
        let _ = self.watched.set(lists);
    }

    /// Scores the events of `batch`: fills its verdicts, entities and findings.
    pub fn score(&self, ticket: u64, batch: &mut Batch) {
        self.step(ticket, batch, |gate, batch, plan| gate.plan(batch, plan, &self.peers));
    }

    /// Takes the time, in milliseconds since 1970: partitions that have stood still for too long are not waited for.
    /// Findings of windows that fold go into `batch`, which may hold no chunk.
    pub fn tick(&self, ticket: u64, now_millis: u64, batch: &mut Batch) {
        self.step(ticket, batch, |gate, _, plan| gate.tick(now_millis, plan));
    }

    /// Waits for `partitions` from here on.
    pub fn assigned(&self, ticket: u64, partitions: &[Partition]) {
        let nothing = &mut Batch::default();
        self.step(ticket, nothing, |gate, _, plan| gate.assigned(partitions, plan));
    }

    /// Forgets up to where `origin` was scored: it is read anew, and what comes of it is learned.
    pub fn anew(&self, ticket: u64, origin: &Origin) {
        let nothing = &mut Batch::default();
        self.step(ticket, nothing, |gate, _, plan| gate.anew(origin, plan));
    }

    /// Takes note whether other processes hold some of the partitions of `source`.
    pub fn divided(&self, ticket: u64, source: SourceId, divided: bool) {
        let nothing = &mut Batch::default();
        self.step(ticket, nothing, |gate, _, plan| gate.divided(source, divided, plan));
    }

    /// Waits for `partitions` no more: what all of them together held back folds, and nothing where none is left. Findings of
    /// windows that fold go into `batch`, which may hold no chunk.
    pub fn ended(&self, ticket: u64, partitions: &[Partition], batch: &mut Batch) {
        self.step(ticket, batch, |gate, _, plan| gate.ended(partitions, plan));
    }

    /// Folds everything: all input has ended. Findings go into `batch`, which may hold no chunk.
    pub fn finish(&self, ticket: u64, batch: &mut Batch) {
        self.step(ticket, batch, |gate, _, plan| gate.finish(plan));
    }

    /// Notes up to where `batch` reaches, whose events others score: what comes again after a restart is told from what is new.
    pub fn pass_on(&self, ticket: u64, batch: &mut Batch) {
        self.step(ticket, batch, |gate, batch, plan| gate.pass_on(batch, plan));
    }

    /// Passes `ticket` without doing anything: for a step that is not about scoring.
    pub fn skip(&self, ticket: u64) {
        self.gate_turn.take(ticket, || ());
        self.shard_turns.iter().for_each(|turn| turn.take(ticket, || ()));
        self.telling.take(ticket, || ());
    }

    fn step(
        &self,
        ticket: u64,
        batch: &mut Batch,
        decide: impl FnOnce(&mut Gate, &Batch, &mut Plan) -> Tally,
    ) {
        let mut scratch = lock(&self.spare).pop().unwrap_or_default();
        scratch.plan.clear();
        batch.verdicts.resize(batch.events.len(), None);
        self.gate_turn.wait(ticket);
        let mut gate = lock(&self.gate);
        let tally = decide(&mut gate, batch, &mut scratch.plan);
        self.books.note(&tally, &mut gate);
        drop(gate);
        self.gate_turn.pass(ticket);
        if scratch.plan.segments.is_empty() && !scratch.plan.over {
            self.flow(ticket, &mut scratch, batch);
        } else {
            self.flow_and_fold(ticket, &mut scratch, batch);
        }
        self.telling.wait(ticket);
        if !scratch.notices.is_empty() {
            self.books.findings.inc_by(scratch.notices.len() as u64);
            deliver(&mut scratch.notices, &self.policy.load(), &mut lock(&self.budget), batch);
        }
        self.telling.pass(ticket);
        lock(&self.spare).push(scratch);
    }

    /// The rules, with the features that are watched under `policy`.
    fn rules_by(&self, policy: &Policy) -> Rules {
        Rules { told: policy.modes.told(), ..self.rules }
    }

    /// Works a plan in which nothing folds, shard after shard; other tickets are in the other shards meanwhile.
    fn flow(&self, ticket: u64, scratch: &mut Scratch, batch: &mut Batch) {
        let Scratch { plan, notices } = scratch;
        let rules = self.rules_by(&self.policy.load());
        for (nth, turn) in self.shard_turns.iter().enumerate() {
            turn.wait(ticket);
            let (observations, contacts, legs) =
                (&plan.observations[nth], &plan.contacts[nth], &plan.legs[nth]);
            if !observations.is_empty() || !contacts.is_empty() || !legs.is_empty() {
                let peers = self.peers.read();
                let bench = rules.bench(&peers, plan.folded);
                let mut shard = lock(&self.shards[nth]);
                shard.observe(observations, &plan.changes, &bench, 0, batch, notices);
                shard.fringe.observe(contacts);
                shard.sessions.observe(legs);
            }
            turn.pass(ticket);
        }
    }

    /// Works a plan in which windows fold: alone in all shards, part by part, each fold in its place.
    fn flow_and_fold(&self, ticket: u64, scratch: &mut Scratch, batch: &mut Batch) {
        let Scratch { plan, notices } = scratch;
        let policy = self.policy.load();
        let rules = self.rules_by(&policy);
        self.shard_turns.iter().for_each(|turn| turn.wait(ticket));
        let mut shards: Vec<MutexGuard<'_, Shard>> = self.shards.iter().map(lock).collect();
        let mut folded = plan.folded;
        let (mut starts, mut contact_starts, mut leg_starts) = ([0; SHARDS], [0; SHARDS], [0; SHARDS]);
        for part in 0..=plan.segments.len() {
            let segment = plan.segments.get(part);
            let peers = self.peers.read();
            let bench = rules.bench(&peers, folded);
            for (nth, shard) in shards.iter_mut().enumerate() {
                let all = &plan.observations[nth];
                let end = segment.map_or(all.len(), |segment| segment.ends[nth] as usize);
                shard.observe(&all[starts[nth]..end], &plan.changes, &bench, part as u32, batch, notices);
                starts[nth] = end;
                let all = &plan.contacts[nth];
                let end = segment.map_or(all.len(), |segment| segment.contact_ends[nth] as usize);
                shard.fringe.observe(&all[contact_starts[nth]..end]);
                contact_starts[nth] = end;
                let all = &plan.legs[nth];
                let end = segment.map_or(all.len(), |segment| segment.leg_ends[nth] as usize);
                shard.sessions.observe(&all[leg_starts[nth]..end]);
                leg_starts[nth] = end;
            }
            drop(peers);
            let Some(segment) = segment else { break };
            let mut peers = self.peers.write();
            let order = (part as u32, true, segment.event);
            let reach = (segment.fold, segment.wish);
            let sum = fold_through(&mut shards, &mut peers, &rules, folded, reach, order, notices);
            self.books.windows_learned.inc_by(sum.learned);
            self.books.windows_held_out.inc_by(sum.held_out);
            self.books.windows_capped.inc_by(sum.capped);
            let sessions = self.tells_sessions.then_some(&mut batch.sessions);
            let watched = self.watched.get().map(|lists| lists.load_full());
            let (modes, segments) = (&policy.modes, &self.segments);
            let told = &mut Told { sessions, notices, order, modes, segments, watched };
            fold_conversations(&mut shards, (folded, segment.fold), &mut lock(&self.known), told);
            folded = segment.fold;
            shards.iter_mut().for_each(|shard| shard.fringe.fold(folded));
        }
        if plan.over && self.tells_sessions {
            tell_rest(&mut shards, folded, &mut batch.sessions);
        }
        self.stitched.note(shards.iter().map(|shard| &shard.sessions));
        self.outside.note(shards.iter().map(|shard| &shard.fringe));
        shards.iter_mut().for_each(|shard| self.books.absences.note(shard));
        drop(shards);
        self.shard_turns.iter().for_each(|turn| turn.pass(ticket));
    }
}

/// Locks `mutex`; a thread that panicked while it held it has left what it was working on as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A shard: a sixteenth of the entities, worked on by one thread at a time.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::event::{Activity, Asset, Batch, Feature, Score, Verdict};

use super::{
    entities::{
        amounts::Twofold,
        entity::Entity,
        finding::{Case, Notice, community_id_of, revise, witness},
        highest::Highest,
        open::Raised,
        peak::Peaks,
        series::{FEATURES, Span},
    },
    fringe::Fringe,
    gate::{
        columns::{Column, Record, Slots},
        plan::{Change, Observation, Role, Standing, Vantage},
    },
    grid::{Grid, WINDOW_SECONDS, Window},
    history::Ledger,
    kept::archive::{Desk, SOON},
    keys::Key,
    sessions::{Sessions, judged::Judgement, leg::Who},
    usual::{bench::Bench, peers::EVERYBODY},
};

/// A sixteenth of the entities.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) entities: Vec<Entity>,
    /// Which entities have which window open.
    pub(super) open: BTreeMap<Window, Vec<u32>>,
    /// Which entities have an hour, and which a day, that has not ended.
    pub(super) stretched: [Vec<u32>; Span::ALL.len()],
    /// Entities that differ from what was captured last.
    pub(super) dirty: Vec<u32>,
    /// Counts of windows that have folded, for windows that begin.
    #[expect(clippy::vec_box, reason = "the boxes themselves go from window to window")]
    pub(super) spare: Vec<Box<Activity>>,
    /// What is known of a sixteenth of the outside.
    pub(super) fringe: Fringe,
    /// A sixteenth of the sessions.
    pub(super) sessions: Sessions,
    /// How windows were judged that have folded and whose sessions have not, by window and slot.
    pub(super) judged: HashMap<(Window, u32), Judgement, foldhash::fast::FixedState>,
    /// Who has left and was not captured since, as bytes for the state.
    pub(super) left: BTreeMap<Key, Vec<u8>>,
    /// Where those are who left before, if they are anywhere.
    pub(super) desk: Option<Arc<Desk>>,
    /// The most surprising windows of those who are here, and of those who have left.
    pub(super) peaks: Peaks,
    pub(super) gone: Vec<Highest>,
    /// How many came back since this was asked last.
    pub(super) back: u64,
    /// How many windows were not learned for want of them.
    pub(super) unread: u64,
    /// While an archive is learned: what stands out of all of it.
    pub(super) ledger: Option<Box<Ledger>>,
    slots: Slots,
}

/// How many entities' memory is fetched in one go.
pub(super) const AHEAD: usize = 32;

// === impl Shard ===

impl Shard {
    /// Nobody in here yet, nor in `fringe` or `sessions`.
    pub(super) fn new(fringe: Fringe, sessions: Sessions) -> Self {
        Self {
            entities: Vec::new(),
            open: BTreeMap::new(),
            stretched: Default::default(),
            dirty: Vec::new(),
            spare: Vec::new(),
            fringe,
            sessions,
            judged: HashMap::default(),
            left: BTreeMap::new(),
            desk: None,
            peaks: Peaks::default(),
            gone: Vec::new(),
            back: 0,
            unread: 0,
            ledger: None,
            slots: Slots::default(),
        }
    }

    /// The entity that `who` names, if it is still here.
    pub(super) fn entity_of(&self, who: Who) -> Option<&Entity> {
        self.entities.get(who.slot()).filter(|entity| entity.name.number() == who.number)
    }

    /// Takes in `observations` and writes what they come to into `batch`; findings go to `notices`, as of part `part`.
    pub(super) fn observe(
        &mut self,
        observations: &[Observation],
        changes: &[Change],
        bench: &Bench<'_>,
        part: u32,
        batch: &mut Batch,
        notices: &mut Vec<Notice>,
    ) {
        for (nth, observation) in observations.iter().enumerate() {
            if nth % AHEAD == 0 {
                let few = &observations[nth..observations.len().min(nth + AHEAD)];
                let slots = few.iter().map(|observation| observation.slot);
                self.warm(slots, bench.as_of(observation.window));
            }
            if observation.change > 0 {
                self.change(observation, &changes[observation.change as usize - 1], bench);
            }
            if let Some(order) = self.entities[observation.slot as usize].away {
                self.await_back(observation.slot, order, SOON, bench);
            }
            let (score, raised) = match observation.standing {
                Standing::Learned => self.add(observation, bench, part, batch, notices),
                _ => self.peek(observation, bench),
            };
            if observation.role.vantage == Vantage::Beside {
                continue;
            }
            let entity = self.name(observation.slot, batch);
            batch.verdicts[observation.event as usize] = Some(Verdict {
                entity,
                score,
                window_start: u64::try_from(Grid::start(observation.window)).unwrap_or(0),
                late: observation.standing == Standing::Late,
                raised,
            });
        }
    }

    /// Reads what comes next of the entities at `slots`, which are to be judged as of fold `as_of`: one after the other,
    /// each would wait for memory alone.
    pub(super) fn warm(&self, slots: impl Iterator<Item = u32> + Clone, as_of: Window) {
        let entities = slots.filter_map(|slot| self.entities.get(slot as usize));
        let near = entities.clone().fold(0, |read, entity| read ^ entity.warm(as_of));
        // What stands behind a pointer, once the pointers are there.
        let far = entities.fold(0, |read, entity| read ^ entity.warm_behind(as_of));
        std::hint::black_box(near ^ far);
    }

    /// The place of the entity's name in the batch's table.
    #[inline]
    fn name(&mut self, slot: u32, batch: &mut Batch) -> u32 {
        let entity = &mut self.entities[slot as usize];
        if entity.named_by != batch.serial || batch.serial == 0 {
            (entity.named_by, entity.named_at) = (batch.serial, batch.entities.len() as u32);
            batch.entities.push(Arc::clone(&entity.name));
        }
        entity.named_at
    }

    #[cold]
    fn change(&mut self, observation: &Observation, change: &Change, bench: &Bench<'_>) {
        let name = Arc::clone(&change.name);
        match self.entities.get_mut(observation.slot as usize) {
            Some(entity) if entity.key == change.key => match change.pool {
                Some(pool) => entity.rename(name, pool),
                None => {
                    let name = name.among(entity.name.peer_group());
                    entity.rename(Arc::new(name), entity.pool);
                }
            },
            Some(entity) => {
                let mut new = Entity::new(change.key, name, change.pool.unwrap_or(EVERYBODY));
                // It stands in the list of those who are, if the other one did.
                new.dirty = entity.dirty;
                let old = std::mem::replace(entity, new);
                self.leave(observation.slot, &old);
                self.call_back(observation.slot, bench);
            }
            None => {
                self.entities.push(Entity::new(change.key, name, change.pool.unwrap_or(EVERYBODY)));
                self.call_back(observation.slot, bench);
            }
        }
        self.soil(observation.slot);
    }

    /// Notes that the entity differs from what was captured last.
    #[inline]
    pub(super) fn soil(&mut self, slot: u32) {
        let entity = &mut self.entities[slot as usize];
        if !entity.dirty {
            entity.dirty = true;
            self.dirty.push(slot);
        }
    }

    /// Adds an observation to its window; tells its score, and whether a finding rests on it.
    #[inline]
    fn add(
        &mut self,
        observation: &Observation,
        bench: &Bench<'_>,
        part: u32,
        batch: &Batch,
        notices: &mut Vec<Notice>,
    ) -> (Option<Score>, bool) {
        self.soil(observation.slot);
        let event = &batch.events[observation.event as usize];
        let entity = &mut self.entities[observation.slot as usize];
        let (place, fresh) = entity.enter(observation.window);
        if fresh {
            self.open.entry(observation.window).or_default().push(observation.slot);
            match own_asset(batch, observation) {
                Some(asset) if !entity.asset.as_ref().is_some_and(|own| Arc::ptr_eq(own, asset)) => {
                    entity.asset = Some(Arc::clone(asset));
                }
                _ => {}
            }
        }
        let open = &mut entity.open[place];
        if fresh && bench.activity {
            let mut activity = self.spare.pop().unwrap_or_default();
            *activity = Activity::default();
            open.activity = Some(activity);
        }
        if let Some(activity) = &mut open.activity {
            let record = self.slots.read(batch, event);
            let amount = |column| record.uint(column).unwrap_or(0);
            activity.add(Grid::part(amount(Column::End)), amount(Column::Bytes), amount(Column::Packets));
        }
        open.amounts.add(observation);
        open.amounts.show(observation, (batch, event), &bench.roles);
        if entity.away.is_some() {
            return (None, false);
        }
        let values = open.values();
        let as_of = bench.as_of(observation.window);
        let judge = entity.judge(as_of, bench);
        let log10_p = judge.all_log10_p(judge.buckets(values, observation.window));
        let score = judge.score(values, log10_p, observation.window);
        let marked = (0..FEATURES).any(|feature| {
            judge.marks(feature, values[feature], log10_p[feature]) && bench.tells(Feature::ALL[feature])
        });
        if marked && bench.is_final(observation.window) {
            let record = self.slots.read(batch, event);
            let order = (part, false, observation.event);
            let raiser = Raiser { record: Some((&record, observation.role)), order };
            raise(entity, place, bench, &raiser, notices);
        }
        let raised = marked || entity.open[place].raised.is_some();
        if let Some(score) = &score {
            self.note_peak(observation.slot, score, observation.window, || host(batch, observation));
        }
        (score, raised)
    }

    /// What the state says of an observation that changes nothing: of the window that holds it, where that is open and
    /// does; else of the observation by itself. What a window raised is forgotten once it has folded, so that a finding may
    /// rest on whatever comes after that.
    #[inline]
    fn peek(&mut self, observation: &Observation, bench: &Bench<'_>) -> (Option<Score>, bool) {
        let entity = &mut self.entities[observation.slot as usize];
        let as_of = bench.as_of(observation.window);
        let mut alone = Twofold::default();
        alone.add(observation);
        let open = entity.find(observation.window).ok().map(|place| &entity.open[place]);
        let (values, raised) = match (observation.standing, open) {
            (Standing::Known | Standing::Repeated, Some(open)) => (open.values(), open.raised.is_some()),
            (standing, _) => (alone.values(), standing != Standing::Early),
        };
        if entity.away.is_some() {
            return (None, false);
        }
        let judge = entity.judge(as_of, bench);
        let window = observation.window;
        let log10_p = judge.all_log10_p(judge.buckets(values, window));
        (judge.score(values, log10_p, window), raised)
    }

    /// The first window that is open.
    pub(super) fn first_open(&self) -> Option<Window> {
        self.open.keys().next().copied()
    }

    /// Judges what `window` holds so far, because the fold that judges it has run: what rose above the mark before that
    /// is told now.
    pub(super) fn look_again(
        &mut self,
        window: Window,
        bench: &Bench<'_>,
        order: (u32, bool, u32),
        notices: &mut Vec<Notice>,
    ) {
        let Some(slots) = self.open.get(&window) else { return };
        for slot in slots {
            let entity = &mut self.entities[*slot as usize];
            if entity.away.is_some() {
                continue;
            }
            if let Ok(place) = entity.find(window) {
                let told = notices.len();
                raise(entity, place, bench, &Raiser { record: None, order }, notices);
                if notices.len() > told && !entity.dirty {
                    entity.dirty = true;
                    self.dirty.push(*slot);
                }
            }
        }
    }
}

/// The asset of the observation's own side.
fn own_asset<'a>(batch: &'a Batch, observation: &Observation) -> Option<&'a Arc<Asset>> {
    let (source, destination) = batch.ends(&batch.events[observation.event as usize]);
    let own = if observation.role.sends { source } else { destination };
    own.asset.as_ref()
}

/// What the asset list calls that side.
fn host(batch: &Batch, observation: &Observation) -> Option<Box<str>> {
    own_asset(batch, observation)?.name.clone()
}

/// What raises a finding: a record, and what the entity had to do with it; or a fold.
pub(super) struct Raiser<'a> {
    pub(super) record: Option<(&'a Record<'a>, Role)>,
    pub(super) order: (u32, bool, u32),
}

/// Raises the findings that the entity's open window at `place`, which is judged for good, calls for.
#[cold]
pub(super) fn raise(
    entity: &mut Entity,
    place: usize,
    bench: &Bench<'_>,
    raiser: &Raiser<'_>,
    notices: &mut Vec<Notice>,
) {
    let window = entity.open[place].window();
    let as_of = bench.as_of(window);
    let judge = *entity.judge(as_of, bench);
    let values = entity.open[place].values();
    let log10_p = judge.all_log10_p(judge.buckets(values, window));
    let mut raised = entity.open[place].raised.take();
    for feature in 0..FEATURES {
        let Some(detector) = bench.watching(Feature::ALL[feature]) else { continue };
        if !judge.marks(feature, values[feature], log10_p[feature]) {
            continue;
        }
        let mut magnitude = raised.as_ref().and_then(|raised| raised.magnitude[feature]);
        let Some(revision) = revise(&mut magnitude, values[feature]) else { continue };
        let seen = raiser.record.map(|(record, role)| witness(record, role));
        let mut next = match (seen, raised) {
            (Some(seen), Some(before)) => Box::new(Raised { magnitude: before.magnitude, ..seen }),
            (Some(seen), None) => Box::new(seen),
            (None, before) => before.unwrap_or_default(),
        };
        next.magnitude[feature] = magnitude;
        let end = raiser.record.and_then(|(record, _)| record.uint(Column::End));
        let at = end.map_or(Grid::end(window), |end| i64::try_from(end).unwrap_or(i64::MAX));
        let mut finding = Case {
            detector,
            score: judge.score_of(feature, values[feature], log10_p[feature], window),
            shift: judge.shift(feature, window),
            revision,
            start: Grid::start(window),
            seconds: WINDOW_SECONDS,
            at,
            own: entity.own.nth(feature),
            incident: entity.episode_of(window).incident(&entity.name),
            raised: &next,
            activity: entity.open[place].activity.as_deref(),
        }
        .document(entity);
        finding.community_id = raiser.record.and_then(|(record, _)| community_id_of(record));
        notices.push(Notice { order: raiser.order, finding });
        raised = Some(next);
    }
    entity.open[place].raised = raised;
}

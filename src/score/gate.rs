//! The gate: one batch at a time, in the order of tickets, it decides who every event is scored for and what folds when.
//!
//! Everything that depends on the order of events over all entities is decided here: own addresses, new entities,
//! watermarks, lateness and folds. What is left is a plan that the shards can work on side by side.

pub(super) mod aggregation;
pub(super) mod begun;
pub(super) mod clocks;
pub(super) mod columns;
pub(super) mod dedup;
pub(super) mod division;
mod entering;
pub(super) mod openings;
pub(super) mod plan;
pub(super) mod reading;
pub(super) mod tally;
pub(super) mod tuples;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::event::{Batch, Bookmark, Chunk, Origin, Partition, Position, SourceId};

pub(super) use self::tally::Tally;
use self::{
    begun::Begun,
    clocks::Clocks,
    columns::{Column, Slots},
    dedup::Dedup,
    division::Division,
    openings::Openings,
    plan::{Plan, Standing},
    reading::Said,
    tuples::Tuples,
};
use super::{
    fringe::capture::Depth,
    gate::aggregation::Aggregation,
    grid::{Grid, Window},
    kept::archive::Desk,
    seat::Bound,
    usual::peers::SharedPeers,
    whose::attribution::{Attribution, FEW, Found},
};

/// What the gate knows.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) grid: Grid,
    pub(super) clocks: Clocks,
    /// Everything through this window has folded, as far as plans go.
    pub(super) folded: Window,
    pub(super) attribution: Attribution,
    pub(super) openings: Openings,
    /// Up to where each origin is scored, since the last capture.
    pub(super) positions: BTreeMap<Origin, Position>,
    /// The same as their sources write it, where a position does not outlive the process; nothing where it counts no longer.
    pub(super) cursors: BTreeMap<Origin, Option<Bookmark>>,
    /// Origins whose earlier positions, captured or not, count no longer.
    pub(super) anew: BTreeSet<Origin>,
    pub(super) division: Division,
    pub(super) dedup: Dedup,
    /// Where those are who are not here, if they are anywhere.
    pub(super) desk: Option<Arc<Desk>>,
    pub(super) aggregation: Aggregation,
    /// How far may fold, where other parts are waited for.
    pub(super) bound: Option<Bound>,
    /// Of a part, where the windows begin that are open.
    pub(super) begun: Begun,
    /// What tells conversations apart, where records are put together to sessions.
    pub(super) tuples: Option<Tuples>,
    /// The earliest event time of a record in time, in seconds since 1970, and how many came too late.
    pub(super) earliest: Option<i64>,
    pub(super) late: u64,
    /// The hour in which everything was captured last.
    captured: Option<Window>,
    slots: Slots,
    /// The numbers of the few records that are planned at a time.
    said: [Said; FEW],
}

// === impl Gate ===

impl Gate {
    /// A gate before any record.
    pub(super) fn new(
        grid: Grid,
        clocks: Clocks,
        attribution: Attribution,
        (openings, dedup): (Openings, Dedup),
    ) -> Self {
        Self {
            grid,
            clocks,
            folded: -1,
            attribution,
            openings,
            positions: BTreeMap::new(),
            cursors: BTreeMap::new(),
            anew: BTreeSet::new(),
            division: Division::default(),
            dedup,
            desk: None,
            aggregation: Aggregation::default(),
            bound: None,
            begun: Begun::default(),
            tuples: None,
            earliest: None,
            late: 0,
            captured: None,
            slots: Slots::default(),
            said: Default::default(),
        }
    }

    /// Plans `batch`.
    pub(super) fn plan(&mut self, batch: &Batch, plan: &mut Plan, peers: &SharedPeers) -> Tally {
        plan.folded = self.folded;
        let mut tally = Tally::default();
        let Some(chunk) = &batch.chunk else { return tally };
        let place = self.clocks.enter(&chunk.partition);
        self.attribution.turn_to(chunk.source);
        let others = self.clocks.others(place);
        let believed = self.clocks.believed();
        let mut watermark = self.clocks.watermark(place);
        let number = self.division.number(chunk.source, &chunk.partition);
        let known = self.attribution.registry.len();
        let mut slots = std::mem::take(&mut self.slots);
        for first in (0..batch.events.len()).step_by(FEW) {
            tally.left += self.make_room();
            let found = self.attribution.attribute(&mut slots, batch, first, &mut plan.changes, peers);
            let found = &found[..FEW.min(batch.events.len() - first)];
            self.look_ahead(&mut slots, batch, first, found);
            for (found, index) in found.iter().zip(first..) {
                let event = &batch.events[index];
                let Some(end) = end_of(&self.said[index - first]) else {
                    // A line of syslog is nobody's traffic.
                    tally.unattributed += u64::from(batch.line(event).is_none());
                    continue;
                };
                let window = Grid::window(end);
                let overtaken = self.grid.due(window) <= watermark;
                if event.learn && chunk.clock.is_none() && end > watermark && end <= believed {
                    watermark = end;
                    if end.min(others) >= self.grid.due(self.folded + 1) {
                        self.cut(self.grid.passed(end.min(others)), index as u32, plan);
                    }
                }
                let standing = match event.learn {
                    false => Standing::Known,
                    true if end > believed => Standing::Early,
                    true if overtaken || window <= self.folded => Standing::Late,
                    true => Standing::Learned,
                };
                tally.note(standing, end);
                match *found {
                    Found::Blind => tally.blind += 1,
                    Found::Nobody => tally.unattributed += 1,
                    Found::Entity { entity, side, change, vantage } => {
                        if let Some(number) = number {
                            tally.divided += u64::from(self.division.seen(entity, number));
                        }
                        let windows = (window, self.folded);
                        let standing = self.dedup.standing(index - first, standing, windows, &mut tally);
                        let (nth, times) = ((index, index - first), (window, end, standing));
                        self.enter_all(nth, times, (entity, side, change, vantage), plan);
                        self.begun.note((window, self.folded), chunk);
                        if standing == Standing::Learned {
                            self.openings.enter(entity, window);
                            tally.forced += u64::from(self.force(index, plan));
                        }
                    }
                }
            }
        }
        self.slots = slots;
        self.note_covered(&tally);
        watermark = self.follow_told(batch, watermark, others, plan);
        if self.division.is_moved(&chunk.origin) {
            tally.moved = (self.attribution.registry.len() - known) as u64;
        }
        self.clocks.move_to(place, watermark, others);
        self.scored(chunk);
        tally
    }

    fn note_covered(&mut self, tally: &Tally) {
        self.late += tally.late;
        self.earliest = self.earliest.into_iter().chain(tally.earliest).min();
    }

    /// Notes up to where `batch` reaches, whose events are scored elsewhere.
    pub(super) fn pass_on(&mut self, batch: &Batch, plan: &mut Plan) -> Tally {
        plan.folded = self.folded;
        if let Some(chunk) = &batch.chunk {
            self.scored(chunk);
        }
        Tally::default()
    }

    /// The watermark behind `batch`, whose chunk may tell it; plans what folds by that behind its events.
    fn follow_told(&mut self, batch: &Batch, watermark: i64, others: i64, plan: &mut Plan) -> i64 {
        let told = batch.chunk.as_ref().and_then(|chunk| i64::try_from(chunk.clock?).ok());
        let believed = self.clocks.believed();
        let Some(told) = told.filter(|told| *told > watermark && *told <= believed) else {
            return watermark;
        };
        let time = told.min(others);
        if time >= self.grid.due(self.folded + 1) {
            self.cut(self.grid.passed(time), batch.events.len() as u32, plan);
        }
        told
    }

    /// Lets go of who was active longest ago, where the state has them, so that the next few events may bring as many hosts
    /// that are not here; gives how many go.
    #[inline]
    fn make_room(&mut self) -> u64 {
        let Some(desk) = &self.desk else { return 0 };
        let left = self.attribution.make_room(self.folded, &self.openings);
        if left > 0 {
            desk.used();
        }
        left as u64
    }

    /// Reads what the few records from `first` on will ask for, so that it is fetched side by side; takes note of how long the
    /// first of them is.
    #[inline]
    fn look_ahead(&mut self, slots: &mut Slots, batch: &Batch, first: usize, found: &[Found]) {
        let entities = found.iter().filter_map(Found::entity);
        let opened = entities.fold(0, |read, entity| read ^ self.openings.warm(entity));
        for (nth, event) in batch.events[first..first + found.len()].iter().enumerate() {
            let mut said = Said::of(&slots.read(batch, event));
            if let Some(tuples) = &mut self.tuples {
                said.estate = tuples.estate(self.attribution.tenant_number(), batch, event);
            }
            self.said[nth] = said;
            if self.dedup.is_on()
                && let Some(ends) = self.attribution.ends_of(nth)
            {
                self.dedup.look(nth, &said.identity(ends, self.attribution.interface_of(nth)));
            }
        }
        std::hint::black_box((opened, self.dedup.warm(found.len())));
        let record = slots.read(batch, &batch.events[first]);
        let times = (record.uint(Column::Start), record.uint(Column::End));
        if let (Some(chunk), (Some(start), Some(end))) = (&batch.chunk, times) {
            self.aggregation.note(chunk.source, end.saturating_sub(start));
        }
    }

    /// Notes up to where the origin of `chunk` is scored now.
    fn scored(&mut self, chunk: &Chunk) {
        self.begun.read(chunk);
        let (origin, next) = chunk.scores();
        let scored = self.positions.entry(origin.clone()).or_default();
        *scored = next.max(*scored);
        if let Some(cursor) = &chunk.cursor {
            self.cursors.insert(origin.clone(), Some(cursor.clone()));
        }
    }

    /// Waits for `partitions` from here on.
    pub(super) fn assigned(&mut self, partitions: &[Partition], plan: &mut Plan) -> Tally {
        plan.folded = self.folded;
        self.clocks.assigned(partitions);
        Tally::default()
    }

    /// Forgets up to where `origin` was scored.
    pub(super) fn anew(&mut self, origin: &Origin, plan: &mut Plan) -> Tally {
        plan.folded = self.folded;
        self.positions.insert(origin.clone(), 0);
        self.cursors.insert(origin.clone(), None);
        self.anew.insert(origin.clone());
        self.division.moved(origin.clone());
        Tally::default()
    }

    /// Takes note whether others hold some of the partitions of `source`.
    pub(super) fn divided(&mut self, source: SourceId, divided: bool, plan: &mut Plan) -> Tally {
        plan.folded = self.folded;
        self.division.divided(source, divided);
        Tally::default()
    }

    /// Waits for `partitions` no more, and plans what folds without them.
    pub(super) fn ended(&mut self, partitions: &[Partition], plan: &mut Plan) -> Tally {
        plan.folded = self.folded;
        self.clocks.ended(partitions);
        self.follow(plan)
    }

    /// Takes the time, and plans what folds without the partitions that have stood still.
    pub(super) fn tick(&mut self, now: u64, plan: &mut Plan) -> Tally {
        plan.folded = self.folded;
        self.clocks.tick(now);
        self.follow(plan)
    }

    /// Plans to fold everything: no record comes any more.
    pub(super) fn finish(&mut self, plan: &mut Plan) -> Tally {
        plan.folded = self.folded;
        plan.over = true;
        let last = Grid::window(self.clocks.furthest());
        self.fold(last, plan)
    }

    fn follow(&mut self, plan: &mut Plan) -> Tally {
        let passed = self.grid.passed(self.clocks.global());
        self.fold(passed, plan)
    }

    fn fold(&mut self, through: Window, plan: &mut Plan) -> Tally {
        if through > self.folded || self.bound.is_some() {
            self.cut(through, 0, plan);
        }
        Tally::default()
    }

    /// Plans to fold everything through `wish`, or as far as may be, before the event at `event`.
    fn cut(&mut self, wish: Window, event: u32, plan: &mut Plan) {
        let folded = self.folded;
        let Some(through) = self.bound.as_mut().map_or(Some(wish), |bound| bound.allow(wish, folded)) else {
            return;
        };
        self.folded = through;
        self.openings.fold(through);
        self.dedup.fold(through);
        self.begun.fold(through);
        plan.cut((through, wish), event);
    }

    /// Plans to fold the oldest open window after the event at `index` if too many are open; says whether it did.
    #[inline]
    fn force(&mut self, index: usize, plan: &mut Plan) -> bool {
        let Some(window) = self.openings.overdue() else { return false };
        let folded = self.folded;
        self.cut(window.max(folded), index as u32 + 1, plan);
        self.folded > folded || self.bound.is_none()
    }

    /// How much is to be captured: everything once an hour of event time, which is a few megabytes, else what baselines and
    /// records of the outside need.
    pub(super) fn depth(&mut self) -> Depth {
        let epoch = Grid::epoch(self.folded);
        if self.captured.replace(epoch) == Some(epoch) { Depth::Records } else { Depth::Whole }
    }
}

/// Latest event time believed, in seconds since 1970: the end of the year 9999.
pub(super) const END_MAX: i64 = 253_402_300_799;

/// When a record ends, in seconds since 1970.
#[inline]
fn end_of(said: &Said) -> Option<i64> {
    Some(i64::try_from(said.end?).unwrap_or(i64::MAX).min(END_MAX))
}

//! The gate: one batch at a time, in the order of tickets, it decides who every event is scored for and what folds when.
//!
//! Everything that depends on the order of events over all entities is decided here: own addresses, new entities,
//! watermarks, lateness and folds. What is left is a plan that the shards can work on side by side.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Batch, Bookmark, Chunk, Origin, Partition, Position, SourceId};

use super::{
    attribution::{Attribution, FEW, Found},
    clocks::Clocks,
    columns::{Column, Record, Slots},
    division::Division,
    grid::{Grid, Window},
    openings::Openings,
    own::Side,
    peers::SharedPeers,
    plan::{Observation, Plan, Role, Standing, port_of},
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
    slots: Slots,
}

/// What became of a batch's events, for the metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// Records that name no addresses: the log saw nothing, or lost something.
    pub(super) blind: u64,
    /// Flows with no side that could be an entity, or without an end.
    pub(super) unattributed: u64,
    /// Flows that came too late to be learned.
    pub(super) late: u64,
    /// Flows from so far in the future that they are not believed.
    pub(super) early: u64,
    /// Folds that waited for nobody because too many windows were open.
    pub(super) forced: u64,
    /// Entities seen on a second partition while others hold some.
    pub(super) divided: u64,
    /// Entities that are new here and have a past elsewhere.
    pub(super) moved: u64,
}

// === impl Gate ===

impl Gate {
    /// A gate before any record.
    pub(super) fn new(grid: Grid, clocks: Clocks, attribution: Attribution, openings: Openings) -> Self {
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
            slots: Slots::default(),
        }
    }

    /// Plans `batch`.
    pub(super) fn plan(&mut self, batch: &Batch, plan: &mut Plan, peers: &SharedPeers) -> Tally {
        plan.folded = self.folded;
        let mut tally = Tally::default();
        let Some(chunk) = &batch.chunk else { return tally };
        let place = self.clocks.enter(&chunk.partition);
        let others = self.clocks.others(place);
        let believed = self.clocks.believed();
        let mut watermark = self.clocks.watermark(place);
        let number = self.division.number(chunk.source, &chunk.partition);
        let known = self.attribution.registry.len();
        for first in (0..batch.events.len()).step_by(FEW) {
            let found = self.attribution.attribute(&mut self.slots, batch, first, &mut plan.changes, peers);
            let found = &found[..FEW.min(batch.events.len() - first)];
            let entities = found.iter().filter_map(Found::entity);
            std::hint::black_box(entities.fold(0, |read, entity| read ^ self.openings.warm(entity)));
            for (found, index) in found.iter().zip(first..) {
                let event = &batch.events[index];
                let record = self.slots.read(batch, event);
                let Some(end) = record.uint(Column::End) else {
                    // A line of syslog is nobody's traffic.
                    tally.unattributed += u64::from(batch.line(event).is_none());
                    continue;
                };
                let end = i64::try_from(end).unwrap_or(i64::MAX).min(END_MAX);
                let overtaken = self.grid.due(Grid::window(end)) <= watermark;
                if event.learn && chunk.clock.is_none() && end > watermark && end <= believed {
                    watermark = end;
                    if end.min(others) >= self.grid.due(self.folded + 1) {
                        self.folded = self.grid.passed(end.min(others));
                        self.openings.fold(self.folded);
                        plan.cut(self.folded, index as u32);
                    }
                }
                let window = Grid::window(end);
                let standing = match event.learn {
                    false => Standing::Known,
                    true if end > believed => Standing::Early,
                    true if overtaken || window <= self.folded => Standing::Late,
                    true => Standing::Learned,
                };
                tally.late += u64::from(standing == Standing::Late);
                tally.early += u64::from(standing == Standing::Early);
                match *found {
                    Found::Blind => tally.blind += 1,
                    Found::Nobody => tally.unattributed += 1,
                    Found::Entity { entity, side, change } => {
                        if let Some(number) = number {
                            tally.divided += u64::from(self.division.seen(entity, number));
                        }
                        let seen = observation(&record, &self.attribution, index, window, standing, side);
                        let seen = Observation { slot: entity.slot(), change, ..seen };
                        plan.observations[entity.shard()].push(seen);
                        if standing == Standing::Learned {
                            self.openings.enter(entity, window);
                            tally.forced +=
                                u64::from(force(&mut self.folded, &mut self.openings, plan, index));
                        }
                    }
                }
            }
        }
        watermark = self.follow_told(batch, watermark, others, plan);
        if self.division.is_moved(&chunk.origin) {
            tally.moved = (self.attribution.registry.len() - known) as u64;
        }
        self.clocks.move_to(place, watermark, others);
        self.scored(chunk);
        tally
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
            self.folded = self.grid.passed(time);
            self.openings.fold(self.folded);
            plan.cut(self.folded, batch.events.len() as u32);
        }
        told
    }

    /// Notes up to where the origin of `chunk` is scored now.
    fn scored(&mut self, chunk: &Chunk) {
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
        let last = Grid::window(self.clocks.furthest());
        self.fold(last, plan)
    }

    fn follow(&mut self, plan: &mut Plan) -> Tally {
        let passed = self.grid.passed(self.clocks.global());
        self.fold(passed, plan)
    }

    fn fold(&mut self, through: Window, plan: &mut Plan) -> Tally {
        if through > self.folded {
            self.folded = through;
            self.openings.fold(through);
            plan.cut(through, 0);
        }
        Tally::default()
    }
}

/// Latest event time believed, in seconds since 1970: the end of the year 9999.
const END_MAX: i64 = 253_402_300_799;

/// Plans to fold the oldest open window if too many are open; says whether it did.
#[inline]
fn force(folded: &mut Window, openings: &mut Openings, plan: &mut Plan, index: usize) -> bool {
    let Some(window) = openings.overdue() else { return false };
    *folded = window.max(*folded);
    openings.fold(*folded);
    plan.cut(*folded, index as u32 + 1);
    true
}

/// What `record` says of the entity on its `side`.
#[inline]
fn observation(
    record: &Record<'_>,
    attribution: &Attribution,
    index: usize,
    window: Window,
    standing: Standing,
    side: Side,
) -> Observation {
    let sends = side == Side::Source;
    let other = if sends { Side::Destination } else { Side::Source };
    let peer = record.packet_end(other).or_else(|| record.end(other));
    let outside = peer.is_none_or(|peer| !peer.inside);
    Observation {
        window,
        bytes: record.uint(Column::Bytes).unwrap_or(0),
        packets: u32::try_from(record.uint(Column::Packets).unwrap_or(0)).unwrap_or(u32::MAX),
        event: index as u32,
        slot: 0,
        port: port_of(record.uint(Column::SourcePort), record.uint(Column::DestinationPort)),
        peer: attribution.hash(peer.map_or(0, |peer| peer.address)),
        change: 0,
        standing,
        role: Role { sends, accepted: accepted(record), outside },
    }
}

/// Whether the flow was let through; a log that does not say so has only such flows.
#[inline]
fn accepted(record: &Record<'_>) -> bool {
    record.text(Column::Action) != b"REJECT"
}

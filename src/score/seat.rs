//! A seat in the council: how a part's gate and pools keep step with those of the other parts.
//!
//! A lesson is what a part taught in one epoch: a version, how many groups, and of each its key (16 bytes), scope, name, and
//! the increments of each series, as [`Increments`] writes them.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Scorer,
    council::{Council, NEVER},
    entities::{fold::Rules, series::SERIES},
    grid::{EPOCH_WINDOWS, Grid, Window},
    histogram::Increments,
    kept::wire::{
        GATE, StateError, VERSION, key, put_int, put_text, put_uint, put_wide, take_count, take_end,
        take_int, take_text, take_version, take_wide,
    },
    keys::Key,
    lock,
    usual::peers::{Group, POOLS_MAX, Peers, moment_of},
};

/// What a part's pools know of the council.
#[derive(Debug)]
pub(super) struct Seat {
    council: Arc<Council>,
    part: u32,
    at: At,
}

/// How far a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    /// The last epoch of which the pools hold what all parts taught.
    pub(super) learned: Window,
    /// The last epoch through which this part has taught all.
    pub(super) taught: Window,
}

/// What a part's gate knows of the council.
#[derive(Debug)]
pub(super) struct Bound {
    council: Arc<Council>,
    /// The last epoch that was due.
    wished: Window,
    /// The last epoch that all had taught.
    merged: Window,
}

/// The hash of the gate's second entry.
const SEAT: u128 = 1;

// === impl Scorer ===

impl Scorer {
    /// Scores one part of an estate, number `part`; what all parts teach is learned in `council`.
    #[must_use]
    pub fn in_council(self, council: Arc<Council>, part: u32) -> Self {
        let bound = Bound { council: Arc::clone(&council), wished: NEVER, merged: NEVER };
        lock(&self.gate).bound = Some(bound);
        let mut peers = self.peers.write();
        let at = peers.restored.take().unwrap_or(At { learned: NEVER, taught: NEVER });
        peers.seat = Some(Seat { council, part, at });
        drop(peers);
        self
    }
}

/// The last epoch of which all that was taught is in a capture with these `entries`, where a part made it.
#[must_use]
pub fn learned_of(entries: &[(Vec<u8>, Option<Vec<u8>>)]) -> Option<i64> {
    let (_, value) = entries.iter().find(|(known, _)| *known == key(GATE, SEAT))?;
    decode_at(value.as_deref()?).ok().map(|at| at.learned)
}

/// The key of the entry that says how far a part is.
pub(super) fn seat_key() -> Vec<u8> {
    key(GATE, SEAT)
}

fn encode_at(at: At) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_int(at.learned, &mut out);
    put_int(at.taught, &mut out);
    out
}

pub(super) fn decode_at(mut bytes: &[u8]) -> Result<At, StateError> {
    let bytes = &mut bytes;
    take_version(bytes)?;
    let at = At { learned: take_int(bytes)?, taught: take_int(bytes)? };
    take_end(bytes)?;
    // No arithmetic on windows can carry these over the edge.
    let is_sane = |window: Window| window.unsigned_abs() < 1 << 40;
    if is_sane(at.learned) && is_sane(at.taught) { Ok(at) } else { Err(StateError::Torn) }
}

// === impl Bound ===

impl Bound {
    /// Through which window may fold of what is due through `wish`, where everything through `folded` has; nothing where that
    /// would change nothing.
    pub(super) fn allow(&mut self, wish: Window, folded: Window) -> Option<Window> {
        let merged = self.council.merged();
        let through = wish.min(merged + EPOCH_WINDOWS).max(folded);
        let due = Grid::epoch(wish);
        let is_news = through > folded || due > self.wished || merged > self.merged;
        if due > self.wished {
            self.council.wish(due);
            self.wished = due;
        }
        self.merged = merged;
        is_news.then_some(through)
    }
}

// === impl Peers ===

impl Peers {
    /// The last epoch that the pools hold, where others teach too; later than any where nobody does.
    #[inline]
    pub(super) fn learned(&self) -> Window {
        self.seat.as_ref().map_or(Window::MAX, |seat| seat.at.learned)
    }

    /// What the state keeps of the seat.
    pub(super) fn seat_bytes(&self) -> Option<Vec<u8>> {
        self.seat.as_ref().map(|seat| encode_at(seat.at))
    }

    /// Teaches what was gathered as what `epoch` taught, and that all before it is taught.
    pub(super) fn teach(&mut self, epoch: Window) {
        let Some(seat) = &mut self.seat else { return };
        let mut groups = Vec::new();
        let mut count = 0;
        for group in &mut self.groups {
            if group.gathered.iter().all(Increments::is_empty) {
                continue;
            }
            count += 1;
            put_wide(group.key, &mut groups);
            put_text(&group.scope, &mut groups);
            put_text(&group.name, &mut groups);
            group.gathered.iter().for_each(|gathered| gathered.encode(&mut groups));
            group.forget_gathered();
        }
        let lesson = (count > 0).then(|| {
            let mut lesson = vec![VERSION];
            put_uint(count, &mut lesson);
            lesson.extend_from_slice(&groups);
            lesson
        });
        if lesson.is_some() || epoch > seat.at.taught {
            seat.at.taught = epoch.max(seat.at.taught);
            seat.council.teach(seat.part, epoch, lesson);
        }
    }

    /// Teaches that there is nothing more through `epoch`.
    pub(super) fn pass_through(&mut self, epoch: Window) {
        if let Some(seat) = self.seat.as_mut().filter(|seat| epoch > seat.at.taught) {
            seat.at.taught = epoch;
            seat.council.teach(seat.part, epoch, None);
        }
    }

    /// Takes in what all parts taught through `epoch`, as far as all have; gives through which epoch they were taken in before
    /// and are now, if that is more.
    pub(super) fn take_in(&mut self, epoch: Window, rules: &Rules) -> Option<(Window, Window)> {
        let seat = self.seat.as_mut()?;
        let through = epoch.min(seat.council.merged());
        let before = seat.at.learned;
        if through <= before {
            return None;
        }
        seat.at.learned = through;
        for (epoch, lessons) in seat.council.lessons(before, through) {
            let mut all = BTreeMap::new();
            for lesson in lessons {
                if let Err(error) = self.hear(&lesson, &mut all) {
                    tracing::error!(%error, epoch, "what another worker taught of peers cannot be read; it is left out");
                }
            }
            for group in &mut self.groups {
                if let Some(taught) = all.get_mut(&group.key) {
                    group.take_in(taught, epoch, rules.grid.settled(epoch));
                }
            }
        }
        self.note(through, moment_of(rules.decay, through));
        Some((before, through))
    }

    /// Adds what `lesson` teaches to `all`, and the groups that are not known yet to those that are.
    fn hear(
        &mut self,
        mut lesson: &[u8],
        all: &mut BTreeMap<Key, [Increments; SERIES]>,
    ) -> Result<(), StateError> {
        let bytes = &mut lesson;
        take_version(bytes)?;
        for _ in 0..take_count(bytes)? {
            let (key, scope, name) = (take_wide(bytes)?, take_text(bytes)?, take_text(bytes)?);
            let mut taught: [Increments; SERIES] = Default::default();
            for increments in &mut taught {
                *increments = Increments::decode(bytes)?;
            }
            let is_known = self.groups.iter().any(|group| group.key == key);
            if !is_known && self.groups.len() <= POOLS_MAX {
                self.put(Group::new(key, scope, name));
            }
            let all = all.entry(key).or_default();
            all.iter_mut().zip(&taught).for_each(|(all, taught)| all.merge(taught));
        }
        take_end(bytes)
    }
}

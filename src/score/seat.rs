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
        let mut gate = lock(&self.gate);
        gate.bound = Some(bound);
        gate.begun.is_asked = true;
        drop(gate);
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
        let has_gathered = |group: &&mut Group| !group.gathered.iter().all(Increments::is_empty);
        let mut groups: Vec<&mut Group> = self.groups.iter_mut().filter(has_gathered).collect();
        let taught = groups.iter().map(|group| Taught {
            key: group.key,
            scope: &group.scope,
            name: &group.name,
            series: &group.gathered,
        });
        let lesson = (!groups.is_empty()).then(|| encode_lesson(taught));
        groups.iter_mut().for_each(|group| group.forget_gathered());
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

    /// Adds what `lesson` teaches to `all`, and the groups that are not known yet to those that are; where it cannot be read,
    /// nothing of it.
    fn hear(
        &mut self,
        lesson: &[u8],
        all: &mut BTreeMap<Key, [Increments; SERIES]>,
    ) -> Result<(), StateError> {
        for Taught { key, scope, name, series } in decode_lesson(lesson)? {
            let is_known = self.groups.iter().any(|group| group.key == key);
            if !is_known && self.groups.len() <= POOLS_MAX {
                self.put(Group::new(key, scope, name));
            }
            let all = all.entry(key).or_default();
            all.iter_mut().zip(&series).for_each(|(all, taught)| all.merge(taught));
        }
        Ok(())
    }
}

/// What a lesson teaches of one group.
#[derive(Debug, PartialEq)]
struct Taught<'a, Series> {
    key: Key,
    scope: &'a str,
    name: &'a str,
    series: Series,
}

fn encode_lesson<'a>(groups: impl ExactSizeIterator<Item = Taught<'a, &'a [Increments; SERIES]>>) -> Vec<u8> {
    let mut lesson = vec![VERSION];
    put_uint(groups.len() as u64, &mut lesson);
    for Taught { key, scope, name, series } in groups {
        put_wide(key, &mut lesson);
        put_text(scope, &mut lesson);
        put_text(name, &mut lesson);
        series.iter().for_each(|increments| increments.encode(&mut lesson));
    }
    lesson
}

fn decode_lesson(mut lesson: &[u8]) -> Result<Vec<Taught<'_, [Increments; SERIES]>>, StateError> {
    let bytes = &mut lesson;
    take_version(bytes)?;
    let mut groups = Vec::new();
    for _ in 0..take_count(bytes)? {
        let (key, scope, name) = (take_wide(bytes)?, take_text(bytes)?, take_text(bytes)?);
        let mut series: [Increments; SERIES] = Default::default();
        for increments in &mut series {
            *increments = Increments::decode(bytes)?;
        }
        groups.push(Taught { key, scope, name, series });
    }
    take_end(bytes)?;
    Ok(groups)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::score::usual::decay::Moment;

    /// Key, scope and name of a group, and of its votes the series, what was seen, when, and how much it weighs.
    type Votes = (u128, String, String, Vec<(usize, u64, u32, u32)>);

    fn votes() -> impl Strategy<Value = Vec<Votes>> {
        let vote = (0..SERIES, 0..1_u64 << 45, 0..100_u32, 1..1_000_u32);
        vec((any::<u128>(), ".{0,12}", ".{0,12}", vec(vote, 0..8)), 0..5)
    }

    fn series_of(votes: &Votes) -> [Increments; SERIES] {
        let mut series: [Increments; SERIES] = Default::default();
        for &(nth, value, landmark, weight) in &votes.3 {
            series[nth].record_at(value, Moment { landmark, weight });
        }
        series
    }

    fn lesson_of(groups: &[Votes], series: &[[Increments; SERIES]]) -> Vec<u8> {
        let taught = groups.iter().zip(series).map(|((key, scope, name, _), series)| Taught {
            key: *key,
            scope,
            name,
            series,
        });
        encode_lesson(taught)
    }

    proptest! {
        #[test]
        fn how_far_a_part_is_comes_back_and_what_nobody_wrote_does_not(
            learned in -1_i64..1 << 40, taught in -1_i64..1 << 40, cut in any::<prop::sample::Index>(), bytes: Vec<u8>,
        ) {
            let at = At { learned, taught };
            let written = encode_at(at);
            prop_assert_eq!(decode_at(&written), Ok(at));
            prop_assert!(decode_at(&written[..cut.index(written.len())]).is_err());
            prop_assert!(decode_at(&[&written[..], &[0]].concat()).is_err());
            // Windows far beyond any calendar would carry sums over the edge.
            for beyond in [At { learned: 1 << 40, ..at }, At { taught: i64::MIN, ..at }] {
                prop_assert!(decode_at(&encode_at(beyond)).is_err());
            }
            if let Ok(at) = decode_at(&bytes) {
                prop_assert_eq!(decode_at(&encode_at(at)), Ok(at));
            }
        }

        #[test]
        fn a_lesson_comes_back_and_what_nobody_wrote_does_not(
            groups in votes(), cut in any::<prop::sample::Index>(), byte: u8, bytes: Vec<u8>,
        ) {
            let series: Vec<[Increments; SERIES]> = groups.iter().map(series_of).collect();
            let lesson = lesson_of(&groups, &series);
            let read = decode_lesson(&lesson).unwrap();
            prop_assert_eq!(read.len(), groups.len());
            for ((read, (key, scope, name, _)), series) in read.into_iter().zip(&groups).zip(&series) {
                prop_assert_eq!((&read.key, read.scope, read.name, &read.series), (key, &**scope, &**name, series));
            }
            let place = cut.index(lesson.len());
            prop_assert!(decode_lesson(&lesson[..place]).is_err(), "{} of {} bytes were read", place, lesson.len());
            prop_assert!(decode_lesson(&[&lesson[..], &[0]].concat()).is_err());
            // Whatever it is, it is read or it is not; nothing of it is heard by halves.
            let mut torn = lesson;
            torn[place] = byte;
            for bytes in [torn, bytes] {
                let mut peers = Peers::new(1);
                let mut all = BTreeMap::new();
                let heard = peers.hear(&bytes, &mut all);
                prop_assert!(heard.is_ok() || all.is_empty() && peers.groups.len() == 1);
            }
        }
    }
}

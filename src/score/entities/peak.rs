//! Peaks: the most surprising windows of a shard, one of each entity, as many as a summary tells of.

use crate::{event::Score, score::grid::Window};

/// Most entities whose peaks a shard keeps: more than a summary tells of all shards.
pub(in crate::score) const KEPT_MAX: usize = 16;

/// An entity's most surprising window so far.
#[derive(Debug, Clone)]
pub(in crate::score) struct Peak {
    pub(in crate::score) score: Score,
    pub(in crate::score) window: Window,
    pub(in crate::score) host: Option<Box<str>>,
}

/// The peaks of those who rose highest, by slot.
///
/// Nobody else's need be kept: whoever ends among the highest was among them from the moment it rose so far, because the
/// others only ever rise.
#[derive(Debug, Default)]
pub(in crate::score) struct Peaks {
    all: Vec<(u32, Peak)>,
}

// === impl Peaks ===

impl Peaks {
    /// Whether a window so surprising may be among them.
    #[inline]
    pub(in crate::score) fn may_hold(&self, log10_p: f32) -> bool {
        // The last of them is the least surprising.
        self.all.len() < KEPT_MAX || self.all.last().is_some_and(|(_, last)| log10_p <= last.score.log10_p)
    }

    /// Takes in `peak` of the entity in `slot`, if it is among the highest, by `name` where they are alike.
    pub(super) fn note<N: Ord>(&mut self, slot: u32, peak: Peak, name: impl Fn(u32) -> N) {
        match self.all.iter_mut().find(|(own, _)| *own == slot) {
            Some((_, own)) if own.rises_to(&peak) => *own = peak,
            Some(_) => return,
            None => self.all.push((slot, peak)),
        }
        self.all.sort_by(|(a, one), (b, other)| {
            one.score.log10_p.total_cmp(&other.score.log10_p).then_with(|| name(*a).cmp(&name(*b)))
        });
        self.all.truncate(KEPT_MAX);
    }

    /// Takes the peak of the entity in `slot` out.
    pub(super) fn take(&mut self, slot: u32) -> Option<Peak> {
        let place = self.all.iter().position(|(own, _)| *own == slot)?;
        Some(self.all.remove(place).1)
    }

    /// All of them with their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Peak)> {
        self.all.iter().map(|(slot, peak)| (*slot, peak))
    }
}

// === impl Peak ===

impl Peak {
    /// Whether `next` of the same entity is to be told instead: it is more surprising; or it is the same window, which goes on
    /// growing where p has reached its floor.
    fn rises_to(&self, next: &Self) -> bool {
        let grown = self.window == next.window && self.score.observed < next.score.observed;
        next.score.log10_p < self.score.log10_p || next.score.log10_p == self.score.log10_p && grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Feature, Maturity, Usual};

    fn peak(log10_p: f32, observed: u64) -> Peak {
        let usual =
            Usual { median: 0, p99: 0, max: 0, samples: 1, peer_samples: 0, maturity: Maturity::Mature };
        let score = Score { points: 0, feature: Feature::BytesOut, observed, log10_p, usual };
        Peak { score, window: 1, host: None }
    }

    #[test]
    fn the_highest_are_kept_whoever_came_first_and_of_equals_those_whose_names_come_first() {
        let entities: Vec<(u32, f32)> = (0..100).map(|slot| (slot, -((slot * 37 % 50) as f32))).collect();
        let mut sorted = entities.clone();
        sorted.sort_by(|(a, one), (b, other)| one.total_cmp(other).then(a.cmp(b)));
        let expected: Vec<u32> = sorted.iter().map(|(slot, _)| *slot).take(KEPT_MAX).collect();
        for backwards in [false, true] {
            let mut order = entities.clone();
            if backwards {
                order.reverse();
            }
            let mut peaks = Peaks::default();
            for (slot, log10_p) in order {
                // Each rises in two steps, and falls again.
                for log10_p in [log10_p / 2.0, log10_p, 0.0] {
                    if peaks.may_hold(log10_p) {
                        peaks.note(slot, peak(log10_p, 1), |slot| slot);
                    }
                }
            }
            assert_eq!(peaks.iter().map(|(slot, _)| slot).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_window_that_grows_at_the_floor_is_told_whole_and_who_leaves_makes_room() {
        let mut peaks = Peaks::default();
        [5, 9, 7].into_iter().for_each(|observed| peaks.note(3, peak(-4.0, observed), |slot| slot));
        assert_eq!(peaks.take(3).map(|peak| peak.score.observed), Some(9));
        assert!(peaks.take(3).is_none());
    }
}

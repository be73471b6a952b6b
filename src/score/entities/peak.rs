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
    /// Whether `score` of `window` of the entity in `slot` changes them; by `name` where they are alike.
    #[inline]
    pub(in crate::score) fn takes<N: Ord>(
        &self,
        slot: u32,
        (score, window): (&Score, Window),
        name: impl Fn(u32) -> N,
    ) -> bool {
        // The last of them is the least surprising.
        let last = self.all.last().filter(|_| self.all.len() == KEPT_MAX);
        if last.is_some_and(|(_, last)| score.log10_p > last.score.log10_p) {
            return false;
        }
        match (self.all.iter().find(|(own, _)| *own == slot), last) {
            (Some((_, own)), _) => own.rises_to(score, window),
            (None, Some((other, last))) if score.log10_p == last.score.log10_p => name(slot) < name(*other),
            (None, _) => true,
        }
    }

    /// Takes in `peak` of the entity in `slot`, which [`Self::takes`] says changes them.
    pub(super) fn note<N: Ord>(&mut self, slot: u32, peak: Peak, name: impl Fn(u32) -> N) {
        match self.all.iter_mut().find(|(own, _)| *own == slot) {
            Some((_, own)) => *own = peak,
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
    /// Whether `score` of `window` of the same entity is to be told instead: it is more surprising; or it is the same window,
    /// which goes on growing where p has reached its floor.
    #[inline]
    fn rises_to(&self, score: &Score, window: Window) -> bool {
        let grown = self.window == window && self.score.observed < score.observed;
        score.log10_p < self.score.log10_p || score.log10_p == self.score.log10_p && grown
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

    fn tell(peaks: &mut Peaks, slot: u32, peak: Peak) -> bool {
        let takes = peaks.takes(slot, (&peak.score, peak.window), |slot| slot);
        if takes {
            peaks.note(slot, peak, |slot| slot);
        }
        takes
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
                    tell(&mut peaks, slot, peak(log10_p, 1));
                }
            }
            assert_eq!(peaks.iter().map(|(slot, _)| slot).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_window_that_grows_at_the_floor_is_told_whole_and_who_leaves_makes_room() {
        let mut peaks = Peaks::default();
        let told = [5, 9, 9, 7].map(|observed| tell(&mut peaks, 3, peak(-4.0, observed)));
        assert_eq!(told, [true, true, false, false], "what changes nothing is not even looked at");
        assert_eq!(peaks.take(3).map(|peak| peak.score.observed), Some(9));
        assert!(peaks.take(3).is_none());
    }
}

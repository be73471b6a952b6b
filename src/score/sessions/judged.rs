//! How windows were judged in which something of a session was said.

use crate::event::Feature;

/// The most surprising of some windows, and whether a finding rests on any: one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::score) struct Judged(u8);

const RAISED: u8 = 128;

// === impl Judged ===

impl Judged {
    /// Of a window with so many points, from 0 to 100, where it has a score, and whether it `raised` a finding.
    pub(in crate::score) fn of(points: Option<u8>, raised: bool) -> Self {
        let raised = u8::from(raised) * RAISED;
        Self(points.map_or(0, |points| points.min(100) + 1) | raised)
    }

    /// Takes in another window.
    pub(in crate::score) fn add(&mut self, other: Self) {
        let points = (self.0 & !RAISED).max(other.0 & !RAISED);
        self.0 = points | (self.0 | other.0) & RAISED;
    }

    /// The most points; none where no window has a score.
    pub(in crate::score) const fn points(self) -> Option<u8> {
        (self.0 & !RAISED).checked_sub(1)
    }

    /// Whether a finding rests on any of them.
    pub(in crate::score) const fn raised(self) -> bool {
        self.0 & RAISED != 0
    }

    /// As the state keeps it.
    pub(in crate::score) const fn bits(self) -> u8 {
        self.0
    }

    /// What [`Judged::bits`] gave; none where that cannot be.
    pub(in crate::score) const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !RAISED <= 101 { Some(Self(bits)) } else { None }
    }
}

/// How one window of an entity was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::score) struct Judgement {
    /// All of it.
    pub(in crate::score) judged: Judged,
    /// The points of each feature, in their order.
    pub(in crate::score) points: [u8; Feature::ALL.len()],
}

// === impl Judgement ===

impl Judgement {
    /// The points of `feature`.
    pub(in crate::score) const fn points_of(&self, feature: Feature) -> u8 {
        self.points[feature as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_surprising_window_counts_and_a_finding_is_not_forgotten() {
        let mut judged = Judged::default();
        assert_eq!((judged.points(), judged.raised()), (None, false));
        judged.add(Judged::of(Some(0), false));
        assert_eq!((judged.points(), judged.raised()), (Some(0), false));
        judged.add(Judged::of(Some(85), true));
        judged.add(Judged::of(Some(100), false));
        judged.add(Judged::of(None, false));
        assert_eq!((judged.points(), judged.raised()), (Some(100), true));
        assert_eq!(Judged::from_bits(judged.bits()), Some(judged));
        assert_eq!(Judged::from_bits(102), None);
    }
}

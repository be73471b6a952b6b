//! What a table keeps with each of its records, in a byte of it.

/// A record's visits, as the table counts them, which queue it stands in, and whether it is worth more than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Credit(u8);

// === impl Credit ===

impl Credit {
    const MAX: u8 = 3;
    const PROVEN_MAX: u8 = 7;
    const IN_MAIN: u8 = 8;
    const PROVEN: u8 = 16;

    /// Counts another visit.
    #[inline]
    pub(super) fn raise(&mut self) {
        let max = if self.is_proven() { Self::PROVEN_MAX } else { Self::MAX };
        self.0 += u8::from(self.visits() < max);
    }

    /// How many visits count.
    #[inline]
    pub(super) const fn visits(self) -> u8 {
        self.0 & 7
    }

    /// Whether it stands in the main queue.
    #[inline]
    pub(super) const fn is_in_main(self) -> bool {
        self.0 & Self::IN_MAIN > 0
    }

    /// Notes that it cannot be one of a flood, where it `is_proven`.
    #[inline]
    pub fn prove(&mut self, is_proven: bool) {
        self.0 |= u8::from(is_proven) * Self::PROVEN;
    }

    /// Whether that was noted.
    #[must_use]
    #[inline]
    pub const fn is_proven(self) -> bool {
        self.0 & Self::PROVEN > 0
    }

    /// Moves it to the main queue, with so many `visits`.
    pub(super) fn promote(&mut self, visits: u8) {
        self.0 = self.0 & Self::PROVEN | Self::IN_MAIN | visits;
    }

    /// As a byte of the state.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From a byte of the state.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proven_stays_so_through_visits_queues_and_the_state() {
        let mut credit = Credit::default();
        (0..9).for_each(|_| credit.raise());
        assert_eq!((credit.visits(), credit.is_proven(), credit.is_in_main()), (3, false, false));
        credit.prove(true);
        credit.prove(false);
        (0..9).for_each(|_| credit.raise());
        assert_eq!((credit.visits(), credit.is_proven()), (7, true));
        credit.promote(2);
        let credit = Credit::from_bits(credit.bits());
        assert_eq!((credit.visits(), credit.is_proven(), credit.is_in_main()), (2, true, true));
    }
}

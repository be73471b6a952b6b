//! What an entity did in a day, of the features that are learned by the day: a third of what is kept of an hour.

use crate::{event::Feature, score::sketch::cardinality::Cardinality};

use super::{
    amounts::{Amounts, Sums},
    series::FEATURES,
    shown::Shown,
};

/// What an entity did in a day; sums stay at their largest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::score) struct Daily {
    pub(in crate::score) bytes_out: u64,
    pub(in crate::score) external_bytes_out: u64,
    pub(in crate::score) peers: Cardinality,
}

impl Sums for Daily {
    fn values(&self) -> [u64; FEATURES] {
        let mut values = [0; FEATURES];
        values[Feature::BytesOut as usize] = self.bytes_out;
        values[Feature::ExternalBytesOut as usize] = self.external_bytes_out;
        values[Feature::Peers as usize] = self.peers.count().into();
        values
    }

    fn add_up(&mut self, window: &Amounts, _: bool) {
        self.bytes_out = self.bytes_out.saturating_add(window.bytes_out);
        self.external_bytes_out = self.external_bytes_out.saturating_add(window.external_bytes_out);
        self.peers.merge(&window.peers);
    }

    fn merge(&mut self, other: &Self) {
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
        self.external_bytes_out = self.external_bytes_out.saturating_add(other.external_bytes_out);
        self.peers.merge(&other.peers);
    }

    /// Roles are learned by the hour.
    fn shown(&self) -> Shown {
        Shown::default()
    }

    #[inline]
    fn warm(&self) -> u64 {
        self.bytes_out ^ u64::from(self.peers.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::entities::series::Span;

    #[test]
    fn a_day_adds_up_every_feature_that_is_learned_by_the_day() {
        let mut window = Amounts { bytes_out: 1, external_bytes_out: 2, ..Amounts::default() };
        window.peers.insert(3);
        let mut daily = Daily::default();
        daily.add_up(&window, true);
        for feature in Span::Day.features() {
            assert_eq!(daily.values()[*feature as usize], window.values()[*feature as usize], "{feature:?}");
            assert_ne!(daily.values()[*feature as usize], 0);
        }
    }
}

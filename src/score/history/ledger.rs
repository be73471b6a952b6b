//! The ledger of an archive: which windows are to be held out whatever their judges say, and which were held out.

use std::collections::HashMap;

use super::super::{
    grid::{Narrow, Window},
    judge::Judge,
    series::FEATURES,
};

/// What a shard is told about windows of an archive before they fold, and what it notes when they have.
#[derive(Debug, Default)]
pub(in crate::score) struct Ledger {
    /// By window and slot: how surprising the values are among all others of the archive.
    withheld: HashMap<(Window, u32), [f32; FEATURES]>,
    pub(super) held_out: Vec<Noted>,
}

/// A window that was held out of learning.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Noted {
    /// The entity, by its slot.
    pub(super) slot: u32,
    pub(super) window: Narrow,
    pub(super) values: [u64; FEATURES],
    /// log10 of the tail probability of each value.
    pub(super) log10_p: [f32; FEATURES],
    /// By feature, as bits: its value stands out of the whole archive, not only of what came before it.
    pub(super) withheld: u8,
}

// === impl Ledger ===

impl Ledger {
    /// Notes that `window` of the entity at `slot` is to be held out, whose values are so surprising.
    pub(super) fn withhold(&mut self, window: Window, slot: u32, log10_p: [f32; FEATURES]) {
        self.withheld.insert((window, slot), log10_p);
    }

    /// Whether `window` of the entity at `slot` is to be held out; what is known of its probabilities goes into `log10_p`.
    pub(in crate::score) fn withholds(
        &mut self,
        window: Window,
        slot: u32,
        log10_p: &mut [f32; FEATURES],
    ) -> bool {
        let Some(withheld) = self.withheld.get(&(window, slot)) else { return false };
        for (own, more) in log10_p.iter_mut().zip(withheld) {
            *own = own.min(*more);
        }
        true
    }

    /// Notes that `window` of the entity at `slot` was held out.
    pub(in crate::score) fn note(
        &mut self,
        window: Window,
        slot: u32,
        values: [u64; FEATURES],
        log10_p: [f32; FEATURES],
    ) {
        let surprising = self.withheld.remove(&(window, slot)).unwrap_or_default();
        let bit = |(nth, log10_p): (usize, &f32)| u8::from(Judge::surprises(*log10_p)) << nth;
        let withheld = surprising.iter().enumerate().map(bit).fold(0, |bits, bit| bits | bit);
        self.held_out.push(Noted { slot, window: Narrow::of(window), values, log10_p, withheld });
    }
}

// === impl Noted ===

impl Noted {
    /// The features for which it was held out.
    pub(super) fn features(&self) -> impl Iterator<Item = usize> + '_ {
        (0..FEATURES).filter(|feature| Judge::surprises(self.log10_p[*feature]))
    }
}

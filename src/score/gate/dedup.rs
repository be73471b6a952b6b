//! Deduplication: what the gate remembers of the records that it has seen, so that one that comes again at another position counts
//! once in its window; and the hashes that are the same in every process with the state.

use crate::score::{
    fringe::Fringe,
    grid::Window,
    sketch::{
        mixer::Mixer,
        repeats::{Identity, Repeats, Sighting},
    },
    whose::attribution::FEW,
};

use super::{Tally, plan::Standing};

/// What is remembered, and of the few records that are planned at a time, which are which.
#[derive(Debug)]
pub(in crate::score) struct Dedup {
    /// The hash of addresses in the sets of an entity.
    pub(in crate::score) addresses: Mixer,
    /// The hash of external addresses.
    pub(in crate::score) outside: Mixer,
    repeats: Repeats,
    hashes: [u64; FEW],
}

// === impl Dedup ===

impl Dedup {
    /// Nothing seen yet, under the state's `seed`.
    pub(in crate::score) fn new(seed: [u8; 16], repeats: Repeats) -> Self {
        let addresses = Mixer::new(seed, "addresses");
        Self { addresses, outside: Fringe::mixer(seed), repeats, hashes: [0; FEW] }
    }

    /// Whether any record is remembered.
    #[inline]
    pub(in crate::score) const fn is_on(&self) -> bool {
        self.repeats.is_on()
    }

    /// Takes note that the `nth` of the few records is this one.
    #[inline]
    pub(in crate::score) fn look(&mut self, nth: usize, identity: &Identity) {
        self.hashes[nth] = self.repeats.hash(identity);
    }

    /// Reads what [`Dedup::standing`] will read of the first `few` records. All at once: between one look and the next there is
    /// so much to do that the processor would wait for nearly each by itself.
    #[inline]
    pub(in crate::score) fn warm(&self, few: usize) -> u32 {
        self.repeats.warm(&self.hashes[..few])
    }

    /// How the `nth` of the few records stands after all, which counts in `window` and would stand as `standing` if it came
    /// for the first time; everything through `folded` has folded.
    #[inline]
    pub(in crate::score) fn standing(
        &mut self,
        nth: usize,
        standing: Standing,
        (window, folded): (Window, Window),
        tally: &mut Tally,
    ) -> Standing {
        // What is known from the state is remembered again: it may come once more, and nothing remembers across a restart.
        let counts = standing == Standing::Learned || standing == Standing::Known && window > folded;
        if !counts || !self.is_on() {
            return standing;
        }
        match (self.repeats.sight(window, self.hashes[nth]), standing) {
            (Sighting::Repeat, Standing::Learned) => {
                tally.repeated += 1;
                Standing::Repeated
            }
            (Sighting::Full, _) => {
                tally.unremembered += 1;
                standing
            }
            _ => standing,
        }
    }

    /// Forgets every window through `window`.
    pub(in crate::score) fn fold(&mut self, window: Window) {
        self.repeats.fold(window);
    }

    /// How many records are remembered, and how often a new one is taken for one of them.
    pub(in crate::score) fn held(&self) -> (u64, f64) {
        (self.repeats.held(), self.repeats.false_rate())
    }
}

//! Records that were seen: one that lies in the archive twice, in two files or twice in one, counts once, as it does live.
//!
//! Live, what is remembered of a window goes when the window folds. An archive may come in any order, so that each window's
//! records are remembered until everything is read: four to eight bytes each, beside the rows. Threads share it. Since repeats are
//! equal in all that counts, it does not matter which of them comes first.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    score::{
        gate::reading::Said,
        grid::Window,
        keys::{Finder, Key},
        sketch::repeats::{Part, Repeats},
        whose::own::Ends,
    },
    telemetry::seed,
};

/// What threads that read one archive share.
#[derive(Debug, Clone)]
pub(super) struct Seen(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    finder: Finder,
    /// Hashes as live scoring does, and remembers nothing itself.
    repeats: Repeats,
    /// None where records are not remembered.
    parts: Option<[Mutex<HashMap<Window, Part>>; DRAWERS]>,
    bytes: AtomicUsize,
}

/// Windows that follow each other are looked up under locks of their own.
const DRAWERS: usize = 16;

// === impl Seen ===

impl Seen {
    /// Nothing seen yet, under the state's `seed`; records are remembered where live scoring has any of `bytes` for that.
    pub(super) fn new(state_seed: [u8; 16], bytes: u64) -> Self {
        let repeats = Repeats::new(state_seed, bytes);
        let finder = Finder::new(seed::fresh());
        Self(Arc::new(Shared {
            finder,
            parts: repeats.is_on().then(Default::default),
            repeats,
            bytes: AtomicUsize::new(0),
        }))
    }

    /// The finder of all tables that share it: what one interface is called under it is the same in each of them.
    pub(super) fn finder(&self) -> Finder {
        self.0.finder.clone()
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed) as u64
    }

    /// Forgets everything: all is read.
    pub(super) fn clear(&self) {
        for drawer in self.0.parts.iter().flatten() {
            drawer.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        self.0.bytes.store(0, Ordering::Relaxed);
    }

    /// The hash of the record between `ends` that says `said`, and that the interface with the key `at` saw.
    #[inline]
    pub(super) fn hash(&self, said: &Said, ends: &Ends, at: Key) -> u64 {
        if self.0.parts.is_none() {
            return 0;
        }
        self.0.repeats.hash(&said.identity(ends, at))
    }

    /// Looks for each record of `few`, by its window and its hash, and clears the window of those that were seen before.
    /// Those without a window are passed by.
    pub(super) fn sight(&self, few: &mut [(Option<Window>, u64)]) {
        let Some(parts) = &self.0.parts else { return };
        for same in few.chunk_by_mut(|one, other| one.0 == other.0) {
            let Some(window) = same[0].0 else { continue };
            let drawer = &parts[window.rem_euclid(DRAWERS as Window) as usize];
            let mut drawer = drawer.lock().unwrap_or_else(PoisonError::into_inner);
            let part = drawer.entry(window).or_default();
            let before = part.bytes();
            std::hint::black_box(same.iter().fold(0, |read, (_, hash)| read ^ part.warm(*hash)));
            for (window, hash) in same {
                if !part.takes(*hash) {
                    *window = None;
                }
            }
            self.0.bytes.fetch_add(part.bytes() - before, Ordering::Relaxed);
        }
    }
}

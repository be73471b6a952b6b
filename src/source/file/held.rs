//! Which origins a following source has in hand, and how far it has fed each: one origin is read in one place at a time.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Work;
use crate::{
    event::{Origin, Position},
    pipe::Window,
    source::{Known, SourceError},
};

/// All origins of a following source.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Those that are being read, and under which path.
    live: BTreeMap<Origin, PathBuf>,
    /// Those that were read in this run, and how far.
    fed: BTreeMap<Origin, Fed>,
}

#[derive(Debug, Clone, Copy)]
struct Fed {
    next: Position,
    known: Known,
}

/// Where to go on with an origin.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) start: Position,
    pub(super) known: Known,
    pub(super) window: Arc<Window>,
}

/// What became of an attempt to take an origin.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is this path's from here on.
    Lease(Lease),
    /// It is read under another path, which must come to its end first.
    Elsewhere(PathBuf),
    /// It begins anew, and what is in flight of it must be confirmed first.
    InFlight,
}

// === impl Held ===

impl Held {
    /// Takes `origin` for `path`, whose content has `len` bytes where that is known. `anew` when what was read of the
    /// origin was cut away: then nothing known of it holds.
    pub(super) fn take(
        &mut self,
        work: &Work,
        origin: &Origin,
        path: &Path,
        len: Option<u64>,
        anew: bool,
    ) -> Result<Taken, SourceError> {
        if let Some(elsewhere) = self.live.get(origin) {
            return Ok(Taken::Elsewhere(elsewhere.clone()));
        }
        let fed = self.fed.get(origin).copied();
        let mut known = match fed {
            Some(fed) => fed.known,
            None => work.cx.progress.known(origin)?,
        };
        let mut start = fed.map_or(known.start(), |fed| fed.next);
        if anew || len.is_some_and(|len| len < start) {
            if let Some(fed) = fed {
                if work.cx.flight.window(origin, fed.next).confirmed() < fed.next {
                    return Ok(Taken::InFlight);
                }
                work.cx.flight.forget(origin);
            }
            (start, known) = (0, Known::default());
        }
        // What lies before C is delivered already, so that what is confirmed never stands before C.
        let window = work.cx.flight.window(origin, start.max(known.deliver_from()));
        window.commit_positions();
        self.live.insert(origin.clone(), path.into());
        self.fed.insert(origin.clone(), Fed { next: start, known });
        Ok(Taken::Lease(Lease { start, known, window }))
    }

    /// Remembers that `origin` was fed up to `next`.
    pub(super) fn fed(&mut self, origin: &Origin, next: Position) {
        if let Some(fed) = self.fed.get_mut(origin) {
            fed.next = next;
        }
    }

    /// Lets `origin` go; whoever takes it goes on where it was left.
    pub(super) fn release(&mut self, origin: &Origin) {
        self.live.remove(origin);
    }
}

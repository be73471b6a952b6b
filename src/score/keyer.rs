//! Telling only who events are about, for a worker that leaves it to others to score them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use crate::{
    event::{Batch, EntityName, Told, Verdict},
    telemetry::{metrics::Metrics, seed},
};

use super::{
    Config,
    books::Books,
    gate::{
        Tally,
        columns::{Column, Slots},
        plan::Change,
    },
    grid::Grid,
    keys::{Finder, Keys},
    lock,
    usual::peers::{Peers, SharedPeers},
    whose::{
        attribution::{Attribution, FEW, Found},
        own::Side,
    },
};

/// Tells who events are about. It is asked by one thread at a time, in whatever order: only what the records of an interface have
/// in common depends on it, and only until that is known.
#[derive(Debug)]
pub struct Keyer {
    peers: SharedPeers,
    books: Books,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    attribution: Attribution,
    slots: Slots,
    changes: Vec<Change>,
    /// Which events of the batch are new to the state.
    new: Vec<bool>,
    /// The entities by their places.
    names: HashMap<u32, Named, foldhash::fast::FixedState>,
}

#[derive(Debug)]
struct Named {
    name: Arc<EntityName>,
    /// Its place among the entities of the batch whose serial this is.
    place: (u64, u32),
}

// === impl Keyer ===

impl Keyer {
    /// One that has seen nothing and keeps nothing.
    #[must_use]
    pub fn new(config: &Config, metrics: &Metrics) -> Self {
        let mut state_seed = [0; 16];
        state_seed[..8].copy_from_slice(&seed::fresh().to_le_bytes());
        let keys = Keys::new(state_seed);
        let peers = SharedPeers::new(Peers::new(keys.of(&["pool"])));
        let most = config.entities_max as usize;
        let finder = Finder::new(seed::fresh());
        let whose = (config.identity.clone(), config.tenants.clone());
        let attribution = Attribution::new(whose, keys, finder, most);
        let (slots, changes, new, names) = Default::default();
        let inner = Inner { attribution, slots, changes, new, names };
        Self { peers, books: Books::new(metrics, config.entities_max), inner: Mutex::new(inner) }
    }

    /// Names the entity of each event of `batch` in a verdict without a score, and says which side is its own.
    pub fn key(&self, batch: &mut Batch) {
        let inner = &mut *lock(&self.inner);
        let mut tally = Tally::default();
        inner.changes.clear();
        // What is known here is not in the state: events that the state had passed on when it was kept tell as much as new ones.
        inner.new.clear();
        inner.new.extend(batch.events.iter_mut().map(|event| std::mem::replace(&mut event.learn, true)));
        batch.verdicts.resize(batch.events.len(), None);
        batch.told.resize(batch.events.len(), Told::default());
        if let Some(chunk) = &batch.chunk {
            inner.attribution.turn_to(chunk.source);
        }
        for first in (0..batch.events.len()).step_by(FEW) {
            let Inner { attribution, slots, changes, names, .. } = inner;
            let found = attribution.attribute(slots, batch, first, changes, &self.peers);
            for (nth, (found, index)) in found.into_iter().zip(first..batch.events.len()).enumerate() {
                let event = batch.events[index];
                let Some(end) = slots.read(batch, &event).uint(Column::End) else {
                    tally.unattributed += u64::from(batch.line(&event).is_none());
                    continue;
                };
                match found {
                    Found::Blind => tally.blind += 1,
                    Found::Nobody => tally.unattributed += 1,
                    Found::Entity { entity, side, change, .. } => {
                        if let Some(change) = (change as usize).checked_sub(1) {
                            let name = Arc::clone(&changes[change].name);
                            names.insert(entity.bits(), Named { name, place: (0, 0) });
                        }
                        let Some(named) = names.get_mut(&entity.bits()) else { continue };
                        let window = Grid::window(i64::try_from(end).unwrap_or(i64::MAX));
                        batch.verdicts[index] = Some(Verdict {
                            entity: place(named, batch.serial, &mut batch.entities),
                            score: None,
                            window_start: u64::try_from(Grid::start(window)).unwrap_or(0),
                            late: false,
                            raised: false,
                        });
                        let (own, class) = attribution.seen_from(nth).unwrap_or((side, None));
                        batch.told[index] = Told { sends: own == Side::Source, class };
                    }
                }
            }
        }
        batch.events.iter_mut().zip(&inner.new).for_each(|(event, new)| event.learn = *new);
        self.books.note_keyed(&tally, &mut inner.attribution);
    }
}

/// The place of the entity in the batch's table.
fn place(named: &mut Named, serial: u64, entities: &mut Vec<Arc<EntityName>>) -> u32 {
    if named.place.0 != serial || serial == 0 {
        named.place = (serial, entities.len() as u32);
        entities.push(Arc::clone(&named.name));
    }
    named.place.1
}

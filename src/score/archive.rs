//! The archive: where entities are that have no room in memory, and the thread that fetches them from there.
//!
//! Whoever reads a disk may wait for it, and scoring must not: who comes back is asked for when its first record is there,
//! and needed when its window folds, minutes later. In between it is counted and not judged.

use std::{
    collections::{HashMap, VecDeque},
    error::Error,
    fmt,
    num::NonZeroU64,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    keys::Key,
    lock,
    wire::{ENTITY, key},
};

/// What can be read of the state while scoring goes on.
pub trait Archive: Send + Sync {
    /// The value under `key`, as it was captured and stored last; it may take long.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>>;
}

/// Entities on their way: captured and not stored, or asked for and not here.
pub(super) struct Desk {
    /// What was captured, until it is stored.
    held: Mutex<HashMap<Key, Held>>,
    counter: Arc<Counter>,
    ordered: AtomicU64,
    /// Whether anybody has ever left: until then there is nobody to be fetched.
    is_used: AtomicBool,
    /// How long somebody has waited in vain since anything arrived, in milliseconds: nobody waits as long again.
    vain_millis: Arc<AtomicU64>,
}

/// An entity in a capture.
struct Held {
    /// Which capture.
    number: u64,
    bytes: Arc<[u8]>,
}

/// Where the desk and the thread meet.
#[derive(Default)]
struct Counter {
    trays: Mutex<Trays>,
    placed: Condvar,
    arrived: Condvar,
}

/// Orders and what they have brought: as many as there are entities in memory at most, because one that goes takes its order
/// along.
#[derive(Default)]
struct Trays {
    queue: VecDeque<Key>,
    orders: HashMap<Key, Order>,
    arrivals: HashMap<Key, Arrival>,
    is_closed: bool,
}

/// What an order has brought: the entity, if the state has it.
struct Arrival {
    order: Order,
    bytes: Option<Vec<u8>>,
}

/// What became of an order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// It is here.
    Here(Vec<u8>),
    /// There is nothing under its key.
    Nothing,
    /// It is not here yet.
    Later(Order),
}

/// Which order it is, from 1: what an earlier one brought may be out of date.
pub(super) type Order = NonZeroU64;

/// How long somebody who is here waits for an entity to be fetched before records are scored without it: many times what a
/// disk takes that works, and little of a second.
pub(super) const SOON: Duration = Duration::from_millis(20);
/// How long a fold or a capture waits, which cannot do without.
pub(super) const AT_LAST: Duration = Duration::from_secs(5);

// === impl Desk ===

impl Desk {
    /// A desk before `archive`, with a thread that ends with it.
    pub(super) fn open(archive: Arc<dyn Archive>) -> Arc<Self> {
        let counter = Arc::new(Counter::default());
        let vain_millis = Arc::new(AtomicU64::new(0));
        let (behind, vain) = (Arc::clone(&counter), Arc::clone(&vain_millis));
        let fetch = move || {
            while let Some((wanted, order)) = behind.next() {
                let bytes = read(&*archive, wanted);
                vain.store(0, Ordering::Relaxed);
                behind.bring(wanted, Arrival { order, bytes });
            }
        };
        if let Err(error) = std::thread::Builder::new().name("archive".to_owned()).spawn(fetch) {
            // Without it nothing arrives, and who comes back is not scored: said once, as loud as it is bad.
            tracing::error!(%error, "could not start the thread that reads baselines back");
        }
        Arc::new(Self {
            held: Mutex::default(),
            counter,
            ordered: AtomicU64::new(0),
            is_used: AtomicBool::new(false),
            vain_millis,
        })
    }

    /// Somebody has left.
    pub(super) fn used(&self) {
        self.is_used.store(true, Ordering::Relaxed);
    }

    /// Orders the entity with `wanted` as its key; it is here at once where it is not stored yet.
    pub(super) fn order(&self, wanted: Key) -> Fetched {
        if !self.is_used.load(Ordering::Relaxed) {
            return Fetched::Nothing;
        }
        if let Some(held) = lock(&self.held).get(&wanted) {
            return Fetched::Here(held.bytes.to_vec());
        }
        let order = NonZeroU64::MIN.saturating_add(self.ordered.fetch_add(1, Ordering::Relaxed));
        let mut trays = lock(&self.counter.trays);
        if trays.orders.insert(wanted, order).is_none() {
            trays.queue.push_back(wanted);
        }
        self.counter.placed.notify_one();
        Fetched::Later(order)
    }

    /// Takes an order back: whoever it was for has gone.
    pub(super) fn cancel(&self, wanted: Key) {
        let mut trays = lock(&self.counter.trays);
        trays.arrivals.remove(&wanted);
        if trays.orders.remove(&wanted).is_some() {
            trays.queue.retain(|queued| *queued != wanted);
        }
    }

    /// What `order` of the entity with `wanted` as its key has brought, waiting for it for at most `patience`, unless somebody
    /// has waited as long in vain since anything arrived.
    pub(super) fn fetch(&self, wanted: Key, order: Order, patience: Duration) -> Fetched {
        let is_missing =
            |trays: &mut Trays| trays.arrivals.get(&wanted).is_none_or(|arrival| arrival.order != order);
        let mut trays = lock(&self.counter.trays);
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        if is_missing(&mut trays) && self.vain_millis.load(Ordering::Relaxed) < millis {
            let waited = self.counter.arrived.wait_timeout_while(trays, patience, is_missing);
            trays = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if is_missing(&mut trays) {
            self.vain_millis.fetch_max(millis, Ordering::Relaxed);
            return Fetched::Later(order);
        }
        match trays.arrivals.remove(&wanted).and_then(|arrival| arrival.bytes) {
            Some(bytes) => Fetched::Here(bytes),
            None => Fetched::Nothing,
        }
    }

    /// Keeps what capture `number` holds of an entity that has left, until it is stored.
    pub(super) fn hold(&self, number: u64, key: Key, bytes: Arc<[u8]>) {
        lock(&self.held).insert(key, Held { number, bytes });
    }

    /// What captures up to `number` hold is stored.
    pub(super) fn stored(&self, number: u64) {
        lock(&self.held).retain(|_, held| held.number > number);
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        lock(&self.counter.trays).is_closed = true;
        self.counter.placed.notify_one();
    }
}

// === impl Counter ===

impl Counter {
    /// The next order, waiting for it; nothing once the desk is closed.
    fn next(&self) -> Option<(Key, Order)> {
        let mut trays = lock(&self.trays);
        loop {
            let idle = |trays: &mut Trays| trays.queue.is_empty() && !trays.is_closed;
            trays = self.placed.wait_while(trays, idle).unwrap_or_else(PoisonError::into_inner);
            if trays.is_closed {
                return None;
            }
            let wanted = trays.queue.pop_front();
            if let Some((wanted, order)) =
                wanted.and_then(|wanted| Some((wanted, *trays.orders.get(&wanted)?)))
            {
                return Some((wanted, order));
            }
        }
    }

    /// Lays down what an order has brought, unless it was taken back or placed anew meanwhile.
    fn bring(&self, wanted: Key, arrival: Arrival) {
        let mut trays = lock(&self.trays);
        match trays.orders.get(&wanted) {
            Some(order) if *order == arrival.order => {
                trays.orders.remove(&wanted);
                trays.arrivals.insert(wanted, arrival);
            }
            Some(_) => trays.queue.push_back(wanted),
            None => {}
        }
        self.arrived.notify_all();
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

/// Reads until it can be read: what it holds must not begin anew because a disk has failed for a moment.
fn read(archive: &dyn Archive, wanted: Key) -> Option<Vec<u8>> {
    let mut told = false;
    loop {
        match archive.read(&key(ENTITY, wanted)) {
            Ok(found) => return found,
            Err(error) if !told => {
                tracing::error!(%error, "could not read a baseline back from the state; trying again");
                told = true;
            }
            Err(_) => {}
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

//! The archive: where entities are that have no room in memory, and the thread that fetches them from there.
//!
//! Whoever reads a disk may wait for it, and scoring must not: who comes back is asked for when its first record is there,
//! and needed when its window folds, minutes later. In between it is counted and not judged.

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    num::NonZeroU64,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
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
    /// What was captured, until it is stored: by which capture, and what.
    held: Mutex<HashMap<Key, (u64, Arc<[u8]>)>>,
    orders: Mutex<mpsc::Sender<(Key, Order)>>,
    /// What has arrived, and by which order.
    arrived: Mutex<HashMap<Key, (Order, Option<Vec<u8>>)>>,
    ordered: AtomicU64,
    /// Whether anybody has ever left: until then there is nobody to be fetched.
    is_used: AtomicBool,
    bell: Condvar,
    /// How long somebody has waited in vain since anything arrived, in milliseconds: nobody waits as long again.
    vain_millis: AtomicU64,
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
        let (orders, ordered) = mpsc::channel();
        let desk = Arc::new(Self {
            held: Mutex::default(),
            orders: Mutex::new(orders),
            arrived: Mutex::default(),
            ordered: AtomicU64::new(0),
            is_used: AtomicBool::new(false),
            bell: Condvar::new(),
            vain_millis: AtomicU64::new(0),
        });
        let behind = Arc::downgrade(&desk);
        let fetch = move || {
            while let Ok((wanted, order)) = ordered.recv() {
                let found = read(&*archive, wanted);
                let Some(desk) = behind.upgrade() else { return };
                lock(&desk.arrived).insert(wanted, (order, found));
                desk.vain_millis.store(0, Ordering::Relaxed);
                desk.bell.notify_all();
            }
        };
        if let Err(error) = std::thread::Builder::new().name("archive".to_owned()).spawn(fetch) {
            // Without it nothing arrives, and who comes back is not scored: said once, as loud as it is bad.
            tracing::error!(%error, "could not start the thread that reads baselines back");
        }
        desk
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
        if let Some((_, bytes)) = lock(&self.held).get(&wanted) {
            return Fetched::Here(bytes.to_vec());
        }
        let order = NonZeroU64::MIN.saturating_add(self.ordered.fetch_add(1, Ordering::Relaxed));
        // The thread is there as long as the desk is.
        let _ = lock(&self.orders).send((wanted, order));
        Fetched::Later(order)
    }

    /// What `order` of the entity with `wanted` as its key has brought, waiting for it for at most `patience`, unless somebody
    /// has waited as long in vain since anything arrived.
    pub(super) fn fetch(&self, wanted: Key, order: Order, patience: Duration) -> Fetched {
        let is_missing =
            |all: &mut HashMap<Key, _>| !all.get(&wanted).is_some_and(|(nth, _): &(Order, _)| *nth == order);
        let mut arrived = lock(&self.arrived);
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        if is_missing(&mut arrived) && self.vain_millis.load(Ordering::Relaxed) < millis {
            let waited = self.bell.wait_timeout_while(arrived, patience, is_missing);
            arrived = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if is_missing(&mut arrived) {
            self.vain_millis.fetch_max(millis, Ordering::Relaxed);
            return Fetched::Later(order);
        }
        match arrived.remove(&wanted) {
            Some((_, Some(bytes))) => Fetched::Here(bytes),
            _ => Fetched::Nothing,
        }
    }

    /// Keeps what capture `nth` holds of an entity that has left, until it is stored.
    pub(super) fn hold(&self, nth: u64, key: Key, bytes: Arc<[u8]>) {
        lock(&self.held).insert(key, (nth, bytes));
    }

    /// What captures up to `nth` hold is stored.
    pub(super) fn stored(&self, nth: u64) {
        lock(&self.held).retain(|_, (capture, _)| *capture > nth);
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

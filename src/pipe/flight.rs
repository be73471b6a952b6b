//! The window in flight: which chunks of each origin are on their way, and up to where all is confirmed.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, Semaphore};

use crate::event::{Covered, Origin, Position, Receipt, Settle, Settlement};

/// Everything in flight, bounded in bytes over all origins.
#[derive(Debug)]
pub struct Flight {
    windows: Mutex<BTreeMap<Origin, Arc<Window>>>,
    shared: Arc<Shared>,
}

/// Room for one chunk in flight, held before the chunk is admitted; free again when it is dropped instead.
#[derive(Debug)]
pub struct Room {
    shared: Arc<Shared>,
    permits: u32,
}

/// What is in flight of one origin.
#[derive(Debug)]
pub struct Window {
    origin: Origin,
    shared: Arc<Shared>,
    state: Mutex<State>,
    commits: AtomicBool,
    fenced: AtomicBool,
}

#[derive(Debug)]
struct Shared {
    /// Free room; one permit is one KiB of received bytes.
    room: Arc<Semaphore>,
    permits_max: u32,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Ticket of the oldest chunk that is not settled, or of the next one.
    first: u64,
    tickets: VecDeque<Ticket>,
    confirmed: Position,
    abandoned: bool,
}

#[derive(Debug)]
struct Ticket {
    next: Position,
    permits: u32,
    settlement: Option<Settlement>,
}

const PERMIT_BYTES: usize = 1024;

// === impl Flight ===

impl Flight {
    /// Nothing in flight yet, and room for `bytes_max` received bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        let permits_max = u32::try_from(bytes_max.div_ceil(PERMIT_BYTES).max(1)).unwrap_or(u32::MAX >> 3);
        let room = Arc::new(Semaphore::new(permits_max as usize));
        Self {
            windows: Mutex::default(),
            shared: Arc::new(Shared { room, permits_max, changed: Notify::new() }),
        }
    }

    /// The window of `origin`; a new one counts everything before `start` as confirmed.
    pub fn window(&self, origin: &Origin, start: Position) -> Arc<Window> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let state = State { confirmed: start, ..State::default() };
            Arc::new(Window {
                origin: origin.clone(),
                shared: self.shared.clone(),
                state: Mutex::new(state),
                commits: AtomicBool::new(false),
                fenced: AtomicBool::new(false),
            })
        };
        windows.entry(origin.clone()).or_insert_with(fresh).clone()
    }

    /// A window for `origin` that counts everything before `start` as confirmed; none where `origin` has one.
    pub fn open(&self, origin: &Origin, start: Position) -> Option<Arc<Window>> {
        let taken = self.windows.lock().unwrap_or_else(PoisonError::into_inner).contains_key(origin);
        (!taken).then(|| self.window(origin, start))
    }

    /// Up to where everything of each origin is confirmed.
    #[must_use]
    pub fn confirmed(&self) -> BTreeMap<Origin, Position> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.iter().map(|(origin, window)| (origin.clone(), window.confirmed())).collect()
    }

    /// Up to where everything is confirmed, of each origin whose positions are committed.
    #[must_use]
    pub fn committable(&self) -> BTreeMap<Origin, Position> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let commits = windows.iter().filter(|(_, window)| window.commits.load(Ordering::Relaxed));
        commits.map(|(origin, window)| (origin.clone(), window.confirmed())).collect()
    }

    /// Whether everything of `origin` that ends at or before `position` is confirmed.
    #[must_use]
    pub fn is_confirmed_to(&self, origin: &Origin, position: Position) -> bool {
        let window = self.windows.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned();
        window.is_none_or(|window| window.is_confirmed_to(position))
    }

    /// Forgets the window of `origin`, which is finished; what of it is still in flight settles unseen.
    pub fn forget(&self, origin: &Origin) {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).remove(origin);
    }

    /// Whether some receipt was abandoned: its records must be read again, and nothing after them is committed.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.values().any(|window| window.lock().abandoned)
    }

    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.values().all(|window| window.is_settled())
    }

    /// Returns when `done` holds; it is asked again after every settlement.
    pub async fn until(&self, mut done: impl FnMut(&Self) -> bool + Send) {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // Registered before `done` is asked, so that a settlement in between is not missed.
            changed.as_mut().enable();
            if done(self) {
                return;
            }
            changed.await;
        }
    }
}

// === impl Window ===

impl Window {
    /// Admits something that takes no room of its own, such as findings that a fold raised, without waiting.
    pub fn admit_now(self: &Arc<Self>, next: Position) -> Receipt {
        self.ticket(next, 0)
    }

    /// Admits a chunk of `bytes` received bytes whose records end before `next`; waits for room. A chunk larger than
    /// all room waits until nothing else is in flight.
    pub async fn admit(self: &Arc<Self>, next: Position, bytes: usize) -> Receipt {
        let room = self.room(bytes).await;
        self.admit_into(room, next)
    }

    /// Waits for room for `bytes` received bytes. Giving up the wait takes nothing.
    pub async fn room(&self, bytes: usize) -> Room {
        let permits =
            u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX).clamp(1, self.shared.permits_max);
        if let Ok(permit) = self.shared.room.acquire_many(permits).await {
            permit.forget();
        }
        Room { shared: self.shared.clone(), permits }
    }

    /// Admits a chunk whose records end before `next` into the room that waits for it.
    pub fn admit_into(self: &Arc<Self>, mut room: Room, next: Position) -> Receipt {
        self.ticket(next, std::mem::take(&mut room.permits))
    }

    /// Whether something of it was abandoned, so that nothing after that is ever confirmed.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    /// Whether nothing of it is in flight.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.lock().tickets.iter().all(|ticket| ticket.settlement.is_some())
    }

    fn ticket(self: &Arc<Self>, next: Position, permits: u32) -> Receipt {
        let mut state = self.lock();
        let ticket = state.first + state.tickets.len() as u64;
        state.tickets.push_back(Ticket { next, permits, settlement: None });
        drop(state);
        Receipt::new(self.clone(), ticket)
    }

    /// From now on its positions are committed: its origin is read on from there after a restart, not from its start.
    pub fn commit_positions(&self) {
        self.commits.store(true, Ordering::Relaxed);
    }

    /// From now on its records are another worker's to deliver.
    pub fn fence(&self) {
        self.fenced.store(true, Ordering::Release);
    }

    /// Everything before this position is confirmed.
    #[must_use]
    pub fn confirmed(&self) -> Position {
        self.lock().confirmed
    }

    fn is_confirmed_to(&self, position: Position) -> bool {
        let confirmed = |ticket: &Ticket| ticket.settlement == Some(Settlement::Confirmed);
        self.lock().tickets.iter().all(|ticket| ticket.next > position || confirmed(ticket))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shared.room.add_permits(self.permits as usize);
    }
}

impl Settle for Window {
    fn settled(&self, ticket: u64, settlement: Settlement) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let index = usize::try_from(ticket - state.first).unwrap_or(usize::MAX);
        if let Some(entry) = state.tickets.get_mut(index) {
            entry.settlement = Some(settlement);
            self.shared.room.add_permits(entry.permits as usize);
        }
        state.abandoned |= settlement == Settlement::Abandoned;
        while let Some(Ticket { next, settlement: Some(Settlement::Confirmed), .. }) = state.tickets.front() {
            state.confirmed = *next;
            state.tickets.pop_front();
            state.first += 1;
        }
        drop(guard);
        self.shared.changed.notify_waiters();
    }

    fn covers(&self, ticket: u64) -> Option<Covered> {
        let state = self.lock();
        let next = state.tickets.get(usize::try_from(ticket.checked_sub(state.first)?).ok()?)?.next;
        let fenced = self.fenced.load(Ordering::Acquire);
        Some(Covered { origin: self.origin.clone(), next, fenced })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_an_unbroken_run_of_confirmed_chunks_moves_the_position() {
        let flight = Flight::new(1 << 20);
        let origin = Origin::stdin();
        let window = flight.window(&origin, 5);
        let first = window.admit(10, 100).await;
        let second = window.admit(20, 100).await;
        let third = window.admit(30, 100).await;
        second.confirm();
        assert_eq!(window.confirmed(), 5, "the first chunk is still in flight");
        assert!(flight.is_confirmed_to(&origin, 9) && !flight.is_confirmed_to(&origin, 10));
        first.confirm();
        assert!(flight.is_confirmed_to(&origin, 20) && !flight.is_confirmed_to(&origin, 30));
        assert_eq!(window.confirmed(), 20);
        assert!(!flight.is_empty());
        third.confirm();
        assert!(flight.committable().is_empty(), "nobody said that this origin's positions are committed");
        window.commit_positions();
        assert_eq!(flight.committable()[&origin], 30);
        assert!(flight.is_empty());
    }

    #[tokio::test]
    async fn a_receipt_tells_what_it_stands_for_and_whether_that_is_another_workers_now() {
        let flight = Flight::new(1 << 20);
        let origin = Origin::kafka("vpcflow", 3);
        let window = flight.window(&origin, 0);
        window.admit(10, 100).await.confirm();
        let receipt = window.admit(20, 100).await;
        assert_eq!(receipt.covers(), Some(Covered { origin: origin.clone(), next: 20, fenced: false }));
        window.fence();
        assert_eq!(receipt.covers(), Some(Covered { origin, next: 20, fenced: true }));
        receipt.confirm();
        assert_eq!(Receipt::unclaimed().covers(), None);
    }

    #[tokio::test]
    async fn nothing_after_an_abandoned_chunk_is_confirmed() {
        let flight = Flight::new(1 << 20);
        let window = flight.window(&Origin::stdin(), 0);
        let first = window.admit(10, 100).await;
        let second = window.admit(20, 100).await;
        drop(first);
        second.confirm();
        assert_eq!(window.confirmed(), 0);
        assert!(flight.is_abandoned());
    }

    #[tokio::test]
    async fn a_chunk_waits_for_room_and_one_larger_than_all_room_waits_for_the_others() {
        let flight = Flight::new(4 * PERMIT_BYTES);
        let window = flight.window(&Origin::stdin(), 0);
        let first = window.admit(10, 3 * PERMIT_BYTES).await;
        let other = window.clone();
        let second = tokio::spawn(async move { other.admit(20, 100 * PERMIT_BYTES).await });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        first.confirm();
        second.await.unwrap().confirm();
        flight.until(Flight::is_empty).await;
        assert_eq!(window.confirmed(), 20);
    }
}

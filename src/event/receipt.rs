//! A receipt: the promise that what was received is delivered before it is forgotten.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{Origin, Position};

/// How a receipt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Everyone who held it has confirmed: all is delivered, quarantined or dead-lettered.
    Confirmed,
    /// Someone dropped it without a confirmation: the records must be read again.
    Abandoned,
}

/// Who waits for receipts: a window in flight, or a caller that wants an answer.
pub trait Settle: Send + Sync {
    /// Called once, when nobody holds the receipt with this ticket any more.
    fn settled(&self, ticket: u64, settlement: Settlement);

    /// What is delivered of which origin once this receipt and all before it are confirmed; nothing where no position
    /// stands behind it.
    fn covers(&self, _ticket: u64) -> Option<Covered> {
        None
    }
}

/// What a receipt stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// What the position counts in.
    pub origin: Origin,
    /// The position after the last record.
    pub next: Position,
    /// Whether its partition went to another worker since: whoever has it now delivers the records.
    pub fenced: bool,
}

/// One holder's share of a chunk's receipt.
///
/// A clone is another holder who must confirm too. Dropping a share without [`Receipt::confirm`] abandons the whole
/// receipt: what nobody vouches for counts as not delivered.
#[must_use = "a receipt that is dropped abandons its records"]
pub struct Receipt {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    settle: Arc<dyn Settle>,
    ticket: u64,
    abandoned: AtomicBool,
}

// === impl Receipt ===

impl Receipt {
    /// A receipt that reports to `settle` under `ticket`.
    pub fn new(settle: Arc<dyn Settle>, ticket: u64) -> Self {
        Self { inner: Some(Arc::new(Inner { settle, ticket, abandoned: AtomicBool::new(false) })) }
    }

    /// A receipt that nobody waits for: for what cannot be read again and has nothing to commit, and for tests.
    pub fn unclaimed() -> Self {
        Self { inner: None }
    }

    /// What it stands for, as long as it is not settled.
    #[must_use]
    pub fn covers(&self) -> Option<Covered> {
        let inner = self.inner.as_ref()?;
        inner.settle.covers(inner.ticket)
    }

    /// Confirms this holder's share.
    pub fn confirm(mut self) {
        self.inner = None;
    }
}

impl Clone for Receipt {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(inner) = &self.inner {
            inner.abandoned.store(true, Ordering::Release);
        }
    }
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receipt({:?})", self.inner.as_ref().map(|inner| inner.ticket))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let abandoned = *self.abandoned.get_mut();
        let settlement = if abandoned { Settlement::Abandoned } else { Settlement::Confirmed };
        self.settle.settled(self.ticket, settlement);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Ledger(Mutex<Vec<(u64, Settlement)>>);

    impl Settle for Ledger {
        fn settled(&self, ticket: u64, settlement: Settlement) {
            self.0.lock().unwrap().push((ticket, settlement));
        }
    }

    #[test]
    fn a_receipt_is_confirmed_when_its_last_holder_confirms() {
        let ledger = Arc::new(Ledger::default());
        let receipt = Receipt::new(ledger.clone(), 7);
        let other = receipt.clone();
        receipt.confirm();
        assert!(ledger.0.lock().unwrap().is_empty(), "one holder is left");
        other.confirm();
        assert_eq!(*ledger.0.lock().unwrap(), [(7, Settlement::Confirmed)]);
    }

    #[test]
    fn one_dropped_share_abandons_the_receipt() {
        let ledger = Arc::new(Ledger::default());
        let receipt = Receipt::new(ledger.clone(), 8);
        drop(receipt.clone());
        receipt.confirm();
        assert_eq!(*ledger.0.lock().unwrap(), [(8, Settlement::Abandoned)]);
    }
}

//! An answer that somebody waits for: how everything that was fed for it has ended, awaited together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::event::{Covered, Receipt, Settle, Settlement};

/// Hears how receipts end. Clones share it.
#[derive(Clone, Default)]
pub struct Answer {
    ledger: Arc<Ledger>,
}

#[derive(Default)]
struct Ledger {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The receipts heard of, by ticket; gone when settled.
    receipts: Vec<Option<Receipt>>,
    outstanding: usize,
    abandoned: bool,
}

// === impl Answer ===

impl Answer {
    /// A receipt in place of `receipt`: as it ends, so does `receipt`, and the answer hears of it.
    pub fn hears(&self, receipt: Receipt) -> Receipt {
        let mut state = self.ledger.lock();
        let ticket = state.receipts.len() as u64;
        state.receipts.push(Some(receipt));
        state.outstanding += 1;
        drop(state);
        Receipt::new(self.ledger.clone(), ticket)
    }

    /// Returns when all receipts heard of so far have ended: confirmed, if each of them is.
    pub async fn settled(&self) -> Settlement {
        loop {
            let changed = self.ledger.changed.notified();
            tokio::pin!(changed);
            // Registered before the state is read, so that a settlement in between is not missed.
            changed.as_mut().enable();
            if let Some(settlement) = self.ledger.lock().settlement() {
                return settlement;
            }
            changed.await;
        }
    }
}

// === impl Ledger ===

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn settlement(&self) -> Option<Settlement> {
        let ended = if self.abandoned { Settlement::Abandoned } else { Settlement::Confirmed };
        (self.outstanding == 0).then_some(ended)
    }
}

impl Settle for Ledger {
    fn settled(&self, ticket: u64, settlement: Settlement) {
        let mut state = self.lock();
        let receipt = usize::try_from(ticket).ok().and_then(|ticket| state.receipts.get_mut(ticket)?.take());
        state.outstanding -= usize::from(receipt.is_some());
        state.abandoned |= settlement == Settlement::Abandoned;
        drop(state);
        match (receipt, settlement) {
            (Some(receipt), Settlement::Confirmed) => receipt.confirm(),
            // Dropped, which abandons it too.
            (_, Settlement::Abandoned) | (None, Settlement::Confirmed) => {}
        }
        self.changed.notify_waiters();
    }

    fn covers(&self, ticket: u64) -> Option<Covered> {
        let state = self.lock();
        state.receipts.get(usize::try_from(ticket).ok()?)?.as_ref()?.covers()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::Origin, pipe::Flight};

    #[tokio::test]
    async fn an_answer_is_there_when_the_last_of_its_receipts_has_ended_and_the_window_hears_of_each() {
        let (answer, flight) = (Answer::default(), Flight::new(1 << 20));
        let window = flight.window(&Origin::from_text("flows"), 0);
        let first = answer.hears(window.admit(1, 100).await);
        let second = answer.hears(window.admit(2, 100).await);
        assert_eq!(second.covers().map(|covered| covered.next), Some(2), "it stands for what the other does");
        let waiting = tokio::spawn({
            let answer = answer.clone();
            async move { answer.settled().await }
        });
        second.confirm();
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished() && window.confirmed() == 0);
        first.confirm();
        assert_eq!(waiting.await.unwrap(), Settlement::Confirmed);
        assert_eq!(window.confirmed(), 2);
    }

    #[tokio::test]
    async fn one_abandoned_receipt_is_told_after_all_have_ended() {
        let (answer, flight) = (Answer::default(), Flight::new(1 << 20));
        let window = flight.window(&Origin::from_text("flows"), 0);
        let (first, second) =
            (answer.hears(window.admit(1, 100).await), answer.hears(window.admit(2, 100).await));
        drop(first);
        second.confirm();
        assert_eq!(answer.settled().await, Settlement::Abandoned);
        assert!(flight.is_abandoned(), "the window hears that too");
    }

    #[tokio::test]
    async fn an_answer_of_nothing_is_a_confirmation() {
        assert_eq!(Answer::default().settled().await, Settlement::Confirmed);
    }
}

//! Turns: threads that work side by side pass through a place in the order of their tickets.

use std::sync::{Condvar, Mutex, PoisonError};

/// A place that is passed in the order of tickets 0, 1, 2, …, one at a time.
#[derive(Debug, Default)]
pub struct Turn {
    next: Mutex<u64>,
    moved: Condvar,
}

// === impl Turn ===

impl Turn {
    /// Waits until all tickets before `ticket` have passed.
    pub fn wait(&self, ticket: u64) {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.moved.wait_while(next, |next| *next < ticket).unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets the ticket after `ticket` in; called by the holder of `ticket` when it is through.
    pub fn pass(&self, ticket: u64) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = ticket + 1;
        self.moved.notify_all();
    }

    /// Waits for `ticket`'s turn, does `work`, and lets the next one in.
    pub fn take<T>(&self, ticket: u64, work: impl FnOnce() -> T) -> T {
        self.wait(ticket);
        let done = work();
        self.pass(ticket);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_pass_in_the_order_of_their_tickets() {
        let turn = Turn::default();
        let passed = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for ticket in [3, 1, 0, 2] {
                let (turn, passed) = (&turn, &passed);
                scope.spawn(move || turn.take(ticket, || passed.lock().unwrap().push(ticket)));
            }
        });
        assert_eq!(*passed.lock().unwrap(), [0, 1, 2, 3]);
    }
}

//! Turns: threads that work side by side pass through a place in the order of their tickets.

use std::sync::{Condvar, Mutex, PoisonError};

/// A place that is passed in the order of tickets 0, 1, 2, …, one at a time.
#[derive(Debug, Default)]
pub struct Turn {
    queue: Mutex<Queue>,
    moved: Condvar,
}

/// Whose turn it is, and how many wait for theirs.
#[derive(Debug, Default)]
struct Queue {
    next: u64,
    waiting: usize,
}

// === impl Turn ===

impl Turn {
    /// Waits until all tickets before `ticket` have passed.
    pub fn wait(&self, ticket: u64) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting += 1;
        queue =
            self.moved.wait_while(queue, |queue| queue.next < ticket).unwrap_or_else(PoisonError::into_inner);
        queue.waiting -= 1;
    }

    /// Lets the ticket after `ticket` in; called by the holder of `ticket` when it is through.
    pub fn pass(&self, ticket: u64) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.next = ticket + 1;
        // Waking is a system call, and mostly there is nobody to wake.
        if queue.waiting > 0 {
            self.moved.notify_all();
        }
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

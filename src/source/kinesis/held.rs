//! A shard while it is ours: what of it was handed on, and up to which place that is confirmed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::checkpoint::Place;
use crate::{event::Position, pipe::Window};

/// A shard that is ours.
#[derive(Debug)]
pub(super) struct Held {
    /// What of it is in flight.
    pub(super) window: Arc<Window>,
    queue: Mutex<Queue>,
}

/// What becomes of a shard that was ours when it is granted again in this run.
#[derive(Debug, Clone, Default)]
pub(super) struct Parted {
    /// The position after the last record that was handed on; positions never begin again.
    pub(super) next: Position,
    /// The place of that record, and so up to where it is scored.
    pub(super) fed: Option<Place>,
}

/// The places that positions stand for, of what is not known to be confirmed.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(Position, Place)>,
    confirmed: Option<Place>,
    written: Option<Place>,
    fed: Option<(Position, Place)>,
}

// === impl Held ===

impl Held {
    /// One of which nothing is handed on yet.
    pub(super) fn new(window: Arc<Window>) -> Self {
        Self { window, queue: Mutex::default() }
    }

    /// Notes that everything up to `place` is being handed on, and that it ends before position `next`.
    pub(super) fn note(&self, next: Position, place: Place) {
        self.lock().waiting.push_back((next, place));
    }

    /// Notes that it was.
    pub(super) fn fed(&self, next: Position, place: Place) {
        self.lock().fed = Some((next, place));
    }

    /// The place up to which all is confirmed; none where nothing that was handed on is.
    pub(super) fn confirmed(&self) -> Option<Place> {
        let to = self.window.confirmed();
        self.lock().confirmed(to)
    }

    /// What is confirmed and not written down as a checkpoint.
    pub(super) fn due(&self) -> Option<Place> {
        let confirmed = self.confirmed()?;
        (self.lock().written.as_ref() != Some(&confirmed)).then_some(confirmed)
    }

    /// Notes that `place` is written down.
    pub(super) fn written(&self, place: Place) {
        self.lock().written = Some(place);
    }

    /// Whether all that was handed on is confirmed.
    pub(super) fn is_all_confirmed(&self) -> bool {
        let to = self.window.confirmed();
        let mut queue = self.lock();
        queue.confirmed(to);
        queue.waiting.is_empty()
    }

    /// How far it was handed on; `before` where nothing was.
    pub(super) fn part(&self, before: Parted) -> Parted {
        match self.lock().fed.clone() {
            Some((next, place)) => Parted { next, fed: Some(place) },
            None => before,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Queue ===

impl Queue {
    fn confirmed(&mut self, to: Position) -> Option<Place> {
        while let Some((_, place)) = self.waiting.pop_front_if(|(next, _)| *next <= to) {
            self.confirmed = Some(place);
        }
        self.confirmed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::Origin, pipe::Flight, source::kinesis::Sequence};

    fn place(sequence: u32, sub_sequence: u64) -> Place {
        Place { sequence: Sequence::parse(&sequence.to_string()).unwrap(), sub_sequence }
    }

    #[tokio::test]
    async fn a_place_is_confirmed_when_everything_before_it_is_and_not_before() {
        let flight = Flight::new(1 << 20);
        let window = flight.window(&Origin::kinesis("s", "0"), 10);
        let held = Held::new(window.clone());
        assert_eq!(held.confirmed(), None, "where it began is no place that was delivered");
        let mut receipts = Vec::new();
        for (next, at) in [(12, place(5, 1)), (14, place(5, 3)), (15, place(6, 0))] {
            held.note(next, at.clone());
            receipts.push(window.admit(next, 10).await);
            held.fed(next, at);
        }
        let [first, second, third] = receipts.try_into().unwrap();
        second.confirm();
        assert_eq!(held.confirmed(), None);
        first.confirm();
        assert_eq!(held.due(), Some(place(5, 3)));
        held.written(place(5, 3));
        assert_eq!(held.due(), None);
        assert!(!held.is_all_confirmed());
        third.confirm();
        assert!(held.is_all_confirmed());
        assert_eq!(held.confirmed(), Some(place(6, 0)));
        let parted = held.part(Parted::default());
        assert_eq!((parted.next, parted.fed), (15, Some(place(6, 0))));
    }
}

//! Records on their way: each second of delivery has a place of its own, so that nothing is sorted.

use std::collections::VecDeque;

use crate::generate::record::Record;

/// Records that are not delivered yet, by the second in which they will be; those of one second in the order of making.
#[derive(Debug)]
pub(super) struct Late {
    /// The second of the first place.
    base: u64,
    seconds: VecDeque<Vec<Record>>,
    spare: Vec<Vec<Record>>,
}

impl Late {
    /// Nothing under way; deliveries begin at `base`.
    pub(super) fn new(base: u64) -> Self {
        Self { base, seconds: VecDeque::new(), spare: Vec::new() }
    }

    /// Delivers `record` in the second `at`.
    #[inline]
    pub(super) fn push(&mut self, at: u64, record: Record) {
        let place = at.saturating_sub(self.base) as usize;
        while self.seconds.len() <= place {
            self.seconds.push_back(self.spare.pop().unwrap_or_default());
        }
        self.seconds[place].push(record);
    }

    /// The next second and its records. Give the room back with [`Self::recycle`].
    pub(super) fn pop(&mut self) -> (u64, Vec<Record>) {
        self.base += 1;
        (self.base - 1, self.seconds.pop_front().unwrap_or_default())
    }

    /// The next second to be delivered.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }

    /// Takes back the room of a second that is delivered.
    pub(super) fn recycle(&mut self, mut records: Vec<Record>) {
        records.clear();
        self.spare.push(records);
    }
}

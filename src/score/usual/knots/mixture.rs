//! The tail of an entity's windows, shrunk towards its peers': walked once from the largest bucket down.

use super::PEER_WINDOWS;
use crate::score::{
    histogram::packed::Series,
    usual::{decay::Moment, pool::FrozenPool},
};

/// Windows that may wait to be folded in without costing an allocation.
const PENDING_MAX: usize = 16;

/// An entity's own buckets, what waits to be folded into them, and the pool beside them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixture<'a> {
    own: Series<'a>,
    pool: &'a FrozenPool,
    /// Ascending; the first `waiting` count.
    pending: [(u16, u32); PENDING_MAX],
    waiting: usize,
    /// Weight of what is the entity's own.
    own_total: u64,
    /// Weight that the pool has beside it; 0 when the pool is empty.
    peer_weight: f64,
}

// === impl Mixture ===

impl<'a> Mixture<'a> {
    /// The mixture of `own`, `pending` and `pool` at `now`; or nothing when `pending` is too long, or when a landmark
    /// has been passed: then `pending` has to be folded into a copy of `own` first, which comes to the same.
    pub(super) fn of(
        own: Series<'a>,
        pending: &[(u16, Moment)],
        pool: &'a FrozenPool,
        now: Moment,
    ) -> Option<Self> {
        let current = own.is_empty() || own.landmark() >= now.landmark;
        let landmark = if own.is_empty() { now.landmark } else { own.landmark() };
        if !current
            || pending.len() > PENDING_MAX
            || pending.iter().any(|(_, at)| at.landmark != landmark || at.weight == 0)
        {
            return None;
        }
        let mut waiting = [(0, 0); PENDING_MAX];
        for (place, &(bucket, at)) in waiting.iter_mut().zip(pending) {
            *place = (bucket, at.weight);
        }
        waiting[..pending.len()].sort_unstable_by_key(|entry| entry.0);
        let own_total = own.total() + pending.iter().map(|(_, at)| u64::from(at.weight)).sum::<u64>();
        let peer_weight =
            if pool.is_empty() { 0.0 } else { f64::from(PEER_WINDOWS) * now.weight_exact(landmark) };
        Some(Self { own, pool, pending: waiting, waiting: pending.len(), own_total, peer_weight })
    }

    /// Weight of the entity's own windows, with those that wait.
    pub(super) const fn own_total(&self) -> u64 {
        self.own_total
    }

    /// The landmark from which the entity's own weights count.
    pub(super) const fn landmark(&self, now: Moment) -> u32 {
        if self.own.is_empty() { now.landmark } else { self.own.landmark() }
    }

    /// The weight of everything: 0 when there is nothing at all.
    pub(super) fn total(&self) -> f64 {
        self.own_total as f64 + self.peer_weight
    }

    /// The first and the last bucket in which there is something.
    pub(super) fn range(&self) -> Option<(u16, u16)> {
        let waiting = &self.pending[..self.waiting];
        let waiting = waiting.first().zip(waiting.last()).map(|(first, last)| (first.0, last.0));
        let widest = |one: (u16, u16), two: (u16, u16)| (one.0.min(two.0), one.1.max(two.1));
        [self.own.range(), waiting, self.pool.range()].into_iter().flatten().reduce(widest)
    }

    /// Goes down from bucket `last`, and gives to `found`, for each of `tails` in ascending order, the last bucket from
    /// which at least that share of everything lies, with its weight.
    pub(super) fn fall(&self, last: u16, tails: &[f64], mut found: impl FnMut(usize, u16, f64)) {
        let total = self.total();
        let mut nth = 0;
        let mut above = 0_u64;
        let mut end = last + 1;
        let mut own = self.own.falling().peekable();
        let mut waiting = self.pending[..self.waiting].iter().rev().copied().peekable();
        while nth < tails.len() {
            let next = own.peek().map(|entry| entry.0).max(waiting.peek().map(|entry| entry.0));
            let weight = |tail: f32, above: u64| above as f64 + self.peer_weight * f64::from(tail);
            // Between two buckets of the entity's own, the pool alone lets the tail rise.
            let first = next.map_or(0, |bucket| bucket + 1);
            if first < end && self.peer_weight > 0.0 {
                while nth < tails.len() {
                    let share = (tails[nth] * total - above as f64) / self.peer_weight;
                    let Some(bucket) = self.pool.last_at_least(first, end, share as f32) else { break };
                    found(nth, bucket, weight(self.pool.tail_from(bucket), above));
                    nth += 1;
                }
            }
            let Some(bucket) = next else { break };
            while let Some((_, more)) = own.next_if(|entry| entry.0 == bucket) {
                above += u64::from(more);
            }
            while let Some((_, more)) = waiting.next_if(|entry| entry.0 == bucket) {
                above += u64::from(more);
            }
            let here = weight(self.pool.tail_from(bucket), above);
            while nth < tails.len() && here >= tails[nth] * total {
                found(nth, bucket, here);
                nth += 1;
            }
            end = bucket;
        }
    }

    /// Weight at or above `bucket`.
    pub(super) fn at_or_above(&self, bucket: u16) -> f64 {
        let own = self.own.falling().take_while(|entry| entry.0 >= bucket).map(|entry| u64::from(entry.1));
        let waiting = self.pending[..self.waiting].iter().filter(|entry| entry.0 >= bucket);
        let own = own.sum::<u64>() + waiting.map(|entry| u64::from(entry.1)).sum::<u64>();
        own as f64 + self.peer_weight * f64::from(self.pool.tail_from(bucket))
    }
}

//! Which shards are read, from where, and when: a shard after those that it came of.
//!
//! A shard that was split or merged is closed; what came of it is read when it was read to its end, so that a key's records
//! keep their order. That is known of a shard:
//!
//! * it is **done** when its lease says so, when the stream no longer has it, or when something that came of it is known,
//!   for then its own lease was deleted after it was done, or reading began behind it;
//! * it is **known** when it has a lease that is not done;
//! * else it **can begin** when all that it came of are done, and **waits** when not.
//!
//! As in the Kinesis Client Library (`HierarchicalShardSyncer.java`, `docs/lease-lifecycle.md`), a lease is made when its
//! shard can begin.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{checkpoint::Checkpoint, ledger::Shard};

/// Where a stream is read from of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// From the oldest record there is, in the oldest shards there are, closed ones too.
    TrimHorizon,
    /// From what comes now, in the shards that are open.
    Latest,
    /// From a time on, in the oldest shards there are.
    AtTimestamp,
}

/// What is known of a stream: its shards, and how far those were read that have a lease.
#[derive(Debug)]
pub struct Lineage<'a> {
    shards: HashMap<&'a str, &'a Shard>,
    order: &'a [Shard],
    known: &'a HashMap<Arc<str>, Checkpoint>,
    /// Shards of which something came that is known.
    passed: HashSet<&'a str>,
    ending: Option<&'a str>,
}

// === impl Begin ===

impl Begin {
    fn checkpoint(self) -> Checkpoint {
        match self {
            Self::TrimHorizon => Checkpoint::TrimHorizon,
            Self::Latest => Checkpoint::Latest,
            Self::AtTimestamp => Checkpoint::AtTimestamp,
        }
    }
}

// === impl Shard ===

impl Shard {
    /// What it came of.
    pub fn parents(&self) -> impl Iterator<Item = &Arc<str>> {
        self.parent.iter().chain(&self.adjacent_parent)
    }
}

// === impl Lineage ===

impl<'a> Lineage<'a> {
    /// The stream has `shards`, and those in `known` have a lease.
    #[must_use]
    pub fn new(shards: &'a [Shard], known: &'a HashMap<Arc<str>, Checkpoint>) -> Self {
        let mut lineage = Self {
            shards: shards.iter().map(|shard| (&*shard.id, shard)).collect(),
            order: shards,
            known,
            passed: HashSet::new(),
            ending: None,
        };
        let mut up: Vec<&'a Shard> = shards.iter().filter(|shard| known.contains_key(&shard.id)).collect();
        while let Some(shard) = up.pop() {
            for parent in shard.parents() {
                if lineage.passed.insert(parent) {
                    up.extend(lineage.shards.get(&**parent));
                }
            }
        }
        lineage
    }

    /// The same, where `shard` is about to be done: its lease says so as soon as the leases of what came of it are made.
    #[must_use]
    pub fn ending(mut self, shard: &'a str) -> Self {
        self.ending = Some(shard);
        self
    }

    /// The leases to make, in the order in which the stream lists their shards.
    #[must_use]
    pub fn missing(&self, begin: Begin) -> Vec<(&'a Shard, Checkpoint)> {
        // Until somebody has read something, what is missing is missing because the first leases are still being made.
        let first = self.known.values().all(|checkpoint| *checkpoint == begin.checkpoint());
        let below = if first { self.below() } else { HashSet::new() };
        let mut missing = Vec::new();
        for shard in self.order.iter().filter(|shard| !self.known.contains_key(&shard.id)) {
            let at_first = first && !below.contains(&*shard.id);
            if at_first && begin == Begin::Latest {
                missing.extend((!shard.is_closed).then_some((shard, Checkpoint::Latest)));
            } else if !self.passed.contains(&*shard.id) && shard.parents().all(|parent| self.is_done(parent))
            {
                let begins = if at_first { begin.checkpoint() } else { self.after_parents(shard) };
                missing.push((shard, begins));
            }
        }
        missing
    }

    /// Where a shard begins whose parents are done: with its oldest record, or with the first of the time that is looked for
    /// where its parent ended before it.
    fn after_parents(&self, shard: &Shard) -> Checkpoint {
        let unread = |parent: &Arc<str>| {
            self.ending == Some(&**parent) && self.known.get(parent) == Some(&Checkpoint::AtTimestamp)
        };
        if shard.parents().any(unread) { Checkpoint::AtTimestamp } else { Checkpoint::TrimHorizon }
    }

    /// Shards that came of one that is known, however many generations ago.
    fn below(&self) -> HashSet<&'a str> {
        let mut below = HashSet::new();
        loop {
            let from = |parent: &Arc<str>| self.known.contains_key(parent) || below.contains(&**parent);
            let more =
                self.order.iter().filter(|shard| !below.contains(&*shard.id) && shard.parents().any(from));
            let more: Vec<&str> = more.map(|shard| &*shard.id).collect();
            if more.is_empty() {
                return below;
            }
            below.extend(more);
        }
    }

    /// Whether the shard, which has a lease, may be read now: everything that it came of is done.
    #[must_use]
    pub fn may_be_read(&self, shard: &str) -> bool {
        let shard = self.shards.get(shard);
        shard.is_some_and(|shard| shard.parents().all(|parent| self.is_over(parent)))
    }

    /// Shards that were read to their end and of which everything that came is being read or done: their leases say nothing
    /// any more.
    #[must_use]
    pub fn settled(&self) -> Vec<&'a str> {
        let begun = |shard: &Shard| match self.known.get(&shard.id) {
            Some(Checkpoint::At(_) | Checkpoint::ShardEnd) => true,
            Some(_) => false,
            None => self.passed.contains(&*shard.id),
        };
        let mut children: HashMap<&str, Vec<&Shard>> = HashMap::new();
        for shard in self.order {
            shard.parents().for_each(|parent| children.entry(parent).or_default().push(shard));
        }
        let settled = |(id, checkpoint): (&'a Arc<str>, &Checkpoint)| {
            let children = children.get(&**id).filter(|_| *checkpoint == Checkpoint::ShardEnd)?;
            children.iter().all(|shard| begun(shard)).then_some(&**id)
        };
        self.known.iter().filter_map(settled).collect()
    }

    /// Shards with a lease that the stream has no more. Empty when it has none of them all: it is another stream then, or
    /// one that was made anew, and what is known is not ours to forget.
    #[must_use]
    pub fn vanished(&self) -> Vec<&'a str> {
        let ids = || self.known.keys().map(|id| &**id);
        let has = |id: &&str| self.shards.contains_key(*id);
        if !ids().any(|id| has(&id)) {
            return Vec::new();
        }
        ids().filter(|id| !has(id)).collect()
    }

    /// Whether nothing more is to be read of what `shard`, a parent, holds before its children are.
    fn is_done(&self, shard: &str) -> bool {
        match self.known.get(shard) {
            Some(Checkpoint::ShardEnd) => true,
            Some(_) => self.ending == Some(shard) || !self.shards.contains_key(shard),
            None => !self.shards.contains_key(shard) || self.passed.contains(shard),
        }
    }

    /// As [`Lineage::is_done`], for a child that has a lease: a parent without one is not waited for.
    fn is_over(&self, shard: &str) -> bool {
        self.known.get(shard).is_none_or(|_| self.is_done(shard))
    }
}

#[cfg(test)]
mod tests;

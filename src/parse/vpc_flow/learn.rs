//! Layouts that nobody named: learned from the lines of a stream, which wait until it is known what they say.
//!
//! Nothing here knows where lines come from: a chunk's entries are looked at, and those without a named layout are given
//! one, are rejected, or wait with their chunk. What is learned is never a guess. A layout is one of those that fit all
//! that was seen; a line is let through when all of them read it the same, column by column. So two columns that nobody
//! can tell apart do no harm as long as they say the same or nothing, and are looked at in every line.

mod addresses;
mod columns;
mod defaults;
mod evidence;
mod explain;
mod group;
mod held;
mod learner;
mod log;
mod numbers;
mod pairs;
mod sample;
mod search;
#[cfg(test)]
mod tests;
mod texts;

pub(in crate::parse) use held::Patience;
pub(super) use held::{Held, Segment};
pub(in crate::parse) use sample::ROOM_BYTES;
pub(super) use sample::Room;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use self::{
    columns::Columns,
    log::{Fate, Log, Told},
};
use crate::{
    event::{Chunk, Entry, Layout, Origin, Reason, Run},
    parse::{How, Named},
};

/// What is learned of one stream.
#[derive(Debug)]
pub(in crate::parse) struct Learning {
    patience: Patience,
    room: Room,
    /// Its own lines, and the log groups whose log events it carries.
    logs: BTreeMap<Option<Origin>, Log>,
    held: VecDeque<Held>,
    held_entries: usize,
    held_bytes: usize,
    since: Option<u64>,
    now: u64,
    /// How often it gave up waiting.
    waits: u32,
    columns: Columns,
    told: Told,
}

/// Log groups of one stream that are learned from; of one more, all begin anew.
const LOGS_MAX: usize = 1024;
/// So often a stream waits for logs that nobody can tell: each time for another log group.
const WAITS_MAX: u32 = 16;

// === impl Learning ===

impl Learning {
    pub(super) fn new(patience: Patience, room: Room) -> Self {
        Self {
            patience,
            room,
            logs: BTreeMap::new(),
            held: VecDeque::new(),
            held_entries: 0,
            held_bytes: 0,
            since: None,
            now: 0,
            waits: 0,
            columns: Columns::default(),
            told: Told::default(),
        }
    }

    /// Layouts that came into use since this was last asked.
    pub(super) fn take_news(&mut self) -> Vec<Named> {
        std::mem::take(&mut self.told.news)
    }

    /// What a person should know since this was last asked.
    pub(super) fn take_advice(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told.advice)
    }

    /// Layouts that it has learned for good, for other streams of the source.
    pub(super) fn learned(&self) -> impl Iterator<Item = &Arc<Layout>> {
        let known = self.logs.values().flat_map(Log::certain);
        known.filter(|known| matches!(known.how, How::Learned { .. })).map(|known| &known.layout)
    }

    /// Whether chunks wait, so that what comes after them has to wait too.
    pub(super) fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes the stream's next chunk; what everything is known of goes to `out`. `candidates` are layouts of other streams
    /// of the source.
    pub(super) fn chunk(
        &mut self,
        mut held: Held,
        candidates: impl Fn() -> Vec<Arc<Layout>>,
        out: &mut Vec<Chunk>,
    ) {
        let known = self.held.is_empty() && self.is_known(&mut held)
            || self.take_defaults(&held) && self.held.is_empty() && self.is_known(&mut held);
        if known {
            out.push(held.chunk);
            return;
        }
        self.look(&held);
        let candidates = candidates();
        self.logs.values_mut().for_each(|log| log.decide(&candidates, false));
        self.held_entries += held.chunk.entries.len();
        self.held_bytes += held.chunk.bytes.len();
        self.held.push_back(held);
        self.release(out);
        if self.held_entries >= self.patience.entries || self.held_bytes >= self.patience.bytes {
            self.give_up(&candidates, out);
        }
    }

    /// Lets go of what has waited long enough.
    pub(super) fn tick(&mut self, now: u64, candidates: impl Fn() -> Vec<Arc<Layout>>, out: &mut Vec<Chunk>) {
        self.now = now;
        if self.held.is_empty() {
            self.since = None;
        } else if now.saturating_sub(*self.since.get_or_insert(now)) >= self.patience.wait_ms {
            self.give_up(&candidates(), out);
        }
    }

    /// Lets go of everything: decided where it can be, else rejected.
    pub(super) fn give_up(&mut self, candidates: &[Arc<Layout>], out: &mut Vec<Chunk>) {
        if self.held.is_empty() {
            return;
        }
        self.logs.values_mut().for_each(|log| log.decide(candidates, true));
        self.release(out);
        if !self.held.is_empty() {
            self.waits += 1;
            let unnamed = self.held.iter().flat_map(Held::unnamed);
            for (log_group, _) in unnamed {
                if let Some(log) = self.logs.get_mut(log_group) {
                    log.gave_up = true;
                }
            }
            self.release(out);
        }
        self.logs.values_mut().for_each(Log::forget_failures);
    }

    /// Gives all entries their layouts, if those are known and seem to hold on.
    fn is_known(&mut self, held: &mut Held) -> bool {
        let Chunk { bytes, entries, runs, .. } = &mut held.chunk;
        let mut start = 0;
        for Segment { end, named, log_group } in &held.segments {
            let end = *end as usize;
            if let Some((layout, how)) = named {
                self.told.news.push((layout.clone(), *how));
                let (layout, log_group) = (layout.clone(), log_group.clone());
                runs.push(Run { end: end as u32, layout, named: how.is_named(), log_group });
            } else {
                let told = (&mut *runs, &mut self.told);
                let entries = &entries[start..end];
                let log = self.logs.get_mut(log_group);
                let known =
                    log.and_then(|log| log.runs(&mut self.columns, bytes, entries, (start, log_group), told));
                if known.is_none() {
                    runs.clear();
                    return false;
                }
            }
            start = end;
        }
        true
    }

    /// Takes AWS's default formats for granted where lines that nothing is known of yet have one; says whether any do.
    fn take_defaults(&mut self, held: &Held) -> bool {
        let mut taken = false;
        for (log_group, entries) in held.unnamed() {
            if self.logs.len() >= LOGS_MAX && !self.logs.contains_key(log_group) {
                self.logs.clear();
            }
            let new = || Log::new(self.room.clone(), self.waits >= WAITS_MAX);
            let log = self.logs.entry(log_group.clone()).or_insert_with(new);
            taken |= log.take_defaults(&mut self.columns, &held.chunk.bytes, entries);
        }
        taken
    }

    /// Looks at every entry that has no named layout, and learns from those that are not wholly understood.
    fn look(&mut self, held: &Held) {
        for (log_group, entries) in held.unnamed() {
            if let Some(log) = self.logs.get_mut(log_group) {
                log.look(&mut self.columns, &held.chunk.bytes, entries);
            }
        }
    }

    /// Lets go of the chunks at the front of which everything is known.
    fn release(&mut self, out: &mut Vec<Chunk>) {
        while let Some(held) = self.held.pop_front() {
            match self.settle(held) {
                Ok((entries, chunk)) => {
                    self.held_entries -= entries;
                    self.held_bytes -= chunk.bytes.len();
                    out.push(chunk);
                }
                Err(held) => {
                    self.held.push_front(held);
                    return;
                }
            }
        }
        self.since = None;
    }

    /// Gives every entry its layout or rejects it, and says how many there were; gives the chunk back if one has to wait.
    #[expect(clippy::result_large_err, reason = "the chunk comes back, and goes on waiting")]
    fn settle(&mut self, held: Held) -> Result<(usize, Chunk), Held> {
        let mut fates = Vec::with_capacity(held.chunk.entries.len());
        let mut start = 0;
        for Segment { end, named, log_group } in &held.segments {
            let mut log = self.logs.get_mut(log_group);
            for entry in &held.chunk.entries[start..*end as usize] {
                let line = entry.span.of(&held.chunk.bytes);
                let fate = match (named, &mut log) {
                    (Some(named), _) => Fate::Read(named.clone()),
                    (None, Some(log)) => log.fate(self.columns.cut(line), self.now, &mut self.told),
                    (None, None) => Fate::Reject(
                        Reason::LayoutUnknown,
                        format!("more than {LOGS_MAX} log groups in one stream have to be learned"),
                    ),
                };
                if matches!(fate, Fate::Wait) {
                    return Err(held);
                }
                fates.push(fate);
            }
            start = *end as usize;
        }
        let Held { mut chunk, segments } = held;
        let entries = std::mem::take(&mut chunk.entries);
        let count = entries.len();
        let mut fates = entries.into_iter().zip(fates);
        let mut start = 0;
        for Segment { end, named, log_group } in segments {
            self.told.news.extend(named);
            for (entry, fate) in fates.by_ref().take((end - start) as usize) {
                dispose(&mut chunk, entry, fate, log_group.as_ref());
            }
            start = end;
        }
        Ok((count, chunk))
    }
}

/// Gives an entry its layout, or rejects it.
fn dispose(chunk: &mut Chunk, entry: Entry, fate: Fate, log_group: Option<&Origin>) {
    match fate {
        Fate::Read((layout, how)) => {
            chunk.entries.push(entry);
            let end = chunk.entries.len() as u32;
            let run = Run { end, layout, named: how.is_named(), log_group: log_group.cloned() };
            match chunk.runs.last_mut().filter(|last| last.is_same(&run)) {
                Some(last) => last.end = end,
                None => chunk.runs.push(run),
            }
        }
        Fate::Reject(reason, detail) => {
            chunk.rejects.push(chunk.rejected_of(log_group, entry, reason, detail));
        }
        Fate::Wait => {}
    }
}

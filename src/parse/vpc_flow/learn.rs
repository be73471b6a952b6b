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
mod numbers;
mod pairs;
mod sample;
mod search;
#[cfg(test)]
mod tests;
mod texts;

pub(in crate::parse) use held::Patience;
pub(super) use held::{Held, Segment};

use std::{collections::VecDeque, sync::Arc};

use self::{
    columns::Columns,
    group::{Answer, Group, Kind, Known, is_readable, oddities},
};
use crate::{
    event::{Chunk, Entry, Layout, Origin, Reason, Run},
    parse::How,
};

/// What is learned of one stream.
#[derive(Debug)]
pub(in crate::parse) struct Learning {
    patience: Patience,
    groups: Vec<Group>,
    held: VecDeque<Held>,
    held_entries: usize,
    held_bytes: usize,
    since: Option<u64>,
    now: u64,
    /// Whether it has waited as long as it may: nothing waits any more, but what comes is learned from.
    gave_up: bool,
    told: Option<u64>,
    /// The layout of the latest line that has one.
    current: Option<(Arc<Layout>, How)>,
    columns: Columns,
    news: Vec<(Arc<Layout>, How)>,
    advice: Vec<String>,
}

/// What is done with an entry.
enum Fate {
    Read(Arc<Layout>, How),
    Reject(Reason, String),
    Wait,
}

/// Lines of another kind than the known ones before they are thought to be more than broken lines.
const STRANGERS_MAX: u32 = 8;
/// Groups of one stream: lines of so many different numbers of columns are looked at.
const GROUPS_MAX: usize = 8;
/// One line in so many is looked at closely where the layout is known.
const LOOK_EVERY: usize = 128;
const HOUR_MS: u64 = 3_600_000;

// === impl Learning ===

impl Learning {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            groups: Vec::new(),
            held: VecDeque::new(),
            held_entries: 0,
            held_bytes: 0,
            since: None,
            now: 0,
            gave_up: false,
            told: None,
            current: None,
            columns: Columns::default(),
            news: Vec::new(),
            advice: Vec::new(),
        }
    }

    /// Layouts that came into use since this was last asked.
    pub(super) fn take_news(&mut self) -> Vec<(Arc<Layout>, How)> {
        std::mem::take(&mut self.news)
    }

    /// What is to be told since this was last asked.
    pub(super) fn take_advice(&mut self) -> Vec<String> {
        std::mem::take(&mut self.advice)
    }

    /// Layouts that it has learned for good, for other streams of the source.
    pub(super) fn learned(&self) -> impl Iterator<Item = &Arc<Layout>> {
        let known = self.groups.iter().flat_map(Group::known).filter(|known| known.reading.is_none());
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
        if self.held.is_empty() {
            match self.whole(&held) {
                Some(known) => {
                    let end = held.chunk.entries.len() as u32;
                    self.use_layout(&known.layout, known.how);
                    held.chunk.runs.push(Run { end, layout: known.layout, named: false, log_group: None });
                    out.push(held.chunk);
                    return;
                }
                None => self.look(&held),
            }
        } else {
            self.look(&held);
        }
        let candidates = candidates();
        self.decide(&candidates, false);
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
        self.decide(candidates, true);
        self.release(out);
        if !self.held.is_empty() {
            self.gave_up = true;
            self.release(out);
        }
        for group in &mut self.groups {
            group.forget_failures();
        }
    }

    /// The layout of all entries, where it is known and seems to hold on: the number of gaps is right for so many entries,
    /// some of them look as they should, and where there are doubts, they make no difference to any.
    fn whole(&mut self, held: &Held) -> Option<Known> {
        let [Segment { named: None, log_group: None, .. }] = &*held.segments else { return None };
        let (columns, known) = self.only_known()?;
        let Chunk { bytes, entries, .. } = &held.chunk;
        let (first, last) = (entries.first()?, entries.last()?);
        let gaps = memchr::memchr_iter(b' ', bytes.get(first.span.start as usize..last.span.end() as usize)?)
            .count();
        if gaps != entries.len() * (columns - 1) {
            return None;
        }
        let sampled = entries.iter().rev().step_by(LOOK_EVERY);
        for entry in sampled {
            let line = self.columns.cut(entry.span.of(bytes));
            if line.len() != columns || oddities(&known.layout, line) > 0 {
                return None;
            }
        }
        if known.reading.is_some() {
            for entry in entries {
                let line = self.columns.cut(entry.span.of(bytes));
                if line.len() != columns || !known.is_clear(line) {
                    return None;
                }
            }
        }
        let lines = entries.len() as u32;
        self.groups.iter_mut().for_each(|group| group.count(true, lines));
        Some(known)
    }

    /// The only layout that is known, and the number of its columns.
    fn only_known(&self) -> Option<(usize, Known)> {
        let mut all = self.groups.iter().flat_map(|group| group.known().map(|known| (group.columns, known)));
        let (columns, known) = all.next().filter(|_| all.next().is_none())?;
        Some((columns, known.clone()))
    }

    /// Looks at every entry that has no named layout, and learns from those that are not wholly understood.
    fn look(&mut self, held: &Held) {
        self.take_defaults(held);
        for entry in held.unnamed() {
            let line = self.columns.cut(entry.span.of(&held.chunk.bytes));
            let columns = line.len();
            let Some(index) = place_of(&mut self.groups, columns) else { continue };
            let group = &mut self.groups[index];
            match group.answer(line) {
                Answer::Kind(_) => group.count(true, 1),
                Answer::Ambiguous => group.observe(line),
                Answer::Stranger => {
                    group.count(false, 1);
                    group.observe(line);
                }
            }
        }
    }

    /// Takes AWS's default format for granted where the lines of a group that is new have it.
    fn take_defaults(&mut self, held: &Held) {
        let mut looked = Vec::new();
        for entry in held.unnamed() {
            let columns = self.columns.cut(entry.span.of(&held.chunk.bytes)).len();
            if looked.contains(&columns) {
                continue;
            }
            looked.push(columns);
            if looked.len() > GROUPS_MAX || self.groups.iter().any(|group| group.columns == columns) {
                continue;
            }
            let mut ballot = defaults::Ballot::default();
            for entry in held.unnamed() {
                let line = self.columns.cut(entry.span.of(&held.chunk.bytes));
                if line.len() == columns && !ballot.count(line) {
                    break;
                }
            }
            let Some(layout) = ballot.winner() else { continue };
            if let Some(index) = place_of(&mut self.groups, columns) {
                let known = Known { layout, how: How::Default, reading: None };
                self.groups[index].kinds.push(Kind { learner: None, known: Some(known) });
            }
        }
    }

    fn decide(&mut self, candidates: &[Arc<Layout>], last_call: bool) {
        for group in &mut self.groups {
            let same: Vec<_> =
                candidates.iter().filter(|layout| layout.columns().len() == group.columns).cloned().collect();
            group.decide(&same, last_call);
        }
    }

    /// Lets go of the chunks at the front of which everything is known.
    fn release(&mut self, out: &mut Vec<Chunk>) {
        while let Some(held) = self.held.pop_front() {
            match self.settle(held) {
                Ok(chunk) => {
                    self.held_entries -= chunk.0;
                    self.held_bytes -= chunk.1.bytes.len();
                    out.push(chunk.1);
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
    fn settle(&mut self, mut held: Held) -> Result<(usize, Chunk), Held> {
        let mut fates = Vec::with_capacity(held.chunk.entries.len());
        let mut segments = held.segments.iter();
        let mut segment = segments.next();
        for (number, entry) in held.chunk.entries.iter().enumerate() {
            while segment.is_some_and(|segment| segment.end as usize <= number) {
                segment = segments.next();
            }
            let fate = match segment.and_then(|segment| segment.named.clone()) {
                Some((layout, how)) => Fate::Read(layout, how),
                None => self.fate(entry.span.of(&held.chunk.bytes)),
            };
            if matches!(fate, Fate::Wait) {
                return Err(held);
            }
            fates.push((fate, segment.and_then(|segment| segment.log_group.clone())));
        }
        let entries = std::mem::take(&mut held.chunk.entries);
        let count = entries.len();
        for (entry, (fate, log_group)) in entries.into_iter().zip(fates) {
            self.dispose(&mut held.chunk, entry, fate, log_group);
        }
        Ok((count, held.chunk))
    }

    /// The layout that a line is read with which is too odd for any: the latest, or the first that is known.
    fn stand_in(&self) -> Option<(Arc<Layout>, How)> {
        let first = || self.groups.iter().flat_map(Group::known).next();
        self.current.clone().or_else(|| first().map(|known| (known.layout.clone(), known.how)))
    }

    fn fate(&mut self, line: &[u8]) -> Fate {
        let stand_in = self.stand_in();
        let line = self.columns.cut(line);
        let Some(group) = self.groups.iter_mut().find(|group| group.columns == line.len()) else {
            return match stand_in {
                Some((layout, how)) => Fate::Read(layout, how),
                None => Fate::Reject(Reason::LayoutUnknown, format!("no layout has {} columns", line.len())),
            };
        };
        let answer = group.answer(line);
        if let Answer::Kind(kind) = answer {
            let known = group.kinds[kind].known.as_ref();
            return known.map_or(Fate::Wait, |known| Fate::Read(known.layout.clone(), known.how));
        }
        // A few lines that are not like the others are broken ones: what is wrong with them is for parsing to say, unless
        // it would not see it.
        if let (Answer::Stranger, Some((layout, how))) = (answer, stand_in)
            && group.strangers < STRANGERS_MAX
        {
            return if is_readable(&layout, line) {
                Fate::Reject(
                    Reason::LayoutUnknown,
                    "the line does not look like its stream's others".to_owned(),
                )
            } else {
                Fate::Read(layout, how)
            };
        }
        if !self.gave_up {
            return Fate::Wait;
        }
        let explanation = group.explanation();
        let reason = if explanation.none_fits { Reason::LayoutUnknown } else { Reason::LayoutAmbiguous };
        if self.told.is_none_or(|told| self.now.saturating_sub(told) >= HOUR_MS) {
            self.told = Some(self.now);
            self.advice.push(explanation.advice(group.columns));
        }
        Fate::Reject(reason, explanation.text)
    }

    fn dispose(&mut self, chunk: &mut Chunk, entry: Entry, fate: Fate, log_group: Option<Origin>) {
        match fate {
            Fate::Read(layout, how) => {
                chunk.entries.push(entry);
                let end = chunk.entries.len() as u32;
                self.use_layout(&layout, how);
                let run = Run { end, layout, named: how.is_named(), log_group };
                match chunk.runs.last_mut().filter(|last| last.is_same(&run)) {
                    Some(last) => last.end = end,
                    None => chunk.runs.push(run),
                }
            }
            Fate::Reject(reason, detail) => {
                chunk.rejects.push(chunk.rejected_of(log_group.as_ref(), entry, reason, detail));
            }
            Fate::Wait => {}
        }
    }

    fn use_layout(&mut self, layout: &Arc<Layout>, how: How) {
        if !self.current.as_ref().is_some_and(|(current, _)| Arc::ptr_eq(current, layout)) {
            self.current = Some((layout.clone(), how));
            self.news.push((layout.clone(), how));
        }
    }
}

/// The group of lines with so many columns, which is made where there is room for it.
fn place_of(groups: &mut Vec<Group>, columns: usize) -> Option<usize> {
    let found = groups.iter().position(|group| group.columns == columns);
    if found.is_none() && groups.len() < GROUPS_MAX && (1..=Layout::COLUMNS_MAX).contains(&columns) {
        groups.push(Group::new(columns));
        return Some(groups.len() - 1);
    }
    found
}

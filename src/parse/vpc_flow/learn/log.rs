//! The lines of one log in a stream that nobody named the columns of: the stream's own, or those of one log group.

use std::sync::Arc;

use super::{
    columns::{Columns, Cut},
    defaults,
    group::{Answer, Group, Kind, Known, is_readable, oddities},
    sample::Room,
};
use crate::{
    event::{Entry, Layout, Origin, Reason, Run, Span},
    parse::{How, Named},
};

/// What is known of one log, by the number of its lines' columns.
#[derive(Debug)]
pub(super) struct Log {
    room: Room,
    groups: Vec<Group>,
    /// Whether it has waited as long as it may: nothing of it waits any more, but what comes is learned from.
    pub gave_up: bool,
    /// When somebody was last told what is in doubt.
    advised: Option<u64>,
    /// The layout of the latest line that has one.
    current: Option<Named>,
}

/// What is to be told of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Layouts that came into use.
    pub news: Vec<Named>,
    /// What a person should know.
    pub advice: Vec<String>,
}

/// What is done with an entry.
pub(super) enum Fate {
    Read(Named),
    Reject(Reason, String),
    Wait,
}

/// Lines of another kind than the known ones before they are thought to be more than broken lines.
const STRANGERS_MAX: u32 = 8;
/// Lines of so many different numbers of columns are looked at.
const GROUPS_MAX: usize = 8;
/// One line in so many is looked at closely where the layout is known.
const LOOK_EVERY: usize = 1024;
const HOUR_MS: u64 = 3_600_000;

// === impl Log ===

impl Log {
    /// Knows nothing yet; what it keeps takes its place in `room`.
    pub(super) fn new(room: Room, gave_up: bool) -> Self {
        Self { room, groups: Vec::new(), gave_up, advised: None, current: None }
    }

    /// The layouts that are known for good.
    pub(super) fn certain(&self) -> impl Iterator<Item = &Known> {
        self.groups.iter().flat_map(Group::known).filter(|known| known.reading.is_none())
    }

    /// Adds the runs of `entries`, the first of which is number `first`, where all of them have one of the layouts that are
    /// known: by the number of their columns, as far as nothing else has to tell them apart. Every 1024th line of a run and
    /// the last have to look as they should; where there are doubts, they make no difference to any line.
    pub(super) fn runs(
        &mut self,
        cut: &mut Columns,
        bytes: &[u8],
        entries: &[Entry],
        (first, log_group): (usize, &Option<Origin>),
        (out, told): (&mut Vec<Run>, &mut Told),
    ) -> Option<()> {
        let mut latest = None;
        let mut rest = entries;
        while let Some(front) = rest.first() {
            let columns = gaps(bytes, front.span) + 1;
            let known = self.only_known(columns)?;
            let same = if rest.len() == entries.len() && are_all(bytes, rest, columns) {
                rest.len()
            } else {
                let other = rest.iter().position(|entry| gaps(bytes, entry.span) + 1 != columns);
                other.unwrap_or(rest.len())
            };
            looks_right(cut, bytes, &rest[..same], known)?;
            rest = &rest[same..];
            out.push(run(known, first + entries.len() - rest.len(), log_group));
            latest = Some((known.layout.clone(), known.how));
        }
        let (layout, how) = latest?;
        self.note(&layout, how, told);
        let lines = entries.len() as u32;
        self.groups.iter_mut().for_each(|group| group.count(true, lines));
        Some(())
    }

    /// The only layout of lines with so many columns.
    fn only_known(&self, columns: usize) -> Option<&Known> {
        let mut all = self.groups.iter().find(|group| group.columns == columns)?.known();
        all.next().filter(|_| all.next().is_none())
    }

    /// Looks at lines, and learns from those that are not wholly understood.
    pub(super) fn look(&mut self, cut: &mut Columns, bytes: &[u8], entries: &[Entry]) {
        for entry in entries {
            let line = cut.cut(entry.span.of(bytes));
            let Some(index) = self.place_of(line.len()) else { continue };
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

    /// Takes AWS's default format for granted where the lines of a group that is new have it; says whether any have.
    pub(super) fn take_defaults(&mut self, cut: &mut Columns, bytes: &[u8], entries: &[Entry]) -> bool {
        let mut taken = false;
        let mut looked = Vec::new();
        for entry in entries {
            let columns = cut.cut(entry.span.of(bytes)).len();
            if looked.contains(&columns) {
                continue;
            }
            looked.push(columns);
            if looked.len() > GROUPS_MAX || self.groups.iter().any(|group| group.columns == columns) {
                continue;
            }
            let mut ballot = defaults::Ballot::default();
            for entry in entries {
                let line = cut.cut(entry.span.of(bytes));
                if line.len() == columns && !ballot.count(line) {
                    break;
                }
            }
            let Some(layout) = ballot.winner() else { continue };
            if let Some(index) = self.place_of(columns) {
                let known = Known { layout, how: How::Default, reading: None };
                self.groups[index].kinds.push(Kind { learner: None, known: Some(known) });
                taken = true;
            }
        }
        taken
    }

    /// Decides what can be decided; `candidates` are layouts of other streams of the source.
    pub(super) fn decide(&mut self, candidates: &[Arc<Layout>], last_call: bool) {
        for group in &mut self.groups {
            let same: Vec<_> =
                candidates.iter().filter(|layout| layout.columns().len() == group.columns).cloned().collect();
            group.decide(&same, last_call);
        }
    }

    /// Begins anew with what no layout fits.
    pub(super) fn forget_failures(&mut self) {
        self.groups.iter_mut().for_each(Group::forget_failures);
    }

    /// What is to become of `line`; `now` is in milliseconds.
    pub(super) fn fate(&mut self, line: Cut<'_>, now: u64, told: &mut Told) -> Fate {
        let fate = self.judge(line, now, told);
        if let Fate::Read((layout, how)) = &fate {
            self.note(layout, *how, told);
        }
        fate
    }

    fn note(&mut self, layout: &Arc<Layout>, how: How, told: &mut Told) {
        if !self.current.as_ref().is_some_and(|(current, _)| Arc::ptr_eq(current, layout)) {
            self.current = Some((layout.clone(), how));
            told.news.push((layout.clone(), how));
        }
    }

    fn judge(&mut self, line: Cut<'_>, now: u64, told: &mut Told) -> Fate {
        let stand_in = self.stand_in();
        let Some(group) = self.groups.iter_mut().find(|group| group.columns == line.len()) else {
            return match stand_in {
                Some(named) => Fate::Read(named),
                None => Fate::Reject(Reason::LayoutUnknown, format!("no layout has {} columns", line.len())),
            };
        };
        let answer = group.answer(line);
        if let Answer::Kind(kind) = answer {
            let known = group.kinds[kind].known.as_ref();
            return known.map_or(Fate::Wait, |known| Fate::Read((known.layout.clone(), known.how)));
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
                Fate::Read((layout, how))
            };
        }
        if !self.gave_up {
            return Fate::Wait;
        }
        let explanation = group.explanation();
        let reason = if explanation.none_fits { Reason::LayoutUnknown } else { Reason::LayoutAmbiguous };
        if self.advised.is_none_or(|advised| now.saturating_sub(advised) >= HOUR_MS) {
            self.advised = Some(now);
            told.advice.push(explanation.advice(group.columns));
        }
        Fate::Reject(reason, explanation.text)
    }

    /// The layout that a line is read with which is too odd for any: the latest, or the first that is known.
    fn stand_in(&self) -> Option<Named> {
        let first = || self.groups.iter().flat_map(Group::known).next();
        self.current.clone().or_else(|| first().map(|known| (known.layout.clone(), known.how)))
    }

    /// The group of lines with so many columns, which is made where there is room for it.
    fn place_of(&mut self, columns: usize) -> Option<usize> {
        let found = self.groups.iter().position(|group| group.columns == columns);
        if found.is_none() && self.groups.len() < GROUPS_MAX && (1..=Layout::COLUMNS_MAX).contains(&columns) {
            self.groups.push(Group::new(columns, self.room.clone()));
            return Some(self.groups.len() - 1);
        }
        found
    }
}

/// How many blanks stand between the columns of a line; where they do not stand alone, it is looked at otherwise.
fn gaps(bytes: &[u8], line: Span) -> usize {
    memchr::memchr_iter(b' ', line.of(bytes)).count()
}

/// Whether lines that follow each other have so many columns, as far as the sum of their blanks tells, which is quicker: one
/// too many here and one too few there is for parsing to see.
fn are_all(bytes: &[u8], entries: &[Entry], columns: usize) -> bool {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return false };
    let (start, end) = (first.span.start as usize, last.span.end() as usize);
    start < end && gaps(bytes, Span::new(start, end)) == entries.len() * (columns - 1)
}

fn run(known: &Known, end: usize, log_group: &Option<Origin>) -> Run {
    let log_group = log_group.clone();
    Run { end: end as u32, layout: known.layout.clone(), named: known.how.is_named(), log_group }
}

/// Whether the lines of a run, which have as many columns, seem to be of `known`.
fn looks_right(cut: &mut Columns, bytes: &[u8], entries: &[Entry], known: &Known) -> Option<()> {
    let columns = known.layout.columns().len();
    for entry in entries.iter().rev().step_by(LOOK_EVERY) {
        let line = cut.cut(entry.span.of(bytes));
        if line.len() != columns || oddities(&known.layout, line) > 0 {
            return None;
        }
    }
    if known.reading.is_some() {
        for entry in entries {
            let line = cut.cut(entry.span.of(bytes));
            if line.len() != columns || !known.is_clear(line) {
                return None;
            }
        }
    }
    Some(())
}

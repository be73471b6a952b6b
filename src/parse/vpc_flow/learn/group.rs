//! The lines of one stream that have the same number of columns: the layouts known for them, and what is learned of others.

use std::sync::Arc;

use super::{
    columns::Cut,
    evidence::{self, fields_of},
    explain::{Explanation, explain},
    learner::{Learner, Reading, Verdict},
    sample::Room,
};
use crate::{
    event::{Column, Kind as FieldKind, Layout},
    parse::How,
};

/// All that is known of lines with one number of columns.
#[derive(Debug)]
pub(super) struct Group {
    room: Room,
    pub columns: usize,
    pub kinds: Vec<Kind>,
    /// Lines that no known layout fits, since the last thousand that one does.
    pub strangers: u32,
    fitting: u32,
    explanation: Option<Explanation>,
}

/// Lines of one layout, as far as that is known.
#[derive(Debug)]
pub(super) struct Kind {
    /// What has been seen, while there is something to learn.
    pub learner: Option<Learner>,
    pub known: Option<Known>,
}

/// A layout that is known, and how far.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub layout: Arc<Layout>,
    pub how: How,
    /// Where other layouts would still do; `None` where there is none.
    pub reading: Option<Reading>,
}

/// What is to become of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is of this kind.
    Kind(usize),
    /// Several known layouts fit it, or all that is known of its layout does not tell what it says.
    Ambiguous,
    /// No known layout fits it.
    Stranger,
}

/// The most layouts of lines with one number of columns; what fits none of them is not learned.
const KINDS_MAX: usize = 4;
/// So many columns may be odd before a line is another layout's: the parser says what is wrong with one.
const ODD_MAX: usize = 1;
/// Lines before a layout is known with doubts.
const DOUBTED_MIN: u64 = 8;
/// Fitting lines after which strangers are forgotten.
const FORGOTTEN_AFTER: u32 = 1_000;

// === impl Group ===

impl Group {
    pub(super) fn new(columns: usize, room: Room) -> Self {
        Self { room, columns, kinds: Vec::new(), strangers: 0, fitting: 0, explanation: None }
    }

    /// The layouts that are known.
    pub(super) fn known(&self) -> impl Iterator<Item = &Known> {
        self.kinds.iter().filter_map(|kind| kind.known.as_ref())
    }

    /// What is known of `line`.
    pub(super) fn answer(&self, line: Cut<'_>) -> Answer {
        let mut found = None;
        let (mut least, mut times) = (ODD_MAX, 0);
        for (index, kind) in self.kinds.iter().enumerate() {
            let Some(known) = &kind.known else { continue };
            let odd = oddities(&known.layout, line);
            if odd < least || odd == least && times == 0 {
                (found, least, times) = (Some((index, known)), odd, 1);
            } else if odd == least {
                times += 1;
            }
        }
        match found {
            Some((index, known)) if times == 1 && known.is_clear(line) => Answer::Kind(index),
            Some(_) => Answer::Ambiguous,
            None => Answer::Stranger,
        }
    }

    /// Learns from a line that is not wholly understood.
    pub(super) fn observe(&mut self, line: Cut<'_>) {
        let admits = |kind: &Kind| kind.learner.as_ref().is_some_and(|learner| learner.admits(line));
        let place = self.kinds.iter().position(admits);
        if place.is_none() && self.kinds.len() < KINDS_MAX {
            self.kinds
                .push(Kind { learner: Some(Learner::new(self.columns, self.room.clone())), known: None });
        }
        let place = place.or_else(|| self.kinds.last().is_some_and(admits).then(|| self.kinds.len() - 1));
        if let Some(learner) = place.and_then(|place| self.kinds[place].learner.as_mut()) {
            learner.observe(line);
        }
    }

    /// Counts a line that a known layout fits, or that none does.
    pub(super) fn count(&mut self, fits: bool, lines: u32) {
        if !fits {
            self.fitting = 0;
            self.strangers += lines;
        } else if self.strangers > 0 {
            self.fitting = self.fitting.saturating_add(lines);
            if self.fitting >= FORGOTTEN_AFTER {
                self.strangers = 0;
            }
        }
    }

    /// Adds the layouts that what was seen leaves no choice about: one of `candidates`, if it is the only one that can be,
    /// else what is learned.
    pub(super) fn decide(&mut self, candidates: &[Arc<Layout>], last_call: bool) {
        self.explanation = None;
        for kind in &mut self.kinds {
            let Some(learner) = &mut kind.learner else { continue };
            if last_call {
                learner.judge_anew();
            }
            let known = seen_before(learner, candidates, last_call).or_else(|| learned(learner));
            let Some(known) = known else { continue };
            let same =
                |old: &Known| old.layout.format() == known.layout.format() && old.reading == known.reading;
            if kind.known.as_ref().is_some_and(same) {
                continue;
            }
            if known.reading.is_none() {
                kind.learner = None;
            }
            kind.known = Some(known);
        }
    }

    /// Why its lines are not understood.
    pub(super) fn explanation(&mut self) -> Explanation {
        if let Some(explanation) = &self.explanation {
            return explanation.clone();
        }
        let known = self.known().count();
        // Of several kinds of lines, the one that most lines are of.
        let unsettled = self.kinds.iter_mut().filter_map(|kind| kind.learner.as_mut());
        let explanation = explain(self.columns, known, unsettled.max_by_key(|learner| learner.lines()));
        self.explanation.insert(explanation).clone()
    }

    /// Begins anew with what no layout fits.
    pub(super) fn forget_failures(&mut self) {
        for learner in self.kinds.iter_mut().filter_map(|kind| kind.learner.as_mut()) {
            if *learner.verdict() == Verdict::Nothing {
                *learner = Learner::new(self.columns, self.room.clone());
            }
        }
    }
}

/// The only one of `candidates` that nothing speaks against, once enough has been seen.
fn seen_before(learner: &Learner, candidates: &[Arc<Layout>], last_call: bool) -> Option<Known> {
    const ENOUGH: u64 = 16;
    if learner.sighted() < if last_call { 1 } else { ENOUGH } {
        return None;
    }
    let mut allowed = candidates.iter().filter(|layout| learner.allows(layout));
    let only = allowed.next().filter(|_| allowed.next().is_none())?;
    Some(Known { layout: only.clone(), how: How::SeenBefore, reading: None })
}

fn learned(learner: &mut Learner) -> Option<Known> {
    let records = learner.lines();
    let Verdict::Some(reading) = learner.verdict() else { return None };
    // A few lines, broken ones as may be, have layouts too, and all of them in doubt.
    if !reading.doubts.is_empty() && records < DOUBTED_MIN {
        return None;
    }
    let layout = Arc::new(reading.layout()?);
    let reading = (!reading.doubts.is_empty()).then(|| reading.clone());
    Some(Known { layout, how: How::Learned { records }, reading })
}

// === impl Known ===

impl Known {
    /// Whether every layout that could still be the line's reads it the same.
    pub(super) fn is_clear(&self, line: Cut<'_>) -> bool {
        self.reading.as_ref().is_none_or(|reading| reading.is_clear(line))
    }
}

/// How many columns of `line`, which has as many as `layout`, do not look like their field.
pub(super) fn oddities(layout: &Layout, line: Cut<'_>) -> usize {
    let odd = |(column, text): &(&Column, &[u8])| match column {
        Column::Known { field, .. } => *text != b"-" && !fields_of(text).contains(*field),
        Column::Extra(_) => false,
    };
    layout.columns().iter().zip(line.texts()).filter(odd).count()
}

/// Whether parsing would take `line` for one of `layout`.
pub(super) fn is_readable(layout: &Layout, line: Cut<'_>) -> bool {
    let reads = |(column, text): (&Column, &[u8])| match column {
        Column::Known { field, .. } if text != b"-" => match field.info().kind {
            FieldKind::Uint(max) => evidence::number(text).is_some_and(|number| number <= max),
            FieldKind::Text => true,
            FieldKind::Address | FieldKind::Action | FieldKind::LogStatus => fields_of(text).contains(*field),
        },
        _ => true,
    };
    layout.columns().len() == line.len() && layout.columns().iter().zip(line.texts()).all(reads)
}

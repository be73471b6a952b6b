//! What is known of a layout and what is not, in words for who has to write the format string.

use std::fmt::Write;

use super::learner::{Doubt, Learner, Verdict};
use crate::event::FieldSet;

/// Why lines cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Explanation {
    /// Whether no layout fits; else several do.
    pub none_fits: bool,
    /// What is known and what is not.
    pub text: String,
    /// The format string that fits best, with what is doubtful in it; absent where none fits.
    pub guess: Option<String>,
}

// === impl Explanation ===

impl Explanation {
    /// What a person should know of lines that cannot be read: what is known, what is not, and what to do.
    pub(super) fn advice(&self, columns: usize) -> String {
        let mut text = format!("the layout of lines with {columns} columns is not known: {}", self.text);
        match &self.guess {
            Some(guess) => {
                text.push_str(
                    "; set the source's format, for instance to the first that fits: { vpc_flow: { fields: \"",
                );
                text.push_str(guess);
                text.push_str("\" } }");
            }
            None => text.push_str(
                "; set the source's format to the flow log's: { vpc_flow: { fields: \"${version} …\" } }",
            ),
        }
        text
    }
}

/// Columns that are named one by one.
const NAMED_MAX: usize = 12;

/// Why lines of so many columns are not understood, of which so many layouts are `known`; `learner` has seen most of them,
/// if any has.
pub(super) fn explain(columns: usize, known: usize, learner: Option<&mut Learner>) -> Explanation {
    let Some(learner) = learner else {
        let text = match known {
            0 => format!("no layout is known for lines of {columns} columns"),
            1 => "the line does not look like its stream's others".to_owned(),
            _ => format!("{known} layouts of this stream fit the line"),
        };
        return Explanation { none_fits: known < 2, text, guess: None };
    };
    match learner.verdict().clone() {
        Verdict::Some(reading) => {
            let guess = reading.layout().map(|layout| layout.format().to_string());
            let doubts: Vec<Doubt> =
                reading.doubts.into_iter().filter(|doubt| is_valued(learner, doubt)).collect();
            Explanation { none_fits: false, text: doubtful(&doubts, learner.lines()), guess }
        }
        Verdict::Open => {
            let text =
                format!("{} records are too few to tell their {columns} columns apart", learner.lines());
            Explanation { none_fits: false, text, guess: None }
        }
        Verdict::Nothing => Explanation { none_fits: true, text: misfit(learner), guess: None },
    }
}

fn is_valued(learner: &Learner, doubt: &Doubt) -> bool {
    learner.seen()[doubt.column].valued
}

/// The columns that can be several fields; those that can be the same ones together.
fn doubtful(doubts: &[Doubt], records: u64) -> String {
    let mut text = String::new();
    let mut told = FieldSet::default();
    let mut named = 0;
    for doubt in doubts {
        let alike: Vec<String> = doubts
            .iter()
            .filter(|other| other.fields == doubt.fields)
            .map(|other| (other.column + 1).to_string())
            .collect();
        let first = doubts.iter().find(|other| other.fields == doubt.fields);
        if first.is_some_and(|first| first.column != doubt.column) {
            continue;
        }
        named += alike.len();
        if named > NAMED_MAX {
            text.push_str("; and more");
            break;
        }
        let plural = if alike.len() > 1 { "columns" } else { "column" };
        let separator = if text.is_empty() { "" } else { "; " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{plural} {} can be {}", listed(&alike, "and"), names(doubt.fields));
        told = told.or(doubt.fields);
    }
    let _ = write!(text, ", which cannot be told from {records} records");
    let packet = super::evidence::named(&["pkt-srcaddr", "pkt-dstaddr"]);
    if !told.and(packet).is_empty() {
        text.push_str(": only traffic through NAT shows which addresses are the packets' own (pkt-srcaddr, pkt-dstaddr)");
    }
    text
}

fn names(fields: FieldSet) -> String {
    let names: Vec<String> = fields.iter().map(|field| field.info().name.to_owned()).collect();
    if names.len() > 8 {
        return format!("{} fields, among them {}", names.len(), listed(&names[..4], "and"));
    }
    listed(&names, "or")
}

fn listed(words: &[String], and: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} {and} {last}", front.join(", ")),
    }
}

/// Why no layout fits: a column that is nothing known, if there is one.
fn misfit(learner: &Learner) -> String {
    match learner.seen().iter().position(|seen| seen.may.is_empty()) {
        Some(column) => format!("column {} looks like no field that is known", column + 1),
        None => format!(
            "no choice of known fields fits the {} columns of {} records",
            learner.seen().len(),
            learner.lines()
        ),
    }
}

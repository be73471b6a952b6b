//! The `where` language: which events are meant, said over the field vocabulary, parsed once and asked of each event.
//!
//! A [`Filter`] is read from text with the place of every error, written back as text, and asked of a batch's events and
//! findings without allocating. Sinks use it to choose what leaves.

mod error;
mod expression;
mod fact;
mod glob;
mod parser;
mod subject;
#[cfg(test)]
mod tests;
mod token;
mod value;

use std::{fmt, str::FromStr};

use crate::event::{Batch, Event, Finding, Verdict};

pub use error::{FilterError, FilterFault};
pub use subject::names;

use self::{
    expression::Expression,
    fact::{OfEvent, OfFinding},
};

/// A condition on the fields of events.
///
/// A comparison with a field that an event does not have is false, and `not` of it true. Of a finding, such a comparison
/// is neither: a finding passes unless the filter is false whatever the fields are that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Expression);

// === impl Filter ===

impl Filter {
    /// Whether it is true of `event`, of which scoring says `verdict`.
    #[must_use]
    pub fn passes(&self, batch: &Batch, event: &Event, verdict: Option<&Verdict>) -> bool {
        self.0.weigh(&OfEvent { batch, event, verdict }) == Some(true)
    }

    /// Whether it is not false of `finding`.
    #[must_use]
    pub fn passes_finding(&self, finding: &Finding) -> bool {
        self.0.weigh(&OfFinding(finding)) != Some(false)
    }

    /// Whether it is true of `finding`: what the finding does not say is no reason.
    #[must_use]
    pub fn is_true_of(&self, finding: &Finding) -> bool {
        self.0.weigh(&OfFinding(finding)) == Some(true)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    /// Reads a condition such as `destination.port in {22, 3389} and not source.ip in 10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        parser::parse(text).map(Self)
    }
}

impl fmt::Display for Filter {
    /// Writes it so that it is read again as the same; fields by the path that ECS gives them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

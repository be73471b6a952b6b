//! Suppressions: findings that nobody is to look at for a time, each with who says so and why. They stand in a file of their own,
//! which is read again when it changes, so that who answers alerts does not restart what raises them.
//!
//! ```yaml
//! suppressions:
//!   - where: rule.id = "scan.vertical" and source.ip in 10.0.9.0/28
//!     owner: jane@example.com
//!     reason: the scanner of the vulnerability team
//!     ticket: SEC-1234
//!     until: 2027-03-31
//! ```
//!
//! One matches a finding of which its `where` is true; what a finding does not say is not true of it. Instead of `where` there may be
//! the `id` of a finding or an incident. It ends at the first second of the day `until`, in UTC, of the findings' own
//! time. Findings of a canary are never suppressed.

use std::sync::Arc;

use crate::{
    event::{Finding, Suppression},
    filter::Filter,
};

/// What stands in a file of suppressions, in its order.
#[derive(Debug, Clone, Default)]
pub struct Suppressions(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    what: What,
    /// First second that it holds no more, since 1970.
    until: u64,
    suppression: Arc<Suppression>,
}

/// What is suppressed.
#[derive(Debug, Clone)]
enum What {
    /// A finding or an incident.
    Id(String),
    Where(Filter),
}

/// A suppression as it is written.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressionEntry {
    /// The id of a finding or of an incident; in place of `where`.
    id: Option<String>,
    /// What is true of the findings, in the language of the sinks' `where`.
    r#where: Option<String>,
    /// Who answers for it.
    owner: String,
    /// Why.
    reason: String,
    /// Where that was agreed on.
    ticket: Option<String>,
    /// The first day on which it holds no more, in UTC: `2027-03-31`.
    until: String,
}

/// Why a suppression cannot be used; entries count from 1.
#[derive(Debug, thiserror::Error)]
pub enum SuppressionsError {
    /// Nobody has taken responsibility, or nobody says why.
    #[error("entry {0} has no {1}: say who answers for it, and why")]
    Empty(usize, &'static str),
    /// It does not end.
    #[error("entry {0}: until is no day such as 2027-03-31: {1}")]
    Until(usize, jiff::Error),
    /// It says nothing of what is suppressed, or two things.
    #[error("entry {0} must have either `where` or `id`, the id of a finding or of an incident")]
    What(usize),
    /// A condition is none.
    #[error("entry {0}: `where` is no condition: {1}")]
    Where(usize, crate::filter::FilterError),
}

// === impl Suppressions ===

impl Suppressions {
    /// What `entries` say.
    ///
    /// # Errors
    ///
    /// When one cannot be used.
    pub fn new(entries: Vec<SuppressionEntry>) -> Result<Self, SuppressionsError> {
        let entries = entries.into_iter().enumerate();
        entries.map(|(nth, written)| written.entry(nth + 1)).collect::<Result<_, _>>().map(Self)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The first that matches `finding` and holds at its time.
    pub(super) fn of(&self, finding: &Finding) -> Option<Arc<Suppression>> {
        let holds = |entry: &&Entry| finding.at < entry.until && entry.what.is(finding);
        self.0.iter().find(holds).map(|entry| Arc::clone(&entry.suppression))
    }
}

// === impl What ===

impl What {
    fn is(&self, finding: &Finding) -> bool {
        match self {
            Self::Id(id) => [finding.id, finding.incident].iter().any(|known| known.text() == id.as_bytes()),
            Self::Where(filter) => filter.is_true_of(finding),
        }
    }
}

// === impl SuppressionEntry ===

impl SuppressionEntry {
    fn entry(self, nth: usize) -> Result<Entry, SuppressionsError> {
        for (name, text) in [("owner", &self.owner), ("reason", &self.reason)] {
            if text.trim().is_empty() {
                return Err(SuppressionsError::Empty(nth, name));
            }
        }
        let what = match (self.id, self.r#where) {
            (Some(id), None) => What::Id(id),
            (None, Some(text)) => {
                What::Where(text.parse().map_err(|error| SuppressionsError::Where(nth, error))?)
            }
            _ => return Err(SuppressionsError::What(nth)),
        };
        let day: jiff::civil::Date =
            self.until.parse().map_err(|error| SuppressionsError::Until(nth, error))?;
        let until = day.to_zoned(jiff::tz::TimeZone::UTC).map_or(i64::MAX, |day| day.timestamp().as_second());
        let suppression = Suppression {
            owner: self.owner.into(),
            reason: self.reason.into(),
            ticket: self.ticket.map(Into::into),
        };
        Ok(Entry { what, until: u64::try_from(until).unwrap_or(0), suppression: Arc::new(suppression) })
    }
}

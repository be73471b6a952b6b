//! Suppressions: findings that nobody is to look at for a time, each with who says so and why. They stand in a file of their own,
//! which is read again when it changes, so that who answers alerts does not restart what raises them.
//!
//! ```yaml
//! - where: rule.id = "scan.vertical" and source.ip in 10.0.9.0/28
//!   owner: jane@example.com
//!   reason: the scanner of the vulnerability team
//!   ticket: SEC-1234
//!   until: 2027-03-31
//! ```
//!
//! One matches a finding of which its `where` is true; what a finding does not say is not true of it. Instead of `where` there may be
//! the `id` of a finding or an incident. It ends at the first second of the day `until`, in UTC, of the findings' own
//! time. Findings of a canary are never suppressed.

use std::{path::Path, sync::Arc};

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

/// An entry as it is written.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<String>,
    r#where: Option<String>,
    owner: String,
    reason: String,
    ticket: Option<String>,
    until: jiff::civil::Date,
}

/// Why a file of suppressions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuppressionsError {
    /// It cannot be read.
    #[error("could not read it: {0}")]
    Read(#[from] std::io::Error),
    /// It is larger than any such file.
    #[error("it has {0} bytes, the most are {BYTES_MAX}")]
    TooLarge(u64),
    /// It is no list of suppressions.
    #[error(
        "{0}; it must be a list, each with where or id, owner, reason and until (a day such as 2027-03-31), and maybe ticket"
    )]
    Yaml(#[from] Box<serde_saphyr::Error>),
    /// Nobody has taken responsibility, or nobody says why.
    #[error("entry {0} has no {1}: say who answers for it, and why")]
    Empty(usize, &'static str),
    /// It says nothing of what is suppressed, or two things.
    #[error("entry {0} must have either `where` or `id`, the id of a finding or of an incident")]
    What(usize),
    /// A condition is none.
    #[error("entry {0}: `where` is no condition: {1}")]
    Where(usize, crate::filter::FilterError),
}

/// A suppression has some hundred bytes.
const BYTES_MAX: u64 = 16 << 20;

// === impl Suppressions ===

impl Suppressions {
    /// What the file at `path` says.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or an entry cannot be used.
    pub fn read(path: &Path) -> Result<Self, SuppressionsError> {
        let bytes = std::fs::metadata(path)?.len();
        if bytes > BYTES_MAX {
            return Err(SuppressionsError::TooLarge(bytes));
        }
        Self::parse(&std::fs::read_to_string(path)?)
    }

    pub(super) fn parse(text: &str) -> Result<Self, SuppressionsError> {
        let written: Option<Vec<Written>> = serde_saphyr::from_str(text).map_err(Box::new)?;
        let entries = written.unwrap_or_default().into_iter().enumerate();
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

// === impl Written ===

impl Written {
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
        let until =
            self.until.to_zoned(jiff::tz::TimeZone::UTC).map_or(i64::MAX, |day| day.timestamp().as_second());
        let suppression = Suppression {
            owner: self.owner.into(),
            reason: self.reason.into(),
            ticket: self.ticket.map(Into::into),
        };
        Ok(Entry { what, until: u64::try_from(until).unwrap_or(0), suppression: Arc::new(suppression) })
    }
}

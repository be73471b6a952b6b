//! What a sink is to receive, and the namespace of its data streams.

use std::borrow::Cow;

use super::Sampling;
use crate::{
    event::{Batch, Event, Finding, Verdict},
    filter::Filter,
};

/// Which documents a sink receives.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// Events and findings.
    #[default]
    All,
    /// Findings only.
    Findings,
    /// Events that score at least this many points, and all findings. From 0 to 100; 0 selects every event that has a
    /// score, and an event without one is never selected.
    Score(#[schemars(range(max = 100))] u8),
}

/// Which documents leave by a sink.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// What kinds of documents.
    pub select: Select,
    /// The condition that an event must meet, and a finding not contradict.
    pub filter: Option<Filter>,
    /// How much of what scored low.
    pub sample: Option<Sampling>,
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// It leaves, and stands for so many.
    Leaves { rate: u32 },
    /// `select` or `where` leaves it out.
    Filtered,
    /// `sample` leaves it out.
    Sampled,
}

/// The namespace of the data streams: the last part of `logs-floodmark.flow-<namespace>`. At most 100 bytes, in lower
/// case, without blanks and without any of `-\/*?"<>|,#:`. Default: `default`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(String);

/// Why a text is no namespace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "could not use {0:?} as a namespace: it must have 1 to 100 bytes, in lower case, without blanks and without any of {FORBIDDEN}"
)]
pub struct NamespaceError(String);

/// What Elasticsearch refuses in a part of a data stream's name.
const FORBIDDEN: &str = r#"-\/*?"<>|,#:"#;

// === impl Selection ===

impl Selection {
    /// Whether there is any event that may leave.
    pub(super) fn has_events(&self) -> bool {
        self.select != Select::Findings
    }

    /// What becomes of `event`, of which scoring says `verdict`.
    #[inline]
    pub(super) fn choose(&self, batch: &Batch, event: &Event, verdict: Option<&Verdict>) -> Choice {
        if !self.passes(batch, event, verdict) {
            return Choice::Filtered;
        }
        match self.sample.map_or(1, |sample| sample.rate(event.id, verdict)) {
            0 => Choice::Sampled,
            rate => Choice::Leaves { rate },
        }
    }

    #[inline]
    fn passes(&self, batch: &Batch, event: &Event, verdict: Option<&Verdict>) -> bool {
        let selected = match self.select {
            Select::All => true,
            Select::Findings => false,
            Select::Score(least) => {
                verdict.and_then(|verdict| verdict.score).is_some_and(|score| score.points >= least)
            }
        };
        selected && self.filter.as_ref().is_none_or(|filter| filter.passes(batch, event, verdict))
    }

    /// Whether `finding` leaves.
    pub(super) fn passes_finding(&self, finding: &Finding) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.passes_finding(finding))
    }
}

impl From<Select> for Selection {
    fn from(select: Select) -> Self {
        Self { select, ..Self::default() }
    }
}

// === impl Namespace ===

impl Namespace {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl TryFrom<String> for Namespace {
    type Error = NamespaceError;

    fn try_from(text: String) -> Result<Self, NamespaceError> {
        let bad = |c: char| {
            c.is_whitespace() || c.is_control() || FORBIDDEN.contains(c) || c.to_lowercase().ne([c])
        };
        if text.is_empty() || text.len() > 100 || text.contains(bad) {
            return Err(NamespaceError(text));
        }
        Ok(Self(text))
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.0
    }
}

impl schemars::JsonSchema for Namespace {
    fn schema_name() -> Cow<'static, str> {
        "Namespace".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r#"^[^-\\/*?"<>|,#:\sA-Z]{1,100}$"#,
            "description": "The namespace of the data streams: the last part of `logs-floodmark.flow-<namespace>`. \
                At most 100 bytes, in lower case, without blanks and without any of `-\\/*?\"<>|,#:`.",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_selected_is_written_as_one_word_or_as_a_score() {
        for (text, select) in [
            ("\"all\"", Select::All),
            ("\"findings\"", Select::Findings),
            ("{\"score\":70}", Select::Score(70)),
        ] {
            assert_eq!(serde_json::from_str::<Select>(text).unwrap(), select);
            assert_eq!(serde_json::to_string(&select).unwrap(), text);
        }
        assert!(serde_json::from_str::<Select>("\"sessions\"").is_err());
    }

    #[test]
    fn a_namespace_that_elasticsearch_would_refuse_is_refused() {
        for good in ["default", "prod_eu", "kunden.größe"] {
            assert_eq!(Namespace::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in ["", "a-b", "Prod", "a b", "a\"b", "a\u{0}b", &"x".repeat(101)] {
            assert!(Namespace::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}

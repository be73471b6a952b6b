//! What a sink is to receive.

use super::Sampling;
use crate::{
    event::{Batch, Event, Finding, Session, Verdict},
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
    /// Sessions and findings: one document for both ways of a connection and all its records, instead of one for each record.
    Sessions,
    /// Events, sessions and findings.
    EventsAndSessions,
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

// === impl Select ===

impl Select {
    /// Whether sessions leave.
    #[must_use]
    pub const fn has_sessions(self) -> bool {
        matches!(self, Self::Sessions | Self::EventsAndSessions)
    }
}

// === impl Selection ===

impl Selection {
    /// Whether there is any event that may leave.
    pub(super) fn has_events(&self) -> bool {
        !matches!(self.select, Select::Findings | Select::Sessions)
    }

    /// What becomes of `session`, which is `event` of a batch of sessions.
    pub(super) fn choose_session(&self, batch: &Batch, event: &Event, session: &Session) -> Choice {
        let passes = |filter: &Filter| filter.passes(batch, event, None);
        if !self.select.has_sessions() || !self.filter.as_ref().is_none_or(passes) {
            return Choice::Filtered;
        }
        // By the id of the session: its documents leave together.
        let rate = |sample: Sampling| sample.rate(session.id, session.points, session.raised);
        match self.sample.map_or(1, rate) {
            0 => Choice::Sampled,
            rate => Choice::Leaves { rate },
        }
    }

    /// What becomes of `event`, of which scoring says `verdict`.
    #[inline]
    pub(super) fn choose(&self, batch: &Batch, event: &Event, verdict: Option<&Verdict>) -> Choice {
        if !self.passes(batch, event, verdict) {
            return Choice::Filtered;
        }
        match self.sample.map_or(1, |sample| sample.rate_of(event.id, verdict)) {
            0 => Choice::Sampled,
            rate => Choice::Leaves { rate },
        }
    }

    #[inline]
    fn passes(&self, batch: &Batch, event: &Event, verdict: Option<&Verdict>) -> bool {
        let selected = match self.select {
            Select::All | Select::EventsAndSessions => true,
            Select::Findings | Select::Sessions => false,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_selected_is_written_as_one_word_or_as_a_score() {
        for (text, select) in [
            ("\"all\"", Select::All),
            ("\"findings\"", Select::Findings),
            ("\"sessions\"", Select::Sessions),
            ("\"events_and_sessions\"", Select::EventsAndSessions),
            ("{\"score\":70}", Select::Score(70)),
        ] {
            assert_eq!(serde_json::from_str::<Select>(text).unwrap(), select);
            assert_eq!(serde_json::to_string(&select).unwrap(), text);
        }
        assert!(serde_json::from_str::<Select>("\"events\"").is_err());
    }
}

//! What a sink is to receive.

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
}

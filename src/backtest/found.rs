//! Findings as a sink got them: what a backtest needs of their ECS documents.

use std::{collections::HashMap, io::BufRead};

use serde_json::Value;

/// A finding that is an alert, by its first document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Hash of the incident.
    pub incident: String,
    /// Which detector.
    pub detector: String,
    /// The most that any of its documents weighs, from 0 to 100.
    pub points: u8,
    /// What it says, for people.
    pub reason: String,
    /// Whom it is about: kind, name and scope.
    pub entity: [String; 3],
    /// The account of the entity.
    pub account: Option<String>,
    /// The VPC, interface and instance at the time.
    pub vpc: Option<String>,
    /// See [`Found::vpc`].
    pub interface: Option<String>,
    /// See [`Found::vpc`].
    pub instance: Option<String>,
    /// Every address that it names.
    pub addresses: Vec<String>,
    /// Its window: first second and the one after its last, since 1970.
    pub start: u64,
    /// See [`Found::start`].
    pub end: u64,
    /// Event time of what raised it, in seconds since 1970.
    pub at: u64,
}

/// Why findings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// The file cannot be read.
    #[error("could not read the findings: {0}")]
    Read(#[from] std::io::Error),
    /// A line is no document of a finding.
    #[error("could not read line {line} of the findings: {what}")]
    Line {
        /// Its number, from 1 on.
        line: usize,
        /// Why.
        what: String,
    },
}

// === impl Found ===

impl Found {
    /// The alerts in `input`, one document a line, in the order of their first documents; of those that follow the weight alone counts.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line is no document of a finding.
    pub fn alerts(input: impl BufRead) -> Result<Vec<Self>, FoundError> {
        let mut all: Vec<Self> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (nth, line) in input.lines().enumerate() {
            let wrong = |what: &str| FoundError::Line { line: nth + 1, what: what.to_owned() };
            let document: Value = serde_json::from_str(&line?).map_err(|error| wrong(&error.to_string()))?;
            let disposition = text(&document, &["floodmark", "finding", "disposition"]);
            if disposition.is_some_and(|disposition| disposition != "alert") {
                continue;
            }
            let id = text(&document, &["floodmark", "finding", "id"]).ok_or_else(|| wrong("it has no id"))?;
            let one = Self::of(&document).ok_or_else(|| wrong("it is no finding in ECS"))?;
            let place = *places.entry(id).or_insert(all.len());
            match all.get_mut(place) {
                Some(first) => first.points = first.points.max(one.points),
                None => all.push(one),
            }
        }
        Ok(all)
    }

    fn of(document: &Value) -> Option<Self> {
        let text = |path: &[&str]| text(document, path);
        let seconds =
            |path: &[&str]| u64::try_from(text(path)?.parse::<jiff::Timestamp>().ok()?.as_second()).ok();
        let addresses = document["related"]["ip"].as_array().into_iter().flatten();
        Some(Self {
            incident: text(&["floodmark", "incident", "id"])?,
            detector: text(&["rule", "id"])?,
            points: u8::try_from(document["event"]["risk_score"].as_u64()?).ok()?,
            reason: text(&["event", "reason"])?,
            entity: [
                text(&["floodmark", "entity", "kind"])?,
                text(&["floodmark", "entity", "name"])?,
                text(&["floodmark", "entity", "scope"]).unwrap_or_default(),
            ],
            account: text(&["cloud", "account", "id"]),
            vpc: text(&["aws", "vpcflow", "vpc_id"]),
            interface: text(&["aws", "vpcflow", "interface_id"]),
            instance: text(&["cloud", "instance", "id"]),
            addresses: addresses.filter_map(|one| Some(one.as_str()?.to_owned())).collect(),
            start: seconds(&["event", "start"])?,
            end: seconds(&["event", "end"])?,
            at: seconds(&["@timestamp"])?,
        })
    }
}

fn text(document: &Value, path: &[&str]) -> Option<String> {
    path.iter().try_fold(document, |value, key| value.get(key))?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn document(id: &str, points: u8, disposition: &str) -> String {
        let document = json!({
            "@timestamp": "2026-03-02T00:15:00.000Z",
            "event": { "risk_score": points, "reason": "because", "start": "2026-03-02T00:00:00Z", "end": "2026-03-02T00:10:00Z" },
            "rule": { "id": "scan.vertical" },
            "cloud": { "account": { "id": "012345678901" } },
            "related": { "ip": ["10.0.0.1", "10.0.0.9"] },
            "floodmark": {
                "finding": { "id": id, "disposition": disposition },
                "incident": { "id": "i" },
                "entity": { "kind": "address", "name": "10.0.0.1", "scope": "012345678901" },
            },
        });
        document.to_string()
    }

    #[test]
    fn an_alert_weighs_as_much_as_its_weightiest_document_and_what_is_no_alert_is_left_out() {
        let lines = [document("a", 80, "alert"), document("b", 90, "observed"), document("a", 85, "alert")]
            .join("\n");
        let found = Found::alerts(lines.as_bytes()).unwrap();
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!((one.points, one.at - one.start, one.end - one.start), (85, 900, 600));
        assert_eq!(one.addresses, ["10.0.0.1", "10.0.0.9"]);
        assert_eq!((one.account.as_deref(), &one.vpc), (Some("012345678901"), &None));
    }

    #[test]
    fn a_line_that_is_no_finding_is_told_by_its_number() {
        let lines = format!("{}\n{{}}\n", document("a", 80, "alert"));
        let error = Found::alerts(lines.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}

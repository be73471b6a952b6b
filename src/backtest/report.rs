//! What was measured, as a table for people and as JSON.

use std::fmt;

use serde_json::{Value, json};

use super::{At, Comparison, Incident, Label, Labelled, Measures, Span};

/// What an incident is, for whoever reads the numbers.
pub const INCIDENT: &str = "\
An incident is an episode of one entity over all detectors: alerts less than 24 hours apart. It weighs as much as its weightiest alert.";
/// When it is true, where there are labels.
pub const TRUTH: &str = "\
It is true when an alert in it names an attack's service, address, interface or instance, or the address on the attack's other side, in the
attack's account and VPC, and the alert's window overlaps the attack; else it is false, and counts once, on the day that it began. An attack is
found when such an alert names its own side; the time to detect is from its first second to the event time of that alert.";

/// What one config found.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// The config's name.
    pub name: String,
    /// The weightiest first.
    pub incidents: Vec<Incident>,
    /// What they come to.
    pub measures: Measures,
}

/// What one config found, or an old one and a new one, over the same flow logs.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    /// What was looked at.
    pub span: Span,
    /// Records that were read, those that could not be parsed, and those that came too late for their window, of all of the flow logs.
    pub records: u64,
    /// See [`Backtest::records`].
    pub quarantined: u64,
    /// See [`Backtest::records`].
    pub late: u64,
    /// What is known to have happened.
    pub labels: Option<Vec<Label>>,
    /// One, or the old one and the new one.
    pub sides: Vec<Side>,
}

/// Incidents that the table shows of a list.
const SHOWN: usize = 50;

// === impl Backtest ===

impl Backtest {
    /// All of it as one document.
    #[must_use]
    pub fn json(&self) -> Value {
        let sides = self.sides.iter().map(|side| {
            let incidents: Vec<Value> =
                side.incidents.iter().map(|incident| self.incident(incident)).collect();
            json!({ "config": side.name, "measures": side.measures, "incidents": incidents })
        });
        let list = |all: &[&Incident]| all.iter().map(|incident| self.incident(incident)).collect::<Vec<_>>();
        let change = self
            .comparison()
            .map(|Comparison { gained, lost }| json!({ "gained": list(&gained), "lost": list(&lost) }));
        json!({
            "definition": self.definition().replace('\n', " "),
            "from": time(self.span.start),
            "to": time(self.span.end),
            "records": self.records,
            "quarantined": self.quarantined,
            "late": self.late,
            "sides": sides.collect::<Vec<_>>(),
            "change": change,
        })
    }

    /// What the numbers mean.
    fn definition(&self) -> String {
        if self.labels.is_some() { format!("{INCIDENT}\n{TRUTH}") } else { INCIDENT.to_owned() }
    }

    fn comparison(&self) -> Option<Comparison<'_>> {
        match &self.sides[..] {
            [old, new] => Some(Comparison::new(&old.incidents, &new.incidents)),
            _ => None,
        }
    }

    fn incident(&self, incident: &Incident) -> Value {
        let [kind, name, scope] = &incident.entity;
        json!({
            "id": incident.id,
            "points": incident.points,
            "entity": { "kind": kind, "name": name, "scope": scope },
            "start": time(incident.start),
            "end": time(incident.end),
            "detectors": incident.detectors,
            "reason": incident.reason,
            "true": self.labels.as_ref().map(|labels| incident.is_true(labels)),
            "labels": self.kinds(incident),
        })
    }

    /// The kinds of what `incident` tells of, each once.
    fn kinds(&self, incident: &Incident) -> Vec<&str> {
        let labels = self.labels.as_deref().unwrap_or_default();
        let mut kinds: Vec<&str> = incident.about().map(|label| labels[label].kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn put_list(&self, f: &mut fmt::Formatter<'_>, what: &str, all: &[&Incident]) -> fmt::Result {
        match all.len() {
            0 => return writeln!(f, "\nno {what}"),
            count if count > SHOWN => writeln!(f, "\n{what}, the weightiest {SHOWN} of {count}:")?,
            count => writeln!(f, "\n{what}, {count}:")?,
        }
        for incident in all.iter().take(SHOWN) {
            let [kind, name, scope] = &incident.entity;
            let detectors: Vec<&str> = incident.detectors.iter().map(String::as_str).collect();
            write!(f, "{:>4}  {}  {kind} {name}", incident.points, time(incident.start))?;
            if !scope.is_empty() {
                write!(f, " ({scope})")?;
            }
            write!(f, "  {}", detectors.join(", "))?;
            if let Some(labels) = &self.labels {
                let word = if incident.is_true(labels) { "true" } else { "false" };
                write!(f, "  {}", [&[word], &self.kinds(incident)[..]].concat().join(" "))?;
            }
            writeln!(f, "\n      {}", incident.reason)?;
        }
        Ok(())
    }
}

impl fmt::Display for Backtest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = (self.span.end - self.span.start) as f64 / 86_400.0;
        writeln!(f, "{days:.1} days of flow logs, {} to {}", time(self.span.start), time(self.span.end))?;
        write!(f, "{} records", self.records)?;
        for (count, what) in
            [(self.quarantined, "could not be read"), (self.late, "too late for their window")]
        {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        writeln!(f, "\n")?;
        put_rows(f, &self.sides)?;
        if let Some(Comparison { gained, lost }) = self.comparison() {
            self.put_list(f, "incidents lost", &lost)?;
            self.put_list(f, "incidents gained", &gained)?;
        } else if let [side] = &self.sides[..] {
            self.put_list(f, "incidents", &side.incidents.iter().collect::<Vec<_>>())?;
        }
        writeln!(f, "\n{}", self.definition())
    }
}

/// The measures of the sides, a row for each number and a column for each side.
fn put_rows(f: &mut fmt::Formatter<'_>, sides: &[Side]) -> fmt::Result {
    let columns: Vec<Vec<(String, String)>> = sides.iter().map(|side| rows(&side.measures)).collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in columns.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if sides.len() > 1 {
        write!(f, "{:<44}", "")?;
        sides.iter().try_for_each(|side| write!(f, "  {:>20}", side.name))?;
        writeln!(f)?;
    }
    for name in names {
        write!(f, "{name:<44}")?;
        for column in &columns {
            let value = column.iter().find(|(other, _)| other == name).map_or("-", |(_, value)| value);
            write!(f, "  {value:>20}")?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn rows(measures: &Measures) -> Vec<(String, String)> {
    let mut rows = vec![
        ("incidents".to_owned(), measures.incidents.to_string()),
        ("incidents a day".to_owned(), format!("{:.2}", measures.incidents_a_day)),
    ];
    let by_detector = measures.by_detector.iter();
    rows.extend(
        by_detector.map(|(detector, a_day)| (format!("  with {detector}, a day"), format!("{a_day:.2}"))),
    );
    rows.extend(measures.labelled.iter().flat_map(labelled_rows));
    rows
}

fn labelled_rows(labelled: &Labelled) -> Vec<(String, String)> {
    let percent =
        |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let mut rows = vec![
        ("attacks".to_owned(), labelled.attacks.to_string()),
        ("false incidents a day".to_owned(), format!("{:.2}", labelled.false_a_day)),
        ("true incidents of the other side only".to_owned(), labelled.of_other_side.to_string()),
    ];
    for At { false_a_day_max, points, recall, .. } in &labelled.at {
        let name = match false_a_day_max {
            Some(most) => format!("found at {most} false a day at most"),
            None => "found in all".to_owned(),
        };
        let from = if *points > 0 { format!(", {points} points on") } else { String::new() };
        rows.push((name, format!("{}{from}", percent(*recall))));
    }
    let precisions = [
        ("true of high severity (80 points on)", labelled.precision_of_high),
        ("true of the weightiest 10 a day", labelled.precision_at_10),
        ("true of the weightiest 50 a day", labelled.precision_at_50),
    ];
    rows.extend(precisions.map(|(name, share)| (name.to_owned(), percent(share))));
    if let Some([median, most]) = labelled.seconds_to_detect {
        rows.push(("time to detect, median".to_owned(), format!("{} min", median.div_ceil(60))));
        rows.push(("time to detect, nine in ten".to_owned(), format!("{} min", most.div_ceil(60))));
    }
    let by_kind = labelled.by_kind.iter();
    rows.extend(
        by_kind.map(|(kind, [all, found])| (format!("  found of {kind}"), format!("{found} of {all}"))),
    );
    let by_detector = labelled.false_by_detector.iter();
    rows.extend(by_detector.map(|(detector, count)| (format!("  false with {detector}"), count.to_string())));
    let by_duty = labelled.false_by_duty.iter();
    rows.extend(by_duty.map(|(duty, count)| (format!("  false on {duty}"), count.to_string())));
    rows
}

/// As ISO 8601 in UTC.
fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.unwrap_or_default().to_string()
}

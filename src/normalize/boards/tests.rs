//! What saved objects, the rule and the searches guarantee: no field in them is one that no document has, and whatever they
//! refer to is there.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeSet, path::Path};

use super::{saved::FINDINGS_PLACE, *};
use crate::normalize::{fields, searches};

/// Members whose value, or each of whose values, is a field.
const NAMING: [&str; 8] = [
    "sourceField",
    "field",
    "timeFieldName",
    "rule_name_override",
    "timestamp_override",
    "group_by",
    "columns",
    "sort",
];
/// Members whose own members are called as fields are.
const KEYED: [&str; 6] = ["fieldAttrs", "fieldFormatMap", "term", "terms", "range", "sort"];
/// What stands where a field may, and is none.
const NO_FIELDS: [&str; 4] = ["___records___", "asc", "desc", "field"];
/// Prose, in which a field may be named that no document has.
const PROSE: [&str; 2] = ["customDescription", "description"];
/// The first words of fields, by which one is known wherever it stands.
const ROOTS: [&str; 12] = [
    "aws",
    "cloud",
    "destination",
    "event",
    "floodmark",
    "host",
    "message",
    "network",
    "related",
    "rule",
    "service",
    "source",
];

/// The fields named in something.
#[derive(Default)]
struct Named(BTreeSet<String>);

impl Named {
    fn note(&mut self, field: &str) {
        if !NO_FIELDS.contains(&field) {
            self.0.insert(field.to_owned());
        }
    }

    fn walk(&mut self, key: &str, value: &Value) {
        match value {
            Value::String(_) if PROSE.contains(&key) => {}
            Value::String(text) if text.starts_with(['{', '[']) => {
                self.walk(key, &serde_json::from_str(text).unwrap());
            }
            Value::String(text) => self.text(key, text),
            Value::Array(values) => values.iter().for_each(|value| self.walk(key, value)),
            Value::Object(members) => {
                for (name, value) in members {
                    if KEYED.contains(&key) && !(key == "terms" && members.contains_key("field")) {
                        self.note(name);
                    }
                    self.walk(name, value);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        match key {
            "query" | "kql" => self.kql(text),
            "esql" => self.esql(text),
            _ if NAMING.contains(&key) => self.note(text),
            _ => {}
        }
        for word in words(text) {
            if word.split_once('.').is_some_and(|(root, _)| ROOTS.contains(&root)) {
                self.note(word);
            }
        }
    }

    /// In KQL a field stands before a colon or a comparison.
    fn kql(&mut self, text: &str) {
        let bare = unquoted(text);
        for word in words(&bare) {
            let after = &bare[word.as_ptr().addr() - bare.as_ptr().addr() + word.len()..];
            if after.trim_start().starts_with([':', '<', '>']) {
                self.note(word);
            }
        }
    }

    /// In ES|QL a field is what is no word of the language, no number and no name that was given before.
    fn esql(&mut self, text: &str) {
        let bare = unquoted(text);
        let mut given = BTreeSet::new();
        for line in bare.lines().skip(1) {
            for word in words(line) {
                let after = line[word.as_ptr().addr() - line.as_ptr().addr() + word.len()..].trim_start();
                if after.starts_with('=') && !after.starts_with("==") {
                    given.insert(word.to_owned());
                }
                let is_name = word.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '@');
                if is_name && !given.contains(word) {
                    self.note(word);
                }
            }
        }
    }

    /// Those that no document has.
    fn unknown(self) -> Vec<String> {
        let fields = fields();
        let rows = fields["fields"].as_array().unwrap();
        let known: BTreeSet<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
        self.0.into_iter().filter(|field| !known.contains(field.as_str())).collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && !"_.@-*".contains(letter))
        .filter(|word| !word.is_empty())
}

fn unquoted(text: &str) -> String {
    text.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn named(values: &[Value]) -> Named {
    let mut named = Named::default();
    values.iter().for_each(|value| named.walk("", value));
    named
}

/// Every file that is made here, by name.
fn files() -> [(&'static str, String); 3] {
    [
        ("kibana/floodmark.ndjson", kibana_objects()),
        ("kibana/detection-rule.ndjson", detection_rule()),
        ("opensearch-dashboards/floodmark.ndjson", opensearch_objects()),
    ]
}

#[test]
fn the_committed_saved_objects_are_those_that_are_made_here() {
    for (name, text) in files() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
        if std::env::var_os("FLOODMARK_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "schemas/{name} is stale: FLOODMARK_BLESS=1 writes it anew");
    }
}

#[test]
fn no_saved_object_no_rule_and_no_search_names_a_field_that_no_document_has() {
    for (name, text) in files() {
        let named = named(&objects(&text));
        assert!(named.0.len() > 5, "{name}: {:?}", named.0);
        assert_eq!(named.unknown(), [""; 0], "{name}");
    }
    for search in searches().as_array().unwrap() {
        let named = named(std::slice::from_ref(search));
        assert!(!named.0.is_empty(), "{}", search["name"]);
        assert_eq!(named.unknown(), [""; 0], "{}", search["name"]);
    }
}

#[test]
fn a_field_that_no_document_has_is_noticed_wherever_it_stands() {
    let searches = searches().to_string();
    let everything = files().map(|(_, text)| text).concat();
    for (text, field) in [
        (&everything, "related.ip"),
        (&everything, "rule.name"),
        (&everything, "source.geo.location"),
        (&everything, "floodmark.incident.id"),
        (&everything, "event.ingested"),
        (&everything, "event.severity"),
        (&everything, "event.action"),
        (&everything, "@timestamp"),
        (&searches, "event.start"),
        (&searches, "source.ip"),
        (&searches, "destination.port"),
        (&searches, "source.geo.country_iso_code"),
    ] {
        let wrong = format!("{field}_");
        let broken = objects(&text.replace(field, &wrong));
        assert!(named(&broken).unknown().contains(&wrong), "{field}");
    }
    for (key, text, field) in [
        ("kql", "adress: 1", "adress"),
        ("kql", "a: \"x: y\" and not b.c >= 3", "b.c"),
        ("esql", "FROM a\n| WHERE adress == \"b\"", "adress"),
        ("esql", "FROM a\n| STATS n = COUNT(*) BY b.c\n| SORT n", "b.c"),
    ] {
        let unknown = named(&[json!({ key: text })]).unknown();
        assert!(
            unknown.contains(&field.to_owned()) && !unknown.contains(&"n".to_owned()),
            "{text}: {unknown:?}"
        );
    }
}

#[test]
fn whatever_a_saved_object_refers_to_is_in_the_same_file_and_the_last_line_counts_them() {
    for (name, text) in files().into_iter().filter(|(name, _)| name.ends_with("floodmark.ndjson")) {
        let lines = objects(&text);
        let (last, objects) = lines.split_last().unwrap();
        assert_eq!(last["exportedCount"], objects.len(), "{name}");
        let key = |object: &Value| (object["type"].to_string(), object["id"].to_string());
        let known: BTreeSet<_> = objects.iter().map(key).collect();
        assert_eq!(known.len(), objects.len(), "{name}: an id stands twice");
        let mut met = 0;
        for object in objects {
            for reference in object["references"].as_array().unwrap() {
                assert!(known.contains(&key(reference)), "{name}: {reference}");
                met += 1;
            }
        }
        assert!(met > 2 * PANELS.len(), "{name}");
        let dashboard = objects.iter().find(|object| object["type"] == "dashboard").unwrap();
        let panels: Vec<Value> =
            serde_json::from_str(dashboard["attributes"]["panelsJSON"].as_str().unwrap()).unwrap();
        let names: BTreeSet<&str> = dashboard["references"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        assert_eq!(panels.len(), names.len());
        for panel in panels {
            let reference = panel["panelRefName"].as_str().unwrap();
            assert!(names.iter().any(|name| name.ends_with(reference)), "{name}: {reference}");
        }
    }
}

#[test]
fn no_two_panels_of_the_dashboard_lie_on_each_other() {
    let places: Vec<[u32; 4]> = PANELS.iter().map(|panel| panel.place).chain([FINDINGS_PLACE]).collect();
    for (nth, [x, y, w, h]) in places.iter().enumerate() {
        assert!(x + w <= 48);
        for [left, top, wide, high] in &places[..nth] {
            let apart = x + w <= *left || left + wide <= *x || y + h <= *top || top + high <= *y;
            assert!(apart, "{:?} and {:?}", [x, y, w, h], [left, top, wide, high]);
        }
    }
}

#[test]
fn the_rule_takes_what_the_writer_says_and_puts_an_incident_together() {
    let [rule] = &objects(&detection_rule())[..] else { panic!("one line") };
    let values: Vec<&str> = rule["severity_mapping"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["21", "47", "73", "99"]);
    assert_eq!(rule["alert_suppression"]["group_by"], json!(["floodmark.incident.id"]));
    assert_eq!(rule["enabled"], false);
}

//! Every document that leaves is ECS, as the field table that Elastic publishes with it has it: names, types, lists, and
//! the values that a field allows.

use std::{collections::HashMap, fs, net::IpAddr};

use floodmark::normalize::{Checker, SchemaName};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    process::{Folder, is_finding, is_session, repository},
    skipped::fixtures,
};

/// Names that are not ECS's: the data stream's, those of Elastic's own integration, and ours.
const BESIDE: [&str; 3] = ["data_stream", "aws.vpcflow", "floodmark"];

/// A row of the table.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    normalize: Vec<String>,
    #[serde(default)]
    allowed_values: Vec<Allowed>,
}

#[derive(Deserialize)]
struct Allowed {
    name: String,
    #[serde(default)]
    expected_event_types: Vec<String>,
}

struct Table(HashMap<String, Row>);

impl Table {
    /// What is wrong with `document`.
    fn faults(&self, document: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.look(document, "", &mut faults);
        let mut required = vec!["/@timestamp", "/ecs/version", "/event/kind"];
        // Nobody knows what a line of syslog is about.
        if document.pointer("/event/dataset").is_none_or(|dataset| dataset != "floodmark.syslog") {
            required.extend(["/event/category", "/event/type"]);
        }
        for name in required {
            if document.pointer(name).is_none() {
                faults.push(format!("{name} is missing"));
            }
        }
        let texts = |name| -> Vec<&str> {
            let list = document.pointer(name).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).collect()
        };
        for category in texts("/event/category") {
            let allowed =
                self.0["event.category"].allowed_values.iter().find(|allowed| allowed.name == category);
            for kind in texts("/event/type") {
                if allowed
                    .is_some_and(|allowed| !allowed.expected_event_types.iter().any(|type_| type_ == kind))
                {
                    faults.push(format!("event.type {kind} does not go with event.category {category}"));
                }
            }
        }
        faults
    }

    fn look(&self, value: &Value, name: &str, faults: &mut Vec<String>) {
        if BESIDE.contains(&name) {
            return;
        }
        match (self.0.get(name), value) {
            (Some(row), value)
                if matches!(row.kind.as_str(), "geo_point" | "flattened") || !value.is_object() =>
            {
                row.look(value, name, faults)
            }
            (_, Value::Object(members)) => {
                for (member, value) in members {
                    let name = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                    self.look(value, &name, faults);
                }
            }
            _ => faults.push(format!("{name} is no field of ECS")),
        }
    }
}

impl Row {
    fn look(&self, value: &Value, name: &str, faults: &mut Vec<String>) {
        let is_list = self.normalize.iter().any(|rule| rule == "array");
        if is_list != value.is_array() {
            faults.push(format!("{name} is a list or a single value where it should be the other: {value}"));
        }
        for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
            let allowed = |text: &str| {
                self.allowed_values.is_empty()
                    || self.allowed_values.iter().any(|allowed| allowed.name == text)
            };
            if !self.is_type_of(value) || value.as_str().is_some_and(|text| !allowed(text)) {
                faults.push(format!("{name} is {value}, which is no {}", self.kind));
            }
        }
    }

    fn is_type_of(&self, value: &Value) -> bool {
        let within = |name, most: f64| value[name].as_f64().is_some_and(|number| number.abs() <= most);
        match self.kind.as_str() {
            "ip" => value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
            "long" | "integer" => value.is_i64() || value.is_u64(),
            "float" | "double" | "scaled_float" => value.is_number(),
            "boolean" => value.is_boolean(),
            "date" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            "geo_point" => {
                value.as_object().is_some_and(|point| point.len() == 2)
                    && within("lat", 90.0)
                    && within("lon", 180.0)
            }
            "keyword" | "constant_keyword" | "wildcard" | "match_only_text" => value.is_string(),
            "flattened" => value.is_object(),
            other => panic!("floodmark writes no {other}"),
        }
    }
}

fn table(test: &str) -> Option<Table> {
    let text = fs::read_to_string(fixtures(test)?.join("ecs/ecs_flat.json")).unwrap();
    Some(Table(serde_json::from_str(&text).unwrap()))
}

#[test]
fn every_document_of_an_attacked_week_and_of_all_fields_is_ecs() {
    let Some(table) = table("every_document_of_an_attacked_week_and_of_all_fields_is_ecs") else { return };
    let demo = repository().join("config/demo").display().to_string();
    let folder = Folder::new();
    let all = folder
        .printed(&["generate", "--format", "v5", "--ipv6", "300", "--hosts", "40", "--lines", "5000"])
        .1;
    folder.write("all.log", &all);
    let config = |paths: &str, out: &str| {
        format!(
            "sources: {{ flows: {{ from: {{ file: {{ paths: [{paths}] }} }} }} }}\n\
             enrich: {{ geoip: {{ city: {demo}/geoip-city.mmdb, asn: {demo}/geoip-asn.mmdb }}, assets: [{{ file: {demo}/assets.csv }}] }}\n\
             sinks: {{ out: {{ to: {{ file: {{ path: {out} }} }}, select: events_and_sessions }} }}\n"
        )
    };
    for (name, paths, findings) in
        [("week", format!("\"{demo}/flows/*\""), true), ("all", "all.log".to_owned(), false)]
    {
        folder.write("c.yaml", config(&paths, &format!("{name}.ndjson")));
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        let documents = folder.documents(&format!("{name}.ndjson"));
        for document in &documents {
            assert_eq!(table.faults(document), [""; 0], "{document}");
        }
        assert!(documents.len() > 4_000, "{name}: {} documents", documents.len());
        assert_eq!(documents.iter().any(is_finding), findings, "{name}");
        assert!(documents.iter().any(is_session), "{name}");
    }
}

#[test]
fn every_golden_document_of_syslog_is_ecs_and_has_no_fault_that_floodmark_itself_would_find() {
    let name = "every_golden_document_of_syslog_is_ecs_and_has_no_fault_that_floodmark_itself_would_find";
    let Some(table) = table(name) else { return };
    let mut lines = 0;
    for case in fs::read_dir(repository().join("tests/cases/syslog")).unwrap() {
        let case = case.unwrap().path();
        for (schema, file, member, object) in [
            (SchemaName::Ecs, "ecs.ndjson", "ingested", "event"),
            (SchemaName::Ocsf, "ocsf.ndjson", "processed_time", "metadata"),
        ] {
            let checker = Checker::new(schema);
            for line in fs::read_to_string(case.join(file)).unwrap().lines() {
                let mut document: Value = serde_json::from_str(line).unwrap();
                let time = if schema == SchemaName::Ecs { "2026-11-22T00:00:00Z".into() } else { 1.into() };
                document[object][member] = time;
                assert_eq!(checker.faults(document.to_string().as_bytes()), [], "{line}");
                if schema == SchemaName::Ecs {
                    assert_eq!(table.faults(&document), [""; 0], "{line}");
                    lines += 1;
                }
            }
        }
    }
    assert!(lines >= 60, "{lines}");
}

#[test]
fn what_is_not_ecs_is_noticed() {
    let Some(table) = table("what_is_not_ecs_is_noticed") else { return };
    let sound = serde_json::json!({
        "@timestamp": "2026-03-02T00:00:00Z", "ecs": { "version": "9.4.0" }, "floodmark": { "any": "thing" },
        "event": { "kind": "event", "category": ["network"], "type": ["connection", "allowed"] },
        "source": { "ip": "10.0.0.1", "port": 1, "geo": { "location": { "lat": 1.0, "lon": 2.0 } } },
    });
    assert_eq!(table.faults(&sound), [""; 0]);
    for (place, wrong) in [
        ("/source/ip", serde_json::json!("10.0.0")),
        ("/source/port", serde_json::json!("1")),
        ("/source/port", serde_json::json!([1])),
        ("/source/geo/location", serde_json::json!({ "lat": 91.0, "lon": 2.0 })),
        ("/event/category", serde_json::json!("network")),
        ("/event/category", serde_json::json!(["flows"])),
        ("/event/type", serde_json::json!(["deletion"])),
        ("/@timestamp", serde_json::json!("yesterday")),
        ("/source", serde_json::json!({ "adress": "10.0.0.1" })),
    ] {
        let mut document = sound.clone();
        *document.pointer_mut(place).unwrap() = wrong;
        assert_eq!(table.faults(&document).len(), 1, "{place}: {:?}", table.faults(&document));
    }
}

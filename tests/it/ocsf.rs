//! Every document that leaves as OCSF follows the schemas that OCSF publishes, as its own profiles put them together.

use std::{collections::HashMap, fs, path::Path};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::{
    process::{Folder, repository},
    skipped::fixtures,
};

const SCHEMAS: [(u64, &str, &str); 2] = [
    (4001, "network_activity", "1.8.0-4001-network_activity-cloud+datetime+security_control.json"),
    (2004, "detection_finding", "1.8.0-2004-detection_finding-cloud+datetime+security_control.json"),
];

/// The published schemas.
struct Published {
    /// Every class and object with the profiles of its attributes.
    export: Value,
    classes: HashMap<u64, (&'static str, Value)>,
    validators: HashMap<(u64, Vec<String>), Validator>,
}

impl Published {
    fn open(test: &str) -> Option<Self> {
        let folder = fixtures(test)?.join("ocsf-schema");
        let read = |name: &str| -> Value {
            serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
        };
        let classes = SCHEMAS.map(|(uid, name, file)| (uid, (name, read(file))));
        let classes = HashMap::from(classes);
        Some(Self { export: read("export-1.8.0.json"), classes, validators: HashMap::new() })
    }

    /// The schema of a class for documents with these profiles: of the published one, which has three of them, what
    /// belongs to no other profile; and the device, which profile `host` brings and the other class has anyway.
    fn schema(&self, class: u64, profiles: &[String]) -> Value {
        let (name, published) = &self.classes[&class];
        let mut schema = published.clone();
        if profiles.iter().any(|profile| profile == "host") {
            for (name, object) in self.classes[&2004].1["$defs"].as_object().unwrap() {
                schema["$defs"].as_object_mut().unwrap().entry(name).or_insert_with(|| object.clone());
            }
            schema["properties"]["device"] = json!({ "$ref": "#/$defs/device" });
        }
        keep(&mut schema, &self.export["classes"][*name]["attributes"], profiles);
        for (name, object) in schema["$defs"].as_object_mut().unwrap() {
            keep(object, &self.export["objects"][name]["attributes"], profiles);
        }
        schema
    }

    /// What is wrong with `document`.
    fn faults(&mut self, document: &Value) -> Vec<String> {
        let Some(class) = document["class_uid"].as_u64().filter(|class| self.classes.contains_key(class))
        else {
            return vec![format!("class {}", document["class_uid"])];
        };
        let profiles: Vec<String> = serde_json::from_value(document["metadata"]["profiles"].clone()).unwrap();
        let key = (class, profiles);
        if !self.validators.contains_key(&key) {
            let validator = jsonschema::draft202012::new(&self.schema(class, &key.1)).unwrap();
            self.validators.insert(key.clone(), validator);
        }
        let faults = self.validators[&key].iter_errors(document);
        let mut faults: Vec<String> =
            faults.map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        let number = |name: &str| document[name].as_u64().unwrap_or(u64::MAX);
        if number("type_uid") != class * 100 + number("activity_id") {
            faults.push("type_uid".to_owned());
        }
        if number("category_uid") != class / 1000 {
            faults.push("category_uid".to_owned());
        }
        let attributes = &self.export["classes"][self.classes[&class].0]["attributes"];
        captions(document, attributes, "", &mut faults);
        for (name, object) in [
            ("connection_info", "network_connection_info"),
            ("device", "device"),
            ("src_endpoint", "network_endpoint"),
            ("dst_endpoint", "network_endpoint"),
        ] {
            captions(&document[name], &self.export["objects"][object]["attributes"], name, &mut faults);
        }
        faults
    }
}

/// Leaves out of `schema` what belongs to profiles that are not among `profiles`.
fn keep(schema: &mut Value, attributes: &Value, profiles: &[String]) {
    let belongs = |name: &str| match attributes[name]["profiles"].as_array() {
        Some(of) if !of.is_empty() => of.iter().any(|of| profiles.iter().any(|profile| of == profile)),
        _ => true,
    };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| belongs(name));
    }
}

/// Compares each word with the caption of the number beside it: where the number says something of its own, they agree.
fn captions(object: &Value, attributes: &Value, place: &str, faults: &mut Vec<String>) {
    for (name, attribute) in attributes.as_object().unwrap() {
        let Some(sibling) = attribute["sibling"].as_str() else { continue };
        let (Some(number), Some(word)) = (object[name].as_u64(), object[sibling].as_str()) else { continue };
        let caption = attribute["enum"][number.to_string()]["caption"].as_str();
        if number != 99 && caption.is_some_and(|caption| caption != word) {
            faults.push(format!("{place}.{sibling} is {word:?} and {name} is {caption:?}"));
        }
    }
}

/// A log of every field of versions 2 to 11 and one of transit gateways, in AWS's order, each flow in several states.
pub fn logs(folder: &Folder) -> Vec<String> {
    let names: Vec<&str> = floodmark::event::FIELDS.iter().map(|row| row.name).collect();
    let is_transit =
        |name: &&str| name.starts_with("tgw-") || name.contains("-lost-") || *name == "resource-type";
    let vpc: Vec<&str> = names.iter().copied().filter(|name| !is_transit(name)).collect();
    let transit: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| is_transit(name) || !matches!(*name, "action" | "interface-id" | "instance-id"))
        .collect();
    let mut files = Vec::new();
    for (file, names) in [("vpc.log", vpc), ("transit.log", transit), ("both.log", names)] {
        let mut log = names.join(" ") + "\n";
        for state in 0..16 {
            let line: Vec<String> = names.iter().map(|name| value(name, state)).collect();
            log += &(line.join(" ") + "\n");
        }
        folder.write(file, log);
        files.push(file.to_owned());
    }
    files
}

/// What the column called `name` holds in state number `state`: a bit each for no flow, a reject, IPv6, and gaps.
fn value(name: &str, state: u32) -> String {
    let (no_flow, reject, v6, gaps) = (state & 1 > 0, state & 2 > 0, state & 4 > 0, state & 8 > 0);
    let text = match name {
        "start" => return "1772409600".to_owned(),
        "end" => return "1772409660".to_owned(),
        "version" => return "11".to_owned(),
        "log-status" => {
            return if no_flow && gaps {
                "SKIPDATA"
            } else if no_flow {
                "NODATA"
            } else {
                "OK"
            }
            .to_owned();
        }
        "interface-id" if gaps => "-",
        "interface-id" => return "eni-0a1b2c3d4e5f60718".to_owned(),
        _ if no_flow => "-",
        "action" => ["ACCEPT", "REJECT"][usize::from(reject)],
        "flow-direction" => ["ingress", "egress", "-"][(state as usize / 2) % 3],
        "pkt-srcaddr" if gaps => "-",
        "srcaddr" if v6 => "0000:0000:0000:0000:0000:ffff:255.255.255.255",
        "pkt-srcaddr" if v6 => "::ffff:10.1.2.3",
        "dstaddr" | "pkt-dstaddr" if v6 => "2001:DB8:0:0::1",
        "srcaddr" => "10.0.0.9",
        "pkt-srcaddr" => "10.0.1.7",
        "dstaddr" | "pkt-dstaddr" => "81.2.69.160",
        "traffic-path" => ["1", "8", "77"][(state as usize / 2) % 3],
        "reject-reason" => "BPA",
        "instance-tag" => "web%2Dserver%20%22x%22",
        _ if gaps && name.len().is_multiple_of(2) => "-",
        _ => {
            let row = floodmark::event::FIELDS.iter().find(|row| row.name == name).unwrap();
            let is_number = matches!(row.kind, floodmark::event::Kind::Uint(_));
            return if is_number { "6".to_owned() } else { format!("text-of-{name}") };
        }
    };
    text.to_owned()
}

#[test]
fn every_ocsf_document_of_an_attacked_week_and_of_all_fields_follows_the_published_schemas() {
    let name = "every_ocsf_document_of_an_attacked_week_and_of_all_fields_follows_the_published_schemas";
    let Some(mut published) = Published::open(name) else { return };
    let demo = repository().join("config/demo").display().to_string();
    let folder = Folder::new();
    let mut runs = vec![("week".to_owned(), format!("\"{demo}/flows/*\""), true)];
    runs.extend(logs(&folder).into_iter().map(|file| (file.clone(), file, false)));
    let all = folder
        .printed(&["generate", "--format", "v5", "--ipv6", "300", "--hosts", "40", "--lines", "5000"])
        .1;
    folder.write("v5.log", &all);
    runs.push(("v5".to_owned(), "v5.log".to_owned(), false));
    for (name, paths, findings) in runs {
        folder.write(
            "c.yaml",
            format!(
                "sources: {{ flows: {{ from: {{ file: {{ paths: [{paths}] }} }} }} }}\n\
                 enrich: {{ geoip: {{ city: {demo}/geoip-city.mmdb, asn: {demo}/geoip-asn.mmdb }}, assets: [{{ file: {demo}/assets.csv }}] }}\n\
                 sinks: {{ out: {{ to: {{ file: {{ path: {name}.ndjson }} }}, schema: ocsf, select: events_and_sessions }} }}\n"
            ),
        );
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        let documents = folder.documents(&format!("{name}.ndjson"));
        for document in &documents {
            assert_eq!(published.faults(document), [""; 0], "{document}");
        }
        assert!(documents.len() >= 16, "{name}: {} documents", documents.len());
        assert_eq!(documents.iter().any(|document| document["class_uid"] == 2004), findings, "{name}");
        let is_session = |document: &&Value| document["connection_info"]["uid"].is_string();
        assert!(documents.iter().filter(is_session).count() > 0 || name == "transit.log", "{name}");
    }
}

#[test]
fn every_golden_ocsf_document_follows_the_published_schemas() {
    let Some(mut published) = Published::open("every_golden_ocsf_document_follows_the_published_schemas")
    else {
        return;
    };
    let goldens = fs::read_to_string(repository().join("src/normalize/goldens.ocsf.ndjson")).unwrap();
    let mut cases = goldens;
    for case in fs::read_dir(repository().join("tests/cases/aws_vpc_flow")).unwrap() {
        cases += &fs::read_to_string(case.unwrap().path().join("ocsf.ndjson")).unwrap();
    }
    assert!(cases.lines().count() > 30);
    for line in cases.lines() {
        assert_eq!(published.faults(&serde_json::from_str(line).unwrap()), [""; 0], "{line}");
    }
}

#[test]
fn what_is_not_ocsf_is_noticed() {
    let Some(mut published) = Published::open("what_is_not_ocsf_is_noticed") else { return };
    let path = repository().join("src/normalize/goldens.ocsf.ndjson");
    let first = fs::read_to_string(Path::new(&path)).unwrap();
    let sound: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(published.faults(&sound), [""; 0]);
    for (place, wrong) in [
        ("/src_endpoint/ip", json!("-")),
        ("/src_endpoint/port", json!(70_000)),
        ("/connection_info/direction_id", json!(7)),
        ("/connection_info/direction", json!("Sideways")),
        ("/action", json!("Maybe")),
        ("/type_uid", json!(400_101)),
        ("/time", json!("2026-01-01")),
        ("/cloud", json!({})),
        ("/metadata/profiles", json!(["cloud", "security_control"])),
        ("/traffic", json!({ "octets": 1 })),
    ] {
        let mut document = sound.clone();
        *document.pointer_mut(place).unwrap() = wrong;
        assert!(!published.faults(&document).is_empty(), "{place}");
    }
}

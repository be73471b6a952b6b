//! The templates of `schemas/` on the real servers: what a document says has the type that the list of fields gives it, and
//! what does not fit is refused.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use super::provisioned::{install, load};
use crate::{
    process::repository,
    servers::{Server, namespace},
};

/// The golden documents of ECS, each of one kind that there is: with every field, with unknown columns, findings.
fn goldens() -> Vec<Value> {
    let text = fs::read_to_string(repository().join("src/normalize/goldens.ndjson")).unwrap();
    let mut documents: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Some are of one record, or of one finding: each is a document of its own here.
    for (nth, document) in documents.iter_mut().enumerate() {
        document["event"]["id"] = json!(format!("golden-{nth}"));
    }
    documents
}

/// The type of every field of a mapping, by path.
fn types(mapping: &Value, path: &str, out: &mut BTreeMap<String, String>) {
    if let Some(kind) = mapping["type"].as_str().filter(|kind| *kind != "object") {
        out.insert(path.to_owned(), kind.to_owned());
    }
    for (name, member) in mapping["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        types(member, &path, out);
    }
}

/// The types of the list of fields, as this server has them.
fn listed(server: &Server) -> BTreeMap<String, String> {
    let text = fs::read_to_string(repository().join("schemas/fields.json")).unwrap();
    let fields: Value = serde_json::from_str(&text).unwrap();
    let rows = fields["fields"].as_array().unwrap().iter();
    let rows = rows.map(|row| (row["path"].as_str().unwrap(), row["type"].as_str().unwrap()));
    let kind = |kind: &str| match kind {
        "constant_keyword" => "keyword".to_owned(),
        "match_only_text" => "text".to_owned(),
        "flattened" if !server.product.is_elasticsearch() => "flat_object".to_owned(),
        kind => kind.to_owned(),
    };
    // An object has no type in a mapping.
    rows.filter(|(_, listed)| *listed != "object")
        .map(|(path, listed)| (path.to_owned(), kind(listed)))
        .collect()
}

/// The types of the addresses and times of OCSF, which only daily indices have.
fn ocsf(server: &Server) -> BTreeMap<String, String> {
    let path = format!("schemas/{}/_component_template/floodmark-ocsf.json", server.product.place().0);
    let template: Value =
        serde_json::from_str(&fs::read_to_string(repository().join(path)).unwrap()).unwrap();
    let mut found = BTreeMap::new();
    types(&template["template"]["mappings"], "", &mut found);
    assert!(found["src_endpoint.ip"] == "ip" && found["time"] == "date", "{found:?}");
    found
}

#[test]
fn every_golden_document_is_taken_with_the_types_of_the_list_and_what_nobody_knows_is_a_keyword() {
    let name = "every_golden_document_is_taken_with_the_types_of_the_list_and_what_nobody_knows_is_a_keyword";
    for server in Server::all(name) {
        let namespace = namespace();
        install(&server, &namespace);
        for (status, error) in load(&server, &namespace, &goldens()) {
            assert_eq!(status, 201, "{:?}: {error}", server.product);
        }
        let listed = listed(&server);
        let mappings = server.must("GET", &format!("/logs-floodmark.*-{namespace}/_mapping"), None);
        let mappings = mappings.as_object().unwrap();
        assert_eq!(mappings.len(), 2, "an index behind each of two data streams: {:?}", mappings.keys());
        let mut unknown = BTreeMap::new();
        for index in mappings.values() {
            let mut found = BTreeMap::new();
            types(&index["mappings"], "", &mut found);
            for (path, kind) in &listed {
                assert_eq!(
                    found.remove(path).as_deref(),
                    Some(kind.as_str()),
                    "{:?}: {path}",
                    server.product
                );
            }
            assert_eq!(index["mappings"]["_meta"]["managed_by"], "floodmark");
            unknown.extend(found);
        }
        assert!(unknown.keys().any(|path| path.starts_with("aws.vpcflow.new_field")), "{unknown:?}");
        assert!(unknown.keys().any(|path| path.starts_with("labels.")), "{unknown:?}");
        assert!(unknown.values().all(|kind| kind == "keyword"), "{unknown:?}");
    }
}

#[test]
fn what_is_not_of_its_fields_type_is_refused_alone() {
    let name = "what_is_not_of_its_fields_type_is_refused_alone";
    for server in Server::all(name) {
        let namespace = namespace();
        install(&server, &namespace);
        let sound = goldens().swap_remove(0);
        let with = |id: &str, pointer: &str, value: Value| {
            let mut document = sound.clone();
            document["event"]["id"] = json!(id);
            *document.pointer_mut(pointer).unwrap() = value;
            document
        };
        let documents = [
            with("a", "/source/bytes", json!(1)),
            with("b", "/source/bytes", json!(u64::MAX)),
            with("c", "/source/ip", json!("10.0.0")),
            with("d", "/destination/geo/location", json!({ "lat": 91.0, "lon": 0.0 })),
            with("e", "/event/start", json!("yesterday")),
            with("f", "/source/port", json!("none")),
            // Text that is too long for an index is kept, and not refused.
            with("g", "/aws/vpcflow/interface_id", json!("x".repeat(40_000))),
        ];
        let answers = load(&server, &namespace, &documents);
        let statuses: Vec<u64> = answers.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [201, 400, 400, 400, 400, 400, 201], "{:?}: {answers:?}", server.product);
    }
}

#[test]
fn a_daily_index_has_the_same_mappings_and_those_of_ocsf_and_is_no_data_stream() {
    let name = "a_daily_index_has_the_same_mappings_and_those_of_ocsf_and_is_no_data_stream";
    for server in Server::all(name) {
        let namespace = namespace();
        install(&server, &namespace);
        let index = format!("floodmark-flow-{namespace}-2026.11.21");
        let sound = goldens().swap_remove(0);
        server.must("PUT", &format!("/{index}/_create/1"), Some(&sound));
        let mapping = server.must("GET", &format!("/{index}/_mapping"), None);
        let mut found = BTreeMap::new();
        types(&mapping[&index]["mappings"], "", &mut found);
        let mut expected = ocsf(&server);
        expected.extend(listed(&server));
        assert_eq!(found, expected, "{:?}", server.product);
    }
}

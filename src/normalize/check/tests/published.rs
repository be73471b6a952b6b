//! The tables, held against the schemas that ECS and OCSF publish: names, types, lists, what is required, and every number with
//! its word.

use std::{collections::BTreeSet, io::Write, path::PathBuf};

use serde_json::Value;

use crate::normalize::check::{
    ecs::{Rows, table::EXPECTED},
    ocsf::{
        CLASSES,
        attribute::{Attribute, Object, Shape},
    },
    stated::Kind,
};

/// A published file, or nothing, and then the test `name` is on the list of those skipped.
fn published(name: &str, file: &str) -> Option<Value> {
    if let Some(folder) = std::env::var_os("FLOODMARK_FIXTURES") {
        let text = std::fs::read_to_string(PathBuf::from(folder).join(file)).unwrap();
        return Some(serde_json::from_str(&text).unwrap());
    }
    let line = format!("skipped: {name}: FLOODMARK_FIXTURES names no folder\n");
    match std::env::var_os("FLOODMARK_SKIPPED") {
        Some(list) => {
            let list = std::fs::OpenOptions::new().create(true).append(true).open(list);
            list.and_then(|mut list| list.write_all(line.as_bytes())).unwrap();
        }
        None => assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}"),
    }
    None
}

/// The profiles that the tables speak of.
const PROFILES: [&str; 3] = ["cloud", "host", "security_control"];

/// The profiles of a published attribute; empty where it belongs to none.
fn profiles(attribute: &Value) -> Vec<&str> {
    attribute["profiles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The types of OCSF that `kind` stands for.
fn types(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => &["string_t", "hostname_t", "username_t", "resource_uid_t"],
        Kind::Integer => &["integer_t", "long_t"],
        Kind::Float => &["float_t"],
        Kind::Truth => &["boolean_t"],
        Kind::Ip(_) => &["ip_t"],
        Kind::Mac => &["mac_t"],
        Kind::Port => &["port_t"],
        Kind::Millis => &["timestamp_t"],
        Kind::Free => &["object_t"],
        Kind::Date | Kind::Point => &[],
    }
}

/// Holds one attribute against what is published of it.
fn assert_agrees(place: &str, stated: &Attribute, published: &Value) {
    let text = |name: &str| published[name].as_str().unwrap_or_default();
    match stated.shape {
        Shape::Object(object) => assert_eq!(text("object_type"), object.name, "{place}"),
        Shape::Value(Kind::Free) => assert_eq!(text("object_type"), "object", "{place}"),
        Shape::Value(kind) => assert!(types(kind).contains(&text("type")), "{place} is {}", text("type")),
    }
    assert_eq!(stated.list, published["is_array"] == true, "{place}");
    assert_eq!(stated.required, text("requirement") == "required", "{place}");
    assert_eq!(Vec::from_iter(stated.profile), profiles(published), "{place}");
    let codes: BTreeSet<(String, &str)> =
        stated.codes.iter().map(|(code, caption)| (code.to_string(), *caption)).collect();
    let enumerated = published["enum"].as_object().into_iter().flatten();
    let enumerated: BTreeSet<(String, &str)> =
        enumerated.map(|(code, value)| (code.clone(), value["caption"].as_str().unwrap())).collect();
    assert_eq!(codes, enumerated, "{place}");
    if !codes.is_empty() {
        assert_eq!(stated.word, text("sibling"), "{place}");
    }
}

/// Holds an object, and every object in it, against what is published; each is looked at once.
fn look(
    stated: &'static Object,
    published: &Value,
    export: &Value,
    seen: &mut BTreeSet<&'static str>,
) -> usize {
    if !seen.insert(stated.name) {
        return 0;
    }
    let attributes = published["attributes"].as_object().unwrap_or_else(|| panic!("{}", stated.name));
    let mut compared = stated.attributes.len();
    let mut names = BTreeSet::new();
    for attribute in stated.attributes {
        let place = format!("{}.{}", stated.name, attribute.name);
        assert!(names.insert(attribute.name), "{place} is stated twice");
        let published = attributes.get(attribute.name).unwrap_or_else(|| panic!("{place}"));
        assert_agrees(&place, attribute, published);
        if !attribute.word.is_empty() {
            assert!(stated.attributes.iter().any(|other| other.name == attribute.word), "{place}");
        }
        if let Shape::Object(object) = attribute.shape {
            compared += look(object, &export["objects"][object.name], export, seen);
        }
    }
    for (name, attribute) in attributes {
        let of = profiles(attribute);
        let is_ours = of.is_empty() || of.iter().any(|profile| PROFILES.contains(profile));
        if attribute["requirement"] == "required" && is_ours {
            assert!(names.contains(name.as_str()), "{}.{name} is required and not stated", stated.name);
        }
    }
    // Of those that are stated, exactly the published ones are alternatives.
    let alternatives = published["constraints"]["at_least_one"].as_array().into_iter().flatten();
    let alternatives: BTreeSet<&str> = alternatives.filter_map(Value::as_str).collect();
    let one_of: BTreeSet<&str> = stated.one_of.iter().copied().collect();
    assert!(one_of.is_subset(&alternatives), "{}", stated.name);
    let unstated = alternatives.difference(&one_of).find(|name| names.contains(*name));
    assert_eq!(unstated, None, "{}", stated.name);
    compared
}

#[test]
fn every_attribute_of_the_ocsf_tables_is_as_ocsf_publishes_it() {
    let test = "every_attribute_of_the_ocsf_tables_is_as_ocsf_publishes_it";
    let Some(export) = published(test, "ocsf-schema/export-1.8.0.json") else { return };
    let (mut compared, mut seen) = (0, BTreeSet::new());
    for (uid, class) in CLASSES {
        let published = &export["classes"][class.name];
        assert_eq!(published["uid"].as_i64().map(i128::from), Some(uid), "{}", class.name);
        compared += look(class, published, &export, &mut seen);
    }
    assert!(compared > 250, "{compared}");
}

#[test]
fn every_field_of_the_ecs_table_is_as_ecs_publishes_it() {
    let Some(flat) = published("every_field_of_the_ecs_table_is_as_ecs_publishes_it", "ecs/ecs_flat.json")
    else {
        return;
    };
    let rows = Rows::new();
    for pair in rows.all().windows(2) {
        assert!(pair[0].path < pair[1].path, "{} is stated twice", pair[1].path);
    }
    for row in rows.all() {
        let field = &flat[row.path];
        assert_eq!(field["type"], row.kind.name(), "{}", row.path);
        let is_list =
            field["normalize"].as_array().is_some_and(|rules| rules.iter().any(|rule| rule == "array"));
        assert_eq!(row.list, is_list, "{}", row.path);
        let allowed = field["allowed_values"].as_array().into_iter().flatten();
        let allowed: BTreeSet<&str> = allowed.filter_map(|value| value["name"].as_str()).collect();
        assert_eq!(row.allowed.iter().copied().collect::<BTreeSet<_>>(), allowed, "{}", row.path);
    }
    for (category, kinds) in EXPECTED {
        let values = flat["event.category"]["allowed_values"].as_array().unwrap();
        let value = values.iter().find(|value| value["name"] == category).unwrap();
        assert_eq!(value["expected_event_types"], serde_json::json!(kinds), "{category}");
    }
    assert!(rows.all().len() > 120, "{}", rows.all().len());
}

//! What this check guarantees: sound documents pass, each reason is found where it is, and the tables agree with what ECS and
//! OCSF publish.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod published;

use serde_json::{Value, json};

use super::{Checker, Fault, FaultReason};
use crate::normalize::SchemaName;

use FaultReason::{
    BadFormat, Inconsistent, Missing, NotAllowed, NotJson, OutOfRange, Twice, Unknown, WrongShape, WrongType,
    WrongWord,
};

const ECS: &str = include_str!("../goldens.ndjson");
const OCSF: &str = include_str!("../goldens.ocsf.ndjson");

/// What is found in `document`.
fn faults(schema: SchemaName, document: &str) -> Vec<(FaultReason, String)> {
    let faults = Checker::new(schema).faults(document.as_bytes());
    faults.into_iter().map(|Fault { reason, field }| (reason, field)).collect()
}

/// The golden document number `index`.
fn golden(goldens: &str, index: usize) -> Value {
    serde_json::from_str(goldens.lines().nth(index).unwrap()).unwrap()
}

/// The first golden document of a finding.
fn finding(goldens: &str, begins: &str) -> Value {
    serde_json::from_str(goldens.lines().find(|line| line.contains(begins)).unwrap()).unwrap()
}

/// Puts `value` where `pointer` points, or takes out what stands there.
fn put(document: &mut Value, pointer: &str, value: Option<Value>) {
    let (object, name) = pointer.rsplit_once('/').unwrap();
    let object = document.pointer_mut(object).unwrap_or_else(|| panic!("{pointer}")).as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
}

/// Holds each change of `sound` against what should be found then.
fn assert_found(schema: SchemaName, sound: &Value, broken: &[(&str, Option<Value>, FaultReason, &str)]) {
    assert_eq!(faults(schema, &sound.to_string()), []);
    for (pointer, value, reason, field) in broken {
        let mut document = sound.clone();
        put(&mut document, pointer, value.clone());
        let found = faults(schema, &document.to_string());
        assert_eq!(found, [(*reason, (*field).to_owned())], "{pointer} is {value:?}");
    }
}

#[test]
fn every_golden_document_is_sound_and_none_is_of_the_other_schema() {
    for (schema, other, goldens) in
        [(SchemaName::Ecs, SchemaName::Ocsf, ECS), (SchemaName::Ocsf, SchemaName::Ecs, OCSF)]
    {
        assert!(goldens.lines().count() > 10);
        for line in goldens.lines() {
            assert_eq!(faults(schema, line), [], "{line}");
            assert!(!faults(other, line).is_empty(), "{line}");
        }
    }
}

#[test]
fn what_is_no_object_of_json_is_found() {
    for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
        for broken in ["", "{", "{\"a\":1}}", "{\"a\":\"\u{1}\"}"] {
            assert_eq!(faults(schema, broken), [(NotJson, String::new())], "{broken}");
        }
        assert_eq!(faults(schema, "[]"), [(WrongType, String::new())]);
    }
}

#[test]
fn a_member_that_stands_twice_is_found_at_any_depth() {
    for (schema, goldens, pairs) in [
        (
            SchemaName::Ecs,
            ECS,
            [
                ("\"event\":{", "\"kind\":\"event\",", "event.kind"),
                ("\"vpcflow\":{", "\"version\":\"2\",", "aws.vpcflow.version"),
            ],
        ),
        (
            SchemaName::Ocsf,
            OCSF,
            [
                ("{", "\"class_uid\":4001,", "class_uid"),
                ("\"traffic\":{", "\"bytes\":1024000,", "traffic.bytes"),
            ],
        ),
    ] {
        let line = goldens.lines().next().unwrap();
        for (object, member, field) in pairs {
            let twice = line.replacen(object, &format!("{object}{member}"), 1);
            assert_eq!(faults(schema, &twice), [(Twice, field.to_owned())], "{twice}");
        }
    }
}

#[test]
fn whatever_is_wrong_with_an_ecs_document_is_found_by_reason_and_field() {
    assert_found(
        SchemaName::Ecs,
        &golden(ECS, 0),
        &[
            ("/source/adress", Some(json!("10.0.0.1")), Unknown, "source.adress"),
            ("/flow", Some(json!({ "id": 1 })), Unknown, "flow.id"),
            ("/@timestamp", None, Missing, "@timestamp"),
            ("/event/kind", None, Missing, "event.kind"),
            ("/event/ingested", None, Missing, "event.ingested"),
            ("/source/port", Some(json!("49152")), WrongType, "source.port"),
            ("/source/port", Some(json!(null)), WrongType, "source.port"),
            ("/source/bytes", Some(json!(1.5)), WrongType, "source.bytes"),
            ("/source/bytes", Some(json!(u64::MAX)), OutOfRange, "source.bytes"),
            ("/aws/vpcflow/action", Some(json!(null)), WrongType, "aws.vpcflow.action"),
            ("/source/port", Some(json!([1])), WrongShape, "source.port"),
            ("/event/category", Some(json!("network")), WrongShape, "event.category"),
            ("/source/ip", Some(json!("10.0.0")), BadFormat, "source.ip"),
            ("/event/start", Some(json!("yesterday")), BadFormat, "event.start"),
            (
                "/destination/geo/location",
                Some(json!({ "lat": 91, "lon": 2.0 })),
                OutOfRange,
                "destination.geo.location",
            ),
            ("/destination/geo/location", Some(json!({ "lat": 1.0 })), WrongType, "destination.geo.location"),
            ("/event/outcome", Some(json!("fine")), NotAllowed, "event.outcome"),
            ("/ecs/version", Some(json!("8.11.0")), NotAllowed, "ecs.version"),
            ("/event/type", Some(json!(["deletion"])), Inconsistent, "event.type"),
            ("/data_stream/dataset", Some(json!("aws.vpcflow")), Inconsistent, "data_stream.dataset"),
        ],
    );
    // A word that is not allowed goes with no category either.
    let mut document = golden(ECS, 0);
    put(&mut document, "/event/type", Some(json!(["flow"])));
    let found = faults(SchemaName::Ecs, &document.to_string());
    assert_eq!(found, [(NotAllowed, "event.type".to_owned()), (Inconsistent, "event.type".to_owned())]);
}

#[test]
fn whatever_is_wrong_with_an_ocsf_event_is_found_by_reason_and_field() {
    assert_found(
        SchemaName::Ocsf,
        &golden(OCSF, 0),
        &[
            ("/src_endpoint/adress", Some(json!("10.0.0.1")), Unknown, "src_endpoint.adress"),
            ("/time", None, Missing, "time"),
            ("/class_uid", None, Missing, "class_uid"),
            ("/cloud/provider", None, Missing, "cloud.provider"),
            ("/metadata/product/version", Some(json!(2)), WrongType, "metadata.product.version"),
            ("/metadata/product", Some(json!({ "version": "2" })), Missing, "metadata.product.name|uid"),
            ("/src_endpoint", Some(json!("10.0.0.1")), WrongType, "src_endpoint"),
            ("/time", Some(json!("2026-01-01T00:00:00Z")), WrongType, "time"),
            ("/time", Some(json!(-1)), OutOfRange, "time"),
            ("/src_endpoint/port", Some(json!(70_000)), OutOfRange, "src_endpoint.port"),
            ("/traffic/bytes", Some(json!(u64::MAX)), OutOfRange, "traffic.bytes"),
            ("/metadata/labels", Some(json!("team: net")), WrongShape, "metadata.labels"),
            ("/src_endpoint/ip", Some(json!("-")), BadFormat, "src_endpoint.ip"),
            ("/src_endpoint/mac", Some(json!("00:11:22:33:44:5g")), BadFormat, "src_endpoint.mac"),
            (
                "/dst_endpoint/intermediate_ips",
                Some(json!(["::1", ""])),
                BadFormat,
                "dst_endpoint.intermediate_ips",
            ),
            ("/class_uid", Some(json!(4002)), NotAllowed, "class_uid"),
            ("/metadata/version", Some(json!("1.7.0")), NotAllowed, "metadata.version"),
            ("/connection_info/direction_id", Some(json!(7)), NotAllowed, "connection_info.direction_id"),
            ("/connection_info/direction", Some(json!("Sideways")), WrongWord, "connection_info.direction"),
            ("/connection_info/protocol_ver", Some(json!("IPv4")), WrongWord, "connection_info.protocol_ver"),
            ("/action", Some(json!("Maybe")), WrongWord, "action"),
            ("/status_id", Some(json!(2)), WrongWord, "status"),
            ("/type_name", Some(json!("Network Activity: Close")), WrongWord, "type_name"),
        ],
    );
}

#[test]
fn numbers_and_sizes_of_an_ocsf_event_that_contradict_each_other_are_found() {
    let sound = golden(OCSF, 0);
    let mut document = sound.clone();
    put(&mut document, "/type_uid", Some(json!(400_102)));
    put(&mut document, "/type_name", Some(json!("Network Activity: Close")));
    assert_eq!(faults(SchemaName::Ocsf, &document.to_string()), [(Inconsistent, "type_uid".to_owned())]);
    let mut document = sound.clone();
    put(&mut document, "/raw_data", Some(json!("größe")));
    for (size, found) in [(7, 0), (5, 1)] {
        put(&mut document, "/raw_data_size", Some(json!(size)));
        let expected = vec![(Inconsistent, "raw_data_size".to_owned()); found];
        assert_eq!(faults(SchemaName::Ocsf, &document.to_string()), expected);
    }
    // Of a text with replacements nobody can tell how long it was.
    put(&mut document, "/raw_data", Some(json!("gr\u{fffd}\u{fffd}e")));
    assert_eq!(faults(SchemaName::Ocsf, &document.to_string()), []);
}

#[test]
fn what_belongs_to_a_profile_is_unknown_without_it_and_demanded_with_it() {
    let mut document = golden(OCSF, 0);
    put(&mut document, "/metadata/profiles", Some(json!(["cloud", "host"])));
    let mut found = faults(SchemaName::Ocsf, &document.to_string());
    found.sort();
    let unknown = ["action", "action_id", "disposition", "disposition_id", "risk_score"];
    assert_eq!(found, unknown.map(|name| (Unknown, name.to_owned())));
    let mut document = golden(OCSF, 0);
    put(&mut document, "/cloud", None);
    assert_eq!(faults(SchemaName::Ocsf, &document.to_string()), [(Missing, "cloud".to_owned())]);
    put(&mut document, "/metadata/profiles", Some(json!(["security_control", "host"])));
    assert_eq!(faults(SchemaName::Ocsf, &document.to_string()), []);
}

#[test]
fn an_observable_names_a_field_of_its_document_and_says_what_stands_there() {
    let mut document = golden(OCSF, 0);
    for (name, value, expected) in [
        ("src_endpoint.ip", "10.0.1.7", None),
        ("src_endpoint.port", "49152", None),
        ("metadata.profiles", "cloud", None),
        ("src_endpoint.ip", "10.0.1.8", Some("observables.value")),
        ("src_endpoint.address", "10.0.1.7", Some("observables.name")),
    ] {
        let observable = json!({ "type_id": 2, "type": "IP Address", "name": name, "value": value });
        put(&mut document, "/observables", Some(json!([observable])));
        let expected: Vec<_> = expected.map(|field| (Inconsistent, field.to_owned())).into_iter().collect();
        assert_eq!(faults(SchemaName::Ocsf, &document.to_string()), expected, "{name}");
    }
    put(&mut document, "/observables", Some(json!([{ "type_id": 50, "name": "time" }])));
    assert_eq!(
        faults(SchemaName::Ocsf, &document.to_string()),
        [(NotAllowed, "observables.type_id".to_owned())]
    );
}

#[test]
fn whatever_is_wrong_with_a_finding_is_found_by_reason_and_field() {
    let analysis = "/anomaly_analyses/0/anomalies/0/observations/0";
    let value = format!("{analysis}/value");
    assert_found(
        SchemaName::Ocsf,
        &finding(OCSF, "\"class_uid\":2004"),
        &[
            ("/finding_info/uid", None, Missing, "finding_info.uid"),
            (&value, None, Missing, "anomaly_analyses.anomalies.observations.value"),
            (&value, Some(json!(7)), WrongType, "anomaly_analyses.anomalies.observations.value"),
            ("/resources/0/ip", Some(json!("web-1")), BadFormat, "resources.ip"),
            ("/resources/0/role", Some(json!("Target")), WrongWord, "resources.role"),
            ("/finding_info/analytic/type_id", Some(json!(12)), NotAllowed, "finding_info.analytic.type_id"),
            ("/severity", Some(json!("Dire")), WrongWord, "severity"),
            ("/attacks", Some(json!([])), Unknown, "attacks"),
        ],
    );
    assert_found(
        SchemaName::Ecs,
        &finding(ECS, "\"kind\":\"alert\""),
        &[
            ("/threat/tactic/id", Some(json!("TA0010")), WrongShape, "threat.tactic.id"),
            ("/event/severity", Some(json!("high")), WrongType, "event.severity"),
            ("/event/created", Some(json!("now")), BadFormat, "event.created"),
            ("/rule/identifier", Some(json!("x")), Unknown, "rule.identifier"),
            // What goes with the first category does not go with the second.
            ("/event/type", Some(json!(["connection"])), Inconsistent, "event.type"),
        ],
    );
}

#[test]
fn every_reason_has_a_place_and_a_name_of_its_own() {
    for (place, reason) in FaultReason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, place);
        assert!(FaultReason::ALL[..place].iter().all(|other| other.name() != reason.name()));
    }
}

//! What this room guarantees of OCSF documents, beside that they follow the published schemas, which `tests/it` looks at.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::{
    NOW, assert_golden,
    goldens::{accepted, goldens},
    original::written,
    strict::strict,
};
use crate::{
    event::{Direction, Documents, FIELDS, Kind, Receipt},
    normalize::{
        Checker, Normalizer, SchemaName, Selection,
        sample::{Sample, V2, entity, external, internal, score},
    },
};

fn normalizer() -> Normalizer {
    Normalizer::new(SchemaName::Ocsf.build(&crate::event::Namespace::default(), 600))
}

fn one(sample: &Sample) -> String {
    let mut out = Documents::new(Receipt::unclaimed());
    normalizer().documents(&sample.0, &Selection::default(), NOW, &mut out);
    assert_eq!(out.len(), 1);
    String::from_utf8(out.bytes).unwrap()
}

fn read(sample: &Sample) -> Json {
    strict(&one(sample))
}

#[test]
fn ocsf_documents_are_the_golden_ones() {
    assert_golden("goldens.ocsf.ndjson", one);
}

#[test]
fn an_ocsf_document_is_the_same_whatever_was_written_before_it() {
    let mut one_for_all = normalizer();
    for _ in 0..2 {
        for (name, sample) in goldens() {
            let mut out = Documents::new(Receipt::unclaimed());
            one_for_all.documents(&sample.0, &Selection::default(), NOW, &mut out);
            assert_eq!(String::from_utf8(out.bytes).unwrap(), one(&sample), "{name}");
        }
    }
}

#[test]
fn a_reject_is_refused_and_blocked_and_an_accept_is_traffic_and_allowed() {
    for (word, activity, name, action, disposition) in
        [("REJECT", 5, "Refuse", "Denied", "Blocked"), ("ACCEPT", 6, "Traffic", "Allowed", "Allowed")]
    {
        let line = format!("2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 2 {word} OK");
        let json = read(&Sample::new().line(V2, &line));
        assert_eq!(json["activity_id"], activity);
        assert_eq!(json["type_uid"], 400_100 + activity);
        assert_eq!(json["activity_name"], name);
        assert_eq!((&json["action"], &json["disposition"]), (&action.into(), &disposition.into()));
        assert_eq!(json["metadata"]["profiles"][1], "security_control");
    }
}

#[test]
fn what_saw_nothing_names_its_interface_as_an_endpoint_and_no_address() {
    for word in ["NODATA", "SKIPDATA"] {
        let line = format!("2 1 eni-1 - - - - - - - 1795260605 1795260664 - {word}");
        let json = read(&Sample::new().line(V2, &line));
        assert_eq!(json["activity_name"], word);
        assert_eq!(json["type_uid"], 400_199);
        assert_eq!(json["src_endpoint"], serde_json::json!({ "interface_uid": "eni-1" }));
        assert!(json.get("dst_endpoint").is_none() && json.get("action").is_none());
        assert_eq!(json["connection_info"]["direction_id"], 0);
    }
}

#[test]
fn the_packets_own_address_is_the_endpoint_and_the_interfaces_an_intermediate() {
    let names = "srcaddr dstaddr pkt-srcaddr pkt-dstaddr start end action flow-direction interface-id";
    let line = "10.0.0.9 81.2.69.160 10.0.1.7 81.2.69.160 1795260605 1795260664 ACCEPT egress eni-1";
    let json = read(
        &Sample::new()
            .line(names, line)
            .flow(Direction::Outbound, "tcp", "")
            .ends(internal("nat-gateway", 22), external())
            .nat_source(internal("ledger-db-1", 21)),
    );
    assert_eq!(json["src_endpoint"]["ip"], "10.0.1.7");
    assert_eq!(json["src_endpoint"]["hostname"], "ledger-db-1");
    assert_eq!(json["src_endpoint"]["intermediate_ips"], serde_json::json!(["10.0.0.9"]));
    assert_eq!(json["dst_endpoint"]["ip"], "81.2.69.160");
    assert!(json["dst_endpoint"].get("intermediate_ips").is_none());
    assert_eq!(json["dst_endpoint"]["location"]["country"], "GB");
    assert_eq!(
        (&json["device"]["ip"], &json["device"]["hostname"]),
        (&"10.0.0.9".into(), &"nat-gateway".into())
    );
}

#[test]
fn times_are_in_milliseconds_and_the_document_is_of_its_start() {
    let json = read(&accepted());
    assert_eq!(json["time"], 1_795_260_605_000_u64);
    assert_eq!(json["start_time"], 1_795_260_605_000_u64);
    assert_eq!(json["end_time"], 1_795_260_664_000_u64);
    assert_eq!(json["duration"], 59_000);
    for (start, expected) in
        [(0_u64, 0_u64), (7, 7_000), (999_999_999, 999_999_999_000), (10_000_000_000, 10_000_000_000_000)]
    {
        let line = format!("2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 {start} {start} ACCEPT OK");
        assert_eq!(read(&Sample::new().line(V2, &line))["time"], expected);
    }
}

#[test]
fn each_traffic_path_has_the_boundary_that_aws_gives_it() {
    for (path, id, name) in [
        (1, 4, "Same VPC"),
        (3, 6, "Virtual Private Gateway"),
        (8, 11, "Internet Gateway"),
        (0, 99, "0"),
        (9, 99, "9"),
    ] {
        let json = read(&Sample::new().line("end srcaddr traffic-path", &format!("1 10.0.0.1 {path}")));
        assert_eq!(json["connection_info"]["boundary_id"], id);
        assert_eq!(json["connection_info"]["boundary"], name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_ocsf_document_is_sound_and_has_no_member_twice_whatever_columns_there_are_and_whatever_they_hold(
        fields in proptest::sample::subsequence(FIELDS.to_vec(), 1..FIELDS.len()),
        texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..12), FIELDS.len()),
        numbers in proptest::collection::vec(any::<u8>(), FIELDS.len()),
        direction in prop_oneof![Just(Direction::Outbound), Just(Direction::Inbound), Just(Direction::Internal)],
    ) {
        let values: Vec<Vec<u8>> = fields.iter().enumerate().map(|(index, row)| match row.kind {
            _ if numbers[index] < 64 => b"-".to_vec(),
            Kind::Uint(_) => numbers[index].to_string().into_bytes(),
            Kind::Address => format!("10.0.{}.7", numbers[index] % 3).into_bytes(),
            _ => texts[index].clone(),
        }).collect();
        let columns: Vec<(&str, &[u8])> =
            fields.iter().zip(&values).map(|(row, value)| (row.name, value.as_slice())).collect();
        let sample = Sample::new()
            .columns(&columns)
            .flow(direction, "tcp", "https")
            .ends(internal("web", 1), external())
            .verdict(entity("tag", "web", 1), Some(score(crate::event::Feature::BytesOut, 7, 1, -0.1)), false);
        let json = read(&sample);
        prop_assert!(json["src_endpoint"].is_object() || json["dst_endpoint"].is_object());
        prop_assert_eq!(json["class_uid"].as_u64(), Some(4001));
        for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
            let document = written(schema, true, &sample).to_string();
            prop_assert_eq!(Checker::new(schema).faults(document.as_bytes()), vec![], "{}", document);
        }
    }
}

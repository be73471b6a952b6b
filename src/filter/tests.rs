//! What the language guarantees: what is read is written again as the same, and what is wrong is told with its place.

#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::event::{EntityKind, EntityName, FIELDS, Feature, IdScheme, Revision, Score};

/// The fault of `text`: where it is, what it says, and what to write instead.
fn fault(text: &str) -> (usize, String, String) {
    let error = text.parse::<Filter>().unwrap_err();
    (error.at, error.to_string(), error.fault.remedy().unwrap_or_default())
}

fn written(text: &str) -> String {
    text.parse::<Filter>().unwrap_or_else(|error| panic!("{text}: {error} at {}", error.at)).to_string()
}

#[test]
fn a_condition_is_written_with_ecs_paths_and_as_few_parentheses_as_it_needs() {
    for (text, again) in [
        ("dstport=22", "destination.port = 22"),
        ("DstPort = 22 OR srcport != 3389", ""),
        ("dstPort >= 1024 and srcPort < 1024", "destination.port >= 1024 and source.port < 1024"),
        ("destination.port in {3389, 22, 22,}", "destination.port in {22, 3389}"),
        ("source.ip in 10.0.0.0/8", "source.ip in 10.0.0.0/8"),
        ("source.ip in {10.0.0.0/9, 10.128.0.0/9, fc00::/7}", "source.ip in {10.0.0.0/8, fc00::/7}"),
        ("source.ip in 10.0.0.7", "source.ip in 10.0.0.7/32"),
        ("source.nat.ip != 2001:DB8::1", "source.nat.ip != 2001:db8::1"),
        ("event.action = REJECT", "event.action = \"reject\""),
        ("action=accept", "event.action = \"accept\""),
        ("log-status in {nodata, SKIPDATA}", "aws.vpcflow.log_status in {\"NODATA\", \"SKIPDATA\"}"),
        ("source.geo.country_iso_code in {RU, IN}", "source.geo.country_iso_code in {\"IN\", \"RU\"}"),
        ("source.bytes > 100MB", "source.bytes > 100000000"),
        ("event.start >= \"2026-11-21T00:00:00Z\"", "event.start >= 1795219200"),
        ("exists source.as.number", "exists source.as.number"),
        ("floodmark.source.asset.name like 'web-*'", "floodmark.source.asset.name like \"web-*\""),
        (
            "floodmark.source.asset.tags.env = \"a \\\"b\\\\\"",
            "floodmark.source.asset.tags.env = \"a \\\"b\\\\\"",
        ),
        ("exists floodmark.source.asset.tags.'a b'", "exists floodmark.source.asset.tags.\"a b\""),
        ("not not exists bytes", "not not exists source.bytes"),
        ("not (bytes=1 or packets=1)", "not (source.bytes = 1 or source.packets = 1)"),
        (
            "((bytes=1 and packets=1)) or bytes=2",
            "source.bytes = 1 and source.packets = 1 or source.bytes = 2",
        ),
        (
            "bytes=1 and (packets=1 or bytes=2)",
            "source.bytes = 1 and (source.packets = 1 or source.bytes = 2)",
        ),
    ] {
        if again.is_empty() {
            assert!(text.parse::<Filter>().is_err(), "AWS's names begin small: {text}");
        } else {
            assert_eq!(written(text), again);
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_to_write_instead() {
    for (text, at, says, remedy) in [
        ("", 0, "expected a field, `exists`, `not` or `(`, found the end", ""),
        ("source.ipp = 10.0.0.1", 0, "unknown field `source.ipp`", ""),
        ("bytes > 1 and dest = 1", 14, "unknown field `dest`", ""),
        ("dstport = 22 or 3389", 16, "unknown field `3389`", "FIELD in {A, B}"),
        (
            "destination.port = 10.0.0.1",
            19,
            "`destination.port` is a number, and `10.0.0.1` is not",
            "digits",
        ),
        ("destination.port = \"22\"", 19, "is a number", "without quotation marks"),
        ("source.ip = 22", 12, "`source.ip` is an address, and `22` is not", "10.0.0.0/8"),
        ("source.ip = 10.0.0.0/8", 12, "`10.0.0.0/8` is not", "`source.ip in 10.0.0.0/8`"),
        ("source.ip in 10.1.0.0/8", 13, "`10.1.0.0/8` is not", "`10.0.0.0/8`"),
        ("source.ip > 10.0.0.0", 0, "cannot be compared by `>`", "`in`"),
        ("event.action like 're*'", 0, "cannot be compared by `like`", "texts"),
        ("event.action = denied", 15, "`event.action` is a word, and `denied` is not", "accept, reject"),
        ("network.direction = in", 20, "is a word", "inbound, outbound, internal, external"),
        ("destination.port in 22", 20, "expected `{` and the values of a set, found `22`", ""),
        ("destination.port in {22 3389}", 24, "expected `,` or `}`, found `3389`", ""),
        ("destination.port in {", 21, "expected a value, found the end", ""),
        ("destination.port", 16, "expected `=`, `!=`", ""),
        ("source.ip not in 10.0.0.0/8", 10, "found `not`", "`not FIELD in …`"),
        ("bytes == 1", 6, "found `==`", "write `=`"),
        ("bytes = 1 && packets = 1", 10, "found `&&`", "write `and`"),
        ("bytes = 1 || packets = 1", 10, "found `||`", "write `or`"),
        ("!exists bytes", 0, "found `!`", "write `not`"),
        ("(bytes = 1", 10, "expected `and`, `or` or `)`, found the end", ""),
        ("bytes = 1)", 9, "expected `and`, `or` or the end, found `)`", ""),
        ("bytes = 1 packets = 1", 10, "found `packets`", ""),
        ("source.geo.city_name = \"Bern", 23, "does not end", "close it"),
        ("source.geo.city_name = \"a\\n\"", 25, "`\\n` means nothing", "backslash"),
        ("source.geo.city_name = São Paulo", 28, "found `Paulo`", ""),
        ("bytes = 1 ; packets = 1", 10, "`;` means nothing here", "quotation marks"),
        ("event.start > yesterday", 14, "is a time", "2026-11-21T12:00:00Z"),
        ("\"source.ip\" = 10.0.0.1", 0, "found the text `source.ip`", "without quotation marks"),
        ("floodmark.source.asset.tags. = 1", 0, "unknown field", ""),
        ("floodmark.source.asset.tags.instance-tag = a", 0, "unknown field", ""),
        ("bytes > 1 and\n  dest = 1", 16, "unknown field `dest`", ""),
    ] {
        let (place, said, help) = fault(text);
        assert!(said.contains(says), "{text}: {said}");
        assert_eq!(place, at, "{text}: {said}");
        assert!(help.contains(remedy), "{text}: {help}");
    }
}

#[test]
fn what_lies_too_deep_is_refused_and_what_is_written_can_be_read() {
    let deep = |depth: usize| format!("{}bytes = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(deep(parser::DEPTH_MAX).parse::<Filter>().is_ok());
    assert_eq!(fault(&deep(parser::DEPTH_MAX + 1)).0, parser::DEPTH_MAX);
    let nots = "not ".repeat(100_000) + "bytes = 1";
    assert!(matches!(nots.parse::<Filter>().unwrap_err().fault, FilterFault::TooDeep));
}

#[test]
fn every_name_of_the_vocabulary_is_a_field_and_every_field_is_written_by_a_name_of_it() {
    let names = names();
    for row in FIELDS {
        assert!(names.contains(&row.name.to_owned()));
    }
    for name in &names {
        let again = written(&format!("exists {name}"));
        let path = again.strip_prefix("exists ").unwrap();
        assert!(names.iter().any(|name| name == path), "{name} is written {path}");
    }
}

fn finding() -> Finding {
    let usual = crate::event::Usual::default();
    Finding {
        id: IdScheme::derived("test", &[]),
        document: IdScheme::derived("test", &[]),
        incident: IdScheme::derived("test", &[]),
        revision: Revision::Created,
        disposition: crate::event::Disposition::Alert,
        suppression: None,
        role: crate::event::ResourceRole::Actor,
        detector: &crate::event::Detector {
            id: "test",
            title: "Test",
            category: "test",
            tactic: ("TA0010", "Exfiltration"),
            technique: ("T1048", "Exfiltration Over Alternative Protocol"),
        },
        entity: std::sync::Arc::new(EntityName::new(
            0,
            (EntityKind::Address, "10.0.1.7", "012345678901/eu-west-1/vpc-1"),
            "",
            None,
        )),
        asset: None,
        evidence: crate::event::Evidence::Unusual {
            score: Score { points: 90, feature: Feature::BytesOut, observed: 5_000, log10_p: -5.4, usual },
            mean: 0.0,
            mean_plus_3_sigma: 0.0,
        },
        age_seconds: 0,
        activity: None,
        window_start: 600,
        window_seconds: 600,
        at: 700,
        interface: None,
        instance: None,
        community_id: None,
        address: "10.0.1.7".parse().ok(),
        peer: "192.0.2.1".parse().ok(),
    }
}

#[test]
fn a_finding_is_left_out_by_what_it_says_and_never_by_what_it_does_not_say() {
    for (text, passes) in [
        ("event.risk_score >= 80", true),
        ("event.risk_score >= 95", false),
        ("destination.port = 22", true),
        ("not destination.port = 22", true),
        ("destination.port = 22 and event.risk_score < 80", false),
        ("destination.port = 22 or event.risk_score < 80", true),
        ("source.ip in 10.0.0.0/8", true),
        ("source.ip in 192.168.0.0/16", false),
        ("destination.ip in 10.0.0.0/8", true),
        ("floodmark.entity.kind = instance", false),
        ("floodmark.source.asset.role = database", true),
        ("cloud.account.id = 012345678901", true),
        ("cloud.account.id = 210987654321", false),
        ("cloud.region = us-east-1 or vpc-id = vpc-1", true),
        ("exists floodmark.source.asset.name", true),
        ("floodmark.score.feature = bytes_out and floodmark.score.observed < 1000", false),
        ("event.end <= 1200", true),
        ("interface-id = eni-1", true),
    ] {
        assert_eq!(text.parse::<Filter>().unwrap().passes_finding(&finding()), passes, "{text}");
    }
}

/// Pieces that a condition, or a broken one, is made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "source.ip ",
        "dstport ",
        "bytes ",
        "event.action ",
        "event.start ",
        "floodmark.source.asset.tags.",
        "floodmark.source.asset.name ",
        "and ",
        "or ",
        "not ",
        "exists ",
        "in ",
        "like ",
        "( ",
        ") ",
        "{ ",
        "} ",
        ", ",
        "= ",
        "!= ",
        "< ",
        ">= ",
        "== ",
        "22 ",
        "10.0.0.0/8 ",
        "::1 ",
        "reject ",
        "\"a b\" ",
        "'",
        "\\",
        "é",
        "\"2026-11-21T00:00:00Z\" ",
        "1MB ",
        "\n",
        ";",
    ]);
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// Conditions that are right, most of them.
fn conditions() -> impl Strategy<Value = String> {
    let test = prop::sample::select(vec![
        "dstport = 22",
        "bytes >= 1kB",
        "source.ip in {10.0.0.0/8, ::1}",
        "exists subnet-id",
        "action = reject",
        "srcport in {1, 2, 3}",
        "floodmark.source.asset.tags.\"a b\" like \"*\\\\*\"",
        "start != 7",
        "pkt-srcaddr = 10.0.0.1",
        "network.direction in {inbound, external}",
        "region != \"a\\\"b\"",
    ]);
    let leaf = test.prop_map(str::to_owned);
    leaf.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" and ")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" or ")),
            inner.clone().prop_map(|inner| format!("({inner})")),
            inner.prop_map(|inner| format!("not {inner}")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_read_is_read_again_as_the_same_from_what_it_is_written_as(text in conditions()) {
        let filter: Filter = text.parse().unwrap();
        let again: Filter = filter.to_string().parse().unwrap();
        prop_assert_eq!(&again, &filter);
        prop_assert_eq!(again.to_string(), filter.to_string());
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_inside_it(text in pieces()) {
        match text.parse::<Filter>() {
            Ok(filter) => prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter),
            Err(error) => prop_assert!(text.is_char_boundary(error.at), "{} at {}", error, error.at),
        }
    }
}

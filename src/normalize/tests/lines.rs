//! What this room guarantees of lines of syslog: sound documents in both schemas, whatever a line says.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{NOW, strict::strict};
use crate::{
    event::{DocumentKind, Documents, Receipt, Syslog},
    normalize::{Checker, Form, Normalizer, SchemaName, Select, Selection, sample::Sample},
};

/// The document of the only line of `sample`.
fn written(form: Form, sample: &Sample) -> String {
    let mut normalizer = Normalizer::new(form.build(&crate::event::Namespace::default(), 600));
    let mut out = Documents::new(Receipt::unclaimed());
    normalizer.documents(&sample.0, &Selection::default(), NOW, &mut out);
    assert_eq!((out.len(), out.rows[0].kind), (1, DocumentKind::Syslog));
    String::from_utf8(out.bytes).unwrap()
}

fn read(schema: SchemaName, sample: &Sample) -> Json {
    strict(&written(schema.into(), sample))
}

/// A line that says everything a line can say.
pub(super) fn full() -> Sample {
    let log = Syslog {
        at_nanos: 1_795_260_605_123_000_000,
        sender: Some(("::ffff:192.0.2.9".parse().unwrap(), 50_514)),
        priority: Some(35),
        version: Some(1),
        sequence: Some(29),
        ..Syslog::default()
    };
    let elements = r#"[origin ip="192.0.2.1" sw="a \"b\" \] \\" ip="192.0.2.2"][empty@1]"#;
    Sample::new().syslog(["10.0.1.7", "sshd", "21012", "ID47", elements, "text"], log)
}

/// Its document, for the list of all paths.
pub(super) fn document() -> Json {
    read(SchemaName::Ecs, &full())
}

#[test]
fn a_line_says_in_ecs_what_its_header_says() {
    let json = document();
    assert_eq!(json["@timestamp"], "2026-11-21T11:30:05.123Z");
    assert_eq!((&json["message"], &json["event"]["kind"]), (&json!("text"), &json!("event")));
    for at in ["event", "data_stream"] {
        assert_eq!(json[at]["dataset"], "floodmark.syslog");
    }
    assert_eq!(
        json["log"],
        json!({ "level": "error", "syslog": {
            "priority": 35, "facility": { "code": 4, "name": "auth" }, "severity": { "code": 3, "name": "error" },
            "version": "1", "hostname": "10.0.1.7", "appname": "sshd", "procid": "21012", "msgid": "ID47",
            "structured_data": {
                "origin": { "ip": ["192.0.2.1", "192.0.2.2"], "sw": "a \"b\" ] \\" }, "empty@1": {},
            },
        } })
    );
    assert_eq!(json["host"], json!({ "hostname": "10.0.1.7", "name": "10.0.1.7", "ip": ["10.0.1.7"] }));
    assert_eq!(json["process"], json!({ "name": "sshd", "pid": 21012 }));
    assert_eq!(json["source"], json!({ "ip": "192.0.2.9", "address": "192.0.2.9", "port": 50_514 }));
    assert_eq!(json["related"], json!({ "ip": ["192.0.2.9", "10.0.1.7"], "hosts": ["10.0.1.7"] }));
    assert_eq!(json["event"]["sequence"], 29);
}

#[test]
fn a_line_is_a_base_event_in_ocsf() {
    let json = read(SchemaName::Ocsf, &full());
    assert_eq!((&json["class_uid"], &json["type_uid"]), (&json!(0), &json!(0)));
    assert_eq!((&json["severity_id"], &json["time"]), (&json!(4), &json!(1_795_260_605_123_u64)));
    assert_eq!(json["device"], json!({ "type_id": 0, "type": "Unknown", "ip": "10.0.1.7" }));
    assert_eq!(json["metadata"]["product"], json!({ "name": "sshd" }));
    assert_eq!(json["unmapped"]["log"], document()["log"]);
    let bare = Sample::new().syslog([""; 6], Syslog::default());
    let json = read(SchemaName::Ocsf, &bare);
    assert_eq!((&json["severity_id"], json.get("device")), (&json!(0), None));
}

#[test]
fn a_line_of_a_sender_that_names_no_host_is_of_the_sender() {
    let log = Syslog { sender: Some(("2001:db8::7".parse().unwrap(), 514)), ..Syslog::default() };
    let sample = Sample::new().syslog(["", "", "", "", "", "no syslog at all"], log);
    assert_eq!(read(SchemaName::Ecs, &sample)["host"], json!({ "ip": ["2001:db8::7"] }));
    assert_eq!(read(SchemaName::Ocsf, &sample)["device"]["ip"], "2001:db8::7");
}

#[test]
fn a_flow_in_a_line_of_syslog_is_a_flow_with_the_lines_header() {
    let flow =
        || Sample::new().line("srcaddr dstaddr bytes start end", "10.0.0.1 10.0.0.2 7 1 2").in_syslog();
    for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
        let mut normalizer = Normalizer::new(schema.build(&crate::event::Namespace::default(), 600));
        let mut out = Documents::new(Receipt::unclaimed());
        normalizer.documents(&flow().0, &Select::All.into(), NOW, &mut out);
        assert_eq!(out.rows[0].kind, DocumentKind::Event);
        let text = String::from_utf8(out.bytes).unwrap();
        assert_eq!(Checker::new(schema).faults(text.as_bytes()), [], "{text}");
        let json = strict(&text);
        let log = if schema == SchemaName::Ecs { &json["log"] } else { &json["unmapped"]["log"] };
        assert_eq!(log["syslog"]["priority"], 134);
    }
}

proptest! {
    #[test]
    fn documents_of_any_line_have_no_fault(
        words in prop::collection::vec("[a-z0-9.:]{0,8}|\\PC{0,12}|.{0,12}", 5),
        value in "[^\"\\\\\\]\\[]{0,12}",
        has_elements in any::<bool>(),
        numbers in (prop::option::of(0..192_u8), prop::option::of(0..8_u8), any::<u64>()),
        sender in prop::option::of((any::<std::net::IpAddr>(), any::<u16>())),
        sequence in prop::option::of(0..=i64::MAX as u64),
        (original, slim) in (any::<bool>(), any::<bool>()),
    ) {
        let (priority, level, at_nanos) = numbers;
        let elements = if has_elements { format!("[a@1 b=\"{value}\" c=\"\" b=\"{value}\"]") } else { String::new() };
        let log = Syslog { at_nanos, sender, priority, level, sequence, ..Syslog::default() };
        let parts = [&*words[0], &words[1], &words[2], &words[3], &elements, &words[4]];
        let sample = Sample::new().syslog(parts, log);
        for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
            let fields = if slim { crate::normalize::Fields::Slim } else { Default::default() };
            let text = written(Form { original, fields, ..schema.into() }, &sample);
            strict(&text);
            prop_assert_eq!(Checker::new(schema).faults(text.as_bytes()), [], "{}", text);
        }
    }
}

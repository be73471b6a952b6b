//! What this room guarantees of sessions: sound documents in both schemas, whole and slim; what is selected, filtered and
//! sampled.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{NOW, strict::strict};
use crate::{
    event::{
        Batch, Direction, DocumentKind, Documents, Ending, Endpoint, EventId, InitiatorMethod, Party,
        Receipt, Session, Span,
    },
    normalize::{
        Checker, Fields, Form, Normalizer, Sampling, SchemaName, Select, Selection, Tally,
        sample::{WINDOW, entity, external, finding, internal},
    },
};

/// Somebody inside who talked to somebody outside for five minutes.
fn session() -> Session {
    let party = |address: &str, port, bytes: u64, name: Option<&str>| Party {
        address: address.parse().unwrap(),
        port,
        bytes,
        packets: bytes / 500,
        entity: name.map(|name| Arc::new(entity("instance", name, 11))),
    };
    Session {
        id: EventId(*b"session 16 bytes"),
        document: EventId(*b"document16 bytes"),
        client: party("10.0.1.7", 49_152, 4_000, Some("i-0123456789abcdef0")),
        server: party("81.2.69.160", 443, 1_000_000, None),
        initiator: Some(InitiatorMethod::Flags),
        protocol: 6,
        start: WINDOW,
        end: WINDOW + 300,
        ending: Some(Ending::Finished),
        records: 12,
        windows: 2,
        accepted: true,
        points: Some(37),
        raised: false,
    }
}

/// A batch of these sessions, enriched.
fn batch(sessions: Vec<Session>) -> Batch {
    let mut batch = Batch { sessions, ..Batch::default() };
    let stitched = batch.lay_out_sessions().unwrap();
    let ends: [Endpoint; 2] = [internal("ledger-db-1", 21), external()];
    stitched.endpoints.extend(ends);
    stitched.derived.extend_from_slice(b"1:ZX5EWhrrVHm3bHzAFxZr8Hr0E/M=");
    let end = stitched.derived.len();
    for event in &mut stitched.events {
        (event.source, event.destination) = (1, 2);
        (event.direction, event.transport, event.service) = (Direction::Outbound, Some("tcp"), Some("https"));
        event.community_id = Span::new(end - 30, end);
    }
    batch
}

fn written(batch: &Batch, form: impl Into<Form>, selection: &Selection) -> (Documents, Tally) {
    let mut normalizer = Normalizer::new(form.into().build(&crate::event::Namespace::default(), 600));
    let mut out = Documents::new(Receipt::unclaimed());
    let tally = normalizer.documents(batch, selection, NOW, &mut out);
    (out, tally)
}

fn one(session: Session, form: impl Into<Form>) -> Json {
    let (out, _) = written(&batch(vec![session]), form, &Select::Sessions.into());
    assert_eq!((out.len(), out.rows[0].kind), (1, DocumentKind::Session));
    strict(std::str::from_utf8(&out.bytes).unwrap())
}

/// Its document, for the list of all paths.
pub(super) fn document() -> Json {
    one(session(), SchemaName::Ecs)
}

#[test]
fn a_session_says_in_ecs_what_both_sides_sent_who_began_it_and_why_it_is_over() {
    let json = document();
    assert_eq!(json["@timestamp"], "2026-11-21T11:35:00Z");
    for at in ["event", "data_stream"] {
        assert_eq!(json[at]["dataset"], "floodmark.session");
    }
    let event = &json["event"];
    assert_eq!(event["type"], json!(["connection", "end", "allowed"]));
    assert_eq!((&event["duration"], &event["risk_score"]), (&json!(300_000_000_000_u64), &json!(37)));
    assert_eq!((&event["action"], &event["outcome"]), (&json!("accept"), &json!("success")));
    let source = &json["source"];
    assert_eq!((&source["ip"], &source["port"]), (&json!("10.0.1.7"), &json!(49_152)));
    assert_eq!((&source["bytes"], &source["packets"]), (&json!(4_000), &json!(8)));
    let destination = &json["destination"];
    assert_eq!((&destination["bytes"], &destination["packets"]), (&json!(1_000_000), &json!(2_000)));
    assert_eq!(destination["geo"]["country_iso_code"], "GB");
    let network = &json["network"];
    assert_eq!((&network["bytes"], &network["packets"]), (&json!(1_004_000), &json!(2_008)));
    assert_eq!(network["community_id"], "1:ZX5EWhrrVHm3bHzAFxZr8Hr0E/M=");
    assert_eq!(json["cloud"]["account"]["id"], "012345678901");
    assert_eq!(json["aws"]["vpcflow"]["vpc_id"], "vpc-0a1b2c3d");
    assert_eq!(
        json["floodmark"]["session"],
        json!({
            "id": session().id.to_string(), "ending": "finished",
            "initiator": { "method": "flags", "confidence": 0.99 },
            "relation": "internet", "records": 12, "windows": 2, "entities": ["i-0123456789abcdef0"],
        })
    );
    assert_eq!(json["floodmark"]["source"]["asset"]["name"], "ledger-db-1");
}

#[test]
fn every_session_is_sound_in_both_schemas_whole_and_slim() {
    let endings = Ending::ALL.into_iter().map(Some).chain([None]);
    let mut sessions: Vec<Session> = endings
        .map(|ending| Session { ending, accepted: ending != Some(Ending::Refused), ..session() })
        .collect();
    let mut bare = Session { initiator: None, points: None, protocol: 1, ..session() };
    (bare.client.entity, bare.client.port, bare.server.port) = (None, 0, 0);
    let mut v6 = session();
    (v6.client.address, v6.server.address) = ("2001:db8::7".parse().unwrap(), "fd00::9".parse().unwrap());
    v6.server.entity = Some(Arc::new(entity("service", "\"quoted\"\n", 12)));
    sessions.extend([bare, v6]);
    for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
        let checker = Checker::new(schema);
        for fields in [Fields::All, Fields::Slim] {
            let form = Form { fields, ..schema.into() };
            for session in &sessions {
                let (out, _) = written(&batch(vec![session.clone()]), form, &Select::Sessions.into());
                let text = String::from_utf8(out.bytes).unwrap();
                strict(&text);
                assert_eq!(checker.faults(text.as_bytes()), [], "{schema:?} {fields:?} {session:?} {text}");
            }
        }
    }
}

#[test]
fn in_ocsf_a_session_is_closed_reset_or_refused_or_goes_on() {
    for (ending, activity, name, action) in [
        (Some(Ending::Finished), 2, "Close", "Allowed"),
        (Some(Ending::Idle), 2, "Close", "Allowed"),
        (Some(Ending::Reset), 3, "Reset", "Allowed"),
        (Some(Ending::Refused), 5, "Refuse", "Denied"),
        (None, 6, "Traffic", "Allowed"),
    ] {
        let json = one(Session { ending, ..session() }, SchemaName::Ocsf);
        assert_eq!((&json["activity_id"], &json["activity_name"]), (&json!(activity), &json!(name)));
        assert_eq!((&json["type_uid"], &json["action"]), (&json!(400_100 + activity), &json!(action)));
        assert_eq!(
            json["traffic"],
            json!({
                "bytes": 1_004_000, "bytes_out": 4_000, "bytes_in": 1_000_000,
                "packets": 2_008, "packets_out": 8, "packets_in": 2_000,
            })
        );
        assert_eq!(json["connection_info"]["uid"], session().id.to_string());
        assert_eq!((&json["count"], &json["is_src_dst_assignment_known"]), (&json!(12), &json!(true)));
    }
}

#[test]
fn a_slim_session_says_nothing_that_the_whole_one_does_not() {
    let slim = one(session(), Form { fields: Fields::Slim, ..SchemaName::Ecs.into() });
    let whole = document();
    fn is_part(slim: &Json, whole: &Json) -> bool {
        match (slim, whole) {
            (Json::Object(slim), Json::Object(whole)) => {
                slim.iter().all(|(name, value)| whole.get(name).is_some_and(|whole| is_part(value, whole)))
            }
            (slim, whole) => slim == whole,
        }
    }
    assert!(is_part(&slim, &whole), "{slim}");
    assert!(slim.get("related").is_none() && slim["source"].get("address").is_none());
}

#[test]
fn sessions_leave_where_they_are_selected_and_are_counted_once_everywhere() {
    let mut batch = batch(vec![session(), Session { points: Some(3), ..session() }]);
    batch.findings.push(finding(crate::event::Revision::Created));
    for (select, kinds) in [
        (Select::Sessions, vec![DocumentKind::Session, DocumentKind::Session, DocumentKind::Finding]),
        (
            Select::EventsAndSessions,
            vec![DocumentKind::Session, DocumentKind::Session, DocumentKind::Finding],
        ),
        (Select::All, vec![DocumentKind::Finding]),
        (Select::Findings, vec![DocumentKind::Finding]),
        (Select::Score(0), vec![DocumentKind::Finding]),
    ] {
        let (out, tally) = written(&batch, SchemaName::Ecs, &select.into());
        assert_eq!(out.rows.iter().map(|row| row.kind).collect::<Vec<_>>(), kinds, "{select:?}");
        assert_eq!(tally.written + tally.filtered, 3);
        assert!(out.rows.iter().all(|row| row.key.of(&out.keys) == b"i-0123456789abcdef0"));
    }
}

#[test]
fn a_condition_is_asked_of_what_the_session_says() {
    for (text, passes) in [
        ("destination.bytes > 999kB and network.bytes = 1004000", true),
        ("source.bytes = 4000 and bytes < 5000", true),
        ("network.packets = 2008 and destination.packets = 2000", true),
        ("event.risk_score >= 37", true),
        ("event.risk_score > 37", false),
        ("floodmark.session.relation = internet", true),
        ("floodmark.session.ending in {idle, reset}", false),
        ("floodmark.session.initiator.method = flags", true),
        ("source.ip in 10.0.0.0/8 and destination.port = 443 and event.action = accept", true),
        ("destination.geo.country_iso_code = GB and floodmark.source.asset.tags.env = prod", true),
        ("event.duration < 300000000000", false),
    ] {
        let selection =
            Selection { select: Select::Sessions, filter: Some(text.parse().unwrap()), sample: None };
        let (out, tally) = written(&batch(vec![session()]), SchemaName::Ecs, &selection);
        assert_eq!((out.len(), tally.filtered), (usize::from(passes), u64::from(!passes)), "{text}");
    }
}

#[test]
fn what_scored_low_is_sampled_by_its_session_and_what_a_finding_rests_on_leaves() {
    let sampled = |points, raised| {
        let many = (0..400_u32).flat_map(|nth| {
            let id = crate::event::IdScheme::derived("test", &[&nth.to_be_bytes()]);
            let document =
                |revision: u32| crate::event::IdScheme::derived("test", &[&id.0, &revision.to_be_bytes()]);
            let session = Session { id, points, raised, ..session() };
            // Each goes on, and ends.
            [0, 1].map(|revision| Session { document: document(revision), ..session.clone() })
        });
        let sample = Some(Sampling { below: 20, keep: "1/10".parse().unwrap() });
        let selection = Selection { select: Select::Sessions, filter: None, sample };
        written(&batch(many.collect()), SchemaName::Ecs, &selection)
    };
    for (points, raised) in [(Some(20), false), (None, false), (Some(3), true)] {
        assert_eq!(sampled(points, raised).1, Tally { written: 800, ..Tally::default() });
    }
    let (out, tally) = sampled(Some(19), false);
    assert_eq!(tally.written + tally.sampled, 800);
    assert!((40..160).contains(&tally.written) && tally.written.is_multiple_of(2), "{tally:?}");
    let first = strict(std::str::from_utf8(out.document(0)).unwrap());
    assert_eq!(first["floodmark"]["sample"]["rate"], 10);
}

//! What a slim document holds: a part of what the whole one holds, which still follows its schema.

use serde_json::Value as Json;

use super::{
    NOW, assert_golden,
    goldens::{accepted, goldens},
    original,
    strict::strict,
};
use crate::{
    event::{Documents, Receipt},
    normalize::{Checker, Fields, Form, Normalizer, SchemaName, Selection, sample::Sample},
};

fn slim(schema: SchemaName, sample: &Sample) -> String {
    let form = Form { fields: Fields::Slim, ..schema.into() };
    let mut out = Documents::new(Receipt::unclaimed());
    let mut normalizer = Normalizer::new(form.build(&crate::event::Namespace::default(), 600));
    normalizer.documents(&sample.0, &Selection::default(), NOW, &mut out);
    assert_eq!(out.len(), 1);
    String::from_utf8(out.bytes).unwrap()
}

#[test]
fn slim_documents_are_the_golden_ones() {
    assert_golden("goldens.slim.ndjson", |sample| slim(SchemaName::Ecs, sample));
    assert_golden("goldens.slim.ocsf.ndjson", |sample| slim(SchemaName::Ocsf, sample));
}

/// Whether `whole` says all that `part` says.
fn holds(whole: &Json, part: &Json) -> bool {
    match (whole, part) {
        (Json::Object(whole), Json::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| holds(whole, part)))
        }
        _ => whole == part,
    }
}

#[test]
fn a_slim_document_says_nothing_that_the_whole_one_does_not_and_follows_its_schema() {
    for (name, sample) in goldens() {
        for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
            let (part, whole) = (slim(schema, &sample), original::written(schema, false, &sample));
            let faults = Checker::new(schema).faults(part.as_bytes());
            assert!(faults.is_empty(), "{name}: {faults:?} in {part}");
            let part = strict(&part);
            assert!(holds(&whole, &part), "{name}: {part} is no part of {whole}");
            assert!(part == whole || !sample.0.events.is_empty(), "{name}: a finding is whole");
        }
    }
}

#[test]
fn a_slim_document_tells_why_only_from_score_50_on_or_where_a_finding_rests_on_it() {
    let said = |points: u8, raised: bool| {
        let mut sample = accepted();
        let verdict = sample.0.verdicts[0].as_mut().unwrap();
        verdict.raised = raised;
        verdict.score.as_mut().unwrap().points = points;
        let json = strict(&slim(SchemaName::Ecs, &sample));
        assert_eq!(json["event"]["risk_score"], points, "the score itself is always there");
        let why =
            [json["event"].get("reason"), json["floodmark"].get("score"), json["floodmark"].get("entity")];
        why.map(|why| why.is_some())
    };
    assert_eq!(said(49, false), [false; 3]);
    assert_eq!(said(50, false), [true; 3]);
    assert_eq!(said(0, true), [true; 3]);
}

#[test]
fn what_the_searches_of_a_siem_ask_for_is_in_a_slim_document() {
    let json = strict(&slim(SchemaName::Ecs, &accepted()));
    for path in [
        "@timestamp",
        "ecs.version",
        "data_stream.dataset",
        "event.id",
        "event.kind",
        "event.category",
        "event.type",
        "event.dataset",
        "event.ingested",
        "event.action",
        "event.outcome",
        "event.risk_score",
        "source.ip",
        "source.port",
        "source.bytes",
        "source.packets",
        "destination.ip",
        "destination.port",
        "destination.geo.country_iso_code",
        "destination.as.number",
        "destination.as.organization.name",
        "network.transport",
        "network.direction",
        "network.bytes",
        "network.community_id",
        "cloud.account.id",
        "host.name",
        "host.ip",
        "aws.vpcflow.interface_id",
        "floodmark.source.asset.name",
        "floodmark.source.asset.tags.env",
    ] {
        assert!(path.split('.').try_fold(&json, |json, name| json.get(name)).is_some(), "{path} in {json}");
    }
}

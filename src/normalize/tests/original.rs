//! What a document with `original: true` holds of the entry that it was made from.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::{
    NOW,
    goldens::{accepted, goldens},
    strict::strict,
};
use crate::{
    event::{Documents, Receipt},
    normalize::{
        Form, Normalizer, SchemaName, Selection,
        sample::{Sample, V2},
    },
};

/// The document of the sample's one event or finding.
pub(super) fn written(schema: SchemaName, original: bool, sample: &Sample) -> Json {
    let form = Form { original, ..schema.into() };
    let mut out = Documents::new(Receipt::unclaimed());
    Normalizer::new(form.build(&crate::event::Namespace::default(), 600)).documents(
        &sample.0,
        &Selection::default(),
        NOW,
        &mut out,
    );
    assert_eq!(out.len(), 1);
    strict(std::str::from_utf8(&out.bytes).unwrap())
}

/// Takes what tells of the entry as received out of a document.
fn take(document: &mut Json, schema: SchemaName) -> [Option<Json>; 2] {
    let event = match schema {
        SchemaName::Ecs => return [document["event"].as_object_mut().unwrap().remove("original"), None],
        SchemaName::Ocsf => document.as_object_mut().unwrap(),
    };
    [event.remove("raw_data"), event.remove("raw_data_size")]
}

#[test]
fn the_line_stands_in_the_document_as_received_and_nothing_else_changes() {
    for (name, sample) in goldens() {
        for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
            let without = written(schema, false, &sample);
            let mut with = written(schema, true, &sample);
            let [text, size] = take(&mut with, schema);
            assert_eq!(with, without, "{name}");
            let Some(event) = sample.0.events.first() else {
                assert_eq!((text, size), (None, None), "{name}: a finding is made from no line");
                continue;
            };
            let line = event.entry.span.of(sample.0.bytes());
            assert_eq!(text.unwrap(), *String::from_utf8_lossy(line), "{name}");
            assert_eq!(
                size.map(|size| size.as_u64().unwrap()),
                match schema {
                    SchemaName::Ecs => None,
                    SchemaName::Ocsf => Some(line.len() as u64),
                }
            );
        }
    }
}

#[test]
fn what_a_sink_did_not_ask_for_is_not_written() {
    for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
        assert_eq!(take(&mut written(schema, false, &accepted()), schema), [None, None]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_become_a_text_of_json_with_replacements_for_what_is_no_utf8(
        bytes in proptest::collection::vec(any::<u8>(), 1..80),
    ) {
        let line = "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 2 ACCEPT OK";
        let mut columns: Vec<(&str, &[u8])> = V2.split(' ').zip(line.split(' ').map(str::as_bytes)).collect();
        columns.push(("made-up", &bytes));
        let expected = [line.as_bytes(), b" ", &bytes].concat();
        for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
            let [text, size] = take(&mut written(schema, true, &Sample::new().columns(&columns)), schema);
            prop_assert_eq!(text.unwrap(), &*String::from_utf8_lossy(&expected));
            prop_assert_eq!(size.map(|size| size == expected.len()), (schema == SchemaName::Ocsf).then_some(true));
        }
    }
}

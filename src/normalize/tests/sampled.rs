//! That what leaves as one of a sample says so, and what a sample leaves out is counted.

use serde_json::Value as Json;

use super::{NOW, goldens::accepted, strict};
use crate::{
    event::{Documents, EventId, Receipt},
    normalize::{Checker, Normalizer, Sampling, SchemaName, Select, Selection, Tally, sample::Sample},
};

/// An id that a share of one in ten has, and one that it has not.
const KEPT: EventId = EventId([0; 16]);
const LEFT_OUT: EventId = EventId([0xff; 16]);

/// The documents of a sample in which everything that scored at most 98 is one of ten.
fn written(schema: SchemaName, sample: &Sample, select: Select) -> (Vec<Json>, Tally) {
    let sampling = Sampling { below: 99, keep: "1/10".parse().unwrap() };
    let selection = Selection { sample: Some(sampling), ..select.into() };
    let mut out = Documents::new(Receipt::unclaimed());
    let mut normalizer = Normalizer::new(schema.build(&crate::event::Namespace::default(), 600));
    let tally = normalizer.documents(&sample.0, &selection, NOW, &mut out);
    let documents = (0..out.len()).map(|index| std::str::from_utf8(out.document(index)).unwrap());
    let documents = documents.inspect(|document| {
        let faults = Checker::new(schema).faults(document.as_bytes());
        assert!(faults.is_empty(), "{faults:?}");
    });
    (documents.map(strict).collect(), tally)
}

fn scored(id: EventId, raised: bool) -> Sample {
    let mut sample = accepted();
    sample.event().id = id;
    let verdict = sample.0.verdicts[0].as_mut().unwrap();
    verdict.raised = raised;
    sample
}

/// A document that is one of ten.
pub(super) fn one_of_ten() -> Json {
    written(SchemaName::Ecs, &scored(KEPT, false), Select::All).0.remove(0)
}

#[test]
fn a_document_of_a_sample_says_for_how_many_it_stands_and_the_others_are_counted() {
    assert_eq!(one_of_ten()["floodmark"]["sample"]["rate"], 10);
    let (ocsf, _) = written(SchemaName::Ocsf, &scored(KEPT, false), Select::All);
    assert_eq!(ocsf[0]["unmapped"]["floodmark"]["sample"]["rate"], 10);
    for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
        let (documents, tally) = written(schema, &scored(LEFT_OUT, false), Select::All);
        assert_eq!((documents.len(), tally.written, tally.sampled, tally.filtered), (0, 0, 1, 0));
        let (documents, tally) = written(schema, &scored(LEFT_OUT, true), Select::All);
        assert_eq!((tally.written, tally.sampled), (1, 0), "a finding rests on it");
        assert!(!documents[0].to_string().contains("\"sample\""), "it stands for itself");
        let (_, tally) = written(schema, &scored(LEFT_OUT, false), Select::Score(100));
        assert_eq!((tally.sampled, tally.filtered), (0, 1), "what is not selected is not sampled");
    }
}

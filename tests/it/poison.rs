//! Attacks on learning, by the binary on a generated fleet. What each costs and gains is measured in `score::tests::poison`.

use serde_json::Value;

use crate::process::{Folder, at, is_finding, text_at};

const CONFIG: &str = "sources: { flows: { from: { file: { paths: [in.log] } } } }
sinks: { out: { to: { file: { path: out.ndjson } } } }
score: { identity: [address], lateness: 25m }
";

/// The findings about the host with `address`: from when to when, and how high.
fn findings(documents: &[Value], address: &str) -> Vec<(i64, i64, u64)> {
    let second = |document: &Value, path: &str| {
        text_at(document, path).parse::<jiff::Timestamp>().unwrap().as_second()
    };
    documents
        .iter()
        .filter(|document| text_at(document, "floodmark.entity.name") == address)
        .map(|document| {
            let points = at(document, "event.risk_score").as_u64().unwrap();
            (second(document, "event.start"), second(document, "event.end"), points)
        })
        .collect()
}

#[test]
fn a_theft_on_the_first_day_is_found_and_hides_no_second_one() {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG);
    let fleet = "generate --profile fleet --hosts 30 --services 24 --lines-per-day 16000 --span 4d --format v5 \
                 --attack warm-up --labels labels.ndjson";
    let (ended, text) = folder.printed(&fleet.split_whitespace().collect::<Vec<_>>());
    ended.assert_code(0);
    folder.write("in.log", text);
    folder.run(&["run", "-q", "--config", "config.yaml"]).assert_code(0);
    let documents: Vec<Value> = folder.documents("out.ndjson").into_iter().filter(is_finding).collect();

    let labels = folder.documents("labels.ndjson");
    let thefts: Vec<_> = labels.iter().filter(|label| label["attack"] == true).collect();
    assert_eq!(thefts.len(), 2, "{labels:?}");
    for theft in thefts {
        let (start, end) = (theft["start"].as_i64().unwrap(), theft["end"].as_i64().unwrap());
        let found = findings(&documents, theft["address"].as_str().unwrap());
        let points =
            found.iter().filter(|(from, to, _)| *from <= end && start <= *to).map(|(.., points)| *points);
        assert!(points.max() >= Some(80), "{theft} among {found:?}");
    }
}

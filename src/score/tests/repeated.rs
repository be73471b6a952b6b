//! A record that comes again counts once.

use super::*;
use crate::quantity::ByteSize;

/// Every flow twice, the second time a little later in the stream.
fn doubled(flows: &[Flow]) -> Vec<Flow> {
    let mut out = Vec::new();
    for few in flows.chunks(7) {
        out.extend_from_slice(few);
        out.extend_from_slice(few);
    }
    out
}

fn scored(flows: Vec<Flow>, config: &Config, metrics: &Metrics) -> (Outcome, String) {
    let scorer = Scorer::new(config, metrics, SEED);
    let streams = Streams::from([("a", flows)]);
    let outcome = take(&scorer, &streams, &whole(&streams, "a", 50), 2, 0, &BTreeMap::new());
    (outcome, exported(&scorer))
}

#[test]
fn a_record_that_comes_again_at_another_position_counts_once_in_its_window() {
    let flows = stream(3, 1..6, 2_000);
    let (metrics, twice) = (Metrics::default(), Metrics::default());
    let (once, baseline) = scored(flows.clone(), &config(), &metrics);
    let (again, same) = scored(doubled(&flows), &config(), &twice);
    assert_eq!(baseline, same);
    let ids = |outcome: &Outcome| {
        let finding =
            |finding: &Finding| (finding.detector, finding.window_start, finding.evidence.observed());
        outcome.findings.iter().map(finding).collect::<Vec<_>>()
    };
    assert!(!once.findings.is_empty());
    assert_eq!(ids(&once), ids(&again));
    assert_eq!(metric(&metrics, "floodmark_score_events_repeated_total"), 0);
    let late = |metrics| metric(metrics, "floodmark_score_events_late_total");
    let repeated = metric(&twice, "floodmark_score_events_repeated_total");
    assert_eq!(repeated + late(&twice), 2_000 + late(&metrics), "what is late counts neither time");
    assert_eq!(
        again.verdicts.values().filter(|verdict| verdict.is_some()).count(),
        4_000,
        "repeats are scored too"
    );
}

#[test]
fn without_room_for_it_a_record_counts_as_often_as_it_comes() {
    let flows = stream(3, 1..6, 2_000);
    let config = Config { dedup_bytes: ByteSize::bytes(0), ..config() };
    let metrics = Metrics::default();
    let once = scored(flows.clone(), &config, &Metrics::default());
    let twice = scored(doubled(&flows), &config, &metrics);
    assert_ne!(once.1, twice.1);
    assert_eq!(metric(&metrics, "floodmark_score_events_repeated_total"), 0);
    assert_eq!(metric(&metrics, "floodmark_score_events_unremembered_total"), 0, "nobody asked for it");
}

#[test]
fn what_is_read_again_after_a_restart_still_counts_once_when_it_comes_at_yet_another_position() {
    let flows: Vec<Flow> = (0..40).map(|nth| Flow::sent(1, 1_000 + nth, START + nth)).collect();
    let all: Vec<Flow> = flows.iter().chain(&flows).cloned().collect();
    let streams = Streams::from([("a", all)]);
    let steps = [Step::Assigned("a"), Step::Flows("a", 0, 40)];
    let first = scorer_with(&config());
    take(&first, &streams, &steps, 1, 0, &BTreeMap::new());
    let entries = first.capture(2).entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let metrics = Metrics::default();
    let second = Scorer::restore(&config(), &metrics, SEED, entries).unwrap();
    let steps = [Step::Assigned("a"), Step::Flows("a", 0, 40), Step::Flows("a", 40, 80), Step::Finish];
    let known = BTreeMap::from([("a".to_owned(), 40)]);
    take(&second, &streams, &steps, 1, 0, &known);
    assert_eq!(metric(&metrics, "floodmark_score_events_repeated_total"), 40);
    let whole = scorer_with(&config());
    take(
        &whole,
        &streams,
        &[Step::Assigned("a"), Step::Flows("a", 0, 40), Step::Finish],
        1,
        0,
        &BTreeMap::new(),
    );
    assert_eq!(exported(&second), exported(&whole));
}

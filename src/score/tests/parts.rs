//! An estate in parts: what one scorer finds that scores all, scorers that each score a part find too; and a part that moves
//! knows what comes again.

use super::*;
use crate::quantity::ByteSize;

/// What one part has of the room for repeats where there are three.
const THIRD: u64 = (8 << 20) / 3;

/// Carries words until nobody has anything to say, and lets everything fold that may.
fn settle(council: &Council, parts: &mut [(Scorer, u64)], findings: &mut Vec<Finding>) {
    loop {
        let words = council.take_words();
        if words.is_empty() {
            return;
        }
        words.iter().for_each(|Word { key, value }| {
            council.hear(key, value.as_deref());
        });
        for (part, ticket) in &mut *parts {
            let mut batch = Batch::default();
            part.tick(*ticket, 0, &mut batch);
            *ticket += 1;
            findings.extend(batch.findings);
        }
    }
}

/// A batch of `flows` that says how far all streams have come.
fn batch_at(start: usize, flows: &[Flow], learn_from: u64, clock: u64) -> Batch {
    let mut batch = batch_of("a", start, flows, learn_from);
    batch.chunk.as_mut().unwrap().clock = Some(clock);
    batch
}

/// The baselines and the pools of an export.
fn learned(export: &str) -> (Vec<serde_json::Value>, serde_json::Value) {
    let mut export: serde_json::Value = serde_json::from_str(export).unwrap();
    let baselines = export["baselines"].as_array().unwrap().clone();
    (baselines, export["pools"].take())
}

#[test]
fn three_scorers_in_one_council_find_and_learn_what_one_does_that_scores_all() {
    let flows = stream(41, 1..13, 8_000);
    let council = Arc::new(Council::default());
    council.convene(3);
    let part = |number| (scorer_with(&config()).in_council(council.clone(), number), 0);
    let mut parts: Vec<(Scorer, u64)> = (0..3).map(part).collect();
    let alone = scorer_with(&config());
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    for (nth, few) in flows.chunks(100).enumerate() {
        let start = nth * 100;
        let clock = flows[..start + few.len()].iter().map(|flow| flow.end).max().unwrap();
        let mut batch = batch_at(start, few, 0, clock);
        alone.score(nth as u64, &mut batch);
        expected.extend(batch.findings);
        for (number, (part, ticket)) in parts.iter_mut().enumerate() {
            let own = |flow: &&Flow| {
                let host = [flow.source, flow.destination].map(|end| end.octets()).into_iter();
                host.filter(|octets| octets[0] == 10).any(|octets| usize::from(octets[3]) % 3 == number)
            };
            let own: Vec<Flow> = few.iter().filter(own).cloned().collect();
            let mut batch = batch_at(start, &own, 0, clock);
            part.score(*ticket, &mut batch);
            *ticket += 1;
            found.extend(batch.findings);
        }
        // Words take their time.
        if nth % 7 == 0 {
            settle(&council, &mut parts, &mut found);
        }
    }
    settle(&council, &mut parts, &mut found);
    let mut batch = Batch::default();
    alone.finish((flows.len() / 100) as u64, &mut batch);
    expected.extend(batch.findings);
    // Each round folds an hour, for which the next one waits.
    for _ in 0..24 {
        for (part, ticket) in &mut parts {
            let mut batch = Batch::default();
            part.finish(*ticket, &mut batch);
            *ticket += 1;
            found.extend(batch.findings);
        }
        settle(&council, &mut parts, &mut found);
    }
    assert!(came_to(&expected).len() > 10, "{} findings", expected.len());
    assert_eq!(came_to(&found), came_to(&expected));
    let (baselines, pools) = learned(&exported(&alone));
    let mut own = Vec::new();
    for (part, _) in &parts {
        let (baselines, same) = learned(&exported(part));
        assert_eq!(same, pools);
        own.extend(baselines);
    }
    assert_eq!(own.len(), 12);
    own.sort_by_key(|baseline| baseline["name"].to_string());
    let mut baselines = baselines;
    baselines.sort_by_key(|baseline| baseline["name"].to_string());
    assert_eq!(own, baselines);
    assert_eq!(council.session().forced, 0);
}

/// A part that goes on where `capture` left off, in a council in which the others have taught nothing yet; and its metrics.
fn taken_over(capture: Capture, config: &Config) -> (Scorer, Metrics) {
    let metrics = Metrics::default();
    let entries = capture.entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let scorer = Scorer::restore(config, &metrics, SEED, entries).unwrap();
    (scorer.in_council(waiting(), 0), metrics)
}

fn waiting() -> Arc<Council> {
    let council = Arc::new(Council::default());
    council.convene(2);
    council
}

#[test]
fn what_open_windows_hold_is_known_when_it_comes_again_after_a_part_has_moved_however_many_are_open() {
    let config = Config { dedup_bytes: ByteSize::bytes(THIRD), ..config() };
    // A backlog: a stream that is behind keeps all of them open.
    let flow = |window: u64, host: u8| Flow::sent(host, 90_000 + window, START + window * 600 + 60);
    let flows: Vec<Flow> = (0..120).flat_map(|window| [1, 2, 3, 4].map(|host| flow(window, host))).collect();
    let (all, folded) = (flows.len(), START + 100);
    let first = scorer_with(&config).in_council(waiting(), 0);
    for (nth, few) in flows.chunks(40).enumerate() {
        first.score(nth as u64, &mut batch_at(nth * 40, few, 0, folded));
    }
    let capture = first.capture((all / 40) as u64);
    assert_eq!(capture.positions[0].1, all as u64);
    let from = usize::try_from(capture.open_from.unwrap()).unwrap();
    let (second, metrics) = taken_over(capture, &config);
    second.assigned(0, &[Partition::new("a")]);
    second.score(1, &mut batch_at(from, &flows[from..], all as u64, folded));
    // What the killed one had passed on is passed on again.
    second.score(2, &mut batch_at(all, &flows, all as u64, folded));
    assert_eq!(metric(&metrics, "floodmark_score_events_unremembered_total"), 0);
    assert_eq!(metric(&metrics, "floodmark_score_events_repeated_total"), all as u64);
    let changed = second.capture(3).entries;
    assert!(changed.iter().all(|(key, _)| key[0] != b'e'), "a host has learned something twice");
}

#[test]
fn a_capture_before_all_was_looked_at_again_says_up_to_where_it_was() {
    let flow = |window: u64, nth: u64| Flow::sent(1, 90_000 + nth, START + window * 600 + nth);
    // The first ten lie in a window that has folded, the others in one that is open; one batch brought all.
    let folded: Vec<Flow> = (0..10).map(|nth| flow(0, nth)).collect();
    let open: Vec<Flow> = (0..10).map(|nth| flow(50, nth)).collect();
    let flows = [folded, open].concat();
    let council = Arc::new(Council::default());
    council.convene(1);
    let at = START + 40 * 600;
    let mut parts = vec![(scorer_with(&config()).in_council(council.clone(), 0), 1)];
    parts[0].0.score(0, &mut batch_at(0, &flows, 0, at));
    // Hour by hour: each waits for what the one before taught.
    settle(&council, &mut parts, &mut Vec::new());
    let (first, ticket) = parts.remove(0);
    let capture = first.capture(ticket);
    assert_eq!((capture.positions[0].1, capture.open_from), (20, Some(0)));
    let (second, _) = taken_over(capture, &config());
    second.score(0, &mut batch_at(0, &flows[..10], 20, at));
    let capture = second.capture(1);
    assert_eq!((capture.positions[0].1, capture.open_from), (20, Some(10)));
    second.score(2, &mut batch_at(10, &flows[10..], 20, at));
    assert_eq!(second.capture(3).open_from, Some(10), "the open window begins there");
}

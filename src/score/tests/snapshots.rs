//! A capture restored goes on as if nothing had happened.

use proptest::prelude::*;

use super::*;
use crate::event::{Bookmark, EventId};

/// What a state holds after some captures.
type Store = BTreeMap<Vec<u8>, Vec<u8>>;

fn store(into: &mut Store, capture: &Capture) {
    for (key, value) in &capture.entries {
        match value {
            Some(value) => into.insert(key.clone(), value.clone()),
            None => into.remove(key),
        };
    }
}

fn restored(store: &Store) -> Scorer {
    Scorer::restore(&config(), &Metrics::default(), SEED, store.clone()).unwrap()
}

/// Takes `steps` up to `stop`, captures, and goes on in a scorer restored from that. With `again`, everything is read
/// again from the start, as read-once files are; what the capture holds is then known.
fn interrupted(streams: &Streams, steps: &[Step], stop: usize, again: bool) -> Outcome {
    let scorer = scorer_with(&config());
    let nothing = BTreeMap::new();
    let mut state = Store::new();
    let mut ticket = 0;
    let mut findings = Vec::new();
    // Captures on the way, so that the last one holds only what has changed; one of them is not stored.
    for (nth, part) in steps[..stop].chunks(stop.div_ceil(4).max(1)).enumerate() {
        findings.extend(take(&scorer, streams, part, 1, ticket, &nothing).findings);
        ticket += part.len() as u64;
        let capture = scorer.capture(ticket);
        ticket += 1;
        if nth == 1 { scorer.give_back(capture) } else { store(&mut state, &capture) }
    }
    let last = scorer.capture(ticket);
    store(&mut state, &last);
    let scorer = restored(&state);
    let mut known = BTreeMap::new();
    for step in &steps[..stop] {
        if let Step::Flows(name, _, end) = step {
            known.insert((*name).to_owned(), *end as u64);
        }
    }
    let mut rest = vec![Step::Assigned("a"), Step::Assigned("b")];
    rest.extend_from_slice(if again { steps } else { &steps[stop..] });
    let mut outcome = take(&scorer, streams, &rest, 1, 0, &known);
    findings.append(&mut outcome.findings);
    outcome.findings = findings;
    outcome.export = exported(&scorer);
    outcome
}

/// What a finding tells: its document, its incident, what was observed, where, and what the window held.
type Told = (EventId, EventId, u64, Option<Box<str>>, Option<crate::event::Activity>);

fn told(outcome: &Outcome) -> Vec<Told> {
    let row = |finding: &Finding| {
        let Finding { document, incident, evidence, interface, activity, .. } = finding;
        (*document, *incident, evidence.observed(), interface.clone(), *activity)
    };
    outcome.findings.iter().map(row).collect()
}

#[test]
fn a_restore_at_any_ticket_goes_on_as_if_there_had_been_none() {
    let streams = two_streams(400, 3_000);
    let steps = mixed(&streams, 4);
    let whole = run(&streams, &steps, 1, SEED);
    assert!(whole.findings.len() > 10);
    for stop in (0..steps.len()).step_by(steps.len() / 12).chain([steps.len() - 1]) {
        for again in [false, true] {
            let outcome = interrupted(&streams, &steps, stop, again);
            assert_eq!(outcome.export, whole.export, "stopped before step {stop}, again: {again}");
            assert_eq!(told(&outcome), told(&whole), "stopped before step {stop}, again: {again}");
        }
    }
}

#[test]
fn a_finding_that_a_fold_raised_after_a_capture_is_in_the_next_capture() {
    let scorer = scorer_with(&config());
    let usual = |window: u64| (1..9).map(move |host| Flow::sent(host, 90_000, START + window * 600 + 60));
    let mut flows: Vec<_> = (0..40).flat_map(usual).collect();
    let at = START + 45 * 600 + 10;
    flows.push(Flow::sent(4, 700_000_000, at));
    let partitions = ["a", "b"].map(Partition::new);
    scorer.assigned(0, &partitions);
    scorer.score(1, &mut batch_of("b", 0, &[Flow::sent(9, 10, START + 42 * 600)], 0));
    let mut waits = batch_of("a", 0, &flows, 0);
    scorer.score(2, &mut waits);
    assert_eq!(waits.findings, [], "its judge has not run");
    let mut state = Store::new();
    store(&mut state, &scorer.capture(3));
    let mut raises = batch_of("b", 1, &[Flow::sent(9, 10, at)], 0);
    scorer.score(4, &mut raises);
    assert_eq!(raises.findings.len(), 1);
    store(&mut state, &scorer.capture(5));
    let mut last = Batch::default();
    restored(&state).finish(0, &mut last);
    let [closed] = &last.findings[..] else { panic!("one finding closes: {:?}", last.findings) };
    assert_eq!((closed.id, closed.incident), (raises.findings[0].id, raises.findings[0].incident));
}

#[test]
fn positions_say_up_to_where_each_origin_is_in_the_state_and_never_go_back() {
    let scorer = scorer_with(&config());
    scorer.score(0, &mut batch_of("a", 0, &[Flow::sent(1, 1, START)], 0));
    scorer.score(1, &mut batch_of("b", 5, &[Flow::sent(1, 1, START), Flow::sent(1, 1, START)], 0));
    let first = scorer.capture(2);
    assert_eq!(first.positions, [(Origin::from_text("a"), 1), (Origin::from_text("b"), 7)]);
    scorer.give_back(first);
    // Read again from the start after a restart: the state holds everything before 40.
    scorer.score(3, &mut batch_of("a", 0, &[Flow::sent(1, 1, START)], 40));
    let second = scorer.capture(4);
    assert_eq!(second.positions, [(Origin::from_text("a"), 40), (Origin::from_text("b"), 7)]);
    assert_eq!(scorer.capture(5).positions, []);
}

#[test]
fn an_origin_that_begins_anew_is_scored_from_there_and_what_was_captured_of_it_is_forgotten() {
    let scorer = scorer_with(&config());
    scorer.score(0, &mut batch_of("a", 70, &[Flow::sent(1, 1, START)], 0));
    scorer.give_back(scorer.capture(1));
    scorer.anew(2, &Origin::from_text("a"));
    let begun = scorer.capture(3);
    assert_eq!(begun.positions, [(Origin::from_text("a"), 0)]);
    scorer.give_back(begun);
    scorer.score(4, &mut batch_of("a", 3, &[Flow::sent(1, 1, START)], 0));
    assert_eq!(scorer.capture(5).positions, [(Origin::from_text("a"), 4)]);
}

#[test]
fn a_cursor_is_captured_as_its_source_wrote_it_and_forgotten_where_the_origin_begins_anew() {
    let scorer = scorer_with(&config());
    let origin = Origin::from_text("a");
    let score = |ticket, cursor: &str| {
        let mut batch = batch_of("a", 0, &[Flow::sent(1, 1, START)], 0);
        batch.chunk.as_mut().unwrap().cursor = Some(Bookmark::new(cursor));
        scorer.score(ticket, &mut batch);
    };
    score(0, "4959/1");
    score(1, "4959/2");
    let first = scorer.capture(2);
    assert_eq!(first.cursors, [(origin.clone(), Some(Bookmark::new("4959/2")))]);
    scorer.give_back(first);
    assert_eq!(scorer.capture(3).cursors.len(), 1, "what was not stored is offered again");
    scorer.anew(4, &origin);
    assert_eq!(scorer.capture(5).cursors, [(origin, None)]);
    score(6, "5000/0");
    assert_eq!(scorer.capture(7).cursors[0].1, Some(Bookmark::new("5000/0")));
}

#[test]
fn a_capture_that_was_not_stored_is_offered_again_with_what_came_since() {
    let scorer = scorer_with(&config());
    scorer.score(0, &mut batch_of("a", 0, &[Flow::sent(1, 1_000, START)], 0));
    let lost = scorer.capture(1);
    scorer.give_back(lost.clone());
    scorer.score(2, &mut batch_of("a", 1, &[Flow::sent(2, 1_000, START)], 0));
    let next = scorer.capture(3);
    let keys = |capture: &Capture| capture.entries.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert!(keys(&lost).iter().all(|key| keys(&next).contains(key)));
    assert_eq!(next.entries.len(), lost.entries.len() + 2, "one more host and its interface");
}

#[test]
fn a_state_of_another_half_life_is_refused_and_so_is_an_unknown_key() {
    let scorer = scorer_with(&config());
    scorer.score(0, &mut batch_of("a", 0, &[Flow::sent(1, 1_000, START)], 0));
    let mut state = Store::new();
    store(&mut state, &scorer.capture(1));
    let other = Config { half_life: Duration::seconds(86_400), ..config() };
    let error = Scorer::restore(&other, &Metrics::default(), SEED, state.clone()).unwrap_err();
    assert!(matches!(error, StateError::Settings { name: "half_life", set: 86_400, .. }), "{error}");
    state.insert(b"z".to_vec(), Vec::new());
    let error = Scorer::restore(&config(), &Metrics::default(), SEED, state).unwrap_err();
    assert_eq!(error, StateError::Key(b"z".to_vec()));
}

/// A state with everything in it: open windows, findings raised, samples that wait, pools.
fn full_state() -> Store {
    let streams = two_streams(900, 1_500);
    let steps = mixed(&streams, 9);
    let scorer = scorer_with(&config());
    let stop = steps.len() - 5;
    take(&scorer, &streams, &steps[..stop], 1, 0, &BTreeMap::new());
    let mut state = Store::new();
    store(&mut state, &scorer.capture(stop as u64));
    state
}

#[test]
fn a_corrupt_state_is_refused_and_never_panics() {
    let state = full_state();
    let entries: Vec<_> = state.iter().collect();
    proptest!(ProptestConfig::with_cases(400), |(
        which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), byte: u8, cut: bool
    )| {
        let (key, value) = entries[which.index(entries.len())];
        let mut torn = value.clone();
        let place = place.index(torn.len());
        if cut { torn.truncate(place) } else { torn[place] = byte }
        let one = Store::from([(key.clone(), torn)]);
        let outcome = Scorer::restore(&config(), &Metrics::default(), SEED, one);
        if cut {
            prop_assert!(outcome.is_err(), "{:?} of {} bytes was read", &key[..3.min(key.len())], place);
        } else if let Ok(scorer) = outcome {
            scorer.finish(0, &mut Batch::default());
            exported(&scorer);
        }
    });
}

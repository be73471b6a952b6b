//! What detectors know of earlier windows survives a restart, and does not depend on threads or on the order of records.

use super::*;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// A conversation that `host` begins, in both ways.
fn talk(host: u8, server: [u8; 4], port: u16, bytes: u64, at: u64) -> [Flow; 2] {
    let own = 40_000 + (at / 60 % 20_000) as u16;
    let there =
        Flow { destination: server.into(), ports: (own, port), lasted: 2, ..Flow::sent(host, bytes, at) };
    let (source, destination) = (there.destination, there.source);
    let back = Flow { source, destination, ports: (port, own), ..there.clone() };
    [there, back]
}

/// Nine days of which each has an hour, then a day on which host 1, which never called anybody outside, calls somebody each five minutes.
fn days() -> Vec<Vec<Flow>> {
    let usual = |at: u64| {
        [talk(1, [10, 0, 0, 2], 8_080, 9_000, at), talk(3, [203, 0, 113, 8], 443, 9_000, at)].concat()
    };
    let mut days: Vec<Vec<Flow>> = (0..9).map(|day| usual(START + day * DAY + 60)).collect();
    let first = START + 9 * DAY;
    for hour in 0..15 {
        let calls = (0..12)
            .flat_map(|nth| talk(1, [203, 0, 113, 9], 443, 9_000, first + hour * HOUR + nth * 300 + 30));
        days.push(calls.chain(usual(first + hour * HOUR + 90)).collect());
    }
    days.iter_mut().for_each(|flows| flows.sort_by_key(|flow| flow.end));
    days
}

fn stitching() -> Config {
    Config { stitches: true, ..config() }
}

/// What is found in `days`, where the scorer is restored from its captures before each of `stops`.
fn found(days: &[Vec<Flow>], stops: &[usize]) -> Vec<(&'static str, String, EventId, EventId)> {
    let mut scorer = scorer_with(&stitching());
    let (mut ticket, mut position) = (0, 0);
    let mut state = BTreeMap::new();
    let mut findings = Vec::new();
    for (nth, flows) in days.iter().enumerate() {
        if stops.contains(&nth) {
            for (key, value) in scorer.capture(ticket).entries {
                match value {
                    Some(value) => state.insert(key, value),
                    None => state.remove(&key),
                };
            }
            scorer = Scorer::restore(&stitching(), &Metrics::default(), SEED, state.clone()).unwrap();
            ticket = 0;
        }
        let mut batch = batch_of("a", position, flows, 0);
        scorer.score(ticket, &mut batch);
        findings.append(&mut batch.findings);
        (ticket, position) = (ticket + 1, position + flows.len());
    }
    let mut last = Batch::default();
    scorer.finish(ticket, &mut last);
    findings.append(&mut last.findings);
    let told = findings.into_iter();
    told.map(|one| (one.detector.id, one.entity.name().to_owned(), one.id, one.document)).collect()
}

#[test]
fn what_rests_on_days_and_hours_before_a_restart_is_told_as_if_there_had_been_none() {
    let days = days();
    let whole = found(&days, &[]);
    let named: Vec<_> = whole.iter().map(|(id, whose, ..)| (*id, whose.as_str())).collect();
    // A fact, that host 1 was never out, and a count of hours.
    assert_eq!(named, [("egress.first", "10.0.0.1"), ("beacon", "10.0.0.1")]);
    assert_eq!(found(&days, &[9]), whole, "between what is known and what is new");
    assert_eq!(found(&days, &[3, 12, 13, 17]), whole, "and while it is counted");
    assert_eq!(found(&days[9..], &[]), [], "it does rest on what was before");
}

#[test]
fn the_order_of_records_within_lateness_changes_nothing() {
    let whole = found(&days(), &[]);
    let mut turned = days();
    for flows in &mut turned {
        // Each twenty minutes backwards.
        flows.chunk_by_mut(|one, other| one.end / 600 == other.end / 600).for_each(<[Flow]>::reverse);
    }
    assert_eq!(found(&turned, &[]), whole);
}

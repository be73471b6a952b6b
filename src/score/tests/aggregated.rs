//! Nothing is judged finer than the records of a source show.

use super::*;

/// Two days of hosts with a record an hour, in which each sends about the same.
fn hourly() -> Vec<Flow> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut flows = Vec::new();
    for hour in 1..48 {
        for host in 1..24 {
            let end = START + hour * 3_600 - u64::from(host) * 20;
            let bytes = random.random_range(30_000_000..60_000_000);
            flows.push(Flow { lasted: 3_600, ..Flow::sent(host, bytes, end) });
        }
    }
    flows.sort_by_key(|flow| flow.end);
    flows
}

/// How many first documents of findings `flows` make, and what is told of their aggregation.
fn found(flows: Vec<Flow>) -> (usize, u64) {
    let (metrics, config) = (Metrics::default(), Config { sources: vec!["flows".to_owned()], ..config() });
    let scorer = Scorer::new(&config, &metrics, SEED);
    let streams = Streams::from([("a", flows)]);
    let outcome = take(&scorer, &streams, &whole(&streams, "a", 16), 1, 0, &BTreeMap::new());
    let first = outcome.findings.iter().filter(|finding| finding.revision == Revision::Created);
    (first.count(), metric(&metrics, "floodmark_score_aggregation_seconds"))
}

#[test]
fn of_a_feed_that_sums_up_over_an_hour_a_window_holds_an_hour_and_is_judged_by_such() {
    assert_eq!(found(hourly()), (0, 3_600));
    let mut flows = hourly();
    let last = flows.iter_mut().rfind(|flow| flow.interface == "eni-7").unwrap();
    last.bytes *= 500;
    assert!(found(flows).0 > 0);
}

#[test]
fn what_sums_up_over_a_minute_or_ten_is_told_as_that() {
    for (lasted, told) in [(58, 60), (590, 600)] {
        let flows = hourly().into_iter().map(|flow| Flow { lasted, ..flow }).collect();
        assert_eq!(found(flows).1, told);
    }
}

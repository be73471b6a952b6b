//! What is known of the outside follows from the records, is bounded, and outlives the process.

use super::*;

/// Flows of `strangers` addresses, each refused once, and of one that host 1 talks to.
fn flood(strangers: u32, start: u64) -> Vec<Flow> {
    let from = |nth: u32| Flow {
        source: Ipv4Addr::from(0xc633_0000 + nth),
        destination: Ipv4Addr::new(10, 0, 0, 1),
        accepted: false,
        ports: ((1_024 + nth % 60_000) as u16, 22),
        ..Flow::sent(1, 40, start + u64::from(nth) * 300 / u64::from(strangers))
    };
    let mut flows: Vec<Flow> = (0..strangers).map(from).collect();
    flows.extend((0..5).map(|nth| Flow::sent(1, 50_000 + nth, start + 300)));
    flows
}

fn gauges(metrics: &Metrics) -> [u64; 4] {
    ["sources", "sources_new", "contacts", "contacts_refused"]
        .map(|name| metric(metrics, &format!("floodmark_score_external_{name}")))
}

#[test]
fn a_flood_of_strangers_shows_in_its_window_and_takes_no_records() {
    let config = Config { externals_max: 1_000, pairs_max: 100, ..config() };
    let metrics = Metrics::default();
    let scorer = Scorer::new(&config, &metrics, SEED);
    let streams = Streams::from([("a", flood(20_000, START))]);
    let outcome = take(&scorer, &streams, &whole(&streams, "a", 1_000), 2, 0, &BTreeMap::new());
    assert_eq!(outcome.verdicts.len(), 20_005);
    let [sources, new, contacts, refused] = gauges(&metrics);
    assert!((19_400..20_600).contains(&sources), "{sources}");
    assert!((19_000..=20_006).contains(&new), "{new}");
    assert_eq!((contacts, refused), (20_005, 20_000));
    let records = metric(&metrics, "floodmark_score_externals");
    assert!((1..200).contains(&records), "{records} of 20,001 have a record");
    assert!(metric(&metrics, "floodmark_score_external_contacts_unadmitted_total") > 19_000);
    assert_eq!(metric(&metrics, "floodmark_score_pairs"), 1);
}

#[test]
fn what_is_known_of_the_outside_does_not_depend_on_threads_and_outlives_the_process() {
    let mut flows = flood(3_000, START);
    flows.extend(flood(3_000, START + 600));
    let streams = Streams::from([("a", flows)]);
    let steps = whole(&streams, "a", 100);
    let state = |threads| {
        let scorer = scorer_with(&config());
        take(&scorer, &streams, &steps, threads, 0, &BTreeMap::new());
        scorer.capture(steps.len() as u64).entries
    };
    let one = state(1);
    assert_eq!(one, state(3));
    assert!(one.iter().any(|(key, _)| key[0] == b'x'));
    // The second window alone, by who knows the first one and by who does not.
    let next = Streams::from([("a", flood(3_000, START + 1_200))]);
    let known = Metrics::default();
    let entries = one.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let scorer = Scorer::restore(&config(), &known, SEED, entries).unwrap();
    take(&scorer, &next, &whole(&next, "a", 100), 2, 0, &BTreeMap::new());
    let unknown = Metrics::default();
    let scorer = Scorer::new(&config(), &unknown, SEED);
    take(&scorer, &next, &whole(&next, "a", 100), 2, 0, &BTreeMap::new());
    let new = |metrics| gauges(metrics)[1];
    assert!(new(&known) < 100 && new(&unknown) > 2_900, "{} and {}", new(&known), new(&unknown));
    assert!(metric(&known, "floodmark_score_externals") > 0);
}

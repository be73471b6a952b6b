//! Findings: when they leave, in which revisions, under which ids.

use super::*;
use crate::{
    event::{Direction, Evidence},
    score::entities::finding,
};

/// A scorer that knows eight hosts for forty windows, the next ticket, and the next position.
fn trained() -> (Scorer, u64, usize) {
    trained_as(&config())
}

fn trained_as(config: &Config) -> (Scorer, u64, usize) {
    let scorer = scorer_with(config);
    let mut flows = Vec::new();
    for window in 0..40_u64 {
        for host in 1..9 {
            flows.push(Flow::sent(host, 80_000 + u64::from(host) * 5_000, START + window * 600 + 60));
        }
    }
    scorer.score(0, &mut batch_of("a", 0, &flows, 0));
    (scorer, 1, flows.len())
}

fn revisions(batch: &Batch) -> Vec<Revision> {
    batch.findings.iter().map(|finding| finding.revision).collect()
}

#[test]
fn a_window_that_rises_is_told_when_it_crosses_the_mark_with_each_digit_and_when_it_closes() {
    let (scorer, ticket, position) = trained();
    let at = START + 40 * 600;
    let sent = |bytes, after| Flow::sent(4, bytes, at + after);
    let flows = [
        sent(9_000_000, 1),
        sent(2_000_000, 2),
        sent(500_000_000, 3),
        sent(100_000, 4),
        sent(600_000_000, 5),
    ];
    let mut batch = batch_of("a", position, &flows, 0);
    scorer.score(ticket, &mut batch);
    assert_eq!(
        revisions(&batch),
        [Revision::Created, Revision::Grown(8), Revision::Grown(9)],
        "not below ten megabytes"
    );
    let observed: Vec<_> = batch.findings.iter().map(|finding| finding.evidence.observed()).collect();
    assert_eq!(observed, [11_000_000, 511_000_000, 1_111_100_000]);
    // The record that moves the watermark past the window's end plus lateness closes it.
    let mut closing = batch_of("a", position + 5, &[Flow::sent(1, 10, at + 1_200)], 0);
    scorer.score(ticket + 1, &mut closing);
    assert_eq!(revisions(&closing), [Revision::Closed]);
    let (created, closed) = (&batch.findings[0], &closing.findings[0]);
    assert_eq!(closed.id, created.id);
    assert_eq!(closed.evidence.observed(), 1_111_100_000);
    assert_eq!((created.at, closed.at), (at + 2, at + 600));
    assert_eq!(created.window_start, at);
    assert_eq!(created.age_seconds, 40 * 600);
    assert_eq!(created.interface.as_deref(), Some("eni-4"));
    assert_eq!(created.address, Some("10.0.0.4".parse().unwrap()));
    assert_eq!(created.peer, Some("203.0.113.9".parse().unwrap()));
    assert_eq!(closed.interface, created.interface, "the closing document names the physical thing too");
    let Evidence::Unusual { mean, mean_plus_3_sigma, .. } = created.evidence else { panic!("no score") };
    assert!((90_000.0..110_000.0).contains(&mean), "{mean}");
    assert!(mean_plus_3_sigma >= mean);
}

#[test]
fn ids_follow_from_detector_entity_window_and_revision_alone() {
    let (scorer, ticket, position) = trained();
    let at = START + 40 * 600;
    let mut batch = batch_of("a", position, &[Flow::sent(4, 700_000_000, at)], 0);
    scorer.score(ticket, &mut batch);
    let finding = &batch.findings[0];
    let (start, length) = (at.to_be_bytes(), 600_u64.to_be_bytes());
    let parts: [&[u8]; 6] = [b"exfil.volume", b"address", b"10.0.0.4", b"123456789012", &start, &length];
    assert_eq!(finding.id, IdScheme::derived("finding", &parts));
    assert_eq!(finding.document, IdScheme::derived("finding-document", &[&finding.id.0, b"created"]));
}

#[test]
fn twenty_ports_that_nobody_uses_are_a_finding_and_nineteen_are_not() {
    let (scorer, ticket, position) = trained();
    let at = START + 40 * 600;
    let flows: Vec<_> = (1..=20).map(|port| Flow::sent(4, 0, at).at_port(port)).collect();
    let mut batch = batch_of("a", position, &flows[..19], 0);
    scorer.score(ticket, &mut batch);
    assert_eq!(revisions(&batch), []);
    let mut batch = batch_of("a", position + 19, &flows[19..], 0);
    scorer.score(ticket + 1, &mut batch);
    assert_eq!(revisions(&batch), [Revision::Created]);
    assert_eq!(batch.findings[0].detector.id, "scan.ports");
    assert_eq!(batch.findings[0].evidence.observed(), 20);
}

#[test]
fn a_crossing_seen_before_its_judge_has_run_waits_for_that_fold_and_documents_do_not() {
    let (scorer, ticket, position) = trained();
    scorer.assigned(ticket, &[Partition::new("b")]);
    // `a` is at window 39 and goes to window 45, whose judge is fold 41; `b` holds the folds back.
    let at = START + 45 * 600 + 10;
    let mut batch = batch_of("a", position, &[Flow::sent(4, 700_000_000, at)], 0);
    scorer.score(ticket + 1, &mut batch);
    assert_eq!(revisions(&batch), []);
    assert!(batch.verdicts[0].unwrap().score.unwrap().points >= 80);
    let mut batch = batch_of("b", 0, &[Flow::sent(9, 10, at)], 0);
    scorer.score(ticket + 2, &mut batch);
    assert_eq!(revisions(&batch), [Revision::Created], "it leaves with the record that let fold 41 run");
    assert_eq!(batch.findings[0].evidence.observed(), 700_000_000);
}

#[test]
fn a_finding_that_waited_for_its_judge_jumps_over_revisions_and_closes_as_one_that_did_not() {
    let at = START + 45 * 600;
    let flows = [30_000_000, 400_000_000, 1_000_000_000].map(|bytes| Flow::sent(4, bytes, at + 1));
    let (all, jumped) = (
        &[Revision::Created, Revision::Grown(8), Revision::Grown(9)][..],
        // Told at what it had come to by then.
        &[Revision::Created][..],
    );
    let closed = [(false, all), (true, jumped)].map(|(waits, told)| {
        let (scorer, mut ticket, position) = trained();
        let mut take = |name, position, flows: &[Flow]| {
            let mut batch = batch_of(name, position, flows, 0);
            scorer.score(ticket, &mut batch);
            ticket += 1;
            batch.findings
        };
        // The other partition stands before the judge, or beyond.
        take("b", 0, &[Flow::sent(9, 10, if waits { at - 1_800 } else { at + 600 })]);
        let mut findings = take("a", position, &flows);
        findings.extend(take("b", 1, &[Flow::sent(9, 10, at + 1_200)]));
        let closing = take("a", position + flows.len(), &[Flow::sent(1, 10, at + 1_200)]);
        assert_eq!(findings.iter().map(|finding| finding.revision).collect::<Vec<_>>(), told);
        let [closed] = &closing[..] else { panic!("one finding closes: {closing:?}") };
        (closed.id, closed.document, closed.evidence.clone(), closed.age_seconds)
    });
    assert_eq!(closed[0], closed[1]);
    assert_eq!(closed[0].2.observed(), 1_430_000_000);
}

/// The incident of the address `host` whose episode starts with the window at `start`.
fn incident(host: &str, start: u64) -> EventId {
    IdScheme::derived("incident", &[b"address", host.as_bytes(), b"123456789012", &start.to_be_bytes()])
}

#[test]
fn findings_of_an_entity_less_than_a_day_apart_are_one_incident_whatever_found_them() {
    let (scorer, ticket, position) = trained();
    let at = |window: u64| START + window * 600;
    let mut flows = vec![Flow::sent(4, 700_000_000, at(40))];
    // 23 hours and 50 minutes later, and a day after that.
    flows.extend((1..=20).map(|port| Flow::sent(4, 0, at(183)).at_port(port)));
    flows.extend([Flow::sent(5, 700_000_000, at(183)), Flow::sent(4, 700_000_000, at(327))]);
    let mut batch = batch_of("a", position, &flows, 0);
    scorer.score(ticket, &mut batch);
    let created = batch.findings.iter().filter(|finding| finding.revision == Revision::Created);
    let told: Vec<_> = created.map(|finding| (finding.detector.id, finding.incident)).collect();
    let expected = [
        ("exfil.volume", incident("10.0.0.4", at(40))),
        ("scan.ports", incident("10.0.0.4", at(40))),
        ("exfil.volume", incident("10.0.0.5", at(183))),
        ("exfil.volume", incident("10.0.0.4", at(327))),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_finding_that_crosses_the_mark_after_a_later_one_is_where_the_incident_of_both_starts_once_they_close() {
    let (scorer, ticket, position) = trained();
    let at = |window: u64| START + window * 600;
    let flows = [Flow::sent(4, 700_000_000, at(41)), Flow::sent(4, 700_000_000, at(40) + 599)];
    let mut batch = batch_of("a", position, &flows, 0);
    scorer.score(ticket, &mut batch);
    let incidents = |batch: &Batch| -> Vec<_> {
        batch.findings.iter().map(|finding| (finding.window_start, finding.incident)).collect()
    };
    let (early, late) = (incident("10.0.0.4", at(40)), incident("10.0.0.4", at(41)));
    assert_eq!(incidents(&batch), [(at(41), late), (at(40), early)], "as far as was known");
    let mut last = Batch::default();
    scorer.finish(ticket + 1, &mut last);
    assert_eq!(incidents(&last), [(at(40), early), (at(41), early)]);
}

#[test]
fn a_finding_names_the_instance_where_it_is_the_entitys_own_side_and_the_flow_that_raised_it() {
    let at = START + 40 * 600;
    let told = |direction: Direction, seen: &'static str| {
        // The entity is the address, so that only the record says which instance it was.
        let config = Config { identity: vec![Identity::Address], ..config() };
        let (scorer, ticket, position) = trained_as(&config);
        let flow = Flow { instance: "i-4", direction: seen, ..Flow::sent(4, 700_000_000, at) };
        let mut batch = batch_of("a", position, &[flow], 0);
        batch.events[0].direction = direction;
        batch.derived.extend_from_slice(b"1:community");
        batch.events[0].community_id = Span::new(batch.derived.len() - 11, batch.derived.len());
        scorer.score(ticket, &mut batch);
        let mut last = Batch::default();
        scorer.finish(ticket + 1, &mut last);
        let [created] = &batch.findings[..] else { panic!("{:?}", batch.findings) };
        assert_eq!(created.community_id.as_deref(), Some("1:community"));
        assert_eq!(last.findings[0].community_id, None, "a fold closed it");
        assert_eq!(last.findings[0].instance, created.instance);
        created.instance.clone()
    };
    assert_eq!(told(Direction::Outbound, "").as_deref(), Some("i-4"));
    assert_eq!(told(Direction::Internal, "egress").as_deref(), Some("i-4"));
    assert_eq!(told(Direction::Internal, ""), None);
}

#[test]
fn the_end_of_all_input_closes_what_is_open() {
    let (scorer, ticket, position) = trained();
    let mut batch = batch_of("a", position, &[Flow::sent(4, 700_000_000, START + 40 * 600)], 0);
    scorer.score(ticket, &mut batch);
    let mut last = Batch::default();
    scorer.finish(ticket + 1, &mut last);
    assert_eq!(revisions(&last), [Revision::Closed]);
}

#[test]
fn a_revision_is_called_for_when_the_value_has_a_digit_more() {
    let mut magnitude = None;
    let told: Vec<_> = [12_000_000, 99_000_000, 100_000_000, 7_000_000_000, 7_000_000_001]
        .map(|observed| finding::revise(&mut magnitude, observed))
        .to_vec();
    let grown = |digits| Some(Revision::Grown(digits));
    assert_eq!(told, [Some(Revision::Created), None, grown(8), grown(9), None]);
}

#[test]
fn a_finding_tells_of_all_events_of_its_entity_in_the_window_by_the_minute() {
    let (scorer, ticket, position) = trained();
    let at = START + 40 * 600;
    let received = Flow {
        source: "203.0.113.9".parse().unwrap(),
        destination: "10.0.0.4".parse().unwrap(),
        ..Flow::sent(4, 7_000, at + 70)
    };
    let rejected = Flow { accepted: false, ..Flow::sent(4, 500, at + 599) };
    let flows = [
        Flow::sent(4, 9_000_000, at),
        received,
        Flow::sent(5, 1, at + 71),
        Flow::sent(4, 2_000_000, at + 119),
        rejected,
    ];
    let mut batch = batch_of("a", position, &flows, 0);
    scorer.score(ticket, &mut batch);
    let mut closing = batch_of("a", position + 5, &[Flow::sent(1, 10, at + 1_200)], 0);
    scorer.score(ticket + 1, &mut closing);
    let [created, closed] = [&batch, &closing].map(|batch| batch.findings[0].activity.unwrap());
    assert_eq!((created.events(), created.bytes(), created.packets), (3, 11_007_000, 11_007));
    assert_eq!(created.events_by_part, [1, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(created.bytes_by_part[..2], [9_000_000, 2_007_000]);
    assert_eq!((closed.events(), closed.bytes(), closed.packets), (4, 11_007_500, 11_008));
    assert_eq!((closed.events_by_part[9], closed.bytes_by_part[9]), (1, 500));
    assert_eq!(
        closing.findings[0].evidence.observed(),
        11_000_000,
        "which is what it sent and what was let through"
    );
}

fn raised(batch: &Batch) -> Vec<bool> {
    batch.verdicts.iter().map(|verdict| verdict.unwrap().raised).collect()
}

#[test]
fn a_finding_rests_on_the_event_that_raises_it_and_on_every_later_one_of_its_entity_in_the_window() {
    let (scorer, ticket, position) = trained();
    let at = START + 40 * 600;
    let flows = [
        Flow::sent(4, 9_000_000, at),
        Flow::sent(5, 1, at + 1),
        Flow::sent(4, 2_000_000, at + 2),
        Flow::sent(5, 1, at + 3),
        Flow::sent(4, 1, at + 4),
        Flow::sent(4, 1, at + 600),
        Flow::sent(4, 1, at + 599),
    ];
    let mut batch = batch_of("a", position, &flows, 0);
    scorer.score(ticket, &mut batch);
    assert_eq!(raised(&batch), [false, false, true, false, true, false, true]);
    // Once the window has folded nobody knows, so that what still comes of it may be what a finding rests on.
    let late = [Flow::sent(1, 10, at + 1_200), Flow::sent(4, 1, at + 5), Flow::sent(5, 1, at + 5)];
    let mut batch = batch_of("a", position + 7, &late, 0);
    scorer.score(ticket + 1, &mut batch);
    assert_eq!(raised(&batch), [false, true, true]);
}

#[test]
fn what_a_finding_rests_on_is_known_after_a_restart_and_when_it_is_read_again() {
    let (scorer, ticket, position) = trained();
    let at = START + 40 * 600;
    scorer.score(ticket, &mut batch_of("a", position, &[Flow::sent(4, 30_000_000, at)], 0));
    let capture = scorer.capture(ticket + 1);
    let entries = capture.entries.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
    let entries: Vec<_> = entries.collect();
    let scorer = Scorer::restore(&config(), &Metrics::default(), SEED, entries).unwrap();
    let flows = [Flow::sent(4, 30_000_000, at), Flow::sent(4, 1, at + 9), Flow::sent(5, 1, at + 9)];
    let learn_from = position as u64 + 1;
    let mut batch = batch_of("a", position, &flows, learn_from);
    scorer.score(0, &mut batch);
    assert_eq!(raised(&batch), [true, true, false], "the first is known, the second comes after it");
    let known = batch_of("a", position + 3, &[Flow::sent(1, 10, at + 1_200)], 0);
    scorer.score(1, &mut { known });
    let mut again = batch_of("a", position, &flows, learn_from + 9);
    scorer.score(2, &mut again);
    assert_eq!(raised(&again), [true; 3], "its window has folded, so that nobody knows");
}

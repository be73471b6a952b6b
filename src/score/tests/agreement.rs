//! The outcome does not depend on threads, on the order in which partitions come, or on where batches end.

use super::*;

#[test]
fn one_two_and_four_threads_agree_on_verdicts_findings_and_export_under_any_seed() {
    for seed in 0..3 {
        let streams = two_streams(seed * 10, 6_000);
        let steps = mixed(&streams, seed);
        let one = run(&streams, &steps, 1, SEED);
        assert!(one.findings.len() > 10, "{} findings", one.findings.len());
        assert!(one.verdicts.values().flatten().any(|verdict| verdict.late), "something is late");
        let counted = |text: &str| one.export.matches(text).count();
        assert!(counted("held_out\":0") < counted("held_out\":"), "something is held out");
        for threads in [2, 4] {
            assert_eq!(run(&streams, &steps, threads, SEED), one, "{threads} threads");
        }
        assert_eq!(run(&streams, &steps, 4, [9; 16]), one, "another seed");
    }
}

#[test]
fn how_partitions_interleave_changes_neither_the_baselines_nor_which_findings_there_are_nor_what_they_come_to()
 {
    let streams = two_streams(77, 5_000);
    let told = |outcome: &Outcome| came_to(&outcome.findings);
    let first = run(&streams, &mixed(&streams, 1), 1, SEED);
    assert!(told(&first).len() > 10);
    let a_first = [whole(&streams, "a", 100), whole(&streams, "b", 100)].concat();
    let mut a_first: Vec<_> = a_first.into_iter().filter(|step| !matches!(step, Step::Finish)).collect();
    a_first.insert(1, Step::Assigned("b"));
    a_first.push(Step::Finish);
    for steps in [mixed(&streams, 2), mixed(&streams, 3), a_first] {
        let other = run(&streams, &steps, 1, SEED);
        assert_eq!(other.export, first.export);
        assert_eq!(told(&other), told(&first));
    }
}

#[test]
fn an_entity_on_two_partitions_has_the_same_baseline_however_they_interleave() {
    let streams = Streams::from([("a", stream(5, 1..6, 4_000)), ("b", stream(6, 1..6, 4_000))]);
    let first = run(&streams, &mixed(&streams, 1), 1, SEED);
    for seed in 2..5 {
        assert_eq!(run(&streams, &mixed(&streams, seed), 1, SEED).export, first.export);
    }
}

#[test]
fn where_batches_end_changes_nothing_at_all() {
    let streams = Streams::from([("a", stream(31, 1..8, 6_000))]);
    let one = run(&streams, &whole(&streams, "a", 1), 1, SEED);
    assert!(one.findings.len() > 10);
    for size in [7, 500, 6_000] {
        assert_eq!(run(&streams, &whole(&streams, "a", size), 1, SEED), one, "batches of {size}");
    }
}

#[test]
fn every_verdict_says_whose_and_which_window_and_every_score_is_in_range() {
    let streams = Streams::from([("a", stream(8, 1..8, 3_000))]);
    let outcome = run(&streams, &whole(&streams, "a", 100), 1, SEED);
    for ((_, position), verdict) in &outcome.verdicts {
        let flow = &streams["a"][*position];
        let Said { name, score, window_start, .. } =
            verdict.as_ref().expect("every flow has an internal side");
        assert_eq!(*window_start, flow.end / 600 * 600);
        let host = if flow.source.octets()[0] == 10 { flow.source } else { flow.destination };
        assert_eq!(*name, format!("address {host}"));
        if let Some(score) = score {
            assert!(score.points <= 100 && score.log10_p <= 0.0);
        }
    }
}

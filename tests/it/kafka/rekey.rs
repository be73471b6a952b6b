//! Scoring by way of a topic: what one process finds that reads everything, processes that each read a part find too.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    cluster::{Cluster, unique},
    instance::{Instance, OUT, Plan},
    ledger::{Delivered, Ledger},
};
use crate::{
    flows,
    process::{Page, is_finding, until},
};

/// Windows of ten minutes that the estate lives: two days and a half, with a few gigabytes sent.
const WINDOWS: u64 = 360;
/// Partitions of the source's topic. Lines are dealt out to them in turn, so that each host comes in all of them.
const PARTITIONS: u32 = 3;
/// Windows between the gigabytes.
const PERIOD: u64 = 60;
/// Documents of findings while everything has folded; fewer would be too quiet to tell.
const FINDINGS_MIN: usize = 4;

/// What findings say, by the ids of their documents: whom, since when, how much, and how sure.
type Told = BTreeMap<String, Value>;

/// What host `host` sends in window `window`: about the same each time, and now and then a gigabyte in one flow.
fn line(window: u64, host: u64) -> String {
    let spread = (window * flows::HOSTS + host + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 47;
    let is_much = window > 0 && window.is_multiple_of(PERIOD) && host == window / PERIOD;
    let (peer, bytes) =
        if is_much { ("198.51.100.66", 1_200_000_000) } else { ("198.51.100.7", 20_000 + spread) };
    flows::line(host, peer, bytes, flows::START + window * flows::WINDOW + host * 30)
}

/// A topic of the estate's lines, which end with lines that let every window fold.
fn estate(cluster: &Cluster) -> String {
    let topic = unique("unkeyed");
    cluster.create(&topic, PARTITIONS, &[]);
    cluster.produce(&topic, &lines(), &[]);
    topic
}

/// The lines of the estate. Hosts take turns, so that the lines of one do not all go to one partition.
fn lines() -> Vec<String> {
    let hosts = |window| (0..flows::HOSTS).map(move |host| line(window, (host + window) % flows::HOSTS));
    let mut lines: Vec<String> = (0..WINDOWS).flat_map(hosts).collect();
    lines.extend((0..PARTITIONS).map(|_| flows::closing(WINDOWS).trim_end().to_owned()));
    lines
}

/// With what such a process is told besides, and what it forgets nothing of.
fn score(plan: Plan, more: &str) -> Plan {
    plan.rest(&format!("state: {{ directory: state, every: 1s }}\nscore: {{ learn_all: 0s }}\n{more}"))
}

/// The findings that instances have written so far.
fn found(instances: &[&Instance]) -> Told {
    let documents = instances.iter().filter(|instance| instance.folder.path(OUT).exists());
    let documents = documents.flat_map(|instance| instance.folder.documents(OUT));
    let findings = documents.filter(is_finding).map(|document| {
        let id = document["event"]["id"].as_str().unwrap().to_owned();
        let said = serde_json::json!([
            document["floodmark"]["finding"]["id"],
            document["floodmark"]["finding"]["revision"],
            document["floodmark"]["finding"]["age_seconds"],
            document["floodmark"]["entity"],
            document["floodmark"]["score"],
            document["event"]["risk_score"],
        ]);
        (id, said)
    });
    findings.collect()
}

/// What one process finds that reads all of `topic` itself.
fn expected(cluster: &Cluster, topic: &str, ledger: &Ledger) -> Told {
    let mut alone = score(Plan::new(cluster, topic, &unique("group")).unkeyed(), "").start();
    ledger.until_out(&mut Delivered::by(&[&alone]), &mut [&mut alone]);
    alone.stop();
    let told = found(&[&alone]);
    assert!(told.len() >= FINDINGS_MIN, "too quiet to tell: {told:?}");
    told
}

/// The topic by which workers share the estate, in so many parts, and those that go with it.
fn between(cluster: &Cluster, parts: u32) -> String {
    let topic = unique("observations");
    cluster.create(&topic, parts, &[]);
    beside(cluster, &topic, parts);
    topic
}

/// The topics that go with `topic`, which has so many parts.
fn beside(cluster: &Cluster, topic: &str, parts: u32) {
    let compacted = [("cleanup.policy", "compact")];
    cluster.create(&format!("{topic}-pools"), 1, &compacted);
    cluster.create(&format!("{topic}-changelog"), parts, &compacted);
}

/// Waits until each of `instances` has a part of both topics.
fn until_shared(instances: &mut [Instance]) {
    for instance in instances {
        instance.until_page("a part of both topics", |page| {
            let one = |source| {
                let gauge = format!("floodmark_source_kafka_partitions{{source=\"{source}\"}} 1\n");
                page.text.contains(&gauge)
            };
            one("flows") && one("rekey")
        });
    }
}

#[test]
fn a_process_that_scores_by_way_of_a_topic_finds_what_it_finds_without() {
    let name = "a_process_that_scores_by_way_of_a_topic_finds_what_it_finds_without";
    let Some(cluster) = Cluster::shared(name) else { return };
    let topic = estate(&cluster);
    let ledger = Ledger::of(&cluster, &topic);
    let expected = expected(&cluster, &topic, &ledger);
    let between = between(&cluster, 2);
    let plan = Plan::new(&cluster, &topic, &unique("group")).unkeyed();
    let mut instance = score(plan, &format!("rekey: {{ topic: {between} }}\n")).start();
    let mut delivered = Delivered::by(&[&instance]);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    until_scored(&mut instance, ledger.len());
    until("as many findings", || (found(&[&instance]).len() >= expected.len()).then_some(()));
    instance.until_balanced();
    instance.stop();
    ledger.assert_once(&mut delivered);
    assert_eq!(found(&[&instance]), expected);
}

#[test]
fn three_processes_find_what_one_finds_to_the_value_young_hosts_too() {
    let name = "three_processes_find_what_one_finds_to_the_value_young_hosts_too";
    let Some(cluster) = Cluster::shared(name) else { return };
    let topic = estate(&cluster);
    let ledger = Ledger::of(&cluster, &topic);
    let expected = expected(&cluster, &topic, &ledger);
    let young = expected.values().filter(|told| !told.to_string().contains("\"mature\""));
    assert!(young.count() > 0, "all hosts have a long past of their own");
    let between = between(&cluster, 3);
    // Nothing is there to be read before each has its part.
    let (later, group) = (unique("later"), unique("group"));
    cluster.create(&later, PARTITIONS, &[]);
    let plan =
        score(Plan::new(&cluster, &later, &group).unkeyed(), &format!("rekey: {{ topic: {between} }}\n"));
    let mut instances = [plan.start(), plan.start(), plan.start()];
    until_shared(&mut instances);
    let mut delivered = Delivered::by(&instances.each_ref());
    cluster.produce(&later, &lines(), &[]);
    let ledger = Ledger::of(&cluster, &later);
    let [one, two, three] = &mut instances;
    ledger.until_out(&mut delivered, &mut [one, two, three]);
    until("all that one found", || {
        let told = found(&instances.each_ref());
        expected.keys().all(|id| told.contains_key(id)).then_some(())
    });
    assert_eq!(found(&instances.each_ref()), expected);
    let mut told: Vec<String> = Vec::new();
    for instance in &mut instances {
        let page = instance.page();
        for counter in ["events_late", "entities_divided"] {
            let counter = format!("floodmark_score_{counter}_total");
            assert_eq!(page.sum(&counter, &[]), 0, "{}", page.text);
        }
        assert_eq!(page.sum("floodmark_rekey_epochs_forced_total", &[]), 0, "{}", page.text);
        instance.stop();
        told.extend(found(&[instance]).into_keys());
    }
    ledger.assert_once(&mut delivered);
    let documents = told.len();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), documents, "a document left twice");
}

#[test]
fn when_one_of_three_is_killed_its_baselines_move_and_the_others_find_what_is_found_undisturbed() {
    let name = "when_one_of_three_is_killed_its_baselines_move_and_the_others_find_what_is_found_undisturbed";
    let Some(cluster) = Cluster::shared(name) else { return };
    let topic = estate(&cluster);
    let expected = expected(&cluster, &topic, &Ledger::of(&cluster, &topic));
    let between = between(&cluster, 3);
    let (later, group) = (unique("later"), unique("group"));
    cluster.create(&later, PARTITIONS, &[]);
    let plan = score(
        Plan::new(&cluster, &later, &group).unkeyed().option("session.timeout.ms", "6000"),
        &format!("rekey: {{ topic: {between} }}\n"),
    );
    let mut instances = [plan.start(), plan.start(), plan.start()];
    until_shared(&mut instances);
    let lines = lines();
    // The window that is open at the kill holds a gigabyte.
    let hosts = flows::HOSTS as usize;
    let (long_ago, rest) = lines.split_at(hosts * (PERIOD as usize * 3 - 30));
    let (before, after) = rest.split_at(hosts * 30 + 7);
    let scored = |instances: &mut [Instance], expected: usize| {
        until("scoring of what there is", || {
            let parsed =
                |page: Page| page.sum("floodmark_source_entries_parsed_total", &["source=\"rekey\""]);
            let all: i64 = instances.iter_mut().map(|instance| parsed(instance.page())).sum();
            (all >= expected as i64).then_some(())
        });
    };
    cluster.produce(&later, long_ago, &[]);
    scored(&mut instances, long_ago.len());
    cluster.produce(&later, before, &[]);
    scored(&mut instances, long_ago.len() + before.len());
    instances[1].kill();
    until("what the killed one had", || {
        let pages = [0, 2].map(|living| instances[living].page());
        let held = |source: &str| -> i64 {
            let labels = [format!("source=\"{source}\"")];
            let labels = labels.each_ref().map(String::as_str);
            pages.iter().map(|page| page.sum("floodmark_source_kafka_partitions", &labels)).sum()
        };
        (held("rekey") == 3 && held("flows") == 3).then_some(())
    });
    cluster.produce(&later, after, &[]);
    until("all that is found undisturbed", || {
        let told = found(&instances.each_ref());
        expected.keys().all(|id| told.contains_key(id)).then_some(())
    });
    assert_eq!(found(&instances.each_ref()), expected);
    for instance in [0, 2] {
        let page = instances[instance].page();
        assert_eq!(page.sum("floodmark_rekey_epochs_forced_total", &[]), 0, "{}", page.text);
        assert_eq!(page.sum("floodmark_score_events_unremembered_total", &[]), 0, "{}", page.text);
        instances[instance].stop();
    }
}

/// How many observations are in `between`, and no marks: these have keys of one line.
fn observations(cluster: &Cluster, between: &str) -> usize {
    let records = cluster.consume(between, &[]);
    records.iter().filter(|record| record.key.as_ref().is_some_and(|key| key.contains('\n'))).count()
}

/// Waits until `instance` has scored so many observations since it began.
fn until_scored(instance: &mut Instance, observations: usize) -> Page {
    instance.until_page("scoring of everything", |page| {
        page.sum("floodmark_source_entries_parsed_total", &["source=\"rekey\""]) == observations as i64
    })
}

#[test]
fn what_another_worker_sends_again_is_scored_and_counts_once() {
    let name = "what_another_worker_sends_again_is_scored_and_counts_once";
    let Some(cluster) = Cluster::shared(name) else { return };
    let all = estate(&cluster);
    let expected = expected(&cluster, &all, &Ledger::of(&cluster, &all));
    let (topic, between) = (unique("twice"), between(&cluster, 2));
    cluster.create(&topic, PARTITIONS, &[]);
    // The window that is open holds a gigabyte: twice as much would be another finding.
    let hosts = flows::HOSTS as usize;
    let lines = lines();
    let (folded, rest) = lines.split_at(hosts * (PERIOD * 5) as usize);
    let (open, after) = rest.split_at(hosts);
    cluster.produce(&topic, folded, &[]);
    let member = |group: &str, beside: &str| {
        let rekey = format!("rekey: {{ topic: {between}{beside} }}\n");
        score(Plan::new(&cluster, &topic, group).unkeyed(), &rekey)
    };
    let mut instance = member(&unique("group"), "").start();
    until_scored(&mut instance, folded.len());
    cluster.produce(&topic, open, &[]);
    until_scored(&mut instance, folded.len() + hosts);
    // Another has read what that window holds, and does not know that it was passed on.
    let other = unique("group");
    for held in cluster.count(&topic) {
        let window = flows::HOSTS as i64 / i64::from(PARTITIONS);
        cluster.seed_offset(&other, &topic, held.partition, held.end - window, "somebody");
    }
    // What it scores itself is nobody's business here.
    let apart = unique("apart");
    beside(&cluster, &apart, 2);
    let mut sender = member(&other, &format!(", pools: {apart}-pools, changelog: {apart}-changelog")).start();
    until_scored(&mut instance, folded.len() + 2 * hosts);
    instance.until_page("all of them told from new ones", |page| {
        page.sum("floodmark_score_events_repeated_total", &[]) == flows::HOSTS as i64
    });
    sender.stop();
    cluster.produce(&topic, after, &[]);
    let ledger = Ledger::of(&cluster, &topic);
    let page = until_scored(&mut instance, ledger.len() + hosts);
    assert_eq!(page.sum("floodmark_score_events_late_total", &[]), 0, "{}", page.text);
    until("as many findings", || (found(&[&instance]).len() >= expected.len()).then_some(()));
    let mut delivered = Delivered::by(&[&instance]);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    instance.stop();
    ledger.assert_once(&mut delivered);
    assert_eq!(observations(&cluster, &between), ledger.len() + hosts);
    assert_eq!(found(&[&instance]), expected);
}

#[test]
fn what_the_state_has_passed_on_is_delivered_again_after_a_restart_and_not_passed_on_again() {
    let name = "what_the_state_has_passed_on_is_delivered_again_after_a_restart_and_not_passed_on_again";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, between, group) = (unique("rewound"), between(&cluster, 2), unique("group"));
    cluster.create(&topic, PARTITIONS, &[]);
    let lines = lines();
    let (before, after) = lines[..10 * flows::HOSTS as usize].split_at(8 * flows::HOSTS as usize);
    cluster.produce(&topic, before, &[]);
    let plan =
        score(Plan::new(&cluster, &topic, &group).unkeyed(), &format!("rekey: {{ topic: {between} }}\n"));
    let mut instance = plan.start();
    until_scored(&mut instance, before.len());
    Ledger::of(&cluster, &topic).until_out(&mut Delivered::by(&[&instance]), &mut [&mut instance]);
    instance.stop();
    assert_eq!(observations(&cluster, &between), before.len());
    // As if it had been killed before its last commits of these positions, after its last snapshot.
    let committed = cluster.offsets(&group);
    assert_eq!(committed.len(), PARTITIONS as usize);
    for position in committed {
        cluster.seed_offset(&group, &topic, position.partition, 0, &position.metadata);
    }
    std::fs::remove_file(instance.folder.path(OUT)).unwrap();
    cluster.produce(&topic, after, &[]);
    instance.start();
    let ledger = Ledger::of(&cluster, &topic);
    ledger.until_out(&mut Delivered::by(&[&instance]), &mut [&mut instance]);
    // What windows hold that were open is looked at again, so that there are more.
    let page = instance.until_page("scoring of what is new", |page| {
        page.sum("floodmark_source_entries_parsed_total", &["source=\"rekey\""]) >= after.len() as i64
    });
    for counter in ["unattributed", "repeated", "late"] {
        let counter = format!("floodmark_score_events_{counter}_total");
        assert_eq!(page.sum(&counter, &[]), 0, "{}", page.text);
    }
    instance.stop();
    assert_eq!(observations(&cluster, &between), before.len() + after.len());
}

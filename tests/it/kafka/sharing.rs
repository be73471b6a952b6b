//! Who reads what: an entity that several instances see parts of, two sources of one process, and members with a name.

use super::{
    cluster::{Cluster, unique},
    instance::{Instance, Plan},
    ledger::{Delivered, Ledger},
    writer::lines,
};
use crate::process::{Folder, until};

const DIVIDED: &str = "floodmark_score_entities_divided_total";

/// Lines dealt out so that each of eleven hosts comes on every partition.
fn spread(first: u64) -> Vec<String> {
    let host =
        |number: u64| crate::flows::line(number % 11, "198.51.100.7", 20_000, crate::flows::START + number);
    (first..first + 440).map(host).collect()
}

#[test]
fn hosts_on_two_partitions_are_counted_and_told_once_while_another_instance_holds_some_and_not_before() {
    let name =
        "hosts_on_two_partitions_are_counted_and_told_once_while_another_instance_holds_some_and_not_before";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("divided"), unique("group"));
    cluster.create(&topic, 4, &[]);
    let plan = Plan::new(&cluster, &topic, &group);
    let mut one = plan.start();
    one.until_holds(4);
    cluster.produce(&topic, &spread(0), &[]);
    let page = one.until_page("the first lines", |page| page.sink("out", "delivered_total") >= 440);
    assert_eq!(page.sum(DIVIDED, &[]), 0, "one instance holds all");
    let mut other = plan.start();
    one.until_holds(2);
    other.until_holds(2);
    cluster.produce(&topic, &spread(440), &[]);
    cluster.produce(&topic, &spread(880), &[]);
    for instance in [&mut one, &mut other] {
        instance.until_page("hosts that are divided", |page| page.sum(DIVIDED, &[]) == 11);
        let told = instance.stop().err;
        assert_eq!(told.matches("hosts come on several partitions").count(), 1, "{told}");
    }
}

/// What an instance says that finds another one beside it, and may not.
const ALONE: &str =
    "run one worker, or, where all records of a host come in one partition, say so with `input: keyed`";

#[test]
fn a_second_instance_of_a_group_ends_with_78_where_the_input_is_not_keyed_and_the_first_delivers_every_record_once()
 {
    let name = "a_second_instance_of_a_group_ends_with_78_where_the_input_is_not_keyed_and_the_first_delivers_every_record_once";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("alone"), unique("group"));
    cluster.create(&topic, 4, &[]);
    let plan = Plan::new(&cluster, &topic, &group).unkeyed().option("heartbeat.interval.ms", "300");
    let mut first = plan.start();
    first.until_holds(4);
    let page = first.page();
    assert_eq!(page.sum("floodmark_source_input_keyed", &["source=\"flows\""]), 0, "{}", page.text);
    let mut delivered = Delivered::by(&[&first]);
    cluster.produce(&topic, &spread(0), &[]);
    for turn in 1..=2 {
        let mut second = plan.start();
        let ended = second.wait();
        ended.assert_code(78);
        ended.assert_told(ALONE);
        assert!(ended.err.contains(&group), "{}", ended.err);
        first.until_holds(4);
        cluster.produce(&topic, &spread(440 * turn), &[]);
    }
    let ledger = Ledger::of(&cluster, &topic);
    ledger.until_out(&mut delivered, &mut [&mut first]);
    first.until_balanced();
    first.stop();
    ledger.assert_once(&mut delivered);
}

#[test]
fn a_second_instance_of_a_group_that_scores_nothing_shares_what_is_not_keyed() {
    let name = "a_second_instance_of_a_group_that_scores_nothing_shares_what_is_not_keyed";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("unscored"), unique("group"));
    cluster.create(&topic, 4, &[]);
    let plan = Plan::new(&cluster, &topic, &group)
        .unkeyed()
        .rest("state: { directory: state, every: 1s }\nscore: { identity: [] }\n");
    let [mut one, mut other] = [plan.start(), plan.start()];
    one.until_holds(2);
    other.until_holds(2);
    one.stop();
    other.stop();
}

#[test]
fn two_sources_of_one_process_on_one_topic_are_refused_with_a_sentence() {
    let name = "two_sources_of_one_process_on_one_topic_are_refused_with_a_sentence";
    let Some(cluster) = Cluster::shared(name) else { return };
    let topic = unique("shared");
    cluster.create(&topic, 2, &[]);
    let folder = Folder::new();
    let address = cluster.address(super::cluster::Listener::Plaintext);
    let source = |topic: &str| {
        let group = unique("group");
        format!(
            "{{ from: {{ kafka: {{ brokers: [\"{address}\"], topics: [\"{topic}\"], group: {group} }} }} }}"
        )
    };
    // A name said twice is found by `check`; that a pattern means the same, only the cluster can tell.
    let sources = format!("sources: {{ one: {}, two: {} }}", source(&topic), source(&format!("^{topic}$")));
    folder.write("c.yaml", format!("{sources}\nsinks: {{ out: {{ to: {{ discard: {{}} }} }} }}\n"));
    let ended = folder.run(&["run", "-q", "-c", "c.yaml"]);
    ended.assert_code(69);
    ended.assert_told(&format!("of topic {topic}: another source of this process reads it; see `topics`"));
}

/// The partitions of each member of a group, by the member's name.
fn shares(cluster: &Cluster, group: &str) -> Vec<(Option<String>, Vec<String>)> {
    let mut shares: Vec<_> = cluster
        .group(group)
        .members
        .into_iter()
        .map(|member| (member.instance_id, member.partitions))
        .collect();
    shares.sort();
    shares
}

#[test]
fn a_named_member_that_restarts_within_its_session_keeps_its_partitions_and_nobody_else_notices() {
    let name = "a_named_member_that_restarts_within_its_session_keeps_its_partitions_and_nobody_else_notices";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("named"), unique("group"));
    cluster.create(&topic, 4, &[]);
    let plan = Plan::new(&cluster, &topic, &group).option("session.timeout.ms", "60000");
    let [mut one, mut two] = ["one", "two"].map(|name| plan.clone().key("instance", name).start());
    two.until_holds(2);
    one.until_holds(2);
    let before = shares(&cluster, &group);
    let text = lines(0, 2_400);
    cluster.produce(&topic, &text.lines().collect::<Vec<_>>(), &[]);
    let mut delivered = Delivered::by(&[&one, &two]);
    let ledger = Ledger::of(&cluster, &topic);
    ledger.until_out(&mut delivered, &mut [&mut one, &mut two]);
    let rebalances = two.page().kafka("rebalances_total");
    one.stop();
    let text = lines(2_400, 2_400);
    cluster.produce(&topic, &text.lines().collect::<Vec<_>>(), &[]);
    assert_eq!(shares(&cluster, &group), before, "its partitions went while it was away");
    one.start();
    let ledger = Ledger::of(&cluster, &topic);
    ledger.until_out(&mut delivered, &mut [&mut one, &mut two]);
    assert_eq!(shares(&cluster, &group), before);
    assert_eq!(two.page().kafka("rebalances_total"), rebalances, "{}", two.process().told());
    one.stop();
    two.stop();
    ledger.assert_once(&mut delivered);
}

#[test]
fn of_two_processes_of_one_name_the_first_is_put_out_and_ends_with_69_and_a_sentence() {
    let name = "of_two_processes_of_one_name_the_first_is_put_out_and_ends_with_69_and_a_sentence";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("twins"), unique("group"));
    cluster.create(&topic, 2, &[]);
    let plan =
        Plan::new(&cluster, &topic, &group).key("instance", "twin").option("heartbeat.interval.ms", "300");
    let mut first = plan.start();
    first.until_holds(2);
    let mut second = plan.start();
    second.until_holds(2);
    until("the end of one of them", || (!first.is_running() || !second.is_running()).then_some(()));
    let mut put_out: Vec<&mut Instance> =
        [&mut first, &mut second].into_iter().filter_map(|one| (!one.is_running()).then_some(one)).collect();
    assert_eq!(put_out.len(), 1);
    let ended = put_out[0].wait();
    ended.assert_code(69);
    ended.assert_told("give each process an `instance` of its own");
}

//! Who may read what: every way in reads, and `check --online` says which broker, topic, group or permission is wrong.

use std::time::Duration;

use floodmark::telemetry::clock;

use super::{
    cluster::{Cluster, Listener, unique},
    instance::{Instance, Plan},
    ledger::{Delivered, Ledger},
    writer::lines,
};
use crate::process::{Ended, free_port};

/// How long a check may take that finds something wrong.
const CHECK_MAX: Duration = Duration::from_secs(15);

/// A plan for one of the broker's listeners, with whatever it asks for.
fn plan(
    cluster: &Cluster,
    topic: &str,
    group: &str,
    listener: Listener,
    sasl: Option<(&str, &str, &str)>,
) -> Plan {
    let mut plan =
        Plan::new(cluster, topic, group).key("brokers", &format!("[\"{}\"]", cluster.address(listener)));
    if matches!(listener, Listener::Ssl | Listener::SaslSsl) {
        plan = plan.key("tls", &format!("{{ ca: \"{}\" }}", cluster.authority().display()));
    }
    if let Some((mechanism, user, password)) = sasl {
        let sasl = format!("{{ mechanism: {mechanism}, username: {user}, password: {password} }}");
        plan = plan.key("sasl", &sasl);
    }
    plan
}

#[test]
fn tls_and_each_login_over_it_or_without_read_what_is_there() {
    let Some(cluster) = Cluster::shared("tls_and_each_login_over_it_or_without_read_what_is_there") else {
        return;
    };
    let topic = unique("guarded");
    cluster.create(&topic, 2, &[]);
    cluster.produce(&topic, &lines(0, 10).lines().collect::<Vec<_>>(), &[]);
    let ledger = Ledger::of(&cluster, &topic);
    let mut ways = vec![(Listener::Ssl, None)];
    for mechanism in ["plain", "scram_sha_256", "scram_sha_512"] {
        let login = Some((mechanism, "flow", "test-only"));
        ways.extend([(Listener::SaslSsl, login), (Listener::SaslPlaintext, login)]);
    }
    for (listener, sasl) in ways {
        let plan = plan(&cluster, &topic, &unique("group"), listener, sasl);
        let mut instance = plan.start();
        let mut delivered = Delivered::by(&[&instance]);
        ledger.until_out(&mut delivered, &mut [&mut instance]);
        instance.stop();
        ledger.assert_once(&mut delivered);
        instance.folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
    }
}

/// What `check --online` says of a plan that cannot work.
#[track_caller]
fn refused(plan: &Plan) -> Ended {
    let instance: Instance = plan.instance();
    let begun = clock::monotonic();
    let ended = instance.folder.run(&["check", "--online", "-c", "c.yaml"]);
    assert!(begun.elapsed() < CHECK_MAX, "it took {:?}", begun.elapsed());
    ended.assert_code(69);
    ended.assert_told("source flows: could not use Kafka: ");
    ended
}

#[test]
fn a_check_names_the_broker_that_is_not_there_or_does_not_let_us_in() {
    let name = "a_check_names_the_broker_that_is_not_there_or_does_not_let_us_in";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("closed"), unique("group"));
    cluster.create(&topic, 1, &[]);
    let guess = &|listener, mechanism| {
        let ended = refused(&plan(&cluster, &topic, &group, listener, Some((mechanism, "flow", "wrong"))));
        ended.assert_told(cluster.address(listener));
        ended.assert_told("correct `sasl` and `tls`");
        assert!(!ended.err.contains("password: wrong"), "the password is shown: {}", ended.err);
    };
    // Each takes as long as it may; all at once.
    std::thread::scope(|scope| {
        for mechanism in ["plain", "scram_sha_256", "scram_sha_512"] {
            scope.spawn(move || guess(Listener::SaslSsl, mechanism));
            scope.spawn(move || guess(Listener::SaslPlaintext, mechanism));
        }
        scope.spawn(|| {
            let nobody = format!("127.0.0.1:{}", free_port());
            let plan = Plan::new(&cluster, &topic, &group).key("brokers", &format!("[\"{nobody}\"]"));
            let ended = refused(&plan);
            ended.assert_told(&nobody);
            ended.assert_told("`brokers` are up");
        });
        scope.spawn(|| {
            // None of the authorities that the system trusts has signed the broker's certificate.
            let ended = refused(&plan(&cluster, &topic, &group, Listener::Ssl, None).key("tls", "{}"));
            ended.assert_told(cluster.address(Listener::Ssl));
            ended.assert_told("`tls`");
        });
    });
}

#[test]
fn a_check_names_the_topic_that_is_missing_and_what_a_user_may_not_read_or_join() {
    let name = "a_check_names_the_topic_that_is_missing_and_what_a_user_may_not_read_or_join";
    let Some(cluster) = Cluster::shared(name) else { return };
    let (topic, group) = (unique("forbidden"), unique("group"));
    let ended = refused(&Plan::new(&cluster, &topic, &group));
    ended.assert_told(&format!("topic {topic}: "));
    ended.assert_told("create the topic, or correct its name");

    cluster.create(&topic, 1, &[]);
    cluster.produce(&topic, &lines(0, 10).lines().collect::<Vec<_>>(), &[]);
    let login = Some(("scram_sha_512", "stranger", "test-only"));
    let stranger = plan(&cluster, &topic, &group, Listener::SaslPlaintext, login);
    refused(&stranger).assert_told(&format!("topic {topic}: "));
    cluster.allow("stranger", "DESCRIBE", "TOPIC", &topic);
    let ended = refused(&stranger);
    ended.assert_told(&format!("group {group}: "));
    ended.assert_told("let this user read the group");
    cluster.allow("stranger", "READ", "GROUP", &group);
    let ended = refused(&stranger);
    ended.assert_told(&topic);
    ended.assert_told("let this user read or write the topic");
    cluster.allow("stranger", "READ", "TOPIC", &topic);

    let mut instance = stranger.start();
    let ledger = Ledger::of(&cluster, &topic);
    let mut delivered = Delivered::by(&[&instance]);
    ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    instance.folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
}

#[test]
fn a_check_names_the_key_of_an_option_that_may_not_be_set() {
    let Some(cluster) = Cluster::shared("a_check_names_the_key_of_an_option_that_may_not_be_set") else {
        return;
    };
    for (name, remedy) in [
        ("auto.offset.reset", "set `start`"),
        ("enable.auto.commit", "committed when"),
        ("group.id", "set `group`"),
    ] {
        let instance = Plan::new(&cluster, "topic", "group").option(name, "x").instance();
        let ended = instance.folder.run(&["check", "-c", "c.yaml"]);
        ended.assert_code(78);
        ended.assert_told("sources.flows.from.kafka.options");
        ended.assert_told(&format!("the option `{name}` may not be set: "));
        ended.assert_told(remedy);
    }
}

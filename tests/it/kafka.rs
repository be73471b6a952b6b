//! The tests against a real Apache Kafka, which `tests/run` starts. What goes in and what comes out is written and read
//! by Kafka's own client.

mod appearing;
mod assets;
mod backpressure;
mod beginnings;
pub mod cluster;
#[cfg(feature = "crash-points")]
mod crashes;
mod exactly_once;
mod groups;
#[cfg(feature = "aws")]
mod iam;
pub mod instance;
#[cfg(feature = "crash-points")]
mod interleaving;
pub mod ledger;
mod outage;
mod poison;
mod recreated;
mod rekey;
mod security;
mod sharing;
mod volume;
mod writer;

use std::thread;

use cluster::{Cluster, Committed, Extent, Listener, unique};

use crate::process::Folder;

/// So many lines, each with its number.
fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{{\"number\": {number}, \"text\": \"a \\\"b\\\" \\t\"}}")).collect()
}

/// Fails unless the topic holds exactly `lines`, dealt out to its partitions in turn.
#[track_caller]
fn assert_holds(cluster: &Cluster, topic: &str, partitions: usize, lines: &[String]) {
    let seen = cluster.consume(topic, &[]);
    assert_eq!(seen.len(), lines.len());
    for record in seen {
        let partition = usize::try_from(record.partition).unwrap();
        let number = usize::try_from(record.offset).unwrap() * partitions + partition;
        assert_eq!(record.value, lines[number]);
        assert_eq!((record.key, record.headers), (None, Vec::new()));
        assert!(record.timestamp_ms > 1_700_000_000_000, "{}", record.timestamp_ms);
    }
}

#[test]
fn what_the_client_writes_it_reads_again() {
    let Some(cluster) = Cluster::shared("what_the_client_writes_it_reads_again") else { return };
    let topic = unique("written");
    cluster.create(&topic, 3, &[("max.message.bytes", "2000000")]);
    let lines = numbered(1_000);
    assert_eq!(cluster.produce(&topic, &lines, &[]), 1_000);
    assert_holds(&cluster, &topic, 3, &lines);
    let extents: Vec<Extent> = (0..3)
        .map(|partition| Extent { partition, begin: 0, end: 333 + i64::from(partition == 0) })
        .collect();
    assert_eq!(cluster.count(&topic), extents);

    let aborted = [&lines[..], &["".to_owned()]].concat();
    assert_eq!(cluster.produce(&topic, &aborted, &["--transactional", &unique("writer"), "--abort"]), 1_001);
    assert_holds(&cluster, &topic, 3, &lines);
    assert_eq!(cluster.consume(&topic, &["--uncommitted"]).len(), 2_001);

    cluster.grow(&topic, 4);
    cluster.configure(&topic, &[("retention.ms", "86400000")]);
    assert_eq!(cluster.produce(&topic, &["-\ta\tb", "\t"], &["--keyed"]), 2);
    let mut keyed = cluster.consume(&topic, &[]);
    keyed.retain(|record| record.key.is_some());
    keyed.sort_by_key(|record| record.value.len());
    let pairs: Vec<_> = keyed.iter().map(|record| (record.key.as_deref().unwrap(), &*record.value)).collect();
    assert_eq!(pairs, [("", ""), ("-", "a\tb")]);

    cluster.delete(&topic);
    assert!(cluster.client(&["count", &topic]).unwrap_err().contains("UnknownTopicOrPartition"));
}

#[test]
fn a_group_has_the_offset_that_the_client_gave_it() {
    let Some(cluster) = Cluster::shared("a_group_has_the_offset_that_the_client_gave_it") else { return };
    let (topic, name) = (unique("seeded"), unique("group"));
    assert_eq!(cluster.group(&name).state, "Dead");
    cluster.create(&topic, 2, &[]);
    cluster.seed_offset(&name, &topic, 1, 17, "a note");
    let committed = Committed { topic, partition: 1, offset: 17, metadata: "a note".to_owned() };
    assert_eq!(cluster.offsets(&name), [committed]);
    cluster.configure_group(&name, &[("consumer.session.timeout.ms", "3000")]);
    let group = cluster.group(&name);
    assert_eq!((&*group.state, group.members.len()), ("Empty", 0));
}

#[test]
fn each_listener_lets_in_whom_it_should() {
    let Some(cluster) = Cluster::shared("each_listener_lets_in_whom_it_should") else { return };
    let topic = unique("guarded");
    cluster.create(&topic, 1, &[]);
    let read = |listener, user, password| {
        cluster.client_as(listener, user, password, &["consume", &topic, "/dev/null"])
    };
    cluster.produce(&topic, &["record"], &[]);
    cluster.scram("newcomer", "another");
    for listener in [Listener::SaslPlaintext, Listener::SaslSsl] {
        read(listener, "flow", "test-only").unwrap();
        assert!(read(listener, "flow", "wrong").unwrap_err().contains("SaslAuthenticationException"));
        assert!(read(listener, "newcomer", "another").unwrap_err().contains("TopicAuthorizationException"));
    }
    read(Listener::Ssl, "", "").unwrap();

    let stranger = || read(Listener::SaslPlaintext, "stranger", "test-only");
    assert!(stranger().unwrap_err().contains("TopicAuthorizationException"));
    cluster.allow("stranger", "READ", "TOPIC", &topic);
    stranger().unwrap();
    cluster.forbid("stranger", "READ", "TOPIC", &topic);
    assert!(stranger().unwrap_err().contains("TopicAuthorizationException"));
    cluster.allow("stranger", "READ", "TOPIC", &topic);
    stranger().unwrap();
}

#[test]
fn a_broker_of_its_own_keeps_its_records_through_a_kill_a_stop_and_a_pause() {
    let folder = Folder::new();
    let name = "a_broker_of_its_own_keeps_its_records_through_a_kill_a_stop_and_a_pause";
    let Some(cluster) = Cluster::own(name, &folder) else { return };
    let address = cluster.address(Listener::Plaintext).to_owned();
    let lines = numbered(1_000);
    cluster.create("kept", 2, &[]);
    assert_eq!(cluster.produce("kept", &lines, &[]), 1_000);

    cluster.kill();
    assert!(std::net::TcpStream::connect(&address).is_err(), "a broker that was killed answers");
    cluster.start();
    assert_holds(&cluster, "kept", 2, &lines);

    cluster.stop();
    cluster.start();
    assert_holds(&cluster, "kept", 2, &lines);

    cluster.pause();
    thread::scope(|scope| {
        let count = scope.spawn(|| cluster.count("kept"));
        thread::sleep(std::time::Duration::from_secs(1));
        assert!(!count.is_finished(), "a broker that is paused answers");
        cluster.resume();
        assert_eq!(count.join().unwrap().iter().map(|extent| extent.end).sum::<i64>(), 1_000);
    });
    assert_eq!(cluster.address(Listener::Plaintext), address);
}

//! The Kafka sink against librdkafka's own mock cluster, which fails as it is told to.

mod cluster;

use std::{collections::BTreeMap, sync::Arc};

use rdkafka::types::RDKafkaRespErr as Code;
use tokio::time::{sleep, timeout};

use super::*;
use crate::{event::DocumentKind, kafka::Options, quantity::ByteSize, sink::LOOK_MAX};
use cluster::{Cluster, documents, ids, texts};

/// Longer than anything here takes; a test that comes so far has failed.
const NEVER: Duration = Duration::from_secs(60);

async fn delivered(sink: &Arc<KafkaSink>, documents: &Arc<Documents>) -> Delivery {
    let delivering = sink.clone().deliver(documents.clone(), DocSet::All);
    timeout(NEVER, delivering).await.expect("an answer")
}

/// The reason of every document that is to be tried again; none may have ended otherwise.
fn reasons(delivery: &Delivery) -> Vec<&str> {
    let reason = |outcome: &'_ (u32, Outcome)| match &outcome.1 {
        Outcome::Retry { .. } => true,
        Outcome::Refused { .. } => false,
    };
    assert!(delivery.gone.is_none() && delivery.others.iter().all(reason), "{delivery:?}");
    let reasons = delivery.others.iter().map(|(_, outcome)| match outcome {
        Outcome::Retry { reason, .. } | Outcome::Refused { reason, .. } => reason.as_str(),
    });
    reasons.collect()
}

#[tokio::test]
async fn every_document_arrives_without_its_line_feed_with_its_entity_as_key_and_its_id_in_a_header() {
    let cluster = Cluster::of(&[("events", 1), ("sessions", 1), ("findings", 1)]);
    let mut config = cluster.config("events");
    config.topics = Topics { sessions: Some("sessions".to_owned()), findings: Some("findings".to_owned()) };
    let sink = Arc::new(KafkaSink::open(&config).unwrap());
    let sent = documents(&[
        (DocumentKind::Event, "web", "{\"n\":1}"),
        (DocumentKind::Finding, "web", "{\"n\":2}"),
        (DocumentKind::Event, "", "{\"n\":3}"),
        (DocumentKind::Session, "db", "{\"n\":4}"),
    ]);
    assert_eq!(delivered(&sink, &sent).await, Delivery::default());
    let events = cluster.read("events", 2);
    assert_eq!(texts(&events), ["{\"n\":1}", "{\"n\":3}"]);
    assert_eq!((events[0].key.as_deref(), events[1].key.as_deref()), (Some(&b"web"[..]), None));
    let findings = cluster.read("findings", 1);
    assert_eq!(texts(&findings), ["{\"n\":2}"]);
    let sessions = cluster.read("sessions", 1);
    assert_eq!(
        (texts(&sessions), sessions[0].key.as_deref()),
        (vec!["{\"n\":4}".to_owned()], Some(&b"db"[..]))
    );
    let found: Vec<_> =
        [&events[0], &findings[0], &events[1], &sessions[0]].iter().map(|record| record.id.clone()).collect();
    assert_eq!(found, ids(&sent), "the id's 22 characters");
    timeout(NEVER, sink.close()).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_key_is_the_id_or_nothing_where_the_config_says_so() {
    for (key, keyed) in [(Key::EventId, true), (Key::None, false)] {
        let cluster = Cluster::of(&[("events", 1)]);
        let config = KafkaSinkConfig { key, ..cluster.config("events") };
        let sink = Arc::new(KafkaSink::open(&config).unwrap());
        let sent = documents(&[(DocumentKind::Event, "web", "{}")]);
        assert_eq!(delivered(&sink, &sent).await, Delivery::default());
        let wanted = keyed.then(|| ids(&sent)[0].clone().into_bytes());
        assert_eq!(cluster.read("events", 1)[0].key, wanted);
    }
}

#[tokio::test]
async fn a_batch_refused_for_one_document_is_sent_again_one_by_one_and_only_that_one_is_refused() {
    for code in [Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, Code::RD_KAFKA_RESP_ERR_INVALID_RECORD] {
        let cluster = Cluster::of(&[("events", 1)]);
        let sink = Arc::new(KafkaSink::open(&cluster.config("events")).unwrap());
        // The whole batch first, and then the first document alone.
        cluster.fail(&[code, code]);
        let sent = documents(&[
            (DocumentKind::Event, "a", "{\"n\":1}"),
            (DocumentKind::Event, "b", "{\"n\":2}"),
            (DocumentKind::Event, "c", "{\"n\":3}"),
        ]);
        let delivery = delivered(&sink, &sent).await;
        let [(0, Outcome::Refused { status, reason })] = &delivery.others[..] else { panic!("{delivery:?}") };
        assert_eq!(*status, Some(code as u16));
        assert!(!reason.is_empty());
        let mut written = texts(&cluster.read("events", 2));
        written.sort();
        assert_eq!(written, ["{\"n\":2}", "{\"n\":3}"]);
    }
}

#[tokio::test]
async fn a_document_larger_than_may_be_sent_is_refused_and_its_neighbour_is_delivered() {
    let cluster = Cluster::of(&[("events", 1)]);
    let sink = Arc::new(KafkaSink::open(&cluster.config("events")).unwrap());
    let large = "x".repeat(1_100_000);
    let sent = documents(&[(DocumentKind::Event, "a", &large), (DocumentKind::Event, "b", "{}")]);
    let delivery = delivered(&sink, &sent).await;
    assert!(matches!(&delivery.others[..], [(0, Outcome::Refused { status: Some(10), .. })]), "{delivery:?}");
    assert_eq!(texts(&cluster.read("events", 1)), ["{}"]);
}

#[tokio::test]
async fn a_right_that_was_taken_away_for_a_while_costs_no_document() {
    let cluster = Cluster::of(&[("events", 1)]);
    let sink = Arc::new(KafkaSink::open(&cluster.config("events")).unwrap());
    cluster.fail(&[Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]);
    let sent = documents(&[(DocumentKind::Event, "a", "{\"n\":1}")]);
    let first = delivered(&sink, &sent).await;
    assert!(reasons(&first)[0].contains("let this user"), "{first:?}");
    assert_eq!(delivered(&sink, &sent).await, Delivery::default(), "asked again, the cluster allows it");
    assert_eq!(texts(&cluster.read("events", 1)), ["{\"n\":1}"]);
}

#[tokio::test]
async fn a_topic_that_is_missing_is_not_made_and_is_written_once_it_is_there() {
    let cluster = Cluster::of(&[("other", 1)]);
    let sink = Arc::new(KafkaSink::open(&cluster.config("events")).unwrap());
    let sent = documents(&[(DocumentKind::Event, "a", "{}"), (DocumentKind::Event, "b", "{}")]);
    let first = delivered(&sink, &sent).await;
    let reasons = reasons(&first);
    assert!(reasons.len() == 2 && reasons[0].contains("create the topic"), "{reasons:?}");
    cluster.create("events", 1);
    // What is known of the topic is from before; the cluster is asked after the try.
    let second = delivered(&sink, &sent).await;
    if second != Delivery::default() {
        assert_eq!(delivered(&sink, &sent).await, Delivery::default());
    }
    assert_eq!(cluster.read("events", 2).len(), 2);
}

#[tokio::test]
async fn a_producer_that_can_never_write_again_is_replaced() {
    let cluster = Cluster::of(&[("events", 1)]);
    let sink = Arc::new(KafkaSink::open(&cluster.config("events")).unwrap());
    cluster.fail(&[Code::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER]);
    let sent = documents(&[(DocumentKind::Event, "a", "{}")]);
    let first = delivered(&sink, &sent).await;
    assert!(reasons(&first)[0].contains("sequence"), "{first:?}");
    assert_eq!(delivered(&sink, &sent).await, Delivery::default());
}

#[tokio::test]
async fn while_no_broker_is_there_the_sink_says_so_and_delivers_when_one_is_back() {
    let cluster = Cluster::of(&[("events", 1)]);
    let sink = Arc::new(KafkaSink::open(&cluster.config("events")).unwrap());
    let first = documents(&[(DocumentKind::Event, "a", "{}")]);
    assert_eq!(delivered(&sink, &first).await, Delivery::default());
    assert_eq!(sink.trouble(), None);
    cluster.down();
    let second = documents(&[(DocumentKind::Event, "b", "{}")]);
    let delivering = tokio::spawn(sink.clone().deliver(second, DocSet::All));
    let trouble = timeout(NEVER, async {
        loop {
            if let Some(trouble) = sink.trouble() {
                return trouble;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let trouble = trouble.await.expect("it is heard");
    assert!(trouble.contains("`brokers`"), "{trouble}");
    assert!(!delivering.is_finished(), "it is tried on");
    cluster.up();
    assert_eq!(timeout(NEVER, delivering).await.unwrap().unwrap(), Delivery::default());
    assert_eq!(sink.trouble(), None);
    assert_eq!(cluster.read("events", 2).len(), 2, "once each");
}

#[tokio::test]
async fn what_is_given_up_ends_at_once_although_no_broker_is_there() {
    let cluster = Cluster::of(&[("events", 1)]);
    cluster.down();
    let config = KafkaSinkConfig { in_flight: ByteSize::mebibytes(1), ..cluster.config("events") };
    let sink = Arc::new(KafkaSink::open(&config).unwrap());
    let text = "x".repeat(4_000);
    // More than librdkafka has room for, so that some wait before it.
    let sent = documents(&vec![(DocumentKind::Event, "a", text.as_str()); 700]);
    let delivering = sink.clone().deliver(sent.clone(), DocSet::All);
    sink.give_up();
    let delivery = timeout(NEVER, delivering).await.expect("an end");
    assert_eq!(reasons(&delivery).len(), sent.len());
    timeout(NEVER, sink.close()).await.expect("an end of the thread").unwrap();
}

#[tokio::test]
async fn what_there_is_no_room_for_waits_in_order() {
    let cluster = Cluster::of(&[("events", 1)]);
    let config = KafkaSinkConfig { in_flight: ByteSize::mebibytes(1), ..cluster.config("events") };
    let sink = Arc::new(KafkaSink::open(&config).unwrap());
    let text = |n: u32| format!("{n:05}{}", "x".repeat(4_000));
    let lines: Vec<_> = (0..1_400).map(text).collect();
    // Three megabytes each, where there is room for two.
    let batches = lines.chunks(700).map(|lines| {
        let lines: Vec<_> = lines.iter().map(|line| (DocumentKind::Event, "a", line.as_str())).collect();
        documents(&lines)
    });
    let delivering: Vec<_> = batches.map(|batch| sink.clone().deliver(batch, DocSet::All)).collect();
    for one in delivering {
        assert_eq!(timeout(NEVER, one).await.unwrap(), Delivery::default());
    }
    assert_eq!(texts(&cluster.read("events", lines.len())), lines);
}

#[tokio::test]
async fn a_look_names_the_key_of_the_topic_that_is_missing_and_what_helps() {
    let cluster = Cluster::of(&[("events", 1)]);
    let look = |config: KafkaSinkConfig| async move {
        let sink = KafkaSink::open(&config).unwrap();
        tokio::task::spawn_blocking(move || sink.look()).await.unwrap()
    };
    assert_eq!(look(cluster.config("events")).await, Ok(()));
    let mut config = cluster.config("events");
    config.topics.findings = Some("findings".to_owned());
    let missing = look(config).await.unwrap_err().to_string();
    for part in ["`findings`", "`topics.findings`", "create the topic"] {
        assert!(missing.contains(part), "{missing}");
    }
    assert!(look(cluster.config("evnets")).await.is_err());
    assert!(look(cluster.config("evnets")).await.is_err(), "the first look has not made it");
}

#[tokio::test]
async fn a_look_at_brokers_that_are_down_ends_in_time_and_names_them() {
    let cluster = Cluster::of(&[("events", 1)]);
    cluster.down();
    let config = cluster.config("events");
    let sink = KafkaSink::open(&config).unwrap();
    let looking = tokio::task::spawn_blocking(move || sink.look());
    let down = timeout(LOOK_MAX * 4, looking).await.expect("an end").unwrap().unwrap_err().to_string();
    assert!(down.contains(&config.brokers[0]) && down.contains("`brokers`"), "{down}");
}

#[test]
fn settings_that_librdkafka_refuses_are_told_before_anything_is_sent() {
    let cluster = Cluster::of(&[]);
    let options = BTreeMap::from([("no.such.option".to_owned(), "1".to_owned())]);
    let config = KafkaSinkConfig { options: Options::try_from(options).unwrap(), ..cluster.config("events") };
    let Err(SinkError::Settings { cause }) = KafkaSink::open(&config).map(drop) else {
        panic!("not refused")
    };
    assert!(cause.contains("no.such.option") && cause.contains("`options`"), "{cause}");
}

#[test]
fn what_only_several_keys_can_get_wrong_is_found() {
    let config = |change: fn(&mut KafkaSinkConfig)| {
        let mut config = KafkaSinkConfig::new(vec!["kafka:9092".to_owned()], "events");
        change(&mut config);
        config.problems().into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(config(|_| ()), [""; 0]);
    let level_of_another = |config: &mut KafkaSinkConfig| {
        (config.compression, config.compression_level) = (Codec::Zstd, Some(0));
    };
    assert_eq!(config(level_of_another), ["compression_level"]);
    assert_eq!(config(|config| config.linger = "2m".parse().unwrap()), ["linger"]);
    assert_eq!(config(|config| config.batch_size = ByteSize::bytes(1)), ["batch_size"]);
    assert_eq!(config(|config| config.in_flight = ByteSize::bytes(1)), ["in_flight"]);
    let tls = |config: &mut KafkaSinkConfig| {
        config.tls = Some(crate::kafka::Tls { key: Some("key.pem".into()), ..Default::default() });
    };
    assert_eq!(config(tls), ["tls"]);
}

//! A topic's whole life, with librdkafka's own brokers in this process.

use rdkafka::{
    ClientConfig,
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer},
};

use super::*;
use crate::{
    enrich::{AssetSource, Config, follow},
    telemetry::metrics::Metrics,
};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(180);

struct Scene {
    cluster: MockCluster<'static, DefaultProducerContext>,
    producer: BaseProducer,
}

impl Scene {
    fn new() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("estate", 2, 1).unwrap();
        let producer =
            ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
        Self { cluster, producer }
    }

    fn put(&self, partition: i32, key: &str, value: Option<&str>) {
        let record = BaseRecord::<str, str>::to("estate").partition(partition).key(key);
        let record = match value {
            Some(value) => record.payload(value),
            None => record,
        };
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.flush(DEADLINE).unwrap();
    }

    fn config(&self, topic: &str) -> Config {
        let topic = serde_json::json!({ "brokers": [self.cluster.bootstrap_servers()], "topic": topic });
        let kafka = Some(serde_json::from_value(topic).unwrap());
        Config { assets: vec![AssetSource { file: None, kafka, valid_from: None }], ..Config::default() }
    }
}

fn named(shared: &Shared, address: &str) -> Option<String> {
    let tables = shared.tables();
    let answer = tables.know(address.parse().unwrap(), &mut 0).asset?;
    tables.assets.asset(answer.only()?)?.name.as_deref().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compacted_topic_is_read_to_its_end_at_start_and_followed_from_then_on() {
    let scene = Scene::new();
    scene.put(0, "10.0.0.1", Some(r#"{"name": "old"}"#));
    scene.put(0, "10.0.0.1", Some(r#"{"name": "web", "role": "front"}"#));
    scene.put(0, "10.0.0.9", Some(r#"{"name": "gone"}"#));
    scene.put(0, "10.0.0.9", None);
    scene.put(1, "10.0.0.2", Some(r#"{"key": "10.0.0.2", "name": "db"}"#));
    scene.put(
        1,
        "eni-1",
        Some(r#"{"NetworkInterfaceId": "eni-1", "Ipv6Addresses": [{"Ipv6Address": "2600::1"}]}"#),
    );
    scene.put(1, "broken", Some("{"));
    let metrics = Metrics::default();
    let shared = Shared::open(&scene.config("estate"), &metrics).unwrap();
    assert_eq!(named(&shared, "10.0.0.1").as_deref(), Some("web"));
    assert_eq!(named(&shared, "10.0.0.2").as_deref(), Some("db"));
    assert_eq!(named(&shared, "10.0.0.9"), None, "a tombstone takes it away");
    assert!(shared.tables().know("2600::1".parse().unwrap(), &mut 0).internal, "interfaces are inside");
    assert!(metrics.page().contains("result=\"refused\"} 1\n"), "{}", metrics.page());

    let (switch, stop) = crate::pipe::stop();
    follow(&shared, &stop);
    scene.put(1, "10.0.0.2", None);
    scene.put(0, "10.0.0.3", Some(r#"{"name": "new"}"#));
    let begin = clock::monotonic();
    while named(&shared, "10.0.0.3").as_deref() != Some("new") || named(&shared, "10.0.0.2").is_some() {
        assert!(begin.elapsed() < DEADLINE, "the topic is not followed");
        tokio::time::sleep(POLL).await;
    }
    assert_eq!(named(&shared, "10.0.0.1").as_deref(), Some("web"));
    switch.stop();
}

#[test]
fn an_empty_topic_is_no_assets_and_one_that_does_not_exist_is_an_error_with_its_key() {
    let scene = Scene::new();
    let shared = Shared::open(&scene.config("estate"), &Metrics::default()).unwrap();
    assert_eq!(shared.tables().assets_len(), 0);
    let both = Config {
        assets: vec![AssetSource { file: Some("a.csv".into()), ..scene.config("estate").assets.remove(0) }],
        ..Config::default()
    };
    let errors = Shared::open(&both, &Metrics::default()).unwrap_err();
    assert_eq!(errors[0].to_string().split(": ").next(), Some("could not read enrich.assets[0]"));
    assert_eq!(both.problems().len(), 1);
}

//! Servers and floodmark that are killed, stand still or refuse: nothing is lost and nothing is there twice.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{
    assert_balanced, assert_same, minimal,
    proxy::{Act, Proxy},
    stream, until_all, with_rest,
};
use crate::{
    flows,
    kafka::cluster::{Cluster, Listener, unique},
    process::{Folder, Running, free_port, metrics, page, until},
    servers::{Product, Server, namespace},
};

/// A process that follows files, and a folder whose file grows.
struct Following {
    folder: Folder,
    namespace: String,
    port: u16,
    windows: u64,
}

/// So many looks in a row, half a second apart, at which nothing more was received: the source waits.
const LOOKS: usize = 8;
const FOLLOW: &str = "file: { paths: [\"in/*.log\"], follow: true }";

// === impl Following ===

impl Following {
    fn new(url: &str, more: &str) -> Self {
        let (folder, namespace, port) = (Folder::new(), namespace(), free_port());
        folder.write("in/flows.log", flows::estate(1));
        let rest = format!(
            "state: {{ directory: state, every: 1s }}\ntelemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"
        );
        folder.write("c.yaml", with_rest(url, &namespace, more, FOLLOW, &rest));
        Self { folder, namespace, port, windows: 1 }
    }

    /// With a buffer on disk before the cluster, and sinks after it.
    fn buffered(self, sinks: &str) -> Self {
        let text = std::fs::read_to_string(self.folder.path("c.yaml")).unwrap();
        let more = format!("    buffer: {{ disk: 64MiB }}\n{sinks}  copy:");
        self.folder.write("c.yaml", text.replacen("  copy:", &more, 1));
        self
    }

    fn start(&self) -> Running {
        self.folder.start(&mut self.folder.command(&["run", "-q", "-c", "c.yaml"]))
    }

    fn grow(&mut self, windows: u64) {
        let lines: String = (self.windows..self.windows + windows).map(flows::window).collect();
        self.folder.append("in/flows.log", lines);
        self.windows += windows;
    }

    /// How many lines there are.
    fn lines(&self) -> u64 {
        self.folder.lines("in/flows.log").len() as u64
    }

    fn delivered(&self) -> i64 {
        metrics(self.port).map_or(0, |page| page.sink("siem", "delivered_total"))
    }

    /// Waits until every line is in the cluster, ends the process and compares.
    fn finish(&self, server: &Server, mut process: Running) {
        let (lines, name) = (self.lines(), stream("flow", &self.namespace));
        until_all(server, &name, lines, &mut process);
        let page = process
            .until("its books", || metrics(self.port).filter(|page| page.sink("siem", "in_flight") == 0));
        assert_balanced(&page, "siem");
        process.stop().assert_code(0);
        assert_same(server, &self.namespace, &self.folder);
        assert_eq!(server.count(&name), lines);
        assert_eq!(self.folder.len("dead.ndjson"), 0);
    }
}

#[test]
fn through_a_server_that_is_killed_and_started_again_mid_load_every_document_is_there_once() {
    let name = "through_a_server_that_is_killed_and_started_again_mid_load_every_document_is_there_once";
    for product in [Product::OpenSearch3, Product::Elasticsearch8] {
        let server_folder = Folder::new();
        let Some(server) = minimal::own(name, product, &server_folder, &[]) else { continue };
        let mut following = Following::new(server.url(), ", batch_documents: 200");
        let mut process = following.start();
        process.until("documents", || (following.delivered() > 0).then_some(()));
        for _ in 0..2 {
            following.grow(200);
            server.kill();
            following.grow(200);
            let told = process
                .until("unreadiness", || page(following.port, "/ready").filter(|page| page.status == 503))
                .text;
            assert!(told.contains("sink siem") && told.contains("urls"), "{told}");
            server.start();
            let before = following.delivered();
            process.until("documents again", || (following.delivered() > before).then_some(()));
        }
        following.finish(&server, process);
    }
}

#[test]
fn through_kills_of_floodmark_mid_load_every_document_is_there_once() {
    through_kills("through_kills_of_floodmark_mid_load_every_document_is_there_once", |following| following);
}

#[test]
fn through_kills_of_floodmark_mid_load_with_a_disk_buffer_every_document_is_there_once() {
    let name = "through_kills_of_floodmark_mid_load_with_a_disk_buffer_every_document_is_there_once";
    through_kills(name, |following| following.buffered(""));
}

fn through_kills(name: &str, buffered: impl Fn(Following) -> Following) {
    let Some(server) = minimal::shared(name, Product::OpenSearch2) else { return };
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut following = buffered(Following::new(server.url(), ", batch_documents: 100"));
    let mut twice = 0;
    for _ in 0..5 {
        let mut process = following.start();
        let before = server.count(&stream("flow", &following.namespace));
        following.grow(300);
        process.until("documents in the cluster", || {
            (server.count(&stream("flow", &following.namespace)) > before).then_some(())
        });
        std::thread::sleep(Duration::from_millis(random.random_range(0..80)));
        process.kill();
        let out = following.folder.lines("copy.ndjson").len() as u64;
        twice += u64::from(out > 0);
    }
    assert_eq!(twice, 5);
    let process = following.start();
    following.finish(&server, process);
}

#[test]
fn while_the_server_is_away_memory_stays_flat_and_the_source_waits() {
    let name = "while_the_server_is_away_memory_stays_flat_and_the_source_waits";
    let Some(server) = minimal::shared(name, Product::OpenSearch3) else { return };
    let open = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let gate = open.clone();
    let proxy =
        Proxy::new(server.address(), move |_, _| match gate.load(std::sync::atomic::Ordering::Relaxed) {
            true => Act::Pass,
            false => Act::HangUp,
        });
    let mut following = Following::new(&proxy.url(), ", in_flight: 5MiB");
    let process = following.start();
    // Far more than may be in flight.
    following.grow(8_000);
    let kilobytes = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let received = || metrics(following.port).map_or(0, |page| page.source("records_received_total"));
    let (mut seen, mut same) = (0, 0);
    let held = until("a source that waits", || {
        let before = std::mem::replace(&mut seen, received());
        same = if before == seen { same + 1 } else { 0 };
        std::thread::sleep(Duration::from_millis(500));
        // A machine that is busy may stand still for a while too.
        (seen > 0 && same >= LOOKS).then_some(seen)
    });
    assert!((held as u64) < following.lines() / 2, "{held} of {} were read", following.lines());
    let before = kilobytes();
    std::thread::sleep(Duration::from_secs(8));
    let after = kilobytes();
    assert!(after < before + before / 20 + 2_000, "{before} kB, then {after} kB");
    open.store(true, std::sync::atomic::Ordering::Relaxed);
    following.finish(&server, process);
}

#[test]
fn an_index_that_may_not_be_written_holds_its_documents_and_says_so_until_it_may() {
    let name = "an_index_that_may_not_be_written_holds_its_documents_and_says_so_until_it_may";
    for product in [Product::OpenSearch2, Product::Elasticsearch9] {
        let Some(server) = minimal::shared(name, product) else { continue };
        let mut following = Following::new(server.url(), "");
        let mut process = following.start();
        process.until("documents", || (following.delivered() > 0).then_some(()));
        let stream = stream("flow", &following.namespace);
        let block = |blocked: bool| {
            let settings = json!({ "index": { "blocks": { "write": blocked } } });
            server.must("PUT", &format!("/{stream}/_settings"), Some(&settings));
        };
        block(true);
        let before = server.count(&stream);
        following.grow(5);
        let told = process
            .until("unreadiness", || page(following.port, "/ready").filter(|page| page.status == 503))
            .text;
        assert!(told.contains("lift the block"), "{told}");
        assert_eq!(server.count(&stream), before);
        block(false);
        following.finish(&server, process);
    }
}

#[test]
fn a_cluster_that_lets_nobody_in_is_waited_for_and_readiness_says_which_key_to_look_at() {
    let name = "a_cluster_that_lets_nobody_in_is_waited_for_and_readiness_says_which_key_to_look_at";
    let Some(server) = minimal::shared(name, Product::OpenSearch2) else { return };
    let said = r#"{"error":{"type":"security_exception","reason":"unable to authenticate user [flood]"},"status":401}"#;
    let lets_in = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let gate = lets_in.clone();
    let proxy =
        Proxy::new(server.address(), move |_, _| match gate.load(std::sync::atomic::Ordering::Relaxed) {
            true => Act::Pass,
            false => Act::Answer(401, "content-type: application/json\r\n", said.to_owned()),
        });
    let auth = ", auth: { basic: { username: flood, password: wrong } }";
    let following = Following::new(&proxy.url(), auth);
    let mut process = following.start();
    let told = process
        .until("unreadiness", || page(following.port, "/ready").filter(|page| page.status == 503))
        .text;
    assert!(told.contains("see `auth`") && !told.contains("wrong"), "{told}");
    lets_in.store(true, std::sync::atomic::Ordering::Relaxed);
    following.finish(&server, process);
}

#[test]
fn one_server_is_used_until_it_fails_then_another_and_what_was_not_answered_is_there_once() {
    let name = "one_server_is_used_until_it_fails_then_another_and_what_was_not_answered_is_there_once";
    let Some(server) = minimal::shared(name, Product::Elasticsearch8) else { return };
    let first = Proxy::new(server.address(), |request, number| match request.is_bulk() && number >= 3 {
        true => Act::NoAnswer,
        false => Act::Pass,
    });
    let second = Proxy::new(server.address(), |_, _| Act::Pass);
    let urls = format!("{}\", \"{}", first.url(), second.url());
    let mut following = Following::new(&urls, ", batch_documents: 100");
    following.grow(100);
    let process = following.start();
    until("the second", || (second.bulks().len() > 2).then_some(()));
    let at_first = first.bulks().len();
    assert!(at_first >= 4, "{at_first}");
    following.grow(100);
    following.finish(&server, process);
    assert_eq!(first.bulks().len(), at_first, "the second works, so it is kept");
}

#[test]
fn while_the_server_is_away_findings_reach_kafka_and_the_events_follow_when_it_is_back() {
    let name = "while_the_server_is_away_findings_reach_kafka_and_the_events_follow_when_it_is_back";
    let Some(kafka) = Cluster::shared(name) else { return };
    let server_folder = Folder::new();
    let Some(server) = minimal::own(name, Product::OpenSearch2, &server_folder, &[]) else { return };
    let topic = unique("findings");
    kafka.create(&topic, 1, &[]);
    let broker = kafka.address(Listener::Plaintext);
    let alerts = format!(
        "  alerts: {{ to: {{ kafka: {{ brokers: [\"{broker}\"], topic: {topic} }} }}, select: findings }}\n"
    );
    let mut following = Following::new(server.url(), "").buffered(&alerts);
    let mut process = following.start();
    process.until("documents", || (following.delivered() > 0).then_some(()));
    server.kill();
    following.grow(super::WINDOWS);
    // It is still away when they are there.
    process.until("findings in Kafka", || (!kafka.consume(&topic, &[]).is_empty()).then_some(()));
    let told = page(following.port, "/ready").unwrap();
    assert_eq!(told.status, 503, "a sink is down, and it says so");
    let lines = following.lines() as i64;
    let received = || metrics(following.port).map(|page| page.source("records_received_total"));
    process.until("everything read", || received().filter(|received| *received == lines));
    server.start();
    following.finish(&server, process);
}

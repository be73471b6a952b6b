//! The program as a member of a consumer group: what it is told, and the process, started and ended as often as a test
//! likes in a folder of its own.

use std::process::Stdio;

use super::cluster::{Cluster, Listener};
use crate::process::{Ended, Folder, Page, Running, free_port, metrics, page};

/// What an instance is told.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Keys of the source and their values in YAML.
    keys: Vec<(&'static str, String)>,
    options: Vec<(&'static str, String)>,
    /// How hosts are spread over the partitions.
    input: &'static str,
    /// What stands under `sinks`.
    sinks: String,
    /// Whole sections.
    rest: String,
}

/// How a group shares its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Classic,
    Consumer,
}

/// One instance. Its process is killed when the test is done with it.
pub struct Instance {
    pub folder: Folder,
    port: u16,
    environment: Vec<(&'static str, String)>,
    process: Option<Running>,
}

/// What every sink of [`Plan::new`] writes to.
pub const OUT: &str = "out.ndjson";

// === impl Plan ===

impl Plan {
    /// Reads `topic` from its start for `group` into a file.
    pub fn new(cluster: &Cluster, topic: &str, group: &str) -> Self {
        let keys = vec![
            ("brokers", format!("[\"{}\"]", cluster.address(Listener::Plaintext))),
            ("topics", format!("[\"{topic}\"]")),
            ("group", group.to_owned()),
        ];
        let sinks = format!("{{ out: {{ to: {{ file: {{ path: {OUT} }} }} }} }}");
        let rest = "state: { directory: state, every: 1s }\n".to_owned();
        Self { keys, options: Vec::new(), input: "keyed", sinks, rest }
    }

    /// With a key of the source, or another value of one.
    pub fn key(mut self, name: &'static str, value: &str) -> Self {
        self.keys.retain(|(known, _)| *known != name);
        self.keys.push((name, value.to_owned()));
        self
    }

    /// Without the word that hosts keep to their partitions, so that an instance must be the only one.
    pub fn unkeyed(mut self) -> Self {
        self.input = "unkeyed";
        self
    }

    /// With an option for librdkafka.
    pub fn option(mut self, name: &'static str, value: &str) -> Self {
        self.options.push((name, value.to_owned()));
        self
    }

    /// With other sinks.
    pub fn sinks(mut self, sinks: &str) -> Self {
        sinks.clone_into(&mut self.sinks);
        self
    }

    /// Into a topic instead of a file.
    pub fn into_topic(self, cluster: &Cluster, topic: &str) -> Self {
        let brokers = cluster.address(Listener::Plaintext);
        self.sinks(&format!(
            "{{ out: {{ to: {{ kafka: {{ brokers: [\"{brokers}\"], topic: {topic} }} }} }} }}"
        ))
    }

    /// With other sections besides sources, sinks and telemetry.
    pub fn rest(mut self, rest: &str) -> Self {
        rest.clone_into(&mut self.rest);
        self
    }

    /// As a member whom the group misses a second and a half after its last word.
    pub fn soon_missed(self, cluster: &Cluster, group: &str, protocol: Protocol) -> Self {
        match protocol {
            Protocol::Classic => {
                self.option("session.timeout.ms", "1500").option("heartbeat.interval.ms", "300")
            }
            Protocol::Consumer => {
                let times =
                    [("consumer.session.timeout.ms", "1500"), ("consumer.heartbeat.interval.ms", "300")];
                cluster.configure_group(group, &times);
                self.key("protocol", "consumer")
            }
        }
    }

    /// The config, with its telemetry on `port`.
    pub fn yaml(&self, port: u16) -> String {
        let source: String =
            self.keys.iter().map(|(name, value)| format!("        {name}: {value}\n")).collect();
        let options: Vec<String> =
            self.options.iter().map(|(name, value)| format!("\"{name}\": \"{value}\"")).collect();
        format!(
            "sources:\n  flows:\n    input: {}\n    from:\n      kafka:\n{source}        options: {{ {} }}\n\
             sinks: {}\ntelemetry: {{ listen: \"127.0.0.1:{port}\" }}\n{}",
            self.input,
            options.join(", "),
            self.sinks,
            self.rest
        )
    }

    /// An instance that does not run yet.
    pub fn instance(&self) -> Instance {
        Instance::new(|port| self.yaml(port))
    }

    /// An instance that runs.
    pub fn start(&self) -> Instance {
        let mut instance = self.instance();
        instance.start();
        instance
    }
}

// === impl Instance ===

impl Instance {
    /// One that does not run yet, with the config that `yaml` writes for a telemetry port.
    pub fn new(yaml: impl FnOnce(u16) -> String) -> Self {
        let instance =
            Self { folder: Folder::new(), port: free_port(), environment: Vec::new(), process: None };
        instance.configure(yaml);
        instance
    }

    /// Does otherwise from its next start on.
    pub fn configure(&self, yaml: impl FnOnce(u16) -> String) {
        self.folder.write("c.yaml", yaml(self.port));
    }

    /// As [`Instance::configure`].
    pub fn plan(&self, plan: &Plan) {
        self.configure(|port| plan.yaml(port));
    }

    /// Sets a variable of the environment for its next starts.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.unset(name);
        self.environment.push((name, value.to_owned()));
    }

    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| *known != name);
    }

    pub fn start(&mut self) {
        self.start_into(Stdio::null());
    }

    /// Runs `floodmark ARGUMENTS` to its end, beside the process.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.folder.command(arguments);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        self.folder.start(command.envs(environment)).wait()
    }

    /// Starts it with another place for what it writes to stdout.
    pub fn start_into(&mut self, out: Stdio) {
        assert!(self.process.is_none(), "it runs already");
        let mut command = self.folder.command(&["run", "-q", "-c", "c.yaml"]);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        self.process = Some(self.folder.start(command.envs(environment).stdout(out)));
    }

    pub fn process(&mut self) -> &mut Running {
        self.process.as_mut().expect("a process that runs")
    }

    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Running::is_running)
    }

    /// Ends it at once.
    pub fn kill(&mut self) -> Ended {
        self.process.take().expect("a process that runs").kill()
    }

    /// Ends it as an operator does; fails unless it ends well.
    #[track_caller]
    pub fn stop(&mut self) -> Ended {
        let ended = self.process.take().expect("a process that runs").stop();
        ended.assert_code(0);
        ended
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> Ended {
        self.process.take().expect("a process that runs").wait()
    }

    /// As [`Running::until`].
    pub fn until<T>(&mut self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        self.process().until(what, look)
    }

    /// Its metrics.
    pub fn page(&mut self) -> Page {
        let port = self.port;
        self.until("its metrics", || metrics(port))
    }

    /// Waits until its metrics are so.
    pub fn until_page(&mut self, what: &str, mut fits: impl FnMut(&Page) -> bool) -> Page {
        let port = self.port;
        self.until(what, || metrics(port).filter(&mut fits))
    }

    /// Waits until its books balance on one page: while records come, its terms are read one after the other.
    pub fn until_balanced(&mut self) {
        self.until_page("balanced books", |page| page.unbalanced().is_empty());
    }

    /// Waits until it holds so many partitions.
    pub fn until_holds(&mut self, partitions: i64) {
        self.until_page(&format!("{partitions} partitions"), |page| page.kafka("partitions") == partitions);
    }

    /// Waits until it says that it can work, or that it cannot; what it says.
    pub fn until_ready(&mut self, ready: bool) -> String {
        let (port, status) = (self.port, if ready { 200 } else { 503 });
        let what = if ready { "readiness" } else { "unreadiness" };
        self.until(what, || page(port, "/ready").filter(|page| page.status == status)).text
    }
}

// === impl Page ===

impl Page {
    /// A metric of a Kafka source, by the part of its name after `floodmark_source_kafka_`; 0 while there is none.
    pub fn kafka(&self, name: &str) -> i64 {
        let name = format!("floodmark_source_kafka_{name}");
        if self.text.contains(&name) { self.sum(&name, &["source=\"flows\""]) } else { 0 }
    }

    /// A metric of a Kinesis source, by the part of its name after `floodmark_source_kinesis_`; 0 while there is none.
    pub fn kinesis(&self, name: &str) -> i64 {
        let name = format!("floodmark_source_kinesis_{name}");
        if self.text.contains(&name) { self.sum(&name, &["source=\"flows\""]) } else { 0 }
    }

    /// Fails unless each account of the source and of the sink `out` is the sum of its parts.
    #[track_caller]
    pub fn assert_balanced(&self) {
        let unbalanced = self.unbalanced();
        assert!(unbalanced.is_empty(), "{unbalanced:?} in {}", self.text);
    }

    /// The accounts that are not the sum of their parts.
    fn unbalanced(&self) -> Vec<&'static str> {
        let sum = |names: &[&str]| names.iter().map(|name| self.source(name)).sum::<i64>();
        let records = [
            "records_opened_total",
            "records_quarantined_total",
            "records_ignored_control_total",
            "records_in_flight",
        ];
        let entries = [
            "entries_parsed_total",
            "entries_quarantined_total",
            "entries_ignored_header_total",
            "entries_ignored_blank_total",
            "entries_in_flight",
        ];
        let documents = [
            "delivered_total",
            "filtered_total",
            "dead_lettered_total",
            "abandoned_total",
            "revoked_total",
            "in_flight",
        ];
        let told: i64 = documents.iter().map(|name| self.sink("out", name)).sum();
        let accounts = [
            ("records", self.source("records_received_total") == sum(&records)),
            ("entries", self.source("entries_found_total") == sum(&entries)),
            ("documents", self.sink("out", "offered_total") == told),
        ];
        accounts.into_iter().filter(|(_, balanced)| !balanced).map(|(name, _)| name).collect()
    }
}

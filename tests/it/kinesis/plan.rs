//! What the program is told about a stream: the config of the agreed form, and who it is at AWS.

use super::{stream::Stream, table::Table};
use crate::kafka::instance::{Instance, OUT};

/// What an instance is told.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Keys of the source and their values in YAML.
    keys: Vec<(&'static str, String)>,
    /// The format of lines.
    format: String,
    /// How hosts are spread over the shards.
    input: &'static str,
    /// Whole sections.
    rest: String,
}

// === impl Plan ===

impl Plan {
    /// Reads `stream` from its start into a file, and keeps its place in its own state.
    pub fn new(stream: &Stream) -> Self {
        Self::at(stream.api.url(), &stream.name)
    }

    /// As [`Plan::new`], of the stream called `stream` at `url`.
    pub fn at(url: &str, stream: &str) -> Self {
        let keys = vec![
            ("stream", stream.to_owned()),
            ("endpoint", url.to_owned()),
            ("checkpoint", "{ file: {} }".to_owned()),
            ("aws", "{ region: eu-central-1 }".to_owned()),
        ];
        let rest = "state: { directory: state, every: 1s }\n".to_owned();
        Self { keys, format: "auto".to_owned(), input: "keyed", rest }
    }

    /// With a key of the source, or another value of one.
    pub fn key(mut self, name: &'static str, value: &str) -> Self {
        self.keys.retain(|(known, _)| *known != name);
        self.keys.push((name, value.to_owned()));
        self
    }

    /// With leases in `table`.
    pub fn leased(self, table: &Table, failover: &str) -> Self {
        self.leased_at(table.url(), &table.name, failover)
    }

    /// With leases in the table called `table` at `url`.
    pub fn leased_at(self, url: &str, table: &str, failover: &str) -> Self {
        let value =
            format!("{{ dynamodb: {{ table: {table}, endpoint: \"{url}\", failover: {failover} }} }}");
        self.key("checkpoint", &value)
    }

    /// Without the word that hosts keep to their shards, so that a worker must be the only one.
    pub fn unkeyed(mut self) -> Self {
        self.input = "unkeyed";
        self
    }

    /// With another format of lines.
    pub fn format(mut self, format: &str) -> Self {
        format.clone_into(&mut self.format);
        self
    }

    /// With other sections besides sources, sinks and telemetry.
    pub fn rest(mut self, rest: &str) -> Self {
        rest.clone_into(&mut self.rest);
        self
    }

    /// The config, with its telemetry on `port`.
    fn yaml(&self, port: u16) -> String {
        let source: String =
            self.keys.iter().map(|(name, value)| format!("        {name}: {value}\n")).collect();
        format!(
            "sources:\n  flows:\n    format: {}\n    input: {}\n    from:\n      kinesis:\n{source}\
             sinks: {{ out: {{ to: {{ file: {{ path: {OUT} }} }} }} }}\n\
             telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n{}",
            self.format, self.input, self.rest
        )
    }

    /// An instance that does not run yet.
    pub fn instance(&self) -> Instance {
        let mut instance = Instance::new(|port| self.yaml(port));
        instance.set("AWS_ACCESS_KEY_ID", "test");
        instance.set("AWS_SECRET_ACCESS_KEY", "test");
        instance.set("AWS_EC2_METADATA_DISABLED", "true");
        instance
    }

    /// An instance that runs.
    pub fn start(&self) -> Instance {
        let mut instance = self.instance();
        instance.start();
        instance
    }

    /// Has a running or ended instance do otherwise from its next start on.
    pub fn give(&self, instance: &Instance) {
        instance.configure(|port| self.yaml(port));
    }
}

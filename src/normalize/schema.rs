//! The seam between batches and what a sink is to receive: a schema writes documents.

use std::{ops::Range, sync::Arc};

use crate::event::{Attributes, Batch, Namespace, Session, Syslog};

use super::{ecs::Ecs, ocsf::Ocsf};

/// Writes a batch's events, sessions and findings as documents, each one line of JSON with its line feed.
pub trait Schema: Send {
    /// Tells what is said of all records of the next batch, before it begins.
    fn attributes(&mut self, _attributes: Option<&Arc<Attributes>>) {}

    /// Prepares for the documents of one batch, written at `ingested_millis` since 1970 by the wall clock.
    fn begin(&mut self, ingested_millis: u64);

    /// Tells that the documents of `events` come next, so that what they need is loaded side by side.
    fn approach(&mut self, batch: &Batch, events: Range<usize>);

    /// Appends the document of event number `index` of `batch` to `out`; it stands for `rate` events of a sample, for itself
    /// where that is 1.
    fn event(&mut self, batch: &Batch, index: usize, rate: u32, out: &mut Vec<u8>);

    /// Appends the document of event number `index` of `batch` to `out`; it is a line of syslog with this header.
    fn line(&mut self, batch: &Batch, index: usize, log: &Syslog, out: &mut Vec<u8>);

    /// Appends the document of `session`, which is event number `index` of `batch`, to `out`; it stands for `rate` sessions of a
    /// sample.
    fn session(&mut self, batch: &Batch, index: usize, session: &Session, rate: u32, out: &mut Vec<u8>);

    /// Appends the document of finding number `index` of `batch` to `out`.
    fn finding(&mut self, batch: &Batch, index: usize, out: &mut Vec<u8>);
}

/// The schema of a sink's documents.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SchemaName {
    /// Elastic Common Schema 9.4, as nested JSON objects.
    #[default]
    Ecs,
    /// OCSF 1.8.0: Network Activity, and Detection Finding for findings.
    Ocsf,
}

/// How a sink's documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Form {
    /// Their schema.
    pub schema: SchemaName,
    /// Whether each event's document holds the entry as received too.
    pub original: bool,
    /// How much of an event they hold.
    pub fields: Fields,
}

/// How much of an event its documents hold. Findings are always whole.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Fields {
    /// Everything that is known.
    #[default]
    All,
    /// What a SIEM searches: when, who, where to, how much, what became of it, whose it is and how it scored; why only from
    /// score 50 on.
    Slim,
}

// === impl SchemaName ===

impl SchemaName {
    /// A writer of this schema into data streams of `namespace`. `window_seconds` is the length of the windows that
    /// scores are about.
    #[must_use]
    pub fn build(self, namespace: &Namespace, window_seconds: u32) -> Box<dyn Schema> {
        Form::from(self).build(namespace, window_seconds)
    }
}

// === impl Form ===

impl Form {
    /// A writer of such documents, as [`SchemaName::build`].
    #[must_use]
    pub fn build(self, namespace: &Namespace, window_seconds: u32) -> Box<dyn Schema> {
        let slim = self.fields == Fields::Slim;
        match self.schema {
            SchemaName::Ecs => Box::new(Ecs::new(namespace, window_seconds, self.original, slim)),
            // OCSF knows no data streams.
            SchemaName::Ocsf => Box::new(Ocsf::new(window_seconds, self.original, slim)),
        }
    }
}

impl From<SchemaName> for Form {
    /// Documents of this schema without the entries that they were made from.
    fn from(schema: SchemaName) -> Self {
        Self { schema, original: false, fields: Fields::All }
    }
}

//! A parcel: documents of one delivery on the way to librdkafka, each as a record with its topic, key and header.

use std::sync::Arc;

use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::BaseRecord,
};

use super::{KafkaSinkConfig, Key, ledger::Mark};
use crate::{
    event::{Documents, EventId},
    sink::DocSet,
    telemetry::clock,
};

/// The header that holds a document's id, so that a reader can drop what it has already.
pub const ID_HEADER: &str = "floodmark-id";

/// Documents of one delivery, as far as they are not handed over.
pub struct Parcel {
    config: Arc<KafkaSinkConfig>,
    documents: Arc<Documents>,
    only: DocSet,
    /// How many of them are handed over.
    next: usize,
    /// The mark of the first.
    mark: Mark,
    /// When they were handed over; read once, because librdkafka would read it for each.
    timestamp: i64,
    /// The next one's id, kept here because its record borrows it.
    id: [u8; EventId::TEXT_LEN],
}

// === impl Parcel ===

impl Parcel {
    /// `only` these of `documents`; `mark` is the mark of the first.
    pub fn new(config: Arc<KafkaSinkConfig>, documents: Arc<Documents>, only: DocSet, mark: Mark) -> Self {
        let timestamp = clock::wall_millis() as i64;
        Self { config, documents, only, next: 0, mark, timestamp, id: [0; EventId::TEXT_LEN] }
    }

    /// The next document as a record; nothing when all are handed over.
    pub fn record(&mut self) -> Option<BaseRecord<'_, [u8], [u8], Mark>> {
        let index = self.only.nth(self.next, self.documents.len())?;
        let row = &self.documents.rows[index];
        self.id = row.id.text();
        let document = self.documents.document(index);
        let headers = OwnedHeaders::new_with_capacity(1);
        let headers = headers.insert(Header { key: ID_HEADER, value: Some(self.id.as_slice()) });
        let record = BaseRecord::with_opaque_to(self.config.topic_of(row.kind), self.mark + self.next)
            .payload(document.strip_suffix(b"\n").unwrap_or(document))
            .timestamp(self.timestamp)
            .headers(headers);
        Some(match self.config.key {
            Key::Entity if row.key.is_empty() => record,
            Key::Entity => record.key(row.key.of(&self.documents.keys)),
            Key::EventId => record.key(self.id.as_slice()),
            Key::None => record,
        })
    }

    /// The record was taken, or will never be.
    pub fn advance(&mut self) {
        self.next += 1;
    }

    /// The marks of what is not handed over.
    pub fn marks(&self) -> impl Iterator<Item = Mark> {
        let len = self.only.count(self.documents.len());
        (self.next..len).map(|next| self.mark + next)
    }
}

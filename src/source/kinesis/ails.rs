//! What keeps a source from reading, by part: it is well again when nothing of it is left.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::telemetry::health::Health;

/// What ails a source.
#[derive(Debug)]
pub(super) struct Ails {
    health: Health,
    source: String,
    parts: Mutex<BTreeMap<String, String>>,
}

// === impl Ails ===

impl Ails {
    /// Of the source that the user called `source`.
    pub(super) fn new(health: Health, source: &str) -> Self {
        Self { health, source: source.to_owned(), parts: Mutex::default() }
    }

    /// `part` cannot be read because of `text`. Told once, as long as it stays the same.
    pub(super) fn ail(&self, part: &str, text: &str) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.insert(part.to_owned(), text.to_owned()).as_deref() != Some(text) {
            tracing::warn!(source = self.source, part, "could not read from Kinesis: {text}; trying again");
        }
        self.health.ail(&self.name(), text);
    }

    /// `part` can be read, or nobody wants to any more.
    pub(super) fn recover(&self, part: &str) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.remove(part).is_none() {
            return;
        }
        match parts.values().next() {
            Some(left) => self.health.ail(&self.name(), left),
            None => {
                self.health.recover(&self.name());
                tracing::info!(source = self.source, "reads again");
            }
        }
    }

    fn name(&self) -> String {
        format!("source {}", self.source)
    }
}

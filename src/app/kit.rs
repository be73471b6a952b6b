//! What one worker needs for itself: its parser, its enricher, its writers and the batch that it works on.

use crate::{
    enrich::{Enricher, Stage},
    event::Batch,
    normalize::{Normalizer, ObservationWriter},
    parse::Parser,
};

/// What one worker needs for itself.
pub(super) struct Kit {
    pub(super) parser: Parser,
    pub(super) enricher: Enricher,
    /// One for each dialect.
    pub(super) normalizers: Vec<Normalizer>,
    pub(super) observations: ObservationWriter,
    pub(super) batch: Batch,
}

// === impl Kit ===

impl Kit {
    /// Makes the sessions that scoring told of ready to be written.
    pub(super) fn stitch(&mut self) {
        if let Some(sessions) = self.batch.lay_out_sessions() {
            self.enricher.apply(sessions);
        }
    }
}

//! The state file as the place where scoring's entities are that have no room in memory.

use std::{error::Error, sync::Arc};

use crate::{score::Archive, state::Store};

/// The state file, to read from.
pub(super) struct Archived(pub(super) Arc<Store>);

// === impl Archived ===

impl Archive for Archived {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        Ok(self.0.scoring_of(key)?)
    }
}

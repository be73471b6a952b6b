//! Health: which parts can do their work right now, and so whether the process is ready.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What is wrong, by part. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    ailing: Arc<Mutex<BTreeMap<String, String>>>,
}

// === impl Health ===

impl Health {
    /// `part` cannot do its work, for this reason.
    pub fn ail(&self, part: &str, reason: &str) {
        self.lock().insert(part.to_owned(), reason.to_owned());
    }

    /// `part` works again. Returns whether it did not before.
    pub fn recover(&self, part: &str) -> bool {
        self.lock().remove(part).is_some()
    }

    /// Every part that cannot do its work, with the reason; ready means none.
    #[must_use]
    pub fn ailing(&self) -> Vec<(String, String)> {
        self.lock().iter().map(|(part, reason)| (part.clone(), reason.clone())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.ailing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ails_until_it_recovers() {
        let health = Health::default();
        health.ail("sink siem", "refused the connection");
        assert_eq!(health.ailing().len(), 1);
        assert!(health.recover("sink siem"));
        assert!(health.ailing().is_empty());
        assert!(!health.recover("sink siem"));
    }
}

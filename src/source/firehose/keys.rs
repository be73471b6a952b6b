//! The access keys: kept as digests, compared in constant time, and read again while the source runs.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};

use super::{config::Config, error::EndpointError};
use crate::{secret::Secret, telemetry::clock};

/// The keys that are taken.
#[derive(Debug)]
pub(super) struct Keys {
    secrets: Vec<Secret>,
    /// None where no key is asked for.
    digests: Option<ArcSwap<Vec<Vec<u8>>>>,
    refusals: Mutex<Refusals>,
}

/// What is refused and not told yet.
#[derive(Debug, Default)]
struct Refusals {
    told: Option<Instant>,
    untold: u64,
}

/// How often a refusal is told at most.
const TELL_EVERY: Duration = Duration::from_secs(60);

// === impl Keys ===

impl Keys {
    /// The keys that `config` names.
    ///
    /// # Errors
    /// When one is in a file that cannot be read.
    pub(super) fn of(config: &Config) -> Result<Self, EndpointError> {
        let secrets = config.access_keys.clone();
        let digests = match config.without_keys {
            true => None,
            false => Some(ArcSwap::from_pointee(digests(&secrets)?)),
        };
        Ok(Self { secrets, digests, refusals: Mutex::default() })
    }

    /// Reads the keys again.
    ///
    /// # Errors
    /// When one cannot be read; those that were read before stay.
    pub(super) fn read_again(&self) -> Result<(), EndpointError> {
        if let Some(known) = &self.digests {
            known.store(digests(&self.secrets)?.into());
        }
        Ok(())
    }

    /// Whether `key` is one of them. How long it takes tells nothing of them.
    pub(super) fn take(&self, key: Option<&[u8]>) -> bool {
        let Some(known) = &self.digests else { return true };
        let given = digest(&SHA256, key.unwrap_or_default());
        let equal = |known: &Vec<u8>| verify_slices_are_equal(known, given.as_ref()).is_ok();
        // Every one is compared, whichever fits.
        let found = known.load().iter().fold(false, |found, known| found | equal(known));
        found && key.is_some()
    }

    /// Notes that a request of `peer` was refused, and tells it, at most once a minute.
    pub(super) fn refused(&self, source: &str, peer: SocketAddr, is_missing: bool) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.untold += 1;
        let now = clock::monotonic();
        if refusals.told.is_some_and(|told| now.saturating_duration_since(told) < TELL_EVERY) {
            return;
        }
        let what =
            if is_missing { "it has no access key" } else { "its access key is none of `access_keys`" };
        tracing::warn!(source, %peer, requests = refusals.untold, "refused a request: {what}");
        *refusals = Refusals { told: Some(now), untold: 0 };
    }
}

fn digests(secrets: &[Secret]) -> Result<Vec<Vec<u8>>, EndpointError> {
    let one = |secret: &Secret| {
        let text = secret.reveal().map_err(EndpointError::Key)?;
        Ok(digest(&SHA256, text.as_str().as_bytes()).as_ref().to_vec())
    };
    secrets.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::firehose::trial;

    #[test]
    fn each_of_several_keys_is_taken_and_no_other_and_a_missing_one_is_refused() {
        let keys = Keys::of(&trial::config(r#""access_keys": ["old", "new"]"#)).unwrap();
        for (key, taken) in [("old", true), ("new", true), ("ol", false), ("old2", false), ("", false)] {
            assert_eq!(keys.take(Some(key.as_bytes())), taken, "{key}");
        }
        assert!(!keys.take(None));
        let open = Keys::of(&trial::config(r#""without_keys": true"#)).unwrap();
        assert!(open.take(None) && open.take(Some(b"any")));
    }

    #[test]
    fn a_key_in_a_file_is_read_again_and_stays_as_it_was_while_the_file_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "one\n").unwrap();
        let secret = serde_json::json!({ "file": path });
        let keys = Keys::of(&trial::config(&format!("\"access_keys\": [{secret}]"))).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(keys.read_again().is_err() && keys.take(Some(b"one")));
        std::fs::write(&path, "two\n").unwrap();
        keys.read_again().unwrap();
        assert!(keys.take(Some(b"two")) && !keys.take(Some(b"one")));
    }

    #[test]
    fn refusals_are_told_once_a_minute_at_most() {
        let keys = Keys::of(&trial::config(r#""access_keys": ["a"]"#)).unwrap();
        let peer = "127.0.0.1:1".parse().unwrap();
        (0..100).for_each(|_| keys.refused("flows", peer, true));
        assert_eq!(keys.refusals.lock().unwrap().untold, 99, "one was told");
    }
}

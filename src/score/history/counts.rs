//! What became of the records of an archive.

use crate::event::Reason;

/// What became of the records that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files.
    pub files: u64,
    /// Files that begin like one that was read before.
    pub files_repeated: u64,
    /// Bytes of lines, inflated.
    pub bytes: u64,
    /// Events: records that could be read.
    pub records: u64,
    /// Of these, records that say that there was no traffic: NODATA.
    pub no_data: u64,
    /// Records that say that flows were skipped: SKIPDATA.
    pub skipped: u64,
    /// Records without addresses that say neither.
    pub blind: u64,
    /// Records without an end: lines of syslog.
    pub timeless: u64,
    /// Records from so far in the future that they are not believed.
    pub early: u64,
    /// Records with no side that could be an entity.
    pub nobody: u64,
    /// Entries that could not be read, by reason.
    pub quarantined: [u64; Reason::ALL.len()],
}

// === impl Counts ===

impl Counts {
    /// Adds what another part of an archive came to.
    pub fn add(&mut self, other: &Self) {
        self.each().into_iter().zip(other.clone().each()).for_each(|(own, more)| *own += *more);
        self.quarantined.iter_mut().zip(other.quarantined).for_each(|(own, more)| *own += more);
    }

    /// Every number but those of quarantine, in a fixed order.
    pub(super) fn each(&mut self) -> [&mut u64; 10] {
        let Self { files, files_repeated, bytes, records, no_data, skipped, blind, timeless, early, .. } =
            self;
        [files, files_repeated, bytes, records, no_data, skipped, blind, timeless, early, &mut self.nobody]
    }
}

//! Why a snapshot could not be read or written, at which byte, and what helps.

use super::SNAPSHOT_VERSION;

/// What is wrong with a snapshot. The texts go on from "could not … the baseline FILE: ".
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It does not begin as one does.
    #[error(
        "it is no baseline: it does not begin as one does; name a file that floodmark wrote, as it wrote it"
    )]
    NotOne,
    /// It is of another version.
    #[error(
        "it is of version {0}, this program reads version {SNAPSHOT_VERSION}; read it with the release that wrote it, or a \
         later one"
    )]
    Version(u32),
    /// It ends before its end.
    #[error("it ends at byte {0}, in the middle of something; copy it again, or take an older one")]
    Truncated(u64),
    /// Its bytes are not those that were written.
    #[error("it is damaged at byte {at}: {cause}; copy it again, or take an older one")]
    Damaged {
        /// Where what is wrong begins.
        at: u64,
        /// What is wrong.
        cause: &'static str,
    },
    /// A row that no file may hold.
    #[error("a row of it has {0} bytes, and the most is {max}", max = super::ROW_BYTES_MAX)]
    TooLarge(usize),
    /// Rows that do not come in the order of their keys.
    #[error("its rows came in another order than that of their keys")]
    Order,
    /// The file could not be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

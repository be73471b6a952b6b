//! A snapshot: what scoring remembers, in a file of its own that outlives the machine it was learned on.
//!
//! All numbers are little-endian. A file is a head, blocks, and an end:
//!
//! ```text
//! head   0  89 "fmbase" 0a
//!        8  version
//!       12  length of the facts
//!       16  CRC-32C of bytes 8 to 16 and the facts
//!       20  the facts: geometry (4), features (8), seed (8), created (8), settings (2 + each 2 + name, 2 + value)
//! block  0  section (1 positions, 2 scoring, 3 history), three zeros
//!        4  rows
//!        8  length of the rows, unpacked
//!       12  length of the rows, packed
//!       16  CRC-32C of bytes 0 to 16 and the packed rows
//!       20  the rows, packed with zstd: each the lengths of key and value as LEB128, key, value
//! end    0  four zeros
//!        4  rows of all blocks
//!       12  length of all rows, unpacked
//!       20  SHA-256 of everything before
//! ```
//!
//! Keys ascend in each section, and blocks are cut by size alone: the same facts and rows give the same bytes (packed by
//! the same zstd). The first 8 bytes of the SHA-256 are the snapshot's id. A reader holds one block at a time,
//! checks each before it believes it, and allocates nothing that a length in the file alone asks for.
//!
//! The seed is a secret: who knows it can make keys that collide. So the file is as secret as the state is, and has mode
//! 0600.

mod crc;
mod error;
mod facts;
mod file;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use error::SnapshotError;
pub use facts::{Facts, schema_hash};
pub use file::{give_name, write_temporary};
pub use reader::{Row, SnapshotReader};
pub use writer::{SnapshotWriter, Written};

/// What a file begins with: a byte that no text has, a name, and an end of line that a careless copy would change.
pub const MAGIC: [u8; 8] = *b"\x89fmbase\n";
/// Version of the format.
pub const SNAPSHOT_VERSION: u32 = 1;
/// Bytes of a head without its facts.
const HEAD_BYTES: usize = 20;
/// Bytes before a block's rows.
const FRAME_BYTES: usize = 20;
/// Bytes of the end.
const END_BYTES: usize = 20 + DIGEST_BYTES;
const DIGEST_BYTES: usize = 32;
/// A block is full when its rows have so many bytes. Of 64,000 hosts, 256 KiB is a hundred, which zstd packs as well as
/// any more.
const BLOCK_BYTES: usize = 256 << 10;
/// The most bytes of a row: several times that of the largest one, which holds a clock for each of 100,000 partitions.
pub const ROW_BYTES_MAX: usize = 32 << 20;
/// The most bytes of a block: one row may begin when it is all but full.
const BLOCK_BYTES_MAX: usize = BLOCK_BYTES + ROW_BYTES_MAX + 16;
/// The most bytes of facts.
const FACTS_BYTES_MAX: usize = 64 << 10;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Up to where an origin is scored: its name, and the position as text. A snapshot may have none.
    Positions = 1,
    /// An entry of scoring's, as it stands in the state.
    Scoring = 2,
    /// A row of what a part of an archive says, from which baselines are learned once all parts are there. A file that has
    /// such rows is no snapshot to begin with.
    History = 3,
}

// === impl Section ===

impl Section {
    fn of(byte: u8) -> Option<Self> {
        [Self::Positions, Self::Scoring, Self::History].into_iter().find(|section| *section as u8 == byte)
    }
}

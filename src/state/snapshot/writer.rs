//! Writes a snapshot row by row; one block is in memory.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256};
use zstd::bulk::Compressor;

use super::{
    BLOCK_BYTES, DIGEST_BYTES, Facts, MAGIC, ROW_BYTES_MAX, SNAPSHOT_VERSION, Section, SnapshotError,
    crc::crc32c,
};

/// Writes a snapshot to `W`, which should be buffered for many small blocks and need not be for large ones.
pub struct SnapshotWriter<W> {
    out: W,
    sum: Context,
    bytes: u64,
    packer: Compressor<'static>,
    /// The section and the key of the last row.
    last: Option<(Section, Vec<u8>)>,
    block: Vec<u8>,
    block_rows: u32,
    packed: Vec<u8>,
    rows: u64,
    raw_bytes: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// 16 hex digits that tell its content from any other.
    pub id: String,
    /// Rows of all sections.
    pub rows: u64,
    /// Bytes of the rows before they were packed.
    pub raw_bytes: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// SHA-256 of the whole file.
    pub sha256: [u8; DIGEST_BYTES],
}

/// How hard zstd tries. Of 64,000 hosts' baselines level 3 leaves nearly what level 9 does, for a fifth of the time.
const LEVEL: i32 = 3;

// === impl SnapshotWriter ===

impl<W: Write> SnapshotWriter<W> {
    /// Begins a snapshot with what it says of itself.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(out: W, facts: &Facts) -> Result<Self, SnapshotError> {
        let mut writer = Self {
            out,
            sum: Context::new(&SHA256),
            bytes: 0,
            packer: Compressor::new(LEVEL)?,
            last: None,
            block: Vec::with_capacity(BLOCK_BYTES + (BLOCK_BYTES >> 3)),
            block_rows: 0,
            packed: Vec::new(),
            rows: 0,
            raw_bytes: 0,
        };
        let facts = facts.encode().ok_or_else(|| io::Error::other("its settings are too long"))?;
        let lengths = [SNAPSHOT_VERSION, facts.len() as u32].map(u32::to_le_bytes).concat();
        let sum = crc32c(&[&lengths, &facts]).to_le_bytes();
        writer.write(&[&MAGIC, &lengths, &sum, &facts])?;
        Ok(writer)
    }

    /// Adds a row. Rows come in the order of their sections, and there of their keys.
    ///
    /// # Errors
    /// When the row is too large or comes too late, or `W` cannot be written; then the snapshot cannot be finished.
    pub fn put(&mut self, section: Section, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        if key.len() + value.len() > ROW_BYTES_MAX {
            return Err(SnapshotError::TooLarge(key.len() + value.len()));
        }
        let (before, last_key) = match self.last.take() {
            Some((before, last)) if (before, last.as_slice()) >= (section, key) => {
                return Err(SnapshotError::Order);
            }
            Some((before, last)) => (before, last),
            None => (section, Vec::new()),
        };
        if before != section || self.block.len() >= BLOCK_BYTES {
            self.end_block(before)?;
        }
        put_uint(key.len(), &mut self.block);
        put_uint(value.len(), &mut self.block);
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(value);
        self.block_rows += 1;
        let mut last = last_key;
        last.clear();
        last.extend_from_slice(key);
        self.last = Some((section, last));
        Ok(())
    }

    /// Ends the snapshot; gives back `W` and what was written to it.
    ///
    /// # Errors
    /// When `W` cannot be written.
    pub fn finish(mut self) -> Result<(W, Written), SnapshotError> {
        if let Some((section, _)) = self.last.take() {
            self.end_block(section)?;
        }
        let counts = [self.rows, self.raw_bytes].map(u64::to_le_bytes).concat();
        self.write(&[&[0; 4], &counts])?;
        let digest = self.sum.clone().finish();
        self.write(&[digest.as_ref()])?;
        self.out.flush()?;
        let mut sha256 = [0; DIGEST_BYTES];
        sha256.copy_from_slice(self.sum.finish().as_ref());
        let written = Written {
            id: id_of(digest.as_ref()),
            rows: self.rows,
            raw_bytes: self.raw_bytes,
            bytes: self.bytes,
            sha256,
        };
        Ok((self.out, written))
    }

    fn end_block(&mut self, section: Section) -> Result<(), SnapshotError> {
        if self.block_rows == 0 {
            return Ok(());
        }
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.block.len()));
        self.packer.compress_to_buffer(&self.block, &mut self.packed)?;
        let lengths = [self.block_rows, self.block.len() as u32, self.packed.len() as u32];
        let frame = [&[section as u8, 0, 0, 0][..], &lengths.map(u32::to_le_bytes).concat()].concat();
        let sum = crc32c(&[&frame, &self.packed]).to_le_bytes();
        let packed = std::mem::take(&mut self.packed);
        self.write(&[&frame, &sum, &packed])?;
        self.packed = packed;
        self.rows += u64::from(self.block_rows);
        self.raw_bytes += self.block.len() as u64;
        self.block.clear();
        self.block_rows = 0;
        // A row far larger than a block must not be held for the rest of the file.
        self.block.shrink_to(2 * BLOCK_BYTES);
        self.packed.shrink_to(2 * BLOCK_BYTES);
        Ok(())
    }

    fn write(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        for piece in pieces {
            self.out.write_all(piece)?;
            self.sum.update(piece);
            self.bytes += piece.len() as u64;
        }
        Ok(())
    }
}

/// The id that a digest stands for.
pub(super) fn id_of(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn put_uint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

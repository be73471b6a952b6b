//! Reads a snapshot row by row; one block is in memory. Nothing in the bytes is believed before its sum is right.

use std::io::{ErrorKind, Read};

use aws_lc_rs::digest::{Context, SHA256};
use zstd::bulk::Decompressor;

use super::{
    BLOCK_BYTES, BLOCK_BYTES_MAX, DIGEST_BYTES, END_BYTES, FACTS_BYTES_MAX, FRAME_BYTES, Facts, HEAD_BYTES,
    MAGIC, SNAPSHOT_VERSION, Section, SnapshotError, crc::crc32c, writer::id_of,
};

/// Reads a snapshot from `R`, by the block.
pub struct SnapshotReader<R> {
    input: R,
    facts: Facts,
    sum: Context,
    /// Bytes read so far.
    at: u64,
    unpacker: Decompressor<'static>,
    packed: Vec<u8>,
    block: Vec<u8>,
    section: Section,
    /// Where the block's frame stands in the file.
    block_at: u64,
    /// Where the next row stands in the block, and how many are left there.
    next: usize,
    left: u32,
    last: Option<(Section, Vec<u8>)>,
    rows: u64,
    raw_bytes: u64,
    id: Option<String>,
}

/// A row of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// What it is about.
    pub section: Section,
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

// === impl SnapshotReader ===

impl<R: Read> SnapshotReader<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// When it is not that of a snapshot which this program reads, or `input` cannot be read.
    pub fn new(input: R) -> Result<Self, SnapshotError> {
        let mut reader = Self {
            input,
            facts: Facts::default(),
            sum: Context::new(&SHA256),
            at: 0,
            unpacker: Decompressor::new()?,
            packed: Vec::new(),
            block: Vec::new(),
            section: Section::Positions,
            block_at: 0,
            next: 0,
            left: 0,
            last: None,
            rows: 0,
            raw_bytes: 0,
            id: None,
        };
        reader.read_head()?;
        Ok(reader)
    }

    /// What it says of itself.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The snapshot's id, once its last row was asked for: 16 hex digits.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The next row; nothing after the last, and then the whole file is what was written.
    ///
    /// # Errors
    /// When the file is damaged, ends too early or too late, or cannot be read. Rows that were given are then not to be used.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, SnapshotError> {
        while self.left == 0 {
            if self.id.is_some() || !self.read_block()? {
                return Ok(None);
            }
        }
        let damaged =
            SnapshotError::Damaged { at: self.block_at, cause: "its rows do not fit their lengths" };
        let mut rest = self.block.get(self.next..).unwrap_or_default();
        let before = rest.len();
        let lengths = take_uint(&mut rest).and_then(|key| Some((key, take_uint(&mut rest)?)));
        let Some((key_len, value_len)) = lengths else { return Err(damaged) };
        let Some(row) = key_len.checked_add(value_len).and_then(|len| rest.get(..len)) else {
            return Err(damaged);
        };
        let (key, value) = row.split_at(key_len);
        self.next += before - rest.len() + row.len();
        self.left -= 1;
        if self.left == 0 && self.next != self.block.len() {
            return Err(damaged);
        }
        match &mut self.last {
            Some((section, last)) if (*section, last.as_slice()) >= (self.section, key) => {
                let cause = "its rows are not in the order of their keys";
                return Err(SnapshotError::Damaged { at: self.block_at, cause });
            }
            Some((section, last)) => {
                *section = self.section;
                last.clear();
                last.extend_from_slice(key);
            }
            None => self.last = Some((self.section, key.to_vec())),
        }
        Ok(Some(Row { section: self.section, key, value }))
    }

    fn read_head(&mut self) -> Result<(), SnapshotError> {
        let mut head = [0; HEAD_BYTES];
        match self.fill(&mut head) {
            // A short text is no baseline either.
            Err(SnapshotError::Truncated(at))
                if !MAGIC.starts_with(&head[..MAGIC.len().min(at as usize)]) =>
            {
                return Err(SnapshotError::NotOne);
            }
            filled => filled?,
        }
        if head[..8] != MAGIC {
            return Err(SnapshotError::NotOne);
        }
        if u32_at(&head, 8) != SNAPSHOT_VERSION {
            return Err(SnapshotError::Version(u32_at(&head, 8)));
        }
        let damaged = |cause| SnapshotError::Damaged { at: 8, cause };
        let length = u32_at(&head, 12) as usize;
        if length > FACTS_BYTES_MAX {
            return Err(damaged("its head is longer than any"));
        }
        let mut facts = vec![0; length];
        self.fill(&mut facts)?;
        if crc32c(&[&head[8..16], &facts]) != u32_at(&head, 16) {
            return Err(damaged("the checksum of its head is wrong"));
        }
        self.facts = Facts::decode(&facts).ok_or(damaged("its head makes no sense"))?;
        Ok(())
    }

    /// Reads the next block, or the end, and then says no.
    fn read_block(&mut self) -> Result<bool, SnapshotError> {
        self.block_at = self.at;
        let at = self.at;
        let damaged = |cause| SnapshotError::Damaged { at, cause };
        let mut frame = [0; FRAME_BYTES];
        self.fill(&mut frame)?;
        if frame[..4] == [0; 4] {
            self.read_end(&frame)?;
            return Ok(false);
        }
        let section = Section::of(frame[0]).filter(|_| frame[1..4] == [0; 3]);
        let section = section.ok_or(damaged("there is no such block"))?;
        let [rows, raw, packed] = [4, 8, 12].map(|at| u32_at(&frame, at));
        let (raw, packed) = (raw as usize, packed as usize);
        if raw > BLOCK_BYTES_MAX || packed > zstd::zstd_safe::compress_bound(raw) {
            return Err(damaged("a block is longer than any"));
        }
        self.packed.clear();
        // What is allocated is what was read, and no more than that again.
        let read = (&mut self.input).take(packed as u64).read_to_end(&mut self.packed)?;
        self.at += read as u64;
        self.sum.update(&self.packed);
        if read < packed {
            return Err(SnapshotError::Truncated(self.at));
        }
        if crc32c(&[&frame[..16], &self.packed]) != u32_at(&frame, 16) {
            return Err(damaged("the checksum of a block is wrong"));
        }
        self.block.clear();
        self.block.shrink_to(2 * BLOCK_BYTES);
        // Only a block whose sum is right says how long it is unpacked, and no block is longer than the longest row.
        self.block.reserve_exact(raw);
        let unpacked = self.unpacker.decompress_to_buffer(&self.packed, &mut self.block);
        if unpacked.is_err() || self.block.len() != raw || (rows == 0) {
            return Err(damaged("a block does not unpack to what it was"));
        }
        self.packed.shrink_to(2 * BLOCK_BYTES);
        (self.section, self.next, self.left) = (section, 0, rows);
        self.rows += u64::from(rows);
        self.raw_bytes += raw as u64;
        Ok(true)
    }

    fn read_end(&mut self, counts: &[u8; FRAME_BYTES]) -> Result<(), SnapshotError> {
        let at = self.block_at;
        let damaged = |cause| SnapshotError::Damaged { at, cause };
        let digest = self.sum.clone().finish();
        let mut stored = [0; END_BYTES - FRAME_BYTES];
        self.fill(&mut stored)?;
        debug_assert_eq!(stored.len(), DIGEST_BYTES);
        if stored != digest.as_ref() {
            return Err(damaged("the checksum of the whole file is wrong"));
        }
        if [4, 12].map(|place| u64_at(counts, place)) != [self.rows, self.raw_bytes] {
            return Err(damaged("it has not as many rows as it says"));
        }
        if self.input.read(&mut [0])? > 0 {
            return Err(SnapshotError::Damaged { at: self.at, cause: "something follows its end" });
        }
        self.id = Some(id_of(&stored));
        Ok(())
    }

    /// Fills `out`, or says where the file ends.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), SnapshotError> {
        let mut filled = 0;
        while filled < out.len() {
            match self.input.read(&mut out[filled..]) {
                Ok(0) => return Err(SnapshotError::Truncated(self.at)),
                Ok(read) => {
                    filled += read;
                    self.at += read as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.sum.update(out);
        Ok(())
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |four| u32::from_le_bytes(*four))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// Takes a LEB128 number of at most 32 bits.
fn take_uint(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0_u64;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).ok().map(|number| number as usize);
        }
    }
    None
}

//! The mark: up to where everything is delivered, and up to where everything was once durable.

use std::{fs, io, path::Path};

use super::frame::{sum, u32_at, u64_at};

/// What a buffer remembers beside its segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    /// Everything before it is delivered.
    pub(super) delivered: u64,
    /// Everything before it was durable: what is broken there is damage, not a write that a crash cut short.
    pub(super) durable: u64,
}

const FILE: &str = "mark";
const LETTERS: [u8; 8] = *b"fmmark 1";
const BYTES: usize = 28;

// === impl Mark ===

impl Mark {
    /// The mark in `folder`. None where there is none or it is damaged: then everything that is there is delivered again.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(folder.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let sound =
            bytes.len() == BYTES && bytes[..8] == LETTERS && u32_at(&bytes, 8) == sum(&[&bytes[12..]]);
        Ok(sound.then(|| Self { delivered: u64_at(&bytes, 12), durable: u64_at(&bytes, 20) }))
    }

    /// Writes it in place of the one before, in one step. It is not synced: a power cut may leave an older one, and then
    /// something is delivered twice.
    pub(super) fn write(self, folder: &Path) -> io::Result<()> {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&LETTERS);
        bytes[12..20].copy_from_slice(&self.delivered.to_le_bytes());
        bytes[20..].copy_from_slice(&self.durable.to_le_bytes());
        let checksum = sum(&[&bytes[12..]]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        let next = folder.join("mark.next");
        fs::write(&next, bytes)?;
        fs::rename(next, folder.join(FILE))
    }
}

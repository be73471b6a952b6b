//! A segment: one file of a buffer, which holds whole frames from a position on.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    BufferError,
    frame::{HEAD_BYTES, Head, MAGIC, sum, u32_at, u64_at},
};

/// One file, as far as its frames are durable.
#[derive(Debug)]
pub(super) struct Segment {
    /// Where it begins among all that the buffer ever held; its name.
    pub(super) base: u64,
    /// Its bytes, head included.
    pub(super) len: u64,
    /// Documents in it.
    pub(super) documents: u64,
    /// Documents in it that lie before the place where is read.
    pub(super) passed: u64,
    pub(super) path: PathBuf,
}

/// What was found in a segment when it was opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Documents in all sound frames.
    pub(super) documents: u64,
    /// Documents in sound frames before the mark.
    pub(super) before_mark: u64,
    /// Where the last sound frame begins or ends at or before the mark.
    pub(super) boundary: u64,
    /// Where the last sound frame ends.
    pub(super) sound_to: u64,
}

/// The version of what stands in a segment. Another one is refused; [`super::frame`] knows a frame's bytes.
pub(super) const FORMAT: u32 = 1;
/// Bytes of a segment's own head: eight letters, the format, CRC-32 of everything else, the base.
pub(super) const SEGMENT_HEAD_BYTES: u64 = 24;
const LETTERS: [u8; 8] = *b"fmbuffer";
/// The end of a segment's name.
const EXTENSION: &str = "segment";
/// Bytes looked at in one step when the next frame is searched for.
const STEP: usize = 64 * 1024;

/// The head of a segment that begins at `base`.
pub(super) fn head(base: u64) -> [u8; SEGMENT_HEAD_BYTES as usize] {
    let mut head = [0; SEGMENT_HEAD_BYTES as usize];
    head[..8].copy_from_slice(&LETTERS);
    head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    head[16..].copy_from_slice(&base.to_le_bytes());
    let checksum = sum(&[&head[..12], &head[16..]]);
    head[12..16].copy_from_slice(&checksum.to_le_bytes());
    head
}

/// The segment that begins at `base` in `folder`.
pub(super) fn path(folder: &Path, base: u64) -> PathBuf {
    folder.join(format!("{base:020}.{EXTENSION}"))
}

/// The bases of the segments in `folder`, rising.
pub(super) fn bases(folder: &Path) -> io::Result<Vec<u64>> {
    let mut bases = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(EXTENSION)?.strip_suffix('.'));
        bases.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    bases.sort_unstable();
    Ok(bases)
}

// === impl Segment ===

impl Segment {
    /// The segment that begins at `base`, as long as its file.
    pub(super) fn find(folder: &Path, base: u64) -> io::Result<Self> {
        let path = path(folder, base);
        let len = std::fs::metadata(&path)?.len();
        Ok(Self { base, len, documents: 0, passed: 0, path })
    }

    pub(super) fn end(&self) -> u64 {
        self.base + self.len
    }

    /// Whether no frame is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.len <= SEGMENT_HEAD_BYTES
    }

    /// Where its first frame begins.
    pub(super) fn first(&self) -> u64 {
        self.base + SEGMENT_HEAD_BYTES
    }

    pub(super) fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Checks what it says of itself. False where that is damaged, or was never written.
    ///
    /// # Errors
    /// When it was written in another format, or cannot be read.
    pub(super) fn check_head(&self, file: &File) -> Result<bool, BufferError> {
        let mut found = [0; SEGMENT_HEAD_BYTES as usize];
        match file.read_exact_at(&mut found, 0) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            read => read.map_err(|error| BufferError::unusable(&self.path, &error))?,
        }
        let format = u32_at(&found, 8);
        if u32_at(&found, 12) != sum(&[&found[..12], &found[16..]]) || found[..8] != LETTERS {
            return Ok(false);
        }
        if format != FORMAT {
            return Err(BufferError::Format { path: self.path.clone(), found: format, ours: FORMAT });
        }
        Ok(u64_at(&found, 16) == self.base)
    }

    /// The head of the frame at `position`. `None` where none stands whole there.
    pub(super) fn head_at(&self, file: &File, position: u64) -> io::Result<Option<Head>> {
        let mut found = [0; HEAD_BYTES];
        if position < self.first() || position + HEAD_BYTES as u64 > self.end() {
            return Ok(None);
        }
        match file.read_exact_at(&mut found, position - self.base) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let whole = |head: &Head| head.position == position && head.frame_bytes() <= self.end() - position;
        Ok(Head::read(&found).ok().filter(whole))
    }

    /// Reads the bytes of a whole frame into `out`, in place of what is there.
    pub(super) fn read_frame(&self, file: &File, head: &Head, out: &mut Vec<u8>) -> io::Result<()> {
        out.resize(usize::try_from(head.frame_bytes()).map_err(io::Error::other)?, 0);
        file.read_exact_at(out, head.position - self.base)
    }

    /// Where the next frame begins after `position`; the end of the segment where none does.
    pub(super) fn next_after(&self, file: &File, position: u64) -> io::Result<u64> {
        let mut block = vec![0; STEP];
        let mut at = position.max(self.base) + 1;
        while at < self.end() {
            let len = usize::try_from(self.end() - at).unwrap_or(STEP).min(STEP);
            let block = &mut block[..len];
            file.read_exact_at(block, at - self.base)?;
            for found in memchr::memmem::find_iter(block, &MAGIC) {
                let candidate = at + found as u64;
                if self.head_at(file, candidate)?.is_some() {
                    return Ok(candidate);
                }
            }
            if len < STEP {
                break;
            }
            // The letters may stand across two blocks.
            at += (len - (MAGIC.len() - 1)) as u64;
        }
        Ok(self.end())
    }

    /// Goes through its frames; reads them whole where `whole`, only their heads otherwise.
    pub(super) fn walk(&self, file: &File, mark: u64, whole: bool) -> io::Result<Walk> {
        let mut walk = Walk { boundary: self.first(), sound_to: self.first(), ..Walk::default() };
        let mut at = self.first();
        let mut bytes = Vec::new();
        while at < self.end() {
            let mut head = self.head_at(file, at)?;
            if let Some(found) = head.filter(|_| whole) {
                self.read_frame(file, &found, &mut bytes)?;
                head = found.is_body(&bytes[HEAD_BYTES..]).then_some(found);
            }
            let Some(head) = head else {
                at = self.next_after(file, at)?;
                continue;
            };
            walk.documents += u64::from(head.rows);
            if at <= mark {
                walk.boundary = at;
            }
            at += head.frame_bytes();
            walk.sound_to = at;
            if at <= mark {
                walk.before_mark += u64::from(head.rows);
                walk.boundary = at;
            }
        }
        Ok(walk)
    }
}

/// Makes the file of the segment that begins at `base`, with its head, not synced yet. What a failed try left there goes.
pub(super) fn create(folder: &Path, base: u64) -> io::Result<(Segment, File)> {
    let path = path(folder, base);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    file.write_all_at(&head(base), 0)?;
    // The file's name must be as durable as what is in it.
    File::open(folder)?.sync_all()?;
    Ok((Segment { base, len: SEGMENT_HEAD_BYTES, documents: 0, passed: 0, path }, file))
}

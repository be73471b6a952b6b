//! A frame: some documents as they stand in a segment, with checksums. The one place that knows a row's bytes.

use crc32fast::Hasher;

use crate::event::{DocumentKind, DocumentRow, Documents, EventId, Span};

/// What a frame says of itself before its body. All numbers are little-endian.
///
/// ```text
///  0  "fmfr"
///  4  CRC-32 of bytes 8 to 40
///  8  CRC-32 of the body
/// 12  rows
/// 16  when it was written, milliseconds since 1970
/// 24  bytes of keys
/// 28  bytes of documents
/// 32  its own position
/// 40  the body: rows, keys, documents
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// CRC-32 of the body.
    body_sum: u32,
    /// Documents in it.
    pub rows: u32,
    /// When it was written, in milliseconds since 1970.
    pub written_ms: u64,
    keys_bytes: u32,
    documents_bytes: u32,
    /// Where it stands among all that the buffer ever held.
    pub position: u64,
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// There are fewer bytes than it says, or than a head has.
    #[error("it ends too early")]
    Short,
    /// It does not begin as a frame does, or its head's checksum is wrong.
    #[error("its head is damaged")]
    Head,
    /// Its body's checksum is wrong.
    #[error("its checksum is wrong")]
    Sum,
    /// Its checksum is right, and what it says makes no sense.
    #[error("its rows do not fit its documents")]
    Rows,
}

/// Bytes of a head.
pub const HEAD_BYTES: usize = 40;
/// What a frame begins with.
pub(super) const MAGIC: [u8; 4] = *b"fmfr";
/// Bytes of a row: end, id, kind, start and length of the key, event time. A row with another column is another
/// [`super::segment::FORMAT`].
const ROW_BYTES: usize = 4 + 16 + 1 + 4 + 4 + 8;

// === impl Head ===

impl Head {
    /// Reads a head, and nothing of the body behind it.
    ///
    /// # Errors
    /// When `bytes` do not begin with a head whose checksum is right.
    pub fn read(bytes: &[u8]) -> Result<Self, FrameError> {
        let head: &[u8; HEAD_BYTES] = bytes.first_chunk().ok_or(FrameError::Short)?;
        if head[..4] != MAGIC || u32_at(head, 4) != sum(&[&head[8..]]) {
            return Err(FrameError::Head);
        }
        Ok(Self {
            body_sum: u32_at(head, 8),
            rows: u32_at(head, 12),
            written_ms: u64_at(head, 16),
            keys_bytes: u32_at(head, 24),
            documents_bytes: u32_at(head, 28),
            position: u64_at(head, 32),
        })
    }

    /// Bytes of the frame, head and body.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        let rows = u64::from(self.rows) * ROW_BYTES as u64;
        HEAD_BYTES as u64 + rows + u64::from(self.keys_bytes) + u64::from(self.documents_bytes)
    }

    /// Whether `body` is what the frame was written with.
    #[must_use]
    pub fn is_body(&self, body: &[u8]) -> bool {
        sum(&[body]) == self.body_sum
    }

    /// Bytes of the documents alone.
    #[must_use]
    pub fn documents_bytes(&self) -> usize {
        self.documents_bytes as usize
    }

    fn write(&self, head: &mut [u8]) {
        head[..4].copy_from_slice(&MAGIC);
        head[8..12].copy_from_slice(&self.body_sum.to_le_bytes());
        head[12..16].copy_from_slice(&self.rows.to_le_bytes());
        head[16..24].copy_from_slice(&self.written_ms.to_le_bytes());
        head[24..28].copy_from_slice(&self.keys_bytes.to_le_bytes());
        head[28..32].copy_from_slice(&self.documents_bytes.to_le_bytes());
        head[32..40].copy_from_slice(&self.position.to_le_bytes());
        let head_sum = sum(&[&head[8..HEAD_BYTES]]);
        head[4..8].copy_from_slice(&head_sum.to_le_bytes());
    }
}

/// Bytes of the frame that `documents` make.
#[must_use]
pub fn frame_bytes(documents: &Documents) -> u64 {
    (HEAD_BYTES + documents.rows.len() * ROW_BYTES + documents.keys.len() + documents.bytes.len()) as u64
}

/// Puts head and rows of the frame of `documents` into `out`, in place of what is there. Their keys and bytes follow it
/// as they are.
pub fn write(documents: &Documents, position: u64, written_ms: u64, out: &mut Vec<u8>) {
    out.clear();
    out.resize(HEAD_BYTES, 0);
    documents.rows.iter().for_each(|row| put_row(row, out));
    let head = Head {
        body_sum: sum(&[&out[HEAD_BYTES..], &documents.keys, &documents.bytes]),
        rows: documents.rows.len() as u32,
        written_ms,
        keys_bytes: documents.keys.len() as u32,
        documents_bytes: documents.bytes.len() as u32,
        position,
    };
    head.write(&mut out[..HEAD_BYTES]);
}

/// Reads the frame at the beginning of `bytes` into `documents`, which must be empty.
///
/// # Errors
/// When it is not whole and sound; then `documents` are still empty.
pub fn read(bytes: &[u8], documents: &mut Documents) -> Result<Head, FrameError> {
    let head = Head::read(bytes)?;
    let end = usize::try_from(head.frame_bytes()).map_err(|_| FrameError::Short)?;
    let body = bytes.get(HEAD_BYTES..end).ok_or(FrameError::Short)?;
    if !head.is_body(body) {
        return Err(FrameError::Sum);
    }
    let (rows, rest) = body.split_at(head.rows as usize * ROW_BYTES);
    let (keys, bytes) = rest.split_at(head.keys_bytes as usize);
    let mut last = 0;
    for row in rows.chunks_exact(ROW_BYTES) {
        let sound = take_row(row).filter(|row| {
            let key = u64::from(row.key.start) + u64::from(row.key.len);
            row.end >= last && row.end as usize <= bytes.len() && key <= keys.len() as u64
        });
        let Some(row) = sound else {
            documents.rows.clear();
            return Err(FrameError::Rows);
        };
        last = row.end;
        documents.rows.push(row);
    }
    if last as usize != bytes.len() {
        documents.rows.clear();
        return Err(FrameError::Rows);
    }
    documents.keys.extend_from_slice(keys);
    documents.bytes.extend_from_slice(bytes);
    Ok(head)
}

fn put_row(row: &DocumentRow, out: &mut Vec<u8>) {
    let DocumentRow { end, id, kind, at, key } = row;
    let kind = match kind {
        DocumentKind::Event => 0,
        DocumentKind::Finding => 1,
        DocumentKind::Quarantined => 2,
        DocumentKind::DeadLetter => 3,
        DocumentKind::Syslog => 4,
        DocumentKind::Session => 5,
    };
    out.extend_from_slice(&end.to_le_bytes());
    out.extend_from_slice(&id.0);
    out.push(kind);
    out.extend_from_slice(&key.start.to_le_bytes());
    out.extend_from_slice(&key.len.to_le_bytes());
    out.extend_from_slice(&at.to_le_bytes());
}

fn take_row(bytes: &[u8]) -> Option<DocumentRow> {
    let kind = match bytes.get(20)? {
        0 => DocumentKind::Event,
        1 => DocumentKind::Finding,
        2 => DocumentKind::Quarantined,
        3 => DocumentKind::DeadLetter,
        4 => DocumentKind::Syslog,
        5 => DocumentKind::Session,
        _ => return None,
    };
    let id = EventId(*bytes.get(4..)?.first_chunk()?);
    Some(DocumentRow {
        end: u32_at(bytes, 0),
        id,
        kind,
        at: u64_at(bytes, 29),
        key: Span { start: u32_at(bytes, 21), len: u32_at(bytes, 25) },
    })
}

/// CRC-32 of the pieces, one after the other.
pub(super) fn sum(pieces: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new();
    pieces.iter().for_each(|piece| hasher.update(piece));
    hasher.finalize()
}

/// The number at `at`; 0 past the end, which no caller asks for.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |found| u32::from_le_bytes(*found))
}

/// As [`u32_at`].
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |found| u64::from_le_bytes(*found))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Receipt;

    fn documents(texts: &[(Vec<u8>, Vec<u8>, u8)]) -> Documents {
        let mut documents = Documents::new(Receipt::unclaimed());
        for (text, key, kind) in texts {
            let start = documents.keys.len();
            documents.keys.extend_from_slice(key);
            documents.bytes.extend_from_slice(text);
            let kinds = [
                DocumentKind::Event,
                DocumentKind::Finding,
                DocumentKind::Quarantined,
                DocumentKind::DeadLetter,
                DocumentKind::Syslog,
                DocumentKind::Session,
            ];
            let key = Span::new(start, documents.keys.len());
            documents.end_document(
                EventId([*kind; 16]),
                kinds[usize::from(*kind) % 4],
                u64::from(*kind) << 40,
                key,
            );
        }
        documents
    }

    fn framed(documents: &Documents, position: u64) -> Vec<u8> {
        let mut frame = Vec::new();
        write(documents, position, 77, &mut frame);
        frame.extend_from_slice(&documents.keys);
        frame.extend_from_slice(&documents.bytes);
        frame
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_any_changed_byte_is_noticed(
            texts in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 0..60), prop::collection::vec(any::<u8>(), 0..9), any::<u8>()),
                0..9,
            ),
            position: u64,
            at: prop::sample::Index,
            other in 1..=255_u8,
        ) {
            let documents = documents(&texts);
            let mut frame = framed(&documents, position);
            prop_assert_eq!(frame.len() as u64, frame_bytes(&documents));
            let mut found = Documents::new(Receipt::unclaimed());
            let head = read(&frame, &mut found).unwrap();
            prop_assert_eq!((head.position, head.written_ms, head.frame_bytes()), (position, 77, frame.len() as u64));
            prop_assert_eq!(&found.bytes, &documents.bytes);
            prop_assert_eq!(&found.keys, &documents.keys);
            prop_assert_eq!(&found.rows, &documents.rows);

            let at = at.index(frame.len());
            prop_assert_eq!(read(&frame[..at], &mut Documents::new(Receipt::unclaimed())), Err(FrameError::Short));
            frame[at] ^= other;
            let mut none = Documents::new(Receipt::unclaimed());
            prop_assert!(read(&frame, &mut none).is_err());
            prop_assert!(none.is_empty() && none.bytes.is_empty());
        }
    }

    #[test]
    fn rows_that_point_past_their_documents_are_refused_although_the_checksum_is_right() {
        for change in [0, 1, 2] {
            let mut bad = documents(&[(b"{}\n".to_vec(), b"host".to_vec(), 0)]);
            match change {
                0 => bad.rows[0].end = 4,
                1 => bad.rows[0].end = 2,
                _ => bad.rows[0].key.len = 5,
            }
            let mut none = Documents::new(Receipt::unclaimed());
            assert_eq!(read(&framed(&bad, 0), &mut none), Err(FrameError::Rows), "{change}");
            assert!(none.is_empty());
        }
    }
}

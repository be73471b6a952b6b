//! A body's records out of gzip, a chunk at a time: what CloudWatch Logs sends inflates to ten times its bytes, and a body of
//! it to more than fits into memory.

use super::body::Piece;
use crate::{
    event::{Chunk, Entry, Record, Reject, Span},
    source::intake,
};

/// The records of a piece, as chunks.
pub(super) struct Unpacking {
    piece: Piece,
    /// The record that comes next.
    next: usize,
}

/// Bytes of a chunk that is full; a record that does not fit makes it larger.
const CHUNK_BYTES: usize = 128 << 10;

// === impl Unpacking ===

impl Unpacking {
    /// Unpacks `piece`.
    pub(super) fn of(piece: Piece) -> Self {
        Self { piece, next: 0 }
    }

    /// Fills `chunk` with the records that come next. Says whether there were any.
    pub(super) fn fill(&mut self, chunk: &mut Chunk) -> bool {
        let first = self.next;
        if first == 0 && !self.piece.is_packed() {
            let Piece { bytes, added_bytes, records, rejects } = std::mem::take(&mut self.piece);
            (chunk.bytes, chunk.added_bytes, chunk.records, chunk.rejects) =
                (bytes, added_bytes, records, rejects);
        }
        while self.next < self.piece.records.len() && chunk.bytes.len() < CHUNK_BYTES {
            self.take(chunk);
        }
        chunk.next = chunk.records.last().map_or(0, |record| record.position + 1);
        !chunk.records.is_empty()
    }

    fn take(&mut self, chunk: &mut Chunk) {
        let Record { position, .. } = self.piece.records[self.next];
        let bytes = self.piece.record(self.next);
        let rejected = self.piece.rejects.iter().find(|reject| reject.entry.record as usize == self.next);
        match rejected {
            None => intake::take(chunk, position, bytes),
            Some(reject) => {
                let start = chunk.bytes.len();
                chunk.bytes.extend_from_slice(bytes);
                let span = Span::new(start, chunk.bytes.len());
                let record = chunk.records.len() as u32;
                let entry = Entry { span, record, index: 0 };
                chunk.rejects.push(Reject { entry, ..reject.clone() });
                chunk.records.push(Record { position, end: span.end(), first_index: 0 });
            }
        }
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64::{Engine, engine::general_purpose::STANDARD};
    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::{
        event::{Origin, Partition, SourceId},
        source::firehose::body::{BodyLimits, decode},
    };

    #[test]
    fn packed_records_come_inflated_and_in_order_with_their_positions_and_a_broken_one_between_them() {
        let line =
            "2 123456789012 eni-1 10.0.0.1 10.0.0.2 40000 443 6 10 840 1700000000 1700000060 ACCEPT OK\n";
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(line.repeat(1_000).as_bytes()).unwrap();
        let packed = STANDARD.encode(encoder.finish().unwrap());
        let records: Vec<String> = (0..9)
            .map(|number| if number == 4 { "not base64!".to_owned() } else { packed.clone() })
            .map(|text| format!(r#"{{"data":"{text}"}}"#))
            .collect();
        let body = format!(r#"{{"requestId":"1","records":[{}]}}"#, records.join(","));
        let limits = BodyLimits { body_bytes_max: 1 << 20, record_bytes_max: 1 << 20 };
        let body = decode(body.as_bytes(), limits).unwrap();
        let mut positions = Vec::new();
        let (mut inflated, mut rejected) = (0, 0);
        for piece in body.pieces {
            let mut unpacking = Unpacking::of(piece);
            loop {
                let origin = Origin::firehose("1");
                let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), origin, Vec::new());
                if !unpacking.fill(&mut chunk) {
                    break;
                }
                assert!(chunk.bytes.len() < 2 * CHUNK_BYTES, "{}", chunk.bytes.len());
                assert_eq!(chunk.next, chunk.records.last().unwrap().position + 1);
                for reject in &chunk.rejects {
                    assert_eq!(chunk.records[reject.entry.record as usize].position, 4);
                }
                inflated += chunk.bytes.len();
                rejected += chunk.rejects.len();
                positions.extend(chunk.records.iter().map(|record| record.position));
            }
        }
        assert_eq!(positions, (0..9).collect::<Vec<u64>>());
        assert_eq!(rejected, 1);
        assert!(inflated >= 8 * 1_000 * line.len());
    }
}

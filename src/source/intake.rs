//! Takes whole records into chunks, out of gzip or zstd where they come in it: the payload of a Kafka record, of a
//! Firehose record.

use std::fmt;

use crate::{
    codec::{Compression, Inflate},
    event::{Chunk, Entry, Position, Reason, Record, Reject, Span},
};

/// The most bytes of one record, when it is inflated. What CloudWatch Logs sends takes a few MiB at most.
pub(super) const RECORD_BYTES_MAX: usize = 8 << 20;

/// Bytes that are inflated at a time.
const STEP: usize = 64 << 10;

/// Why a record is not taken in as what it holds.
enum Misfit {
    TooLarge(Compression),
    Broken(String),
}

/// Appends the record at `position` to `chunk`, with a line end behind it where it has none.
///
/// One that breaks off or is larger than [`RECORD_BYTES_MAX`] is appended as received, and rejected.
pub(super) fn take(chunk: &mut Chunk, position: Position, bytes: &[u8]) {
    let start = chunk.bytes.len();
    let record = chunk.records.len() as u32;
    if let Err(misfit) = content(bytes, &mut chunk.bytes) {
        chunk.bytes.truncate(start);
        // What a quarantine line can hold; the whole would not fit into memory twice.
        chunk.bytes.extend_from_slice(&bytes[..bytes.len().min(RECORD_BYTES_MAX)]);
        let span = Span::new(start, chunk.bytes.len());
        chunk.rejects.push(Reject {
            entry: Entry { span, record, index: 0 },
            reason: misfit.reason(),
            detail: misfit.to_string(),
            format: None,
            log_event: None,
        });
    }
    // A line that has its end is parsed in one pass.
    if chunk.bytes.len() == start || chunk.bytes.last() != Some(&b'\n') {
        chunk.bytes.push(b'\n');
        chunk.added_bytes += 1;
    }
    chunk.records.push(Record { position, end: chunk.bytes.len() as u32, first_index: 0 });
}

/// Appends what `bytes` hold to `out`.
fn content(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    let compression = Compression::of(bytes);
    if compression == Compression::Plain {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(Misfit::TooLarge(compression));
        }
        out.extend_from_slice(bytes);
        return Ok(());
    }
    let start = out.len();
    let mut inflate = Inflate::new(bytes);
    loop {
        let filled = out.len();
        if filled - start > RECORD_BYTES_MAX {
            return Err(Misfit::TooLarge(compression));
        }
        out.resize(filled + STEP, 0);
        let read = inflate.read(&mut out[filled..]).map_err(|error| Misfit::Broken(error.to_string()))?;
        out.truncate(filled + read);
        if read == 0 {
            return Ok(());
        }
    }
}

impl Misfit {
    fn reason(&self) -> Reason {
        match self {
            Self::TooLarge(_) => Reason::RecordTooLong,
            Self::Broken(_) => Reason::Truncated,
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(compression) => {
                write!(
                    f,
                    "the {compression} record holds more than {RECORD_BYTES_MAX} bytes, the most of one record"
                )
            }
            Self::Broken(cause) => f.write_str(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression as Level, write::GzEncoder};

    use super::*;
    use crate::event::{Origin, Partition, SourceId};

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn taken(records: &[&[u8]]) -> Chunk {
        let mut chunk = Chunk::new(SourceId(0), Partition::new("p"), Origin::kafka("t", 0), Vec::new());
        for (position, record) in (5..).zip(records) {
            take(&mut chunk, position, record);
        }
        chunk
    }

    #[test]
    fn a_record_is_what_it_holds_whatever_it_is_wrapped_in() {
        let members = [gzip(b"one "), gzip(b"two\n")].concat();
        let zstd = zstd::stream::encode_all(b"three".as_slice(), 1).unwrap();
        let chunk = taken(&[b"plain", &members, b"", &zstd]);
        assert_eq!(chunk.rejects, []);
        let held: Vec<_> = (0..4).map(|index| chunk.record_span(index).of(&chunk.bytes)).collect();
        assert_eq!(held, [b"plain\n".as_slice(), b"one two\n", b"\n", b"three\n"]);
        assert_eq!((chunk.records[3].position, chunk.added_bytes), (8, 3));
    }

    #[test]
    fn a_record_that_breaks_off_or_holds_too_much_is_rejected_as_received_and_its_neighbours_go_on() {
        let whole = gzip(&[b'x'; 5000]);
        let cut = &whole[..whole.len() - 9];
        let bomb = gzip(&vec![0; RECORD_BYTES_MAX + STEP + 1]);
        let chunk = taken(&[b"before", cut, &bomb, b"behind"]);
        let reasons: Vec<_> =
            chunk.rejects.iter().map(|reject| (reject.entry.record, reject.reason)).collect();
        assert_eq!(reasons, [(1, Reason::Truncated), (2, Reason::RecordTooLong)]);
        assert_eq!(chunk.rejects[0].entry.span.of(&chunk.bytes), cut);
        assert_eq!(chunk.record_span(3).of(&chunk.bytes), b"behind\n");
        assert!(chunk.bytes.len() < RECORD_BYTES_MAX / 8, "nothing of the bomb is left");
    }
}

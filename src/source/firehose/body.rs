//! A request's body: JSON whose records are base64, decoded record by record into chunks of bounded size.

use std::io::Read;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    error::BodyError,
    scan::{Capped, Scan},
};
use crate::{
    codec::Compression,
    event::{Entry, Reason, Record, Reject, Span},
};

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Its bytes, decompressed.
    pub body_bytes_max: u64,
    /// A record's bytes.
    pub record_bytes_max: usize,
}

/// A body's records.
#[derive(Debug, Default)]
pub struct Body {
    /// `requestId`, where it stands there as a text.
    pub request: Option<String>,
    /// The records, in order, in pieces that each make a chunk.
    pub pieces: Vec<Piece>,
    /// How many records there are.
    pub records: usize,
}

/// Some of the records of a body.
#[derive(Debug, Default)]
pub struct Piece {
    /// The records' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// How many of them are line ends that the records did not have.
    pub added_bytes: usize,
    /// Where each record ends; its position is its number in the body.
    pub records: Vec<Record>,
    /// The records whose bytes could not be had.
    pub rejects: Vec<Reject>,
}

/// How a record's bytes were carried.
enum Carried {
    Base64,
    /// As JSON, the way AWS's documentation shows records of CloudWatch Logs.
    Json,
    /// Not at all.
    Nowhere,
}

/// AWS says how many records a request has at most.
const RECORDS_MAX: usize = 10_000;
/// Bytes of a piece that is full; a record that does not fit makes it larger.
const PIECE_BYTES: usize = 128 << 10;
/// Room for the record that makes a piece full.
const LAST_RECORD_BYTES: usize = 32 << 10;
/// Bytes of an id that are kept.
const ID_BYTES_MAX: usize = 1024;
/// Padding at the end may be there or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes the body that `reader` gives, plain or gzip.
///
/// # Errors
/// When it is no body of Firehose, whoever sends it. A record that cannot be decoded is no error of the body: it is
/// among the rejects of its piece.
pub fn decode<R: Read>(reader: R, limits: BodyLimits) -> Result<Body, BodyError> {
    let mut scan = Scan::new(reader, limits.body_bytes_max);
    let mut gathering = Gathering { limits, body: Body::default(), open: Piece::fresh() };
    // Four characters of base64 are three bytes; one group more tells that a record is too long.
    let mut carried = Capped::of(limits.record_bytes_max.div_ceil(3) * 4 + 4);
    let mut seen = false;
    scan.object(|scan, key| match key {
        b"requestId" if scan.begins()? == b'"' => {
            let mut id = Capped::of(ID_BYTES_MAX);
            scan.string(&mut id)?;
            gathering.body.request = String::from_utf8(id.bytes).ok();
            Ok(())
        }
        b"records" => {
            seen = true;
            scan.list(|scan| gathering.record(scan, &mut carried))
        }
        _ => scan.skip(),
    })?;
    scan.end()?;
    if !seen {
        return Err(BodyError::NoRecords);
    }
    gathering.close();
    Ok(gathering.body)
}

/// A body while it is read.
struct Gathering {
    limits: BodyLimits,
    body: Body,
    open: Piece,
}

// === impl Gathering ===

impl Gathering {
    /// Reads one element of `records`.
    fn record<R: Read>(&mut self, scan: &mut Scan<R>, carried: &mut Capped) -> Result<(), BodyError> {
        if self.body.records == RECORDS_MAX {
            return Err(BodyError::TooManyRecords { records_max: RECORDS_MAX });
        }
        carried.clear();
        let most = self.limits.record_bytes_max;
        let mut how = Carried::Nowhere;
        if scan.begins()? == b'{' {
            scan.object(|scan, key| {
                if key != b"data" {
                    return scan.skip();
                }
                carried.clear();
                match scan.begins()? {
                    b'"' => {
                        how = Carried::Base64;
                        scan.string(carried)
                    }
                    first => {
                        how = if matches!(first, b'{' | b'[') { Carried::Json } else { Carried::Nowhere };
                        let Capped { bytes, is_cut, .. } = scan.raw(most)?;
                        (carried.bytes, carried.is_cut) = (bytes, is_cut);
                        Ok(())
                    }
                }
            })?;
        } else {
            let Capped { bytes, .. } = scan.raw(most)?;
            carried.bytes = bytes;
        }
        self.add(&how, carried);
        Ok(())
    }

    fn add(&mut self, how: &Carried, carried: &Capped) {
        let piece = &mut self.open;
        let start = piece.bytes.len();
        let most = self.limits.record_bytes_max;
        // Never doubled: what a body takes when it is decoded is told to the memory plan. One more is a line end.
        piece.bytes.reserve_exact(carried.bytes.len() + 1);
        let fault = match how {
            Carried::Base64 => {
                let text = &carried.bytes[..];
                // Of a text that was cut, only whole groups.
                let text = if carried.is_cut { &text[..text.len() / 4 * 4] } else { text };
                match BASE64.decode_vec(text, &mut piece.bytes) {
                    Ok(()) => None,
                    Err(error) => {
                        piece.bytes.truncate(start);
                        piece.bytes.extend_from_slice(text);
                        Some((Reason::BadEncoding, error.to_string()))
                    }
                }
            }
            Carried::Json => {
                piece.bytes.extend_from_slice(&carried.bytes);
                None
            }
            Carried::Nowhere => {
                piece.bytes.extend_from_slice(&carried.bytes);
                Some((Reason::BadEncoding, "the record has no `data` that is a text".to_owned()))
            }
        };
        let is_long = carried.is_cut || piece.bytes.len() - start > most;
        let long = || (Reason::RecordTooLong, format!("longer than {most} bytes"));
        let fault = if is_long { Some(fault.unwrap_or_else(long)) } else { fault };
        piece.bytes.truncate(start + most);
        piece.end(start, self.body.records as u64, fault);
        self.body.records += 1;
        if self.open.bytes.len() >= PIECE_BYTES {
            self.close();
        }
    }

    /// The open piece is whole.
    fn close(&mut self) {
        let mut piece = std::mem::replace(&mut self.open, Piece::fresh());
        if !piece.records.is_empty() {
            piece.bytes.shrink_to_fit();
            self.body.pieces.push(piece);
        }
    }
}

// === impl Piece ===

impl Piece {
    /// An empty piece with room for as much as it usually holds.
    fn fresh() -> Self {
        Self { bytes: Vec::with_capacity(PIECE_BYTES + LAST_RECORD_BYTES), ..Self::default() }
    }

    /// Whether one of its records is to be inflated.
    pub fn is_packed(&self) -> bool {
        (0..self.records.len()).any(|record| Compression::of(self.record(record)) != Compression::Plain)
    }

    /// The bytes of record number `record`.
    pub fn record(&self, record: usize) -> &[u8] {
        let start = record.checked_sub(1).map_or(0, |before| self.records[before].end as usize);
        &self.bytes[start..self.records[record].end as usize]
    }

    /// Ends the record that begins at `start`.
    fn end(&mut self, start: usize, position: u64, fault: Option<(Reason, String)>) {
        let span = Span::new(start, self.bytes.len());
        let record = self.records.len() as u32;
        if let Some((reason, detail)) = fault {
            let entry = Entry { span, record, index: 0 };
            self.rejects.push(Reject { entry, reason, detail, format: None, log_event: None });
        } else if span.len > 0
            && self.bytes.last() != Some(&b'\n')
            && Compression::of(&self.bytes[start..]) == Compression::Plain
        {
            // A line that has its end is parsed in one pass. What is compressed would be damaged by it.
            self.bytes.push(b'\n');
            self.added_bytes += 1;
        }
        self.records.push(Record { position, end: self.bytes.len() as u32, first_index: 0 });
    }
}

#[cfg(test)]
mod tests;

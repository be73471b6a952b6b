//! Any body is decoded or refused: what is JSON to `serde_json` and has records is decoded, with a place for each record, and
//! nothing is larger than its limit.

#![no_main]

use floodmark::source::firehose::{BodyLimits, decode};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Small, so that a fuzzer meets them.
const LIMITS: BodyLimits = BodyLimits { body_bytes_max: 1 << 20, record_bytes_max: 64 };

fuzz_target!(|bytes: &[u8]| {
    let decoded = decode(bytes, LIMITS);
    if let Ok(Value::Object(map)) = serde_json::from_slice(bytes) {
        if let Some(Value::Array(records)) = map.get("records") {
            // Of two lists under one name only the last is there.
            let twice = bytes.windows(9).filter(|nine| nine == b"\"records\"").count() > 1;
            let escaped = bytes.contains(&b'\\');
            if let (Ok(body), false, false) = (&decoded, twice, escaped) {
                assert_eq!(body.records, records.len());
            }
        }
    }
    let Ok(body) = decoded else { return };
    let mut position = 0;
    for piece in &body.pieces {
        let mut start = 0;
        for record in &piece.records {
            assert_eq!(record.position, position);
            assert!(record.end - start <= LIMITS.record_bytes_max as u32 + 1);
            (start, position) = (record.end, position + 1);
        }
        assert_eq!(start as usize, piece.bytes.len());
        for reject in &piece.rejects {
            assert!((reject.entry.record as usize) < piece.records.len());
            let _ = reject.entry.span.of(&piece.bytes);
        }
    }
    assert_eq!(body.records as u64, position);
});

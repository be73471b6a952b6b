//! Any line is a quarantined record or is refused with a reason; replay reads what people may have edited.

#![no_main]

use floodmark::normalize::QuarantinedRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| match QuarantinedRecord::parse(line) {
    Ok(record) => assert!(record.bytes.len() <= line.len()),
    Err(error) => assert!(error.to_string().starts_with("could not read")),
});

//! Any bytes under a right checksum are an aggregate, whose user records stand inside it, or a plain record.

#![no_main]

use floodmark::codec::kpl::{Aggregator, HashRange, Opened, Opener, sealed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut opener = Opener::default();
    let range = HashRange { start: 1 << 100, end: 1 << 127 };
    let _ = opener.open(bytes, range);
    let record = sealed(bytes);
    if let Opened::Aggregate(mut aggregate) = opener.open(&record, range) {
        let count = aggregate.len();
        let mut again = Aggregator::default();
        let mut data = Vec::new();
        for user in aggregate.records() {
            data.push(user.content.of(&record));
            again.push("key", None, user.content.of(&record));
            assert!(!user.outside || user.hash_key().is_some());
        }
        assert_eq!(data.len(), count);
        let again = again.finish();
        let mut opener = Opener::default();
        if let Opened::Aggregate(mut aggregate) = opener.open(&again, HashRange::ALL) {
            let same: Vec<&[u8]> = aggregate.records().map(|user| user.content.of(&again)).collect();
            assert_eq!(same, data);
        } else {
            assert_eq!(count, 0);
        }
    }
});

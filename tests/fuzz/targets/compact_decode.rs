//! Any bytes of the state decode to something that encodes to the same again and answers every question, or are refused.

#![no_main]

use floodmark::score::{distinct::Distinct, histogram::compact::Compact, pool::Pool};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(compact) = Compact::decode(&mut &*bytes) {
        let mut encoded = Vec::new();
        compact.encode(&mut encoded);
        assert_eq!(Compact::decode(&mut encoded.as_slice()).expect("what was written can be read"), compact);
        for quantile in [0.0, 0.5, 0.99, 1.0] {
            let value = compact.value_at_quantile(quantile);
            assert!(compact.is_empty() || compact.at_or_above(value) > 0);
        }
        let _ = (compact.mean(), compact.std(), compact.to_hdr());
    }
    if let Ok(distinct) = Distinct::decode(&mut &*bytes) {
        let mut encoded = Vec::new();
        distinct.encode(&mut encoded);
        assert_eq!(
            Distinct::decode(&mut encoded.as_slice()).expect("what was written can be read"),
            distinct
        );
    }
    if let Ok(pool) = Pool::decode(&mut &*bytes) {
        let mut encoded = Vec::new();
        pool.encode(&mut encoded);
        let again = Pool::decode(&mut encoded.as_slice()).expect("what was written can be read");
        assert_eq!(again.total(), pool.total());
        assert!(again.iter().eq(pool.iter()));
    }
});

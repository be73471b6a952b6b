//! Any bytes are inflated, to an end or to an error, into no more memory than the reader's buffer.

#![no_main]

use floodmark::codec::Inflate;
use libfuzzer_sys::fuzz_target;

/// Content read of one input: a few compressed bytes may hold gigabytes.
const CONTENT_BYTES_MAX: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let mut inflate = Inflate::new(bytes);
    let mut buffer = [0; 4096];
    let mut content = 0;
    while content < CONTENT_BYTES_MAX {
        match inflate.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => content += count as u64,
            Err(error) => {
                assert_eq!(error.offset, content);
                break;
            }
        }
    }
    assert_eq!(inflate.offset(), content);
});

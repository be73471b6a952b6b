//! Any bytes are a database that answers every look-up, or are refused; neither hangs.

#![no_main]

use std::{path::PathBuf, sync::LazyLock};

use floodmark::{
    enrich::{Config, Enricher, Geoip, Shared, Stage},
    telemetry::metrics::Metrics,
};
use floodmark_fuzz::{parsed, resolved};
use libfuzzer_sys::fuzz_target;

/// Where the input lies, for databases are read from files: in memory, where the system has such a folder.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("floodmark-fuzz-{}.mmdb", std::process::id()))
});

const LINES: &[u8] = b"\
2 1 eni-1 10.0.0.1 81.2.69.142 1 2 6 1 40 1 2 ACCEPT OK\n\
2 1 eni-1 0.0.0.0 255.255.255.255 1 2 6 1 40 1 2 ACCEPT OK\n\
2 1 eni-1 1.0.0.1 128.0.0.1 1 2 6 1 40 1 2 ACCEPT OK\n\
2 1 eni-1 2001:218::1 :: 1 2 6 1 40 1 2 ACCEPT OK\n\
2 1 eni-1 2a02:cf40::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 1 2 6 1 40 1 2 ACCEPT OK\n";

fuzz_target!(|bytes: &[u8]| {
    std::fs::write(&*PATH, bytes).expect("the folder can be written");
    for role in [
        Geoip { city: Some(PATH.clone()), ..Geoip::default() },
        Geoip { asn: Some(PATH.clone()), ..Geoip::default() },
    ] {
        let config = Config { geoip: role, internal: Vec::new(), ..Config::default() };
        match Shared::open(&config, &Metrics::default()) {
            Ok(shared) => Enricher::new(shared).apply(&mut parsed(resolved(LINES))),
            Err(errors) => assert_eq!(errors.len(), 1),
        }
    }
});

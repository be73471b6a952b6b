//! Tests of what comes back from quarantine.

use super::*;
use crate::source::trial::{Seen, Trial, lines};

fn record(origin: &Origin, position: Position, index: u32, bytes: &[u8], format: &str) -> ReplayedRecord {
    let format = (!format.is_empty()).then(|| format.into());
    ReplayedRecord { origin: origin.clone(), position, index, bytes: bytes.to_vec(), format, sender: None }
}

#[tokio::test]
async fn records_come_back_as_they_were_and_neighbours_share_a_chunk() {
    let (file, stdin) = (Origin::file(1), Origin::stdin());
    let records = vec![
        record(&file, 500, 0, b"first", ""),
        record(&file, 900, 3, b"second\r", ""),
        record(&file, 100, 0, b"with a format", "${srcaddr}"),
        record(&stdin, 7, 0, b"", ""),
    ];
    let trial = Trial::start(Box::new(Replay::new(records.clone().into_iter())));
    let books = trial.cx.books.clone();
    let (done, seen) = trial.end().await;
    done.unwrap();
    assert_eq!(seen.last(), Some(&Seen::Ended("flows".into())));
    let seen = lines(&seen);
    for (line, record) in seen.iter().zip(&records) {
        assert_eq!(
            (&line.origin, line.position, line.index, line.format.as_deref()),
            (&record.origin, record.position, record.index, record.format.as_deref())
        );
        assert_eq!(line.bytes, [&record.bytes, LINE_END].concat());
        assert!(line.deliver && line.learn && line.reject.is_none());
    }
    let nexts: Vec<_> = seen.iter().map(|line| line.next).collect();
    assert_eq!(nexts, [901, 901, 101, 8], "the first two came in one chunk");
    assert_eq!(books.records_received.get(), 4);
}

#[tokio::test]
async fn many_records_come_in_chunks_of_a_block() {
    let origin = Origin::file(1);
    let bytes = [b'x'; 1000];
    let records: Vec<_> = (0..1000).map(|at| record(&origin, at, 0, &bytes, "")).collect();
    let (done, seen) = Trial::start(Box::new(Replay::new(records.into_iter()))).end().await;
    done.unwrap();
    let seen = lines(&seen);
    let mut nexts: Vec<_> = seen.iter().map(|line| line.next).collect();
    nexts.dedup();
    assert_eq!((seen.len(), nexts.len()), (1000, 1_000_000_usize.div_ceil(BLOCK_BYTES)));
}

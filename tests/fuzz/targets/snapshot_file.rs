//! A snapshot's file that holds any rows, with right checksums or wrong ones, is read to its end or refused, never with a
//! panic; and what is read, written again and read again is the same.

#![no_main]

use arbitrary::Arbitrary;
use floodmark::state::snapshot::{Facts, Section, SnapshotReader, SnapshotWriter};
use libfuzzer_sys::fuzz_target;

/// A file: made of rows and then changed, or of nothing but bytes.
#[derive(Debug, Arbitrary)]
enum File {
    Rows { rows: Vec<(bool, Vec<u8>, Vec<u8>)>, created_ms: u64, edits: Vec<(u16, u8)>, cut: u16 },
    Bytes(Vec<u8>),
}

fn written(facts: &Facts, rows: &[(Section, Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut writer = SnapshotWriter::new(Vec::new(), facts).expect("a vector takes every byte");
    for (section, key, value) in rows {
        writer.put(*section, key, value).expect("rows in order");
    }
    writer.finish().expect("a vector takes every byte").0
}

fuzz_target!(|file: File| {
    let (bytes, is_whole) = match file {
        File::Bytes(bytes) => (bytes, false),
        File::Rows { rows, created_ms, edits, cut } => {
            let section = |is_scoring| if is_scoring { Section::Scoring } else { Section::Positions };
            let mut rows: Vec<_> =
                rows.into_iter().map(|(is_scoring, key, value)| (section(is_scoring), key, value)).collect();
            rows.sort();
            rows.dedup_by(|one, other| (one.0, &one.1) == (other.0, &other.1));
            let mut bytes = written(&Facts { created_ms, ..Facts::default() }, &rows);
            let is_whole = edits.is_empty() && cut == 0;
            for (at, byte) in edits {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            bytes.truncate(bytes.len() - usize::from(cut).min(bytes.len()));
            (bytes, is_whole)
        }
    };
    let read = || {
        let mut reader = SnapshotReader::new(bytes.as_slice())?;
        let mut rows = Vec::new();
        while let Some(row) = reader.next_row()? {
            rows.push((row.section, row.key.to_vec(), row.value.to_vec()));
        }
        Ok::<_, floodmark::state::snapshot::SnapshotError>((reader.facts().clone(), rows))
    };
    match read() {
        Ok((facts, rows)) => assert!(!is_whole || written(&facts, &rows) == bytes, "it is not what it was"),
        Err(error) => assert!(!is_whole, "what was written is refused: {error}"),
    }
});

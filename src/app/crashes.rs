//! Crashes remembered: a chunk at which the process has crashed three times is quarantined whole, so that one poisonous
//! record cannot stop a pipeline for good.
//!
//! A panic writes down which chunk its thread was at, into `crashes.ndjson` beside the state. A process that is killed
//! from outside writes nothing, as no record is to blame.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};

use crate::event::{Chunk, Origin, Position, Reason, Record};

/// Where each chunk stands at which the process has crashed, and how often.
#[derive(Debug, Default)]
pub(super) struct Crashes {
    at: BTreeMap<(Origin, Position), u32>,
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Crash {
    origin: String,
    position: Position,
}

/// Crashes at one chunk after which it is not tried again.
const CRASHES_MAX: u32 = 3;
const FILE: &str = "crashes.ndjson";

/// Where a crash of this process is written down.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

thread_local! {
    /// The chunk that this thread is at.
    static AT: RefCell<Option<(Origin, Position)>> = const { RefCell::new(None) };
}

// === impl Crashes ===

impl Crashes {
    /// The crashes of earlier runs that kept their state in `folder`; a crash of this one is added there.
    pub(super) fn of(folder: &Path) -> std::io::Result<Self> {
        FOLDER.get_or_init(|| folder.to_owned());
        let mut crashes = Self::default();
        let file = match File::open(folder.join(FILE)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(crashes),
            file => file?,
        };
        for line in BufReader::new(file).lines() {
            // A process that crashes may leave half a line.
            if let Ok(Crash { origin, position }) = serde_json::from_str(&line?) {
                *crashes.at.entry((Origin::from_text(&origin), position)).or_default() += 1;
            }
        }
        Ok(crashes)
    }

    /// Turns `chunk` into rejects if the process has crashed at it too often. A chunk may be cut elsewhere than it was
    /// then, so what counts is whether it holds the place.
    pub(super) fn screen(&self, chunk: &mut Chunk) {
        if self.at.is_empty() {
            return;
        }
        if !self.too_often(chunk) {
            return;
        }
        tracing::error!(origin = %chunk.origin, "quarantined a chunk at which the process crashed three times");
        let entries = std::mem::take(&mut chunk.entries);
        let mut first = 0;
        for run in std::mem::take(&mut chunk.runs) {
            let end = run.end as usize;
            for entry in &entries[first..end] {
                let reject = chunk.rejected(*entry, &run, Reason::Crashed, String::new());
                chunk.rejects.push(reject);
            }
            first = end;
        }
    }

    fn too_often(&self, chunk: &Chunk) -> bool {
        let often = |times: &u32| *times >= CRASHES_MAX;
        if !chunk.names.is_empty() {
            return chunk.names.iter().any(|name| self.at.get(name).is_some_and(often));
        }
        let (Some(first), Some(last)) = (chunk.records.first(), chunk.records.last()) else { return false };
        let place = |record: &Record| (chunk.origin.clone(), record.position);
        self.at.range(place(first)..=place(last)).any(|(_, times)| often(times))
    }
}

/// Notes that this thread is at `chunk` from here on.
pub(super) fn at(chunk: &Chunk) {
    let place = (!chunk.records.is_empty()).then(|| {
        let (origin, position) = chunk.known_by(0);
        (origin.clone(), position)
    });
    AT.with_borrow_mut(|at| *at = place);
}

/// Notes that this thread is through with its chunk.
pub(super) fn through() {
    AT.with_borrow_mut(|at| *at = None);
}

/// Writes down where this thread is, because it panics. Called from the panic hook; says nothing if it cannot.
pub fn write_down() {
    let place = AT.try_with(|at| at.try_borrow().ok().and_then(|at| at.clone())).ok().flatten();
    let (Some(folder), Some((origin, position))) = (FOLDER.get(), place) else { return };
    let crash = Crash { origin: origin.as_str().to_owned(), position };
    let line = serde_json::to_string(&crash).unwrap_or_default();
    let file = OpenOptions::new().append(true).create(true).open(folder.join(FILE));
    let _ = file.and_then(|mut file| writeln!(file, "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Entry, Layout, Partition, Run, SourceId, Span};

    fn chunk(position: Position) -> Chunk {
        let mut chunk = Chunk::new(SourceId(0), Partition::new("flows"), Origin::stdin(), b"a\nb\n".to_vec());
        for index in 0..2 {
            chunk.records.push(Record {
                position: position + u64::from(index),
                end: 2 * (index + 1),
                first_index: 0,
            });
            chunk.entries.push(Entry { span: Span { start: 2 * index, len: 1 }, record: index, index: 0 });
        }
        let layout = Layout::vpc_default().into();
        chunk.runs.push(Run { end: 2, layout, named: false, log_group: None });
        chunk.next = position + 2;
        chunk
    }

    #[test]
    fn a_chunk_is_tried_until_the_third_crash_at_a_place_inside_it() {
        let folder = tempfile::tempdir().unwrap();
        let line = r#"{"origin":"stdin","position":11}"#;
        for crashes in 1..=3 {
            let mut file =
                OpenOptions::new().append(true).create(true).open(folder.path().join(FILE)).unwrap();
            writeln!(file, "{line}").unwrap();
            let known = Crashes::of(folder.path()).unwrap();
            let mut it = chunk(10);
            known.screen(&mut it);
            assert_eq!(it.rejects.len(), if crashes == 3 { 2 } else { 0 }, "after {crashes} crashes");
            let mut other = chunk(12);
            known.screen(&mut other);
            assert_eq!(other.entries.len(), 2, "its neighbour goes on");
            // Known by a name, a record is found under it wherever it stands.
            let mut named = chunk(70);
            named.names = vec![(Origin::from_text("shard"), 0), (Origin::stdin(), 11)];
            known.screen(&mut named);
            assert_eq!(named.rejects.len(), if crashes == 3 { 2 } else { 0 });
        }
    }

    #[test]
    fn half_a_line_that_a_crash_left_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{\"origin\":\"stdin\",\"position\":1}\n{\"orig").unwrap();
        assert_eq!(Crashes::of(folder.path()).unwrap().at.len(), 1);
    }
}

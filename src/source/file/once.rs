//! Files read once: one after the other, each from its start to its end, as one partition.

use std::{collections::BTreeMap, fs::File, path::Path, sync::Arc};

use super::{
    Paths, Work,
    fingerprint::{self, HEAD_BYTES_MAX},
};
use crate::{
    codec::{Inflate, Positions},
    event::{Origin, Partition, Position},
    source::{
        SourceError, object,
        reader::{BLOCK_BYTES, LineReader, Pace},
        stream::Stream,
    },
};

/// Per origin, how far this run has fed it.
type Fed = BTreeMap<Origin, Position>;

/// Reads all files. One that cannot be opened any more, or not be read to its end, does not keep the others from being
/// read.
pub(super) fn run(mut work: Work, paths: &Paths) -> Result<(), SourceError> {
    let files = paths.expand(false)?;
    // Before anything is delivered, so that a mistake costs nothing. What is no file, a pipe, opens only once.
    for path in files.iter().filter(|path| path.is_file()) {
        File::open(path).map_err(|error| SourceError::of_path(path, error))?;
    }
    let partition = Partition::new(&work.cx.name);
    let mut fed = Fed::new();
    let mut gone = None;
    work.handle.block_on(work.cx.assigned(&partition))?;
    for path in &files {
        match read_file(&mut work, path, &partition, &mut fed) {
            Ok(true) => {}
            // Stopped: the partition is not at its end, and what resolving holds back for it is read again.
            Ok(false) => return Ok(()),
            Err(error @ (SourceError::State(_) | SourceError::Closed(_))) => return Err(error),
            // Its lines were delivered as far as they go; the place where they break off is in quarantine.
            Err(error @ SourceError::Corrupt { .. }) => work.failed(&error),
            Err(error) => {
                work.failed(&error);
                gone.get_or_insert(error);
            }
        }
    }
    work.handle.block_on(work.cx.ended(&partition))?;
    gone.map_or(Ok(()), Err)
}

/// Reads one file; says whether to its end.
fn read_file(
    work: &mut Work,
    path: &Path,
    partition: &Partition,
    fed: &mut Fed,
) -> Result<bool, SourceError> {
    let file = File::open(path).map_err(|error| SourceError::of_path(path, error))?;
    let mut lines =
        LineReader::new(Inflate::new(file), work.line_bytes_max, Positions::Offset, 0, Pace::Full);
    let beginning = lines.peek(HEAD_BYTES_MAX);
    let head: Arc<[u8]> = fingerprint::head(beginning).unwrap_or(beginning).into();
    let mut stream = Stream::new(work.cx.id, partition.clone(), Origin::file(fingerprint::of_head(&head)));
    stream.head = Some(head);
    stream.shared = object::flow_log(path);
    let already = fed.get(&stream.origin).copied();
    if let Some(already) = already {
        tracing::warn!(
            source = %work.cx.name, path = %path.display(), origin = %stream.origin,
            "begins like a file that was read before it: its lines are delivered, the first {already} bytes not learned again"
        );
    }
    let scored = work.cx.progress.known(&stream.origin)?.scored;
    stream.learn_from = scored.unwrap_or(0).max(already.unwrap_or(0));
    let window = work.cx.flight.window(&stream.origin, 0);
    let mut highest = already.unwrap_or(0);
    loop {
        let mut chunk = stream.chunk(BLOCK_BYTES);
        let more = lines.next(&mut work.scratch, &mut chunk);
        match &more {
            Ok(true) => {}
            Ok(false) => lines.finish(&mut chunk),
            Err(error) => lines.break_off(error, &mut chunk),
        }
        if !chunk.records.is_empty() {
            // What is confirmed of an origin never goes back, even when a second file has it.
            highest = highest.max(chunk.next);
            chunk.next = highest;
            if !work.handle.block_on(work.cx.hand_on(&window, chunk))? {
                return Ok(false);
            }
            fed.insert(stream.origin.clone(), highest);
        }
        match more {
            Ok(true) => {}
            Ok(false) => return Ok(true),
            Err(cause) => return Err(SourceError::Corrupt { path: path.into(), cause }),
        }
    }
}

#[cfg(test)]
mod tests;

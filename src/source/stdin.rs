//! Standard input: its lines to its end; what it delivers cannot be read again.

use std::{io::Read, thread};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{
    Source, SourceContext, SourceError,
    reader::{LineReader, Pace},
    stream::Stream,
};
use crate::{
    codec::{Inflate, InflateError, Positions},
    event::{Chunk, Origin, Partition},
    pipe::BoxFuture,
    quantity::ByteSize,
};

/// Standard input, plain or compressed with gzip or zstd. Its positions count lines, from 0 in every run, and none is
/// committed.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Length in bytes of the longest line that is read whole, its end not counted; of a longer one this much is
    /// quarantined and the rest skipped. Default 1MiB. A line of this length is held in memory.
    #[serde(default = "super::file::line_bytes_max")]
    pub line_bytes_max: ByteSize,
}

/// Reads the lines of an open reader to its end.
pub struct Stdin {
    reader: Box<dyn Read + Send>,
    line_bytes_max: usize,
}

/// What the reading thread hands over.
struct Arrival {
    chunk: Chunk,
    /// Why nothing comes after it, where that is not the end of the input.
    broken: Option<InflateError>,
}

/// Chunks read ahead; they are lost when the process stops, as is what the writer has not written yet.
const CHUNKS_AHEAD: usize = 2;

// === impl Stdin ===

impl Stdin {
    /// Standard input.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::of_reader(Box::new(std::io::stdin()), config.line_bytes_max.as_usize())
    }

    /// Whatever `reader` gives, as if it were standard input; lines longer than `line_bytes_max` are cut.
    #[must_use]
    pub fn of_reader(reader: Box<dyn Read + Send>, line_bytes_max: usize) -> Self {
        Self { reader, line_bytes_max }
    }

    async fn receive(self, cx: SourceContext) -> Result<(), SourceError> {
        let (sender, mut arrivals) = mpsc::channel(CHUNKS_AHEAD);
        let stream = Stream::new(cx.id, Partition::new(&cx.name), Origin::stdin());
        let (partition, window) = (stream.partition.clone(), cx.flight.window(&stream.origin, 0));
        let lines = LineReader::new(
            Inflate::new(self.reader),
            self.line_bytes_max,
            Positions::Ordinal,
            0,
            Pace::Eager,
        );
        // A thread of its own, which nobody joins: a read that never returns must not hold up the end of the process.
        let spawned = thread::Builder::new()
            .name("stdin".into())
            .spawn(move || read(lines, &stream, |arrival| sender.blocking_send(arrival).is_ok()));
        spawned.map_err(|error| SourceError::Reader(error.to_string()))?;

        let mut stop = cx.stop.clone();
        cx.assigned(&partition).await?;
        loop {
            let arrival = tokio::select! {
                biased;
                () = stop.stopped() => return Ok(()),
                arrival = arrivals.recv() => arrival,
            };
            let Some(Arrival { chunk, broken }) = arrival else { break };
            if !cx.hand_on(&window, chunk).await? {
                return Ok(());
            }
            if let Some(error) = broken {
                cx.ended(&partition).await?;
                return Err(SourceError::Stdin(error));
            }
        }
        cx.ended(&partition).await
    }
}

impl Source for Stdin {
    fn run(self: Box<Self>, cx: SourceContext) -> BoxFuture<'static, Result<(), SourceError>> {
        Box::pin(self.receive(cx))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { line_bytes_max: super::file::line_bytes_max() }
    }
}

/// Reads to the end, or until `send` says that nobody receives any more.
fn read<R: Read>(mut lines: LineReader<R>, stream: &Stream, send: impl Fn(Arrival) -> bool) {
    let mut scratch = Vec::new();
    loop {
        let mut chunk = stream.chunk(0);
        let more = lines.next(&mut scratch, &mut chunk);
        let last = !matches!(more, Ok(true));
        let broken = match more {
            Ok(true) => None,
            Ok(false) => {
                lines.finish(&mut chunk);
                None
            }
            Err(error) => {
                lines.break_off(&error, &mut chunk);
                Some(error)
            }
        };
        if chunk.records.is_empty() || !send(Arrival { chunk, broken }) || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests;

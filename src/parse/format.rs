//! The contract of a record format: what runs in order per stream, and what is pure.

use std::fmt;

use super::{ParseError, StreamState, Writer};
use crate::event::{Chunk, Layout, Span};

/// One step of one stream.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every step is a chunk, and a box for each would be an allocation"
)]
pub enum Step {
    /// The stream goes on.
    Chunk(Chunk),
    /// Nothing came; the time is this, in milliseconds since 1970. What was held back long enough is let go.
    Tick(u64),
    /// The stream is finished or given up. What was held back is let go.
    End,
}

/// A format of records: how entries and layouts are found, and how an entry is read.
pub trait Format: fmt::Debug + Send + Sync {
    /// Its name in the config.
    fn name(&self) -> &'static str;

    /// Whether its entries are lines of syslog, which need not be UTF-8.
    fn has_syslog(&self) -> bool {
        false
    }

    /// Whether its entries are bytes rather than text.
    fn is_binary(&self) -> bool {
        false
    }

    /// When the records that come now were received, in milliseconds since 1970; 0 where it does not matter.
    fn received_ms(&self) -> u64 {
        0
    }

    /// Takes the next step of a stream, in order, and puts the chunks it can say everything about into `out`: with their
    /// entries and runs filled in, in the order they came. It may hold chunks back in `stream` until a later step.
    fn resolve(&self, stream: &mut StreamState, step: Step, out: &mut Vec<Chunk>);

    /// Reads one entry, whose bytes `entry` covers in the chunk's, as `layout` says. Pure.
    ///
    /// # Errors
    /// When the entry is none of the layout's; what was written of it is taken back by the caller.
    fn parse(&self, entry: Span, layout: &Layout, out: &mut Writer<'_>) -> Result<(), ParseError>;
}

//! Chunks into batches: which layout a stream has, and what each entry says.
//!
//! The [`Resolver`] runs in the order of each stream, finds entries and layouts and fills in a chunk's tables; the
//! [`Parser`] is pure and runs on any thread.

mod config;
mod error;
mod format;
mod observation;
mod parser;
mod parts;
mod resolver;
mod stream;
mod syslog;
#[cfg(test)]
mod trial;
mod vpc_flow;
mod writer;

pub use config::{Config, Fields};
pub use error::{Error, ParseError};
pub use format::{Format, Step};
pub use parser::Parser;
pub use resolver::{Advice, Found, Resolver};
use stream::Named;
pub use stream::{How, StreamState};
pub use syslog::Timezone;
pub use writer::Writer;

use crate::telemetry::books::SourceBooks;

/// What this room knows of one configured source; they stand in the order of [`SourceId`](crate::event::SourceId).
#[derive(Debug)]
pub struct Input {
    /// How its records are read.
    pub format: Box<dyn Format>,
    /// Where its records and entries are counted.
    pub books: SourceBooks,
}

//! Bytes in and out of their wrappings: line framing, capped decompression, JSON around entries, and KPL aggregates.

mod envelope;
mod framing;
mod inflate;
pub mod kpl;

pub use envelope::{Found, OpenError, Opener, Text};
pub use framing::{Lines, Positions};
pub use inflate::{Compression, Inflate, InflateError};

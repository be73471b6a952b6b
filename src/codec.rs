//! Bytes in and out of their wrappings: line framing, capped decompression, and JSON around entries.

mod envelope;
mod framing;
mod inflate;

pub use envelope::{Found, OpenError, Opener, Text};
pub use framing::{Lines, Positions};
pub use inflate::{Compression, Inflate, InflateError};

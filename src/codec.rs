//! Bytes in and out of their wrappings: line framing, capped decompression, JSON around entries, structured data.

mod elements;
mod envelope;
mod framing;
mod inflate;

pub use elements::{Element, Elements, Parameters, Unescaped};
pub use envelope::{Found, OpenError, Opener, Text};
pub use framing::{Lines, Positions};
pub use inflate::{Compression, Inflate, InflateError};

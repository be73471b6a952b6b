//! Bytes in and out of their wrappings: line framing and capped decompression.

mod framing;
mod inflate;

pub use framing::{Lines, Positions};
pub use inflate::{Compression, Inflate, InflateError};

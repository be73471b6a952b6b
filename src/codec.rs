//! Bytes in and out of their wrappings: line framing and capped decompression.

mod framing;

pub use framing::{Lines, Positions};

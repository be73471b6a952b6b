//! Bytes in and out of their wrappings: line framing, capped decompression, JSON around entries, KPL aggregates, structured data,
//! and the observations that workers exchange.

mod elements;
mod envelope;
mod framing;
mod inflate;
pub mod kpl;
pub mod observation;

pub use elements::{Element, Elements, Parameters, Unescaped};
pub use envelope::{Found, OpenError, Opener, Text};
pub use framing::{Lines, Positions};
pub use inflate::{Compression, Inflate, InflateError};

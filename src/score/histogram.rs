//! Histograms of one feature's windows: one fixed HDR geometry, forms for an entity to keep and to change, increments for the pools,
//! and the bytes in which they are kept.

mod bits;
pub mod compact;
pub mod geometry;
pub mod increments;
pub mod packed;
pub mod wire;

pub use compact::Compact;
pub use increments::Increments;
pub use packed::Packed;
pub use wire::DecodeError;

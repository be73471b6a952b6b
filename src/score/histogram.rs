//! Histograms of one feature's windows: one fixed HDR geometry, a compact form for an entity, increments for the pools,
//! and the bytes in which they are kept.

pub mod compact;
pub mod geometry;
pub mod increments;
pub mod wire;

pub use compact::Compact;
pub use increments::Increments;
pub use wire::DecodeError;

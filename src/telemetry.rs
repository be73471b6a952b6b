//! What floodmark says about itself: metrics, logs, the one clock and the one source of randomness.

pub mod clock;
pub mod seed;

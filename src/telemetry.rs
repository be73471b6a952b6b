//! What floodmark says about itself: metrics, the books, crash points, the one clock and the one source of randomness.

pub mod books;
pub mod clock;
pub mod crash;
pub mod health;
pub mod metrics;
pub mod seed;
pub mod shares;

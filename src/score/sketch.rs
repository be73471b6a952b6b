//! Counting in bounded memory: distinct values, and records that come again.

pub mod cardinality;
pub mod distinct;
pub mod mixer;
pub mod repeats;

//! The allocation budget of the hot path.

fn main() {}

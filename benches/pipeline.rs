//! The benches of the data path.

fn main() {}

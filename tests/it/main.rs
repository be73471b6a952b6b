//! One binary for all integration tests, so that a build links once.

fn main() {}

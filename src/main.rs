//! The `floodmark` binary: hands the arguments to the commands and the exit code to the system.

fn main() {}

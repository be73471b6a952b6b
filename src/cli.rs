//! The commands: what each reads, runs and prints.

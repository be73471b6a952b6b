//! One binary for all integration tests, so that a build links once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails may panic")]

mod absence;
mod archive;
mod backtest;
mod bad_input;
mod baselines;
mod books;
mod buffer;
mod cases;
mod conformance;
#[cfg(feature = "crash-points")]
mod crash;
mod demo;
mod detectors;
mod determinism;
mod drain;
mod ecs;
mod elasticsearch;
mod exit_codes;
mod firehose;
mod fleet;
mod flows;
mod kafka;
mod kinesis;
mod learning;
#[cfg(feature = "kinesis")]
mod leases;
mod leaving;
mod memory;
mod ocsf;
mod passing;
mod poison;
mod policy;
mod process;
mod replay;
mod schemas;
mod search;
mod servers;
mod sessions;
mod skipped;
mod slow_disk;
mod snapshots;
mod standins;
mod syslog;
mod tidy;
#[cfg(feature = "crash-points")]
mod traces;
mod validate;

//! Synthetic VPC flow logs with labelled attacks, seeded, for tests, demos and tuning.

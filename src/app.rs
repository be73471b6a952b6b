//! Builds the pipeline from a config, supervises it, drains it.

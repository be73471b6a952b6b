//! Tests of taking.

//! Chunks into batches: which layout a stream has, and what each entry says.

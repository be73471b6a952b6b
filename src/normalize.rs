//! Batches into documents: the ECS writer, and the documents that quarantine and dead letter keep.

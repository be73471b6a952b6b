//! Objects of S3, or of what speaks as it does: whole files put, listed, got and deleted, under one prefix of one bucket.
//!
//! Four requests of the REST API over the HTTP client that is here already, signed as all others are. A file is put in one
//! request, which S3 takes up to 5 GiB: it is there whole or not at all, and there are no parts that a process could leave
//! behind. What arrives is checked by the other side against its SHA-256 before it counts.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>

mod bucket;
mod config;
mod content;
mod error;
mod listing;
mod request;

pub use bucket::Bucket;
pub use config::Config;
pub use error::S3Error;

/// The largest object that one request may put.
pub const OBJECT_BYTES_MAX: u64 = 5 << 30;

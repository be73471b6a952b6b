//! Why a body could not be read, and why the endpoint could not be opened.

use std::{io, net::SocketAddr};

use crate::{codec::InflateError, secret::SecretError, source::tls::TlsError};

/// Why a request's body can never be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It breaks off or contradicts its checksum.
    #[error("could not decompress the body: {0}")]
    Inflate(#[from] InflateError),
    /// It is larger than may be.
    #[error(
        "could not read the body: it has more than {bytes_max} bytes; give the stream smaller buffers, or raise \
         `body_bytes_max`"
    )]
    TooLarge {
        /// The most bytes that it may have, decompressed.
        bytes_max: u64,
    },
    /// It is no JSON.
    #[error("could not read the body: {expected} should stand at byte {offset}")]
    Syntax {
        /// Where it stops being JSON, in bytes from its start, decompressed.
        offset: u64,
        /// What should stand there.
        expected: &'static str,
    },
    /// It holds lists in lists without an end.
    #[error("could not read the body: it is nested too deep at byte {offset}")]
    Deep {
        /// Where, in bytes from its start, decompressed.
        offset: u64,
    },
    /// It holds no list of records.
    #[error("could not read the body: it has no `records`")]
    NoRecords,
    /// It has more records than Firehose ever sends.
    #[error("could not read the body: it has more than {records_max} records")]
    TooManyRecords {
        /// The most that it may have.
        records_max: usize,
    },
    /// The request has no id, or one that no answer can hold.
    #[error("could not read the request's id: it is missing, longer than 128 characters, or not plain text")]
    Id,
    /// The common attributes are not what Firehose sends, or too many.
    #[error(
        "could not read the header of common attributes: it should hold 50 texts at most, of {bytes_max} bytes together"
    )]
    Attributes {
        /// The most bytes of names and values.
        bytes_max: usize,
    },
    /// Header and body name two requests.
    #[error("could not tell which request it is: its header and its body have different ids")]
    TwoIds,
}

/// Why the endpoint could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The address cannot be listened on.
    #[error("could not listen on {address}: {cause}; see `listen`")]
    Listen {
        /// The address and port.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// An access key cannot be read.
    #[error("could not read one of `access_keys`: {0}")]
    Key(SecretError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

//! Why S3 did not do what it was asked for, and whether asking again may help.

/// What became of a request instead of what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// It has no answer.
    #[error("{url} does not answer: {cause}; see that it is up and may be reached from here")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// Why it does not.
        cause: String,
    },
    /// It says no.
    #[error("S3 answered {status} {code}{text}; the identity needs `{action}`")]
    Refused {
        /// Status of HTTP.
        status: u16,
        /// S3's word for what is wrong.
        code: String,
        /// S3's sentence, after a colon, if it has one.
        text: String,
        /// What must be allowed to whom we are.
        action: &'static str,
    },
    /// The bucket is in another region.
    #[error("the bucket is in {0}: set `aws.region`, or AWS_REGION")]
    Region(String),
    /// There is no such object, or no such bucket.
    #[error("there is no {0}")]
    Missing(String),
    /// There is nobody we could be.
    #[error("{0}")]
    Identity(String),
    /// More than one request may put, or more than is wanted.
    #[error("it has {bytes} bytes, and the most is {max}")]
    TooLarge {
        /// How many.
        bytes: u64,
        /// How many at most.
        max: u64,
    },
    /// An answer that makes no sense.
    #[error("S3 answered what is not an answer: {0}")]
    Answer(&'static str),
    /// The file here cannot be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

// === impl S3Error ===

impl S3Error {
    /// Whether the same request may be answered later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Answer(_) => true,
            Self::Refused { status, code, .. } => {
                *status >= 500 || [408, 429].contains(status) || code == "RequestTimeout"
            }
            _ => false,
        }
    }
}

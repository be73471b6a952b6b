//! What Kinesis refuses, sorted by what to do about it.

use std::{error::Error, fmt};

use aws_sdk_kinesis::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// What to do about it.
    pub(super) kind: Kind,
    /// What was said, and what helps.
    pub(super) text: String,
}

/// What to do about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ask less often.
    Throttled,
    /// The iterator is too old: ask for another.
    Expired,
    /// The stream, the shard or the consumer is not there.
    Gone,
    /// Somebody else has what we ask for, or we ourselves a moment ago.
    Busy,
    /// What we ask for makes no sense to the stream, such as a sequence number that is not of it.
    Foreign,
    /// We may not do it, whoever we are.
    Refused,
    /// It may go the next time.
    Passing,
}

// === impl Kind ===

impl Kind {
    /// By the name that AWS gives an error.
    fn of(code: &str) -> Self {
        match code.strip_suffix("Exception").unwrap_or(code) {
            "ProvisionedThroughputExceeded"
            | "KMSThrottling"
            | "LimitExceeded"
            | "Throttling"
            | "Throttled"
            | "ThrottledRequest"
            | "RequestThrottled"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "SlowDown" => Self::Throttled,
            "ExpiredIterator" => Self::Expired,
            "ResourceNotFound" => Self::Gone,
            "ResourceInUse" => Self::Busy,
            "InvalidArgument" => Self::Foreign,
            "AccessDenied"
            | "UnrecognizedClient"
            | "InvalidSignature"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "InvalidClientTokenId"
            | "ExpiredToken"
            | "OptInRequired"
            | "KMSAccessDenied"
            | "KMSDisabled"
            | "KMSInvalidState"
            | "KMSNotFound"
            | "KMSOptInRequired" => Self::Refused,
            _ => Self::Passing,
        }
    }

    /// What helps, where somebody has to do something.
    const fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Gone => Some("see `stream`, `aws.region` and `endpoint`"),
            Self::Refused => Some("see `aws`, and the actions that this identity is allowed"),
            _ => None,
        }
    }
}

// === impl Fault ===

impl Fault {
    /// One that is no answer of AWS's.
    pub(super) fn passing(text: impl Into<String>) -> Self {
        Self { kind: Kind::Passing, text: text.into() }
    }
}

impl<E, R> From<SdkError<E, R>> for Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
        let code = metadata.and_then(|metadata| metadata.code());
        let said = metadata.and_then(|metadata| metadata.message());
        let (kind, text) = match (code, &error) {
            (Some(code), _) => (Kind::of(code), format!("{code}: {}", said.unwrap_or("no reason given"))),
            (None, SdkError::TimeoutError(_)) => (Kind::Passing, "no answer in time".to_owned()),
            (None, error) => {
                let text = innermost(error);
                // Signing fails before anything is sent, and has no code.
                let kind = if text.contains("credential") { Kind::Refused } else { Kind::Passing };
                (kind, text)
            }
        };
        let text = match kind.remedy() {
            Some(remedy) => format!("{text}; {remedy}"),
            None => text,
        };
        Self { kind, text }
    }
}

/// The chain of causes in one line, without the debug text that the SDK writes behind it.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut at = Some(error);
    while let Some(cause) = at {
        let text = cause.to_string();
        if !text.is_empty() && causes.last() != Some(&text) {
            causes.push(text);
        }
        at = cause.source();
    }
    if causes.is_empty() { DisplayErrorContext(error).to_string() } else { causes.join(": ") }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_what_to_do_about_them_with_and_without_their_suffix() {
        let sorted = [
            ("ProvisionedThroughputExceededException", Kind::Throttled),
            ("LimitExceededException", Kind::Throttled),
            ("ExpiredIteratorException", Kind::Expired),
            ("ExpiredTokenException", Kind::Refused),
            ("AccessDenied", Kind::Refused),
            ("KMSThrottlingException", Kind::Throttled),
            ("KMSAccessDeniedException", Kind::Refused),
            ("ResourceInUseException", Kind::Busy),
            ("ResourceNotFoundException", Kind::Gone),
            ("InvalidArgumentException", Kind::Foreign),
            ("InternalFailureException", Kind::Passing),
            ("SomethingNew", Kind::Passing),
        ];
        for (code, kind) in sorted {
            assert_eq!(Kind::of(code), kind, "{code}");
        }
    }
}

//! What DynamoDB's answers mean for whoever asked, by the codes of its API.

use aws_sdk_dynamodb::{
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::update_item::UpdateItemError,
};

use super::row::{Attributes, RowError};

/// Why something was not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The condition does not hold: somebody else wrote. With the row as it stands, where the answer had it.
    #[error("another worker has written the lease")]
    Refused(Option<Box<Attributes>>),
    /// It was not done, and may be done later.
    #[error("DynamoDB is throttled: {0}")]
    Throttled(String),
    /// It was not done, and will not be until somebody changes something.
    #[error("{0}")]
    Denied(String),
    /// It may have been done, or not.
    #[error("no answer came: {0}")]
    Unanswered(String),
    /// The table is not there.
    #[error("the table is gone: {0}")]
    Gone(String),
    /// The table holds something else.
    #[error(
        "could not use the table {table:?}: its key is ({key}), that of a table of leases is (leaseKey), which is a text; name \
         another one in `checkpoint.dynamodb.table`"
    )]
    NoLeases {
        /// Its name.
        table: String,
        /// What its key is.
        key: String,
    },
    /// A row cannot be used.
    #[error(transparent)]
    Row(#[from] RowError),
}

const THROTTLED: [&str; 4] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
];

// === impl Fault ===

impl Fault {
    /// What an error of the client means.
    pub(super) fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let Some(answer) = error.as_service_error() else {
            let told = DisplayErrorContext(error).to_string();
            // Without credentials or with a bad address nothing was sent.
            return match error {
                SdkError::ConstructionFailure(_) => Self::Denied(told),
                _ => Self::Unanswered(told),
            };
        };
        let code = answer.code().unwrap_or("no code");
        let told = format!("{code}: {}", answer.message().unwrap_or("without a reason"));
        match code {
            "ConditionalCheckFailedException" => Self::Refused(None),
            "ResourceNotFoundException" => Self::Gone(told),
            "InternalServerError" | "ServiceUnavailable" | "no code" => Self::Unanswered(told),
            code if THROTTLED.contains(&code) => Self::Throttled(told),
            _ => Self::Denied(told),
        }
    }

    /// As [`Fault::of`], with the row that a refusal brings along.
    pub(super) fn of_update<R: std::fmt::Debug>(error: &SdkError<UpdateItemError, R>) -> Self {
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                Self::Refused(refusal.item().map(|row| Box::new(row.clone())))
            }
            _ => Self::of(error),
        }
    }

    /// Whether trying again can never help while nobody changes something outside.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Row(_) | Self::NoLeases { .. })
    }
}

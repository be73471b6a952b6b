//! What Kafka's errors mean to a person: which key of the config is wrong, and what helps.

use rdkafka::error::RDKafkaErrorCode as Code;

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody answers at `brokers`, or the connection breaks.
    Unreachable,
    /// The cluster does not take who we say we are.
    Authentication,
    /// We may not use the topic.
    TopicForbidden,
    /// We may not use the group.
    GroupForbidden,
    /// We may not use the transactional id, or write with idempotence.
    WriterForbidden,
    /// The topic is not there.
    NoTopic,
    /// One document is larger than the topic or the broker takes.
    TooLarge,
    /// The broker refuses what the document is, not how it came.
    Invalid,
    /// The broker knows no such compression or format.
    Unsupported,
    /// A clock is wrong, ours or the brokers'.
    Clock,
    /// Another process has taken our transactional id.
    Fenced,
    /// Anything else; trying again may help.
    Other,
}

// === impl Fault ===

impl Fault {
    /// What an error code is about.
    #[must_use]
    pub fn of(code: Code) -> Self {
        match code {
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::NetworkException
            | Code::BrokerNotAvailable
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::RequestTimedOut => Self::Unreachable,
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::SSL
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState => Self::Authentication,
            Code::TopicAuthorizationFailed => Self::TopicForbidden,
            Code::GroupAuthorizationFailed => Self::GroupForbidden,
            Code::ClusterAuthorizationFailed | Code::TransactionalIdAuthorizationFailed => {
                Self::WriterForbidden
            }
            Code::UnknownTopic
            | Code::UnknownTopicOrPartition
            | Code::UnknownPartition
            | Code::InvalidTopic => Self::NoTopic,
            Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
                Self::TooLarge
            }
            Code::InvalidMessage | Code::InvalidRecord => Self::Invalid,
            Code::UnsupportedCompressionType
            | Code::UnsupportedForMessageFormat
            | Code::UnsupportedVersion
            | Code::UnsupportedFeature => Self::Unsupported,
            Code::InvalidTimestamp => Self::Clock,
            Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Self::Fenced,
            _ => Self::Other,
        }
    }

    /// Whether it goes without anybody doing something on this side: the brokers are away, or not ready yet.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Unreachable | Self::Other)
    }

    /// What helps, with the key of the config that is to be looked at.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "see that `brokers` are up and may be reached from here, also under the names that they advertise"
            }
            Self::Authentication => {
                "correct `sasl` and `tls`; with `auth.msk_iam`, see that the region is the cluster's and that the identity may \
                 `kafka-cluster:Connect`"
            }
            Self::TopicForbidden => "let this user read or write the topic",
            Self::GroupForbidden => "let this user read the group",
            Self::WriterForbidden => "let this user write with idempotence, and use the transactional id",
            Self::NoTopic => "create the topic, or correct its name",
            Self::TooLarge => "raise `max.message.bytes` of the topic and `message.max.bytes` in `options`",
            Self::Invalid => "see what the topic demands, such as a key where it is compacted",
            Self::Unsupported => "set another `compression`, or newer brokers",
            Self::Clock => "set the clocks of this host and of the brokers",
            Self::Fenced => "give each process a `transactional` id of its own",
            Self::Other => "trying again may help",
        }
    }
}

/// An error code as a sentence, with what helps.
#[must_use]
pub fn explain(code: Code) -> String {
    format!("{code}; {}", Fault::of(code).remedy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_brokers_say_while_they_start_goes_by_itself_and_what_somebody_has_to_mend_does_not() {
        for code in [
            Code::BrokerTransportFailure,
            Code::RequestTimedOut,
            Code::CoordinatorNotAvailable,
            Code::CoordinatorLoadInProgress,
            Code::NotCoordinator,
        ] {
            assert!(Fault::of(code).is_passing(), "{code}");
        }
        for code in
            [Code::TopicAuthorizationFailed, Code::SaslAuthenticationFailed, Code::UnknownTopicOrPartition]
        {
            assert!(!Fault::of(code).is_passing(), "{code}");
        }
    }
}

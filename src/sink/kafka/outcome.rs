//! What the cluster's words mean for a document: the table above, in code.

use super::ledger::Report;
use crate::{
    kafka::{Fault, explain},
    sink::Outcome,
};

/// Whether the document itself may be to blame, or a neighbour in its batch: only alone can it be told.
pub fn may_be_its_own_fault(report: Report) -> bool {
    matches!(fault(report), Some(Fault::TooLarge | Fault::Invalid))
}

/// Whether any of these was not taken because of its topic.
pub fn about_the_topic(failed: &[(u32, Report)]) -> bool {
    failed.iter().any(|(_, report)| matches!(fault(*report), Some(Fault::NoTopic | Fault::TopicForbidden)))
}

/// To be tried again; `fatal` says why the producer can never write again, if so.
pub fn retry(report: Report, fatal: Option<&str>) -> Outcome {
    let reason = match (report, fatal) {
        (_, Some(fatal)) => fatal.to_owned(),
        (Report::Failed(code), None) => explain(code),
        (Report::Out | Report::Written, None) => {
            "the producer ended before it was told what became of it".to_owned()
        }
    };
    Outcome::Retry { after: None, reason }
}

/// What becomes of a document that was in a batch of its own.
pub fn alone(report: Report, fatal: Option<&str>) -> Outcome {
    match report {
        Report::Failed(code) if may_be_its_own_fault(report) => Outcome::Refused {
            status: u16::try_from(code as i32).ok().filter(|status| *status > 0),
            reason: explain(code),
        },
        _ => retry(report, fatal),
    }
}

/// What becomes of a document that could not be written in a transaction, whose batch was its own or was not.
pub fn in_transaction(report: Report, was_alone: bool) -> Outcome {
    if was_alone { alone(report, None) } else { retry(report, None) }
}

fn fault(report: Report) -> Option<Fault> {
    match report {
        Report::Failed(code) => Some(Fault::of(code)),
        Report::Out | Report::Written => None,
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode as Code;

    use super::*;

    #[test]
    fn only_what_a_document_can_be_blamed_for_is_refused_and_only_alone() {
        let own = [
            Code::MessageSizeTooLarge,
            Code::MessageBatchTooLarge,
            Code::InvalidMessageSize,
            Code::InvalidMessage,
            Code::InvalidRecord,
        ];
        for code in own {
            let report = Report::Failed(code);
            assert!(may_be_its_own_fault(report), "{code:?}");
            let Outcome::Refused { status, reason } = alone(report, None) else { panic!("{code:?}") };
            assert_eq!(status, Some(code as u16));
            assert!(reason.contains("; "), "with what helps: {reason}");
            assert!(matches!(retry(report, None), Outcome::Retry { .. }), "never from a batch");
        }
        for code in [
            Code::InvalidDifferentRecord,
            Code::UnknownTopic,
            Code::UnknownTopicOrPartition,
            Code::InvalidTopic,
            Code::TopicAuthorizationFailed,
            Code::ClusterAuthorizationFailed,
            Code::InvalidTimestamp,
            Code::UnsupportedCompressionType,
            Code::OutOfOrderSequenceNumber,
            Code::Fatal,
            Code::PurgeInflight,
            Code::KafkaStorageError,
            Code::Unknown,
        ] {
            assert!(!may_be_its_own_fault(Report::Failed(code)), "{code:?}");
            assert!(matches!(alone(Report::Failed(code), None), Outcome::Retry { .. }), "{code:?}");
        }
        assert!(matches!(alone(Report::Out, None), Outcome::Retry { .. }));
    }
}

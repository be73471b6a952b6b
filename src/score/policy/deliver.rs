//! How findings leave a step of scoring: in an order that neither seed nor threads decide, each as the policy has it.

use super::{Policy, budget::Budget};
use crate::{
    event::{Batch, Finding},
    score::entities::finding::Notice,
};

/// Puts `notices` into `batch`, in their order, but for those of detectors that are off.
pub(in crate::score) fn deliver(
    notices: &mut Vec<Notice>,
    policy: &Policy,
    budget: &mut Budget,
    batch: &mut Batch,
) {
    notices.sort_by(|one, other| {
        let key =
            |notice: &Notice| (notice.order, notice.finding.window_start, notice.finding.window_seconds);
        let (a, b) = (&one.finding, &other.finding);
        let name = |finding: &Finding| (finding.detector, finding.revision);
        (key(one).cmp(&key(other)))
            .then_with(|| a.entity.scope().cmp(b.entity.scope()))
            .then_with(|| a.entity.kind.name().cmp(b.entity.kind.name()))
            .then_with(|| a.entity.name().cmp(b.entity.name()))
            .then_with(|| name(a).cmp(&name(b)))
    });
    batch.findings.extend(notices.drain(..).filter_map(|Notice { finding, .. }| {
        let (disposition, suppression) = policy.judge(&finding, budget)?;
        Some(Finding { disposition, suppression, ..finding })
    }));
}

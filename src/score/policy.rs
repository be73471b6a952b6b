//! The policy: what becomes of findings. What a detector on trial has found is written down, what somebody has taken
//! responsibility for is suppressed, and of the rest so many incidents a day are alerts as there are people to look at them.
//! Whatever it is that keeps a finding from being an alert, it is told all the same, and says so.

pub(super) mod budget;
pub(super) mod deliver;
mod suppression;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::detect::{self, modes::Modes};
use crate::event::{Disposition, Finding, Mode, Suppression};

use self::budget::Budget;
pub use self::suppression::{SuppressionEntry, Suppressions, SuppressionsError};

/// See the top of the file. A new one takes effect between two batches.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// What becomes of what each detector finds.
    pub modes: Modes,
    /// Incidents a day that are alerts; 0 is no limit.
    pub budget: u32,
    /// What nobody is to look at, and who says so.
    pub suppressions: Arc<Suppressions>,
}

// === impl Policy ===

impl Policy {
    /// What `finding` is to whoever reads it, and who has taken responsibility where it is suppressed; none where its detector is
    /// off.
    fn judge(
        &self,
        finding: &Finding,
        budget: &mut Budget,
    ) -> Option<(Disposition, Option<Arc<Suppression>>)> {
        match self.modes.of(finding.detector) {
            Mode::Off => return None,
            Mode::Observe => return Some((Disposition::Observed, None)),
            Mode::Alert => {}
        }
        if !detect::is_of_canary(finding)
            && let Some(suppression) = self.suppressions.of(finding)
        {
            return Some((Disposition::Suppressed, Some(suppression)));
        }
        Some((budget.weigh(finding, self.budget), None))
    }
}

//! What scoring counts.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::telemetry::{
    metrics::{Counter, Metrics, Ratio},
    shares::GaugeShare,
};

use super::{
    gate::{Gate, Tally},
    kept::absence::Absences,
    whose::attribution::Attribution,
};

/// The counters and gauges of the room, which show the sum where several scorers are.
#[derive(Debug)]
pub(super) struct Books {
    events_blind: Counter,
    events_unattributed: Counter,
    events_late: Counter,
    events_early: Counter,
    events_repeated: Counter,
    events_unremembered: Counter,
    repeats_held: GaugeShare,
    repeats_false: Ratio,
    folds_forced: Counter,
    entities_divided: Counter,
    entities_moved: Counter,
    entities_refused: Counter,
    pub(super) absences: Absences,
    entities: GaugeShare,
    interfaces: GaugeShare,
    pub(super) windows_learned: Counter,
    pub(super) windows_held_out: Counter,
    pub(super) windows_capped: Counter,
    pub(super) findings: Counter,
    entities_max: u32,
    warned: AtomicBool,
    warned_of_division: AtomicBool,
    metrics: Metrics,
}

// === impl Books ===

impl Books {
    /// The books of a scorer of at most `entities_max` entities.
    pub(super) fn new(metrics: &Metrics, entities_max: u32) -> Self {
        let counter = |name, help| metrics.counter(name, help, Vec::new());
        let gauge = |name, help| GaugeShare::new(metrics.gauge(name, help, Vec::new()));
        Self {
            events_blind: counter(
                "floodmark_score_events_blind",
                "Records without addresses: the log saw nothing, or lost something.",
            ),
            events_unattributed: counter(
                "floodmark_score_events_unattributed",
                "Flows that belong to no entity: no internal side, or more entities than may be.",
            ),
            events_late: counter("floodmark_score_events_late", "Flows scored but too late to be learned."),
            events_early: counter(
                "floodmark_score_events_early",
                "Flows that end more than a day ahead of the clock: scored by themselves, not learned.",
            ),
            events_repeated: counter(
                "floodmark_score_events_repeated",
                "Flows that came before in their window, at another position: scored, not counted again.",
            ),
            events_unremembered: counter(
                "floodmark_score_events_unremembered",
                "Flows that score.dedup_bytes had no room to remember: they count again if they come again.",
            ),
            repeats_held: gauge(
                "floodmark_score_repeats_held",
                "Flows of open windows remembered, so that they count once.",
            ),
            repeats_false: metrics.ratio(
                "floodmark_score_repeats_false_ratio",
                "How often, as full as it is, a new flow would be taken for one that came before.",
            ),
            folds_forced: counter(
                "floodmark_score_folds_forced",
                "Windows folded without waiting, because too many were open.",
            ),
            entities_divided: counter(
                "floodmark_score_entities_divided",
                "Entities seen on two partitions while other processes hold some: each of them sees a part.",
            ),
            entities_moved: counter(
                "floodmark_score_entities_moved",
                "Entities that begin without a past here, because their partition was another process's before.",
            ),
            entities_refused: counter(
                "floodmark_score_entities_refused",
                "Entities without a baseline, because there are as many as may be.",
            ),
            absences: Absences::new(metrics),
            entities: gauge("floodmark_score_entities", "Entities that have a baseline."),
            interfaces: gauge("floodmark_score_interfaces", "Network interfaces known."),
            windows_learned: counter("floodmark_score_windows_learned", "Windows of entities learned."),
            windows_held_out: counter(
                "floodmark_score_windows_held_out",
                "Windows of entities held out of learning because they look unusual.",
            ),
            windows_capped: counter(
                "floodmark_score_windows_capped",
                "Windows of entities not learned because their day had taught as much as one may.",
            ),
            findings: counter("floodmark_score_findings", "Documents of findings raised."),
            entities_max,
            warned: AtomicBool::new(false),
            warned_of_division: AtomicBool::new(false),
            metrics: metrics.clone(),
        }
    }

    /// Notes whom nobody could be told of, where others score.
    pub(super) fn note_keyed(&self, tally: &Tally, attribution: &mut Attribution) {
        self.events_blind.inc_by(tally.blind);
        self.events_unattributed.inc_by(tally.unattributed);
        self.entities_refused.inc_by(std::mem::take(&mut attribution.refused));
    }

    /// Notes what the gate came to.
    pub(super) fn note(&self, tally: &Tally, gate: &mut Gate) {
        let (held, false_rate) = gate.dedup.held();
        let attribution = &mut gate.attribution;
        self.events_repeated.inc_by(tally.repeated);
        self.events_unremembered.inc_by(tally.unremembered);
        self.repeats_held.set(held);
        self.repeats_false.set(false_rate);
        self.events_blind.inc_by(tally.blind);
        self.events_unattributed.inc_by(tally.unattributed);
        self.events_late.inc_by(tally.late);
        self.events_early.inc_by(tally.early);
        self.folds_forced.inc_by(tally.forced);
        self.entities_moved.inc_by(tally.moved);
        self.absences.left.inc_by(tally.left);
        self.entities_divided.inc_by(tally.divided);
        if tally.divided > 0 && !self.warned_of_division.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "hosts come on several partitions while other processes hold some of them, so that each scores a part of \
                 their traffic; key the topic or stream by network interface, account or flow log"
            );
        }
        self.entities.set(attribution.registry.len() as u64);
        attribution.interfaces.strangers.tell(&self.metrics, gate.folded);
        self.interfaces.set(attribution.interfaces.len() as u64);
        let refused = std::mem::take(&mut attribution.refused);
        self.entities_refused.inc_by(refused);
        if refused > 0 && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                entities_max = self.entities_max,
                "there are as many entities as score.entities_max allows; further ones are not scored"
            );
        }
    }
}

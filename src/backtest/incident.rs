//! Incidents: the alerts of one entity's episode together, and what is labelled of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use super::{Found, Label};

/// An episode of one entity over all detectors, of which there is an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its hash.
    pub id: String,
    /// Whose it is: kind, name and scope.
    pub entity: [String; 3],
    /// From 0 to 100: its weightiest alert's.
    pub points: u8,
    /// When its first and its last alert were raised, in seconds since 1970 of event time.
    pub start: u64,
    /// See [`Incident::start`].
    pub end: u64,
    /// Detectors that have an alert in it.
    pub detectors: BTreeSet<String>,
    /// What its weightiest alert says.
    pub reason: String,
    /// The labels that its alerts tell of, by their places, and when the first of those was raised.
    pub tells: BTreeMap<usize, u64>,
    /// Labels of which it names only the other side, as a gateway on the way does.
    pub touches: BTreeSet<usize>,
}

/// Labels, found by whom they name.
struct Index<'a> {
    labels: &'a [Label],
    by_name: HashMap<&'a str, Vec<usize>>,
    by_peer: HashMap<&'a str, Vec<usize>>,
}

/// The incidents of `alerts` that were raised from `from` on, the weightiest first; and which of `labels` they tell of.
#[must_use]
pub fn incidents(alerts: &[Found], labels: &[Label], from: u64) -> Vec<Incident> {
    let index = Index::new(labels);
    let mut all: BTreeMap<&str, Incident> = BTreeMap::new();
    for alert in alerts.iter().filter(|alert| alert.at >= from) {
        let incident = all.entry(&alert.incident).or_insert_with(|| Incident::begun(alert));
        incident.add(alert);
        for label in index.told_by(alert) {
            let at = incident.tells.entry(label).or_insert(alert.at);
            *at = (*at).min(alert.at);
        }
        incident.touches.extend(index.touched_by(alert));
    }
    for incident in all.values_mut() {
        let Incident { tells, touches, .. } = incident;
        touches.retain(|label| !tells.contains_key(label));
    }
    let mut all: Vec<Incident> = all.into_values().collect();
    // Among equals the order does not matter, but it is to be the same each time.
    all.sort_by(|one, other| {
        let key = |incident: &Incident| (Reverse(incident.points), incident.start);
        key(one).cmp(&key(other)).then_with(|| one.id.cmp(&other.id))
    });
    all
}

// === impl Incident ===

impl Incident {
    fn begun(alert: &Found) -> Self {
        Self {
            id: alert.incident.clone(),
            entity: alert.entity.clone(),
            points: 0,
            start: alert.at,
            end: alert.at,
            detectors: BTreeSet::new(),
            reason: String::new(),
            tells: BTreeMap::new(),
            touches: BTreeSet::new(),
        }
    }

    fn add(&mut self, alert: &Found) {
        if alert.points > self.points || self.reason.is_empty() {
            self.reason.clone_from(&alert.reason);
        }
        self.points = self.points.max(alert.points);
        self.start = self.start.min(alert.at);
        self.end = self.end.max(alert.at);
        self.detectors.insert(alert.detector.clone());
    }

    /// Whether it tells of an attack, or names the other side of one.
    #[must_use]
    pub fn is_true(&self, labels: &[Label]) -> bool {
        self.about().any(|label| labels[label].attack)
    }

    /// The labels that it has to do with, by their places.
    pub(super) fn about(&self) -> impl Iterator<Item = usize> {
        self.tells.keys().chain(&self.touches).copied()
    }
}

// === impl Index ===

impl<'a> Index<'a> {
    fn new(labels: &'a [Label]) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_peer: HashMap<&str, Vec<usize>> = HashMap::new();
        for (nth, label) in labels.iter().enumerate() {
            let Label { service, interface, instance, .. } = label;
            for name in [Some(&label.address), service.as_ref(), interface.as_ref(), instance.as_ref()]
                .into_iter()
                .flatten()
            {
                by_name.entry(name).or_default().push(nth);
            }
            if let Some(peer) = &label.peer {
                by_peer.entry(peer).or_default().push(nth);
            }
        }
        Self { labels, by_name, by_peer }
    }

    /// The labels that `alert` tells of.
    fn told_by(&self, alert: &Found) -> BTreeSet<usize> {
        let own = [Some(&alert.entity[1]), alert.interface.as_ref(), alert.instance.as_ref()];
        let names = own.into_iter().flatten().chain(&alert.addresses);
        let named = names.filter_map(|name| self.by_name.get(name.as_str())).flatten().copied();
        named.filter(|nth| is_there(alert, &self.labels[*nth])).collect()
    }

    /// The labels whose other side `alert` names.
    fn touched_by(&self, alert: &Found) -> impl Iterator<Item = usize> {
        let named =
            alert.addresses.iter().filter_map(|name| self.by_peer.get(name.as_str())).flatten().copied();
        named.filter(|nth| is_there(alert, &self.labels[*nth]))
    }
}

/// Whether the alert's window overlaps the time of `label`, and lies in its account and VPC as far as both are known.
fn is_there(alert: &Found, label: &Label) -> bool {
    let same = |one: &Option<String>, other: &Option<String>| match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let overlaps = alert.start <= label.end && label.start < alert.end;
    overlaps && same(&alert.account, &label.account) && same(&alert.vpc, &label.vpc)
}

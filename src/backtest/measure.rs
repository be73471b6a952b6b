//! What incidents come to: how many a day, and, where there are labels, how many attacks are found at which budget.

use std::collections::{BTreeMap, HashMap};

use super::{Incident, Label};

/// The event time that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first second, since 1970.
    pub start: u64,
    /// The one after its last.
    pub end: u64,
}

/// What a backtest has measured.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Measures {
    /// Days of flow logs that were looked at: seconds divided by 86,400.
    pub days: f64,
    /// Incidents, each with at least one alert.
    pub incidents: usize,
    /// The same a day.
    pub incidents_a_day: f64,
    /// Incidents a day that each detector has an alert in.
    pub by_detector: BTreeMap<String, f64>,
    /// What labels say; none where there are none.
    pub labelled: Option<Labelled>,
}

/// What is known where there are labels.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Labelled {
    /// Attacks to be found: those that are not over when the span begins, have begun when it ends, and are not there to be learned.
    pub attacks: usize,
    /// False incidents a day, over all.
    pub false_a_day: f64,
    /// True incidents that name only the other side of an attack, and so find none.
    pub of_other_side: usize,
    /// With at most 1, 5, 10 and 100 false incidents a day, and with all that there are.
    pub at: Vec<At>,
    /// Share of true ones among incidents of 80 points and more; none where there are none.
    pub precision_of_high: Option<f64>,
    /// The same among the weightiest 10 incidents of each day, and the weightiest 50.
    pub precision_at_10: Option<f64>,
    /// See [`Labelled::precision_at_10`].
    pub precision_at_50: Option<f64>,
    /// From the first second of an attack to the event time of the alert that found it, in seconds: the median, and what nine in
    /// ten do not exceed; none where none was found.
    pub seconds_to_detect: Option<[u64; 2]>,
    /// By kind of attack: how many there were, and how many were found.
    pub by_kind: BTreeMap<String, [usize; 2]>,
    /// By detector: the false incidents that it has an alert in.
    pub false_by_detector: BTreeMap<String, usize>,
    /// By kind of what is labelled as no attack: the false incidents that tell of it.
    pub false_by_duty: BTreeMap<String, usize>,
}

/// How many attacks are found at a budget.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct At {
    /// False incidents a day that are borne; none where all are.
    pub false_a_day_max: Option<u32>,
    /// From which weight on incidents count.
    pub points: u8,
    /// False incidents a day that there are.
    pub false_a_day: f64,
    /// Share of the attacks that are found; none where there are none.
    pub recall: Option<f64>,
}

/// What is asked about incidents whose labels are known.
struct Ruling<'a> {
    incidents: &'a [Incident],
    labels: &'a [Label],
    /// The attacks to be found, and of each that is found the weight of its weightiest incident and when it was found.
    attacks: Vec<usize>,
    found: HashMap<usize, (u8, u64)>,
    days: f64,
}

const DAY: u64 = 86_400;
/// From which weight on an incident is of high severity.
const HIGH: u8 = 80;
const BUDGETS: [Option<u32>; 5] = [Some(1), Some(5), Some(10), Some(100), None];

/// What `incidents` of the `span` come to; `labels` are those that they tell of, where there are any.
#[must_use]
pub fn measure(incidents: &[Incident], labels: Option<&[Label]>, span: Span) -> Measures {
    let days = span.end.saturating_sub(span.start).max(1) as f64 / DAY as f64;
    let mut by_detector: BTreeMap<String, f64> = BTreeMap::new();
    for detector in incidents.iter().flat_map(|incident| &incident.detectors) {
        *by_detector.entry(detector.clone()).or_default() += 1.0;
    }
    by_detector.values_mut().for_each(|count| *count /= days);
    Measures {
        days,
        incidents: incidents.len(),
        incidents_a_day: incidents.len() as f64 / days,
        by_detector,
        labelled: labels.map(|labels| Ruling::new(incidents, labels, span, days).labelled()),
    }
}

// === impl Ruling ===

impl<'a> Ruling<'a> {
    fn new(incidents: &'a [Incident], labels: &'a [Label], span: Span, days: f64) -> Self {
        let is_to_find = |label: &Label| {
            label.attack && !label.poison && label.end >= span.start && label.start < span.end
        };
        let attacks = (0..labels.len()).filter(|nth| is_to_find(&labels[*nth])).collect();
        let mut found: HashMap<usize, (u8, u64)> = HashMap::new();
        for incident in incidents {
            for (label, at) in &incident.tells {
                let (points, first) = found.entry(*label).or_insert((0, *at));
                *points = (*points).max(incident.points);
                *first = (*first).min(*at);
            }
        }
        Self { incidents, labels, attacks, found, days }
    }

    fn labelled(&self) -> Labelled {
        let of_high = self.incidents.iter().filter(|incident| incident.points >= HIGH);
        let mut by_kind: BTreeMap<String, [usize; 2]> = BTreeMap::new();
        for nth in &self.attacks {
            let [all, found] = by_kind.entry(self.labels[*nth].kind.clone()).or_default();
            *all += 1;
            *found += usize::from(self.found.contains_key(nth));
        }
        let (mut false_by_detector, mut false_by_duty) = (BTreeMap::new(), BTreeMap::new());
        for incident in self.false_ones() {
            for detector in &incident.detectors {
                *false_by_detector.entry(detector.clone()).or_default() += 1;
            }
            let mut duties: Vec<&String> = incident.about().map(|label| &self.labels[label].kind).collect();
            duties.sort_unstable();
            duties.dedup();
            for duty in duties {
                *false_by_duty.entry(duty.clone()).or_default() += 1;
            }
        }
        Labelled {
            attacks: self.attacks.len(),
            false_a_day: self.false_from(0) as f64 / self.days,
            of_other_side: self
                .incidents
                .iter()
                .filter(|one| one.is_true(self.labels) && !self.finds(one))
                .count(),
            at: BUDGETS.map(|most| self.at(most)).to_vec(),
            precision_of_high: self.precision(of_high),
            precision_at_10: self.precision_at(10),
            precision_at_50: self.precision_at(50),
            seconds_to_detect: self.seconds_to_detect(),
            by_kind,
            false_by_detector,
            false_by_duty,
        }
    }

    /// Whether `incident` tells of an attack itself.
    fn finds(&self, incident: &Incident) -> bool {
        incident.tells.keys().any(|label| self.labels[*label].attack)
    }

    fn false_ones(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().filter(|incident| !incident.is_true(self.labels))
    }

    fn false_from(&self, least: u8) -> usize {
        self.false_ones().filter(|incident| incident.points >= least).count()
    }

    /// At the least weight from which on there are no more false incidents than `most` a day.
    fn at(&self, most: Option<u32>) -> At {
        let fits = |least: &u8| {
            most.is_none_or(|most| self.false_from(*least) as f64 <= f64::from(most) * self.days)
        };
        // Nothing weighs 101.
        let points = (0..=100).find(fits).unwrap_or(101);
        let found = |nth: &&usize| self.found.get(nth).is_some_and(|(weight, _)| *weight >= points);
        let found = self.attacks.iter().filter(found).count();
        let recall = (!self.attacks.is_empty()).then(|| found as f64 / self.attacks.len() as f64);
        At { false_a_day_max: most, points, false_a_day: self.false_from(points) as f64 / self.days, recall }
    }

    fn seconds_to_detect(&self) -> Option<[u64; 2]> {
        let after = |nth: &usize| Some(self.found.get(nth)?.1.saturating_sub(self.labels[*nth].start));
        let mut seconds: Vec<u64> = self.attacks.iter().filter_map(after).collect();
        seconds.sort_unstable();
        let reached_by =
            |tenths: usize| seconds.get((seconds.len() * tenths).div_ceil(10).saturating_sub(1)).copied();
        Some([reached_by(5)?, reached_by(9)?])
    }

    /// Share of true ones among some incidents.
    fn precision<'b>(&self, incidents: impl Iterator<Item = &'b Incident>) -> Option<f64> {
        let (mut all, mut good) = (0_usize, 0_usize);
        for incident in incidents {
            all += 1;
            good += usize::from(incident.is_true(self.labels));
        }
        (all > 0).then(|| good as f64 / all as f64)
    }

    /// The same among the weightiest `most` that began on each day. The weightiest come first.
    fn precision_at(&self, most: usize) -> Option<f64> {
        let mut taken: HashMap<u64, usize> = HashMap::new();
        let is_among = |incident: &&Incident| {
            let of_day = taken.entry(incident.start / DAY).or_default();
            *of_day += 1;
            *of_day <= most
        };
        let chosen: Vec<&Incident> = self.incidents.iter().filter(is_among).collect();
        self.precision(chosen.into_iter())
    }
}

#[cfg(test)]
mod tests;

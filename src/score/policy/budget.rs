//! The budget: how many incidents a day are alerts, of all that the process scores. What is over it is told all the same, and marked.
//!
//! Two things make an incident an alert. The first of a day are, as many as the budget says, whatever they weigh, so that a quiet
//! estate hears of everything. Beyond them is whatever weighs so much that in the last fourteen days no more than that
//! many a day did: a busy day does not silence what would stand out on any other. So a day may have more alerts than the
//! budget says, but as a rule not twice as many. An incident weighs as much as its weightiest finding; once it is an alert, all
//! that comes of it is. What is pressing is an alert in any case, and does not count.
//!
//! Days are those of the findings' own time, in UTC. Which incidents are the first of a day depends on the order in which
//! they are seen.

use std::collections::BTreeMap;

use crate::{
    event::{Disposition, EventId, Finding},
    score::{
        StateError, detect,
        kept::wire::{VERSION, put_uint, put_wide, take_count, take_end, take_uint, take_version, take_wide},
    },
};

/// See the top of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::score) struct Budget {
    /// Those that anything was told of within two days.
    incidents: BTreeMap<EventId, Incident>,
    /// Ascending; of those that were seen the last.
    days: Vec<Day>,
    /// Whether the state lacks anything of it.
    is_changed: bool,
}

/// What an incident has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Incident {
    /// Days since 1970, as of its last finding.
    day: u32,
    /// Of its weightiest finding, 0 to 100.
    points: u8,
    is_alert: bool,
}

/// The incidents of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Day {
    /// Since 1970.
    day: u32,
    /// Of those that count.
    alerts: u32,
    /// By points.
    incidents: [u32; POINTS],
}

/// First byte of the key of the budget's entry in the state.
pub(in crate::score) const BUDGET: u8 = b'b';

const DAY_SECONDS: u64 = 86_400;
/// Days that say how much an incident must weigh.
const DAYS: usize = 14;
/// From 0 to 100.
const POINTS: usize = 101;
/// So many incidents are remembered, in 40 bytes each; beyond them one that is no alert may count twice.
const INCIDENTS_MAX: usize = 4_096;

// === impl Budget ===

impl Budget {
    /// Whether `finding`, which nothing else keeps from being an alert, is one, at `per_day` incidents a day; 0 is no limit.
    pub(super) fn weigh(&mut self, finding: &Finding, per_day: u32) -> Disposition {
        let is_pressing = detect::is_pressing(finding);
        if per_day == 0 {
            return Disposition::Alert;
        }
        let day = (finding.at / DAY_SECONDS) as u32;
        let before = self.incidents.get(&finding.incident).copied();
        let points = before.map_or(0, |before| before.points).max(finding.evidence.points().min(100));
        let least = self.least(per_day, day);
        let today = self.day(day);
        // An incident of several days counts on each of them with what it weighs by then.
        if let Some(before) = before.filter(|before| before.day == day) {
            let counted = &mut today.incidents[usize::from(before.points)];
            *counted = counted.saturating_sub(1);
        }
        today.incidents[usize::from(points)] += 1;
        let was_alert = before.is_some_and(|before| before.is_alert);
        let has_room = today.alerts < per_day || least.is_some_and(|least| points >= least);
        let is_alert = was_alert || is_pressing || has_room;
        if is_alert && !was_alert && !is_pressing {
            today.alerts += 1;
        }
        let day = before.map_or(day, |before| before.day.max(day));
        self.remember(finding.incident, Incident { day, points, is_alert });
        self.is_changed = true;
        if is_alert { Disposition::Alert } else { Disposition::OverBudget }
    }

    /// The least points that no more than `per_day` incidents a day had in the days before `day`; none where there were none.
    fn least(&self, per_day: u32, day: u32) -> Option<u8> {
        let first = day.saturating_sub(DAYS as u32);
        let days = self.days.iter().filter(|other| (first..day).contains(&other.day));
        let days: Vec<&Day> = days.collect();
        let allowed = u64::from(per_day) * days.len() as u64;
        let mut sum = 0_u64;
        let fits = |points: &usize| {
            sum += days.iter().map(|day| u64::from(day.incidents[*points])).sum::<u64>();
            sum <= allowed
        };
        let least = (0..POINTS).rev().take_while(fits).last();
        least.filter(|_| !days.is_empty()).map(|points| points as u8)
    }

    /// The day `day`; what comes so late that it is not kept any more has a day of its own, for as long as it lasts.
    fn day(&mut self, day: u32) -> &mut Day {
        let place = self.days.partition_point(|other| other.day < day);
        if self.days.get(place).is_none_or(|other| other.day != day) {
            self.days.insert(place, Day { day, alerts: 0, incidents: [0; POINTS] });
        }
        let over = self.days.len().saturating_sub(DAYS + 2).min(place);
        self.days.drain(..over);
        &mut self.days[place - over]
    }

    fn remember(&mut self, id: EventId, incident: Incident) {
        self.incidents.insert(id, incident);
        let newest = self.days.last().map_or(incident.day, |day| day.day);
        if self.incidents.len() > INCIDENTS_MAX {
            self.incidents.retain(|_, other| other.day + 1 >= newest);
        }
        if self.incidents.len() > INCIDENTS_MAX {
            self.incidents.retain(|_, other| other.is_alert);
        }
        while self.incidents.len() > INCIDENTS_MAX {
            self.incidents.pop_first();
        }
    }

    /// Its entry, where it has changed since this was called last.
    pub(in crate::score) fn capture(&mut self) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        let mut out = vec![VERSION];
        put_uint(self.days.len() as u64, &mut out);
        for day in &self.days {
            put_uint(day.day.into(), &mut out);
            put_uint(day.alerts.into(), &mut out);
            day.incidents.iter().for_each(|count| put_uint((*count).into(), &mut out));
        }
        put_uint(self.incidents.len() as u64, &mut out);
        for (id, incident) in &self.incidents {
            put_wide(u128::from_be_bytes(id.0), &mut out);
            put_uint(incident.day.into(), &mut out);
            out.push(incident.points << 1 | u8::from(incident.is_alert));
        }
        Some((vec![BUDGET], Some(out)))
    }

    /// What `entry` holds, which [`Budget::capture`] gave.
    ///
    /// # Errors
    ///
    /// When it is not that.
    pub(in crate::score) fn restore(mut entry: &[u8]) -> Result<Self, StateError> {
        let bytes = &mut entry;
        let narrow = |number: u64| u32::try_from(number).map_err(|_| StateError::Torn);
        take_version(bytes)?;
        let mut budget = Self::default();
        for _ in 0..take_count(bytes)? {
            let (day, alerts) = (narrow(take_uint(bytes)?)?, narrow(take_uint(bytes)?)?);
            let mut incidents = [0; POINTS];
            for count in &mut incidents {
                *count = narrow(take_uint(bytes)?)?;
            }
            budget.days.push(Day { day, alerts, incidents });
        }
        if !budget.days.is_sorted_by(|one, other| one.day < other.day) {
            return Err(StateError::Torn);
        }
        for _ in 0..take_count(bytes)? {
            let id = EventId(take_wide(bytes)?.to_be_bytes());
            let day = narrow(take_uint(bytes)?)?;
            let (mark, rest) = bytes.split_first().ok_or(StateError::Torn)?;
            *bytes = rest;
            if usize::from(mark >> 1) >= POINTS {
                return Err(StateError::Torn);
            }
            budget.incidents.insert(id, Incident { day, points: mark >> 1, is_alert: mark & 1 == 1 });
        }
        take_end(bytes)?;
        Ok(budget)
    }
}

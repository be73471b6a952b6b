//! Two configs over the same flow logs: which incidents one has and the other has not.

use std::collections::HashMap;

use super::Incident;

/// What changes from one config to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison<'a> {
    /// Incidents of the new one, during which the old one has none of the entity.
    pub gained: Vec<&'a Incident>,
    /// Incidents of the old one, during which the new one has none of the entity.
    pub lost: Vec<&'a Incident>,
}

// === impl Comparison ===

impl<'a> Comparison<'a> {
    /// Of `old` and `new`, each the weightiest first.
    #[must_use]
    pub fn new(old: &'a [Incident], new: &'a [Incident]) -> Self {
        Self { gained: only_in(new, old), lost: only_in(old, new) }
    }
}

/// Those of `ours` during which `theirs` have none of the same entity. Their starts may differ where a detector is off that was the first to
/// see something.
fn only_in<'a>(ours: &'a [Incident], theirs: &[Incident]) -> Vec<&'a Incident> {
    let mut by_entity: HashMap<&[String; 3], Vec<&Incident>> = HashMap::new();
    for incident in theirs {
        by_entity.entry(&incident.entity).or_default().push(incident);
    }
    let is_alone = |incident: &&Incident| {
        let others = by_entity.get(&incident.entity).into_iter().flatten();
        !others.into_iter().any(|other| other.start <= incident.end && incident.start <= other.end)
    };
    ours.iter().filter(is_alone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(name: &str, start: u64, end: u64) -> Incident {
        Incident {
            id: format!("{name}{start}"),
            entity: ["address", name, ""].map(str::to_owned),
            points: 80,
            start,
            end,
            detectors: Default::default(),
            reason: String::new(),
            tells: Default::default(),
            touches: Default::default(),
        }
    }

    #[test]
    fn what_only_one_of_two_has_is_gained_or_lost_and_a_later_start_is_neither() {
        let old = [incident("a", 0, 100), incident("b", 0, 50), incident("c", 0, 10)];
        let new = [incident("a", 60, 100), incident("b", 900, 950), incident("d", 0, 10)];
        let Comparison { gained, lost } = Comparison::new(&old, &new);
        let ids = |all: Vec<&Incident>| all.iter().map(|incident| incident.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(gained), ["b900", "d0"]);
        assert_eq!(ids(lost), ["b0", "c0"]);
        assert_eq!(Comparison::new(&old, &old), Comparison::default());
    }
}

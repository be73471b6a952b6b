//! A candidate: whom a record may be about, and on what that depends.

use smallvec::SmallVec;

use super::super::{
    address::{Address, End},
    identity::{ADDRESS, KINDS},
    keys::{Key, Keys},
    own::{Ends, Own, Shared, Side},
};

/// Whom records of an interface may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The hash of everything below under the state's seed.
    pub(super) key: Key,
    /// Its interface, by its place in the table.
    pub(super) interface: Option<u32>,
    pub(super) when: When,
    pub(super) whom: Whom,
    /// Account, region and VPC, as far as the records say them.
    pub(super) scope: Box<str>,
    /// What the asset on its side is there for; empty where nobody says.
    pub(super) role: Box<str>,
}

/// On what it depends whether records are about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// On nothing.
    Always,
    /// This address must be the one that stands in all records of the interface.
    Is(Address),
    /// It must not be this one.
    Unless(Address),
    /// No one address must stand in all of them.
    NotOne,
}

/// Whom a candidate stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whom {
    /// The thing of this kind and name.
    Named(&'static str, Box<str>),
    /// The address.
    Address(End),
    /// The interface itself.
    Interface,
}

/// A side of a record that may be the interface's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) own: Own,
    pub(super) when: When,
    /// The interface as a whole is meant, not what stands on the side.
    pub(super) whole: bool,
}

// === impl When ===

impl When {
    /// Whether it holds for an interface whose records have `shared` in common.
    pub(super) fn holds(self, shared: Shared) -> bool {
        match self {
            Self::Always => true,
            Self::Is(address) => shared == Shared::One(address),
            Self::Unless(address) => shared != Shared::One(address),
            Self::NotOne => !matches!(shared, Shared::One(_)),
        }
    }

    /// Its form and its address, as numbers.
    pub(super) const fn numbers(self) -> (u8, Address) {
        match self {
            Self::Always => (0, 0),
            Self::Is(address) => (1, address),
            Self::Unless(address) => (2, address),
            Self::NotOne => (3, 0),
        }
    }

    /// What [`When::numbers`] gave.
    pub(super) const fn of_numbers(form: u8, address: Address) -> Option<Self> {
        match form {
            0 => Some(Self::Always),
            1 => Some(Self::Is(address)),
            2 => Some(Self::Unless(address)),
            3 => Some(Self::NotOne),
            _ => None,
        }
    }
}

// === impl Candidate ===

impl Candidate {
    /// A candidate of the interface with the key `of`, at `interface`.
    pub(super) fn new(
        keys: &Keys,
        (of, interface): (Key, Option<u32>),
        when: When,
        whom: Whom,
        (scope, role): (&str, &str),
    ) -> Self {
        let interface_key = interface.map_or_else(String::new, |_| of.to_string());
        let (form, guard) = when.numbers();
        let (kind, name) = match &whom {
            Whom::Named(kind, name) => (*kind, name.to_string()),
            Whom::Address(End { address, inside }) => (ADDRESS, format!("{address:x} {inside}")),
            Whom::Interface => ("", String::new()),
        };
        let guard = format!("{form} {guard:x}");
        let key = keys.of(&["candidate", &interface_key, &guard, kind, &name, scope, role]);
        Self { key, interface, when, whom, scope: scope.into(), role: role.into() }
    }
}

/// The kind called `name`.
pub(super) fn kind_of(name: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| *kind == name)
}

/// Every side of a record with `ends` that may be the own one, once all records of the interface are known. It is the
/// ladder of [`Ends::own`], taken apart by what the records may turn out to have in common.
///
/// Where both sides are inside and the record says nothing more, its interface has it that none of its addresses stands in all
/// records: the sender would be as often a stranger to the interface as not, and a row for each would take as many rows as
/// an entity has peers.
pub(super) fn choices(ends: &Ends, has_interface: bool) -> SmallVec<[Choice; 3]> {
    let always = |own| Choice { own, when: When::Always, whole: false };
    if ends.own.is_some() || !has_interface {
        return ends.own(Shared::Anything).map(always).into_iter().collect();
    }
    let ladder = ends.own(Shared::Nothing);
    let (source, destination) = (ends.source, ends.destination);
    let mut sides: SmallVec<[Own; 2]> = SmallVec::new();
    for (side, end) in [(Side::Source, source), (Side::Destination, destination)] {
        let is_known = sides.iter().any(|own| own.end.address == end.address);
        if (end.inside || !source.inside && !destination.inside) && !is_known {
            sides.push(Own { side, end });
        }
    }
    if let ([own], Some(ladder)) = (&sides[..], ladder)
        && *own == ladder
    {
        return [always(ladder)].into_iter().collect();
    }
    let is = |own: &Own| Choice { own: *own, when: When::Is(own.end.address), whole: false };
    let mut choices: SmallVec<[Choice; 3]> = sides.iter().map(is).collect();
    if let Some(own) = ladder {
        let plain = own.end == source || own.end == destination;
        let when = match &sides[..] {
            [one] => When::Unless(one.end.address),
            _ => When::NotOne,
        };
        choices.push(Choice { own, when, whole: plain && sides.len() > 1 });
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(address: Address) -> End {
        End { address, inside: address < 100 }
    }

    /// Whatever the records turn out to have in common, one choice holds at most, and it is what the ladder says; only where
    /// both sides are inside and no address is the interface's does the interface stand for its sender.
    #[test]
    fn of_the_choices_the_one_holds_that_the_ladder_takes() {
        let packets = [None, Some(7), Some(207)];
        for (source, destination) in [(1, 2), (1, 201), (201, 1), (201, 202), (1, 1)] {
            for (from, to) in packets.iter().flat_map(|from| packets.map(|to| (*from, to))) {
                for own in [None, Some(Side::Source), Some(Side::Destination)] {
                    let ends = Ends {
                        source: end(source),
                        destination: end(destination),
                        packet_source: from.map(end),
                        packet_destination: to.map(end),
                        own,
                    };
                    let found = choices(&ends, true);
                    let mut ways = vec![Shared::Nothing, Shared::One(source), Shared::One(destination)];
                    ways.push(Shared::Two(source, destination));
                    for shared in ways {
                        let holding: Vec<_> =
                            found.iter().filter(|choice| choice.when.holds(shared)).collect();
                        let expected = ends.own(shared);
                        assert_eq!(
                            holding.iter().map(|choice| choice.own).collect::<Vec<_>>(),
                            expected.into_iter().collect::<Vec<_>>(),
                            "{ends:?} {shared:?}"
                        );
                    }
                }
            }
        }
    }
}

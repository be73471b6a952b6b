//! A candidate: whom a record may be about, and on what that depends.

use smallvec::SmallVec;

use crate::{
    event::{AssetClass, EntityKind},
    score::{
        gate::plan::Vantage,
        keys::{Key, Keys},
        whose::{
            address::{Address, End},
            own::{Ends, Own, Shared, Side},
            vantage::Sight,
        },
    },
};

/// Whom records of an interface may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The hash of everything below under the state's seed.
    pub(super) key: Key,
    /// Its interface, by its place in the table.
    pub(super) interface: Option<u32>,
    pub(super) when: When,
    pub(super) view: View,
    /// What it is, as the records or its asset say.
    pub(super) class: Option<AssetClass>,
    /// Behind a gateway: whom it stands for where nobody has told whose its address is.
    pub(super) whom: Whom,
    /// Account, region, VPC and tenant, as far as records, assets and the config say them.
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

/// From where records show a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// From an interface of its own.
    Own,
    /// It is the gateway.
    Gateway,
    /// From a gateway that passed on what this address sent or was sent.
    Behind(Address),
}

/// Whom a candidate stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whom {
    /// The thing of this kind and name.
    Named(EntityKind, Box<str>),
    /// The address.
    Address(End),
    /// The interface itself.
    Interface,
}

/// A side of a record that may be the interface's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) own: Own,
    pub(super) vantage: Vantage,
    /// What the interface is, as far as is known.
    pub(super) class: Option<AssetClass>,
    pub(super) when: When,
    /// The interface as a whole is meant, not what stands on the side.
    pub(super) whole: bool,
}

/// How a record looks, once it is known what the records of its interface have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) sight: Sight,
    pub(super) class: Option<AssetClass>,
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
        (when, view, class): (When, View, Option<AssetClass>),
        whom: Whom,
        (scope, role): (&str, &str),
    ) -> Self {
        let interface_key = interface.map_or_else(String::new, |_| of.to_string());
        let (form, guard) = when.numbers();
        let (kind, name) = match &whom {
            Whom::Named(kind, name) => (kind.name(), name.to_string()),
            Whom::Address(End { address, inside }) => {
                (EntityKind::Address.name(), format!("{address:x} {inside}"))
            }
            Whom::Interface => ("", String::new()),
        };
        let guard = format!("{form} {guard:x}");
        let seen = match view {
            View::Own => String::new(),
            View::Gateway => "gateway".to_owned(),
            View::Behind(address) => format!("behind {address:x}"),
        };
        let class_name = class.map_or("", AssetClass::name);
        let key =
            keys.of(&["candidate", &interface_key, &guard, &seen, class_name, kind, &name, scope, role]);
        Self { key, interface, when, view, class, whom, scope: scope.into(), role: role.into() }
    }
}

/// Every way in which a record with `ends` may have to be looked at, once all records of the interface are known: what `look`
/// says of what they may turn out to have in common, which is one of this record's addresses or none.
///
/// Where both sides are inside and nothing, neither the record nor an asset (`is_told`), says more, its interface has it that
/// none of its addresses stands in all records: the sender would be as often a stranger to the interface as not, and a row
/// for each would take as many rows as an entity has peers.
pub(super) fn choices(
    ends: &Ends,
    (has_interface, is_told): (bool, bool),
    look: impl Fn(Shared) -> Option<Look>,
) -> SmallVec<[Choice; 4]> {
    let mut choices = SmallVec::new();
    let mut put = |look: Option<Look>, when: When, whole: bool| {
        let Some(Look { sight, class }) = look else { return };
        choices.push(Choice { own: sight.own, vantage: sight.vantage, class, when, whole });
        let beside = |own| Choice { own, vantage: Vantage::Beside, class, when, whole: false };
        choices.extend(sight.beside.map(beside));
    };
    if ends.own.is_some() || !has_interface {
        put(look(Shared::Anything), When::Always, false);
        return choices;
    }
    let (source, destination) = (ends.source, ends.destination);
    let [one, other, none] =
        [Shared::One(source.address), Shared::One(destination.address), Shared::Nothing].map(look);
    let is_plain = |Look { sight, .. }: Look| {
        sight.vantage == Vantage::Own && (sight.own.end == source || sight.own.end == destination)
    };
    let both_inside = source.inside && destination.inside && source.address != destination.address;
    let whole = both_inside && !is_told && none.is_some_and(is_plain);
    match (one == none, other == none) {
        (true, true) if !whole => put(none, When::Always, false),
        (true, false) if !whole => {
            put(other, When::Is(destination.address), false);
            put(none, When::Unless(destination.address), false);
        }
        (false, true) if !whole => {
            put(one, When::Is(source.address), false);
            put(none, When::Unless(source.address), false);
        }
        _ => {
            put(one, When::Is(source.address), false);
            if source.address != destination.address {
                put(other, When::Is(destination.address), false);
            }
            put(none, When::NotOne, whole);
        }
    }
    choices
}

/// Gives to `each` what [`choices`] finds for nearly all records: there is an interface, nothing says which side is its own or
/// of what class it is, and the record has no addresses of packets. Says whether it did, or [`choices`] has to be asked.
#[inline]
pub(super) fn plain_choices(ends: &Ends, mut each: impl FnMut(&Choice)) -> bool {
    let Ends { source, destination, packet_source: None, packet_destination: None, own: None } = *ends else {
        return false;
    };
    let choice = |side, end, when, whole| Choice {
        own: Own { side, end },
        vantage: Vantage::Own,
        class: None,
        when,
        whole,
    };
    match (source.inside, destination.inside) {
        (true, false) => each(&choice(Side::Source, source, When::Always, false)),
        (false, true) => each(&choice(Side::Destination, destination, When::Always, false)),
        (true, true) if source.address != destination.address => {
            each(&choice(Side::Source, source, When::Is(source.address), false));
            each(&choice(Side::Destination, destination, When::Is(destination.address), false));
            each(&choice(Side::Source, source, When::NotOne, true));
        }
        _ => return false,
    }
    true
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
                    let look = |shared| Some(Look { sight: Sight::own(ends.own(shared)?), class: None });
                    let found = choices(&ends, (true, false), look);
                    let mut plain = Vec::new();
                    if plain_choices(&ends, |choice| plain.push(*choice)) {
                        assert_eq!(plain, found[..], "{ends:?}: the short way is as good as the long one");
                    }
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

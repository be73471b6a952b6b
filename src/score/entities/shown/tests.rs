//! What the sets of what was shown guarantee.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const HOUR: i64 = 480_000;

fn mixer(seed: u8) -> Mixer {
    Mixer::new([seed; 16], "roles")
}

fn of(seen: &[(Role, u32)]) -> Shown {
    let mut shown = Shown::default();
    seen.iter().for_each(|(role, key)| shown.insert(*role, *key, HOUR, &mixer(1)));
    shown
}

fn seen() -> impl Strategy<Value = Vec<(Role, u32)>> {
    vec((prop::sample::select(&Role::ALL[..]), 0_u32..30), 0..80)
}

fn keys(shown: &Shown, role: Role) -> Vec<u32> {
    let mut keys: Vec<u32> = shown.keys(role).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn up_to_eight_of_a_kind_all_are_kept_and_of_more_another_eight_each_hour() {
    let few: Vec<_> = (0..8).map(|key| (Role::ServerPort, key)).collect();
    assert_eq!(keys(&of(&few), Role::ServerPort), (0..8).collect::<Vec<_>>());
    let mut known = std::collections::BTreeSet::new();
    for hour in HOUR..HOUR + 12 {
        let mut shown = Shown::default();
        (0..20).for_each(|key| shown.insert(Role::PeerAsn, key, hour, &mixer(1)));
        assert_eq!(shown.entries.len(), SHOWN_MAX);
        known.extend(shown.keys(Role::PeerAsn));
    }
    assert_eq!(known.len(), 20, "after half a day all of them");
}

#[test]
fn which_of_many_are_kept_is_not_known_without_the_seed() {
    let all = |seed| {
        let mut shown = Shown::default();
        (0..1_000).for_each(|key| shown.insert(Role::ClientPort, key, HOUR, &mixer(seed)));
        keys(&shown, Role::ClientPort)
    };
    assert_eq!(all(1), all(1));
    assert_ne!(all(1), all(2));
}

#[test]
fn bytes_that_nobody_wrote_are_an_error() {
    let shown = of(&[(Role::ServerPort, 443), (Role::PeerCountry, roles::country(*b"CH"))]);
    let mut bytes = Vec::new();
    shown.encode(&mut bytes);
    for cut in 0..bytes.len() {
        assert!(Shown::decode(&mut &bytes[..cut]).is_err(), "{cut}");
    }
    let entry = |role, hash: u64, key: u64| place(role) | hash << 32 | key;
    let port = |hash, key| entry(Role::ServerPort, hash, key);
    for entries in [
        vec![port(2, 80), port(1, 443)],
        vec![port(1, 443), port(1, 443)],
        vec![port(1, 443), port(2, 443)],
        vec![port(1, 1 << 24)],
        vec![entry(Role::PeerCountry, 1, 1 << 16)],
        (0..9).map(|key| port(key, key)).collect(),
    ] {
        let mut bytes = Vec::new();
        Shown { entries: entries.as_slice().into() }.encode(&mut bytes);
        assert!(Shown::decode(&mut &bytes[..]).is_err(), "{entries:x?}");
    }
}

proptest! {
    #[test]
    fn neither_order_nor_division_change_what_is_kept(
        (one, shuffled) in seen().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        cut in 0_usize..80,
    ) {
        let whole = of(&one);
        prop_assert_eq!(&of(&shuffled), &whole);
        let (first, second) = shuffled.split_at(cut.min(shuffled.len()));
        let (first, second) = (of(first), of(second));
        let merged = |one: &Shown, other: &Shown| {
            let mut merged = one.clone();
            merged.merge(other);
            merged
        };
        prop_assert_eq!(&merged(&first, &second), &whole);
        prop_assert_eq!(&merged(&second, &first), &whole);
        prop_assert_eq!(&merged(&whole, &first), &whole);
        let mut bytes = Vec::new();
        whole.encode(&mut bytes);
        prop_assert_eq!(Shown::decode(&mut &bytes[..]).unwrap(), whole);
    }
}

//! What the sets of roles guarantee.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(&Role::ALL[..])
}

fn roles() -> impl Strategy<Value = Roles> {
    vec((role(), vec(0_u32..40, 0..9), 0_u16..6), 0..20).prop_map(|folds| {
        let mut roles = Roles::new();
        for (role, keys, day) in folds {
            roles.note(role, &keys, day);
        }
        roles
    })
}

fn merged<'a>(sets: impl IntoIterator<Item = &'a Roles>) -> Roles {
    let mut all = Roles::new();
    sets.into_iter().for_each(|set| all.merge(set));
    all
}

#[test]
fn two_ports_cost_thirty_two_bytes_and_none_sixteen() {
    assert_eq!(size_of::<Seen>(), 8);
    let mut roles = Roles::new();
    assert_eq!(roles.bytes(), 16);
    assert_eq!(roles.note(Role::ServerPort, &[port(6, 443), port(6, 80), port(6, 443)], 20_000), 2);
    assert_eq!(roles.bytes(), 32);
    let mut bytes = Vec::new();
    roles.encode(&mut bytes);
    assert_eq!(bytes.len(), 4 + 7 + 6);
}

#[test]
fn a_protocol_tells_ports_apart_and_a_role_keys() {
    let mut roles = Roles::new();
    roles.note(Role::ServerPort, &[port(17, 53)], 1);
    roles.note(Role::PeerCountry, &[country(*b"CH")], 1);
    assert!(roles.has(Role::ServerPort, port(17, 53)) && !roles.has(Role::ServerPort, port(6, 53)));
    assert!(!roles.has(Role::ClientPort, port(17, 53)) && roles.has(Role::PeerCountry, country(*b"CH")));
}

#[test]
fn a_day_counts_once() {
    let mut roles = Roles::new();
    for day in [5, 5, 4, 6, 6] {
        roles.note(Role::PeerAsn, &[64_512], day);
    }
    assert_eq!(roles.seen(Role::PeerAsn, 64_512), Some((6, 2)));
    for day in 7..400 {
        roles.note(Role::PeerAsn, &[64_512], day);
    }
    assert_eq!(roles.seen(Role::PeerAsn, 64_512), Some((399, 255)));
}

#[test]
fn the_least_recent_goes_first_then_the_rarest_then_the_largest() {
    let mut roles = Roles::new();
    let full: Vec<u32> = (10..26).collect();
    roles.note(Role::ServerPort, &full, 1);
    roles.note(Role::ServerPort, &full[..14], 2);
    // 24 and 25 are a day older, and 25 is the larger.
    assert_eq!(roles.note(Role::ServerPort, &[1], 2), 1);
    assert!(
        roles.has(Role::ServerPort, 1) && roles.has(Role::ServerPort, 24) && !roles.has(Role::ServerPort, 25)
    );
    roles.note(Role::ServerPort, &[2], 2);
    assert!(!roles.has(Role::ServerPort, 24));
    // Now all were seen on day 2, and 1 and 2 once only: a larger newcomer does not come in.
    assert_eq!(roles.note(Role::ServerPort, &[99], 2), 1);
    assert!(!roles.has(Role::ServerPort, 99));
    assert_eq!(roles.keys(Role::ServerPort).len(), KEPT_MAX);
}

#[test]
fn a_scan_of_one_hour_pushes_out_at_most_four() {
    let mut roles = Roles::new();
    let usual: Vec<u32> = (1000..1016).collect();
    for day in 1..30 {
        roles.note(Role::ClientPort, &usual, day);
    }
    let scan: Vec<u32> = (0..1000).chain(2000..60_000).collect();
    assert_eq!(roles.note(Role::ClientPort, &scan, 30), 59_000);
    assert_eq!(usual.iter().filter(|key| roles.has(Role::ClientPort, **key)).count(), 12);
    // What goes on being seen is never pushed out.
    roles.note(Role::ClientPort, &usual[..12], 30);
    for _ in 0..24 {
        roles.note(Role::ClientPort, &scan, 30);
    }
    assert!(usual[..12].iter().all(|key| roles.has(Role::ClientPort, *key)));
}

#[test]
fn what_no_set_would_write_is_refused() {
    assert_eq!(Roles::decode(&mut &[17][..]), Err(DecodeError::Form));
    assert_eq!(Roles::decode(&mut &[1, 0, 0, 0][..]), Err(DecodeError::Weight { weight: 0 }));
    assert_eq!(Roles::decode(&mut &[0, 0][..]), Err(DecodeError::Truncated));
    let beyond = [1, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0, 0, 0];
    assert!(matches!(Roles::decode(&mut &beyond[..]), Err(DecodeError::Place { .. })));
}

proptest! {
    #[test]
    fn the_order_within_a_fold_does_not_matter(
        before in roles(), role in role(), keys in vec(0_u32..40, 0..30), day in 0_u16..7, turn in 0_usize..30,
    ) {
        let mut other = keys.clone();
        other.reverse();
        other.rotate_left(turn.min(keys.len()));
        let (mut one, mut two) = (before.clone(), before);
        prop_assert_eq!(one.note(role, &keys, day), two.note(role, &other, day));
        prop_assert_eq!(one, two);
    }

    #[test]
    fn merging_is_free_of_order_grouping_and_repetition(a in roles(), b in roles(), c in roles()) {
        let all = merged([&a, &b, &c]);
        prop_assert_eq!(&merged([&c, &a, &b]), &all);
        prop_assert_eq!(&merged([&a, &merged([&c, &b])]), &all);
        prop_assert_eq!(&merged([&all, &b, &all]), &all);
        for role in Role::ALL {
            prop_assert!(all.keys(role).len() <= KEPT_MAX);
        }
    }

    #[test]
    fn what_is_encoded_comes_back(roles in roles(), garbage in vec(any::<u8>(), 0..60), place in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        roles.encode(&mut bytes);
        let mut rest = &bytes[..];
        prop_assert_eq!(Roles::decode(&mut rest).unwrap(), roles);
        prop_assert!(rest.is_empty());
        let place = place.index(bytes.len());
        bytes[place] = garbage.first().copied().unwrap_or(0);
        for bytes in [&bytes, &garbage] {
            // One set has one encoding.
            if let Ok(read) = Roles::decode(&mut &bytes[..]) {
                let mut again = Vec::new();
                read.encode(&mut again);
                prop_assert!(bytes.starts_with(&again));
            }
        }
    }
}

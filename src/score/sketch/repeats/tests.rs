//! What repeats promise.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use proptest::prelude::*;

use super::{
    part::{places, search},
    *,
};

fn identity(nth: u64) -> Identity {
    Identity {
        interface: nth % 50,
        source: 0xffff_0a00_0000 + u128::from(nth),
        destination: 0xffff_0a00_0001,
        source_port: 40_000,
        destination_port: 443,
        protocol: 6,
        flags: 19,
        accepted: true,
        start: 1_000,
        end: 1_060,
        bytes: 4_000,
        packets: 10,
    }
}

fn sight(repeats: &mut Repeats, window: i64, nth: u64) -> Sighting {
    repeats.sight(window, repeats.hash(&identity(nth)))
}

#[test]
fn every_field_tells_records_apart() {
    let repeats = Repeats::new([1; 16], 8 << 20);
    let one = identity(7);
    let others = [
        Identity { interface: 8, ..one },
        Identity { source: one.source + 1, ..one },
        Identity { source: one.source | 1 << 90, ..one },
        Identity { destination: one.destination + 1, ..one },
        Identity { destination: one.destination | 1 << 90, ..one },
        Identity { source: one.destination, destination: one.source, ..one },
        Identity { source_port: 443, destination_port: 40_000, ..one },
        Identity { source_port: 1, ..one },
        Identity { destination_port: 1, ..one },
        Identity { protocol: 17, ..one },
        Identity { flags: 2, ..one },
        Identity { accepted: false, ..one },
        Identity { start: 999, ..one },
        Identity { end: 1_061, ..one },
        Identity { bytes: 4_001, ..one },
        Identity { packets: 11, ..one },
    ];
    let hashes: HashSet<u64> = others.iter().chain([&one]).map(|other| repeats.hash(other)).collect();
    assert_eq!(hashes.len(), others.len() + 1);
    assert_ne!(Repeats::new([2; 16], 8 << 20).hash(&one), repeats.hash(&one));
}

#[test]
fn half_a_million_records_are_told_from_their_repeats_within_8_mib() {
    let mut repeats = Repeats::new([1; 16], 8 << 20);
    let dropped = (0..500_000).filter(|nth| sight(&mut repeats, 10, *nth) != Sighting::New).count();
    assert_eq!(dropped, 0);
    assert!((0..500_000).all(|nth| sight(&mut repeats, 10, nth) == Sighting::Repeat));
    assert_eq!(repeats.held(), 500_000);
    assert!(repeats.bytes() <= 8 << 20);
    assert!(repeats.false_rate() > 0.0 && repeats.false_rate() < FALSE_MAX, "{}", repeats.false_rate());
    const { assert!(FALSE_MAX < 1e-6) }
}

#[test]
fn a_window_takes_half_then_counts_what_comes_as_new_and_the_next_one_has_room() {
    let mut repeats = Repeats::new([1; 16], 1 << 20);
    let full = (0..200_000).filter(|nth| sight(&mut repeats, 10, *nth) == Sighting::Full).count();
    assert!(repeats.bytes() <= 512 << 10, "{}", repeats.bytes());
    // 512 KiB hold 131,072 fingerprints.
    assert!((200_000 - 131_072..200_000 - 110_000).contains(&full), "{full}");
    assert_eq!(sight(&mut repeats, 10, 5), Sighting::Repeat);
    let full = (0..100_000).filter(|nth| sight(&mut repeats, 11, *nth) == Sighting::Full).count();
    assert_eq!(full, 0, "another window remembers by itself");
    (0..100_000).for_each(|nth| {
        sight(&mut repeats, 12, nth);
    });
    assert!(repeats.bytes() <= 1 << 20);
    repeats.fold(10);
    assert_eq!(sight(&mut repeats, 10, 5), Sighting::New);
    assert_eq!(sight(&mut repeats, 11, 5), Sighting::Repeat);
    assert!(repeats.bytes() <= 1 << 20);
}

#[test]
fn when_a_window_folds_its_memory_goes_to_the_next() {
    let mut repeats = Repeats::new([1; 16], 2 << 20);
    for window in 0..20 {
        for nth in 0..100_000 {
            assert_eq!(sight(&mut repeats, window, window as u64 * 1_000_000 + nth), Sighting::New);
        }
        repeats.fold(window - 1);
        assert!(repeats.bytes() <= 2 << 20, "{}", repeats.bytes());
    }
    repeats.fold(100);
    assert_eq!(repeats.held(), 0);
}

#[test]
fn many_windows_that_are_open_at_a_time_find_room_each_in_a_third_of_8_mib() {
    let mut repeats = Repeats::new([1; 16], (8 << 20) / 3);
    let all = || (0..250).flat_map(|window| (0..20).map(move |nth| (window, nth)));
    assert_eq!(all().filter(|(window, nth)| sight(&mut repeats, *window, *nth) != Sighting::New).count(), 0);
    assert!(all().all(|(window, nth)| sight(&mut repeats, window, nth) == Sighting::Repeat));
    assert!(repeats.bytes() <= (8 << 20) / 3, "{}", repeats.bytes());
    // Once they have folded there is as much room as at first.
    repeats.fold(249);
    assert!((0..100_000).all(|nth| sight(&mut repeats, 250, nth) == Sighting::New));
}

#[test]
fn without_room_everything_is_new() {
    for bytes in [0, 1, 8_000] {
        let mut repeats = Repeats::new([1; 16], bytes);
        assert!((0..100).all(|_| sight(&mut repeats, 1, 5) == Sighting::Full));
        assert_eq!(repeats.bytes(), 0);
    }
}

#[test]
fn how_often_a_genuine_record_is_dropped_is_what_it_says() {
    // With fingerprints cut to 16 bits it happens often enough to be counted.
    let mut part = Part { levels: vec![Level::new(1 << 10)] };
    let mixer = Mixer::new([1; 16], "false");
    let cut = |nth: u64| mixer.of(nth) & 0xffff_ffff_0000_ffff;
    (0..12_000).for_each(|nth| {
        part.sight(cut(nth));
    });
    let expected = part.compared() / 65_535.0;
    let (found, tried) = (1_000_000..3_000_000_u64).fold((0, 0), |(found, tried), nth| {
        let (lines, fingerprint) = places(cut(nth), 1 << 10);
        let is_in = |line: usize| search(&part.levels[0].lines[line], fingerprint).is_none();
        let found_there = lines.into_iter().any(is_in);
        (found + u64::from(found_there), tried + 1)
    });
    let rate = found as f64 / tried as f64;
    assert!((0.8..1.25).contains(&(rate / expected)), "{rate} of {expected}");
}

proptest! {
    #[test]
    fn it_tells_what_a_set_tells_while_there_is_room(
        sights in proptest::collection::vec((0..3_i64, 0..40_u64, 0..20_u8), 0..300),
    ) {
        let mut repeats = Repeats::new([1; 16], 1 << 20);
        let mut seen = HashSet::new();
        let mut folded = -1;
        for (window, nth, fold) in sights {
            if fold == 0 && folded < 1 {
                folded += 1;
                repeats.fold(folded);
                seen.retain(|(window, _)| *window > folded);
            }
            let expected = if seen.insert((window, nth)) { Sighting::New } else { Sighting::Repeat };
            prop_assert_eq!(sight(&mut repeats, window, nth), expected);
            prop_assert_eq!(repeats.held(), seen.len() as u64);
        }
    }
}

//! What a table promises.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::score::fringe::{Contact, external::External};
use crate::score::histogram::wire::VERSION;

fn mixer() -> Mixer {
    Mixer::new([1; 16], "table")
}

fn table(max: usize) -> Table<External> {
    Table::new(max)
}

/// Has `key` come to `table`; says whether somebody had to go.
fn visit(table: &mut Table<External>, key: u64, at: u32) -> bool {
    let hash = mixer().of(key);
    let (slot, evicted) = match table.find(hash, |external| external.key() == key) {
        Some(slot) => (slot, false),
        None => table.insert(hash, External::new(key), &mixer()),
    };
    let contact = Contact {
        external: key,
        hash,
        entity: 1,
        bytes: 100,
        packets: 1,
        window: 0,
        at,
        port: 443,
        protocol: 6,
        flags: 0,
        sent: false,
        initiated: false,
        accepted: true,
    };
    table.visit(slot).add(&contact, key.is_multiple_of(7));
    evicted
}

fn has(table: &Table<External>, key: u64) -> bool {
    table.find(mixer().of(key), |external| external.key() == key).is_some()
}

#[test]
fn nobody_goes_before_it_is_full_and_then_one_for_each_that_comes() {
    let mut table = table(1_000);
    assert!((0..1_000).all(|key| !visit(&mut table, key, 1)));
    assert!((0..1_000).all(|key| has(&table, key)));
    assert!((1_000..5_000).all(|key| visit(&mut table, key, 2)));
    assert_eq!(table.len(), 1_000);
    assert!(table.bytes() <= Table::<External>::bytes_of(1_000));
}

#[test]
fn those_who_keep_coming_stay_through_a_flood_of_those_who_come_a_few_times() {
    let mut table = table(1_000);
    for round in 0..4 {
        (0..800).for_each(|key| {
            visit(&mut table, key, round);
        });
    }
    for nth in 0..100_000_u64 {
        visit(&mut table, 1 << 32 | nth, 5);
        if nth % 100 == 0 {
            visit(&mut table, nth / 100 % 800, 6);
        }
    }
    assert_eq!((0..800).filter(|key| has(&table, *key)).count(), 800);
}

#[test]
fn of_those_who_come_often_in_one_window_an_eighth_of_the_room_may_stay() {
    let mut table = table(1_000);
    for round in 0..4 {
        (0..900).for_each(|key| {
            visit(&mut table, key, round);
        });
    }
    // They come in any order, often enough to be remembered each time.
    for nth in 0..200_000_u64 {
        visit(&mut table, (1 << 32) + (nth * 7_919 % 3_001) * 7 + 1, 5);
    }
    assert!((0..900).filter(|key| has(&table, *key)).count() >= 900 - 125);
    table.renew();
    for nth in 0..200_000_u64 {
        visit(&mut table, (2 << 32) + (nth * 7_919 % 3_001) * 7 + 1, 6);
    }
    assert!((0..900).filter(|key| has(&table, *key)).count() >= 900 - 250);
}

#[test]
fn whoever_comes_back_soon_after_it_went_is_kept_longer() {
    let mut table = table(1_000);
    (1..10_000).for_each(|key| {
        visit(&mut table, key * 7 + 1, 0);
    });
    let gone: Vec<u64> = (8_900..9_000).map(|key| key * 7 + 1).filter(|key| !has(&table, *key)).collect();
    assert!(gone.len() > 90);
    for key in &gone {
        visit(&mut table, *key, 1);
    }
    (20_000..23_000).for_each(|key| {
        visit(&mut table, key * 7 + 1, 0);
    });
    let kept = gone.iter().filter(|key| has(&table, **key)).count();
    assert!(kept * 10 > gone.len() * 8, "{kept} of {}", gone.len());
}

fn pages(table: &mut Table<External>) -> Vec<Vec<u8>> {
    let mut pages = Vec::new();
    table.take_dirty(|nth, page| {
        assert_eq!(nth, pages.len());
        pages.push(page.unwrap());
    });
    pages
}

#[test]
fn it_comes_back_from_its_pages_and_only_those_that_changed_are_written() {
    let mut table = table(500);
    (0..700).for_each(|key| {
        visit(&mut table, key, key as u32);
    });
    let written = pages(&mut table);
    assert_eq!(written.len(), 500_usize.div_ceil(PAGE));
    let mut again = Table::new(500);
    assert_eq!(again.restore(written.iter().map(Vec::as_slice), None, &mixer()), Ok(0));
    assert_eq!(again.records(), table.records());
    assert!((0..700).all(|key| has(&again, key) == has(&table, key)));
    assert!(pages(&mut table).is_empty() && pages(&mut again).is_empty());
    let key = table.records()[100].key();
    visit(&mut table, key, 900);
    let mut changed = Vec::new();
    table.take_dirty(|nth, _| changed.push(nth));
    assert_eq!(changed, [1]);
}

#[test]
fn in_less_room_the_rest_is_told_and_its_pages_go() {
    let mut table = table(500);
    (0..500).for_each(|key| {
        visit(&mut table, key, 1);
    });
    let written = pages(&mut table);
    let mut again = Table::<External>::new(100);
    assert_eq!(again.restore(written.iter().map(Vec::as_slice), None, &mixer()), Ok(400));
    let mut gone = Vec::new();
    again.take_dirty(|nth, page| {
        if page.is_none() {
            gone.push(nth);
        }
    });
    assert_eq!(gone, [2, 3, 4, 5, 6, 7]);
    let twice = [written[0].as_slice(), &written[0]];
    assert_eq!(Table::<External>::new(500).restore(twice, None, &mixer()), Err(DecodeError::Form));
}

proptest! {
    #[test]
    fn the_index_finds_exactly_the_records_that_are_there(
        keys in proptest::collection::vec(0..60_u64, 0..400), max in 1..30_usize,
    ) {
        let mut table = table(max);
        for key in keys {
            visit(&mut table, key, 0);
            prop_assert!(has(&table, key));
            let held: BTreeSet<u64> = table.records().iter().map(External::key).collect();
            prop_assert_eq!(held.len(), table.len());
            prop_assert!((0..60).all(|key| has(&table, key) == held.contains(&key)));
            prop_assert_eq!(table.small.len() + table.main.len(), table.len());
        }
    }

    #[test]
    fn any_bytes_make_a_page_or_an_error(mut bytes: Vec<u8>) {
        bytes.insert(0, VERSION);
        let _ = table(100).restore([bytes.as_slice()], None, &mixer());
        let _ = table(100).restore([], Some(bytes.as_slice()), &mixer());
    }
}

//! What the fringe promises, told with whole estates and floods.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{capture::Depth, *};

const SEED: [u8; 16] = [5; 16];

fn fringe(externals: usize) -> Fringe {
    Fringe::new(Fringe::mixer(SEED), Sizes { externals, pairs: externals / 5, ..Sizes::new(100_000, 20_000) })
}

/// A refused SYN of the external `key` to `entity` in window 10.
fn probe(key: u64, entity: u64) -> Contact {
    Contact {
        external: key,
        hash: Fringe::mixer(SEED).of(key),
        entity,
        bytes: 40,
        packets: 1,
        window: 10,
        at: 6_001,
        port: 22,
        protocol: TCP,
        flags: 2,
        sent: false,
        initiated: false,
        accepted: false,
    }
}

fn has(fringe: &Fringe, key: u64) -> bool {
    fringe.external(fringe.mixer.of(key), key).is_some()
}

#[test]
fn who_comes_for_the_third_time_in_a_window_is_let_in() {
    let mut fringe = fringe(1_000);
    for (times, is_in) in [(1, false), (2, false), (3, true)] {
        fringe.observe(&[probe(7, 1)]);
        assert_eq!(has(&fringe, 7), is_in, "{times}");
    }
    assert_eq!((fringe.totals().admitted_often, fringe.totals().unadmitted), (1, 2));
}

#[test]
fn an_answered_syn_proves_nothing_and_a_talk_over_tcp_does_at_once() {
    let mut fringe = fringe(1_000);
    let syn = Contact { accepted: true, ..probe(7, 1) };
    let syn_ack = Contact { sent: true, flags: 18, bytes: 6 * 80, packets: 6, ..syn };
    let reset = Contact { sent: true, flags: 4, bytes: 40, ..syn };
    fringe.observe(&[syn, syn_ack, syn_ack, syn_ack, syn_ack, reset, reset]);
    assert!(!has(&fringe, 7));
    fringe.observe(&[Contact {
        external: 8,
        hash: Fringe::mixer(SEED).of(8),
        bytes: 3_000,
        packets: 12,
        ..syn_ack
    }]);
    fringe.observe(&[Contact {
        external: 9,
        hash: Fringe::mixer(SEED).of(9),
        bytes: 100,
        packets: 2,
        flags: 19,
        ..syn_ack
    }]);
    assert!(has(&fringe, 8) && has(&fringe, 9));
    assert_eq!(fringe.totals().admitted_proven, 2);
    assert!(fringe.externals().records().iter().all(External::has_answered));
}

#[test]
fn without_a_handshake_both_question_and_answer_are_needed_in_any_order_and_the_entity_must_ask() {
    let query = Contact {
        protocol: 17,
        sent: true,
        initiated: true,
        accepted: true,
        flags: 0,
        port: 53,
        ..probe(7, 1)
    };
    let answer = Contact { sent: false, ..query };
    for contacts in [[query, answer], [answer, query]] {
        let mut fringe = fringe(1_000);
        fringe.observe(&contacts[..1]);
        assert!(!has(&fringe, 7));
        fringe.observe(&contacts[1..]);
        assert!(has(&fringe, 7));
    }
    let mut fringe = fringe(1_000);
    let asked = Contact { initiated: false, ..answer };
    fringe.observe(&[asked, Contact { sent: true, ..asked }]);
    assert!(!has(&fringe, 7), "a spoofed question is answered too");
}

#[test]
fn one_address_that_comes_to_many_entities_is_let_in_whoever_else_comes() {
    let mut fringe = fringe(1_000);
    // So many strangers that three visits are nothing.
    for key in 0..200_000 {
        fringe.observe(&[probe((1 << 40) + key % 60_000, 1 + key % 3)]);
    }
    let unadmitted = fringe.totals().admitted_spread;
    for entity in 0..2_000 {
        fringe.observe(&[probe(7, entity)]);
    }
    assert!(has(&fringe, 7));
    assert!(unadmitted < 100, "{unadmitted}");
}

#[test]
fn a_record_tells_what_happened_since_it_was_there() {
    let mut fringe = fringe(1_000);
    let talk = Contact { sent: true, accepted: true, bytes: 5_000, packets: 9, flags: 27, ..probe(7, 1) };
    fringe.observe(&[talk, Contact { sent: false, bytes: 700, at: 6_100, ..talk }]);
    fringe.observe(&(2..9).map(|entity| probe(7, entity)).collect::<Vec<_>>());
    let external = fringe.external(fringe.mixer.of(7), 7).unwrap();
    assert_eq!(external.bytes(), (700, 5_000));
    assert_eq!(external.records(), (9, 7));
    assert_eq!(external.seen(), (6_001, 6_100));
    assert_eq!(external.targets().count(), 8);
    assert_eq!(external.first_contacts(), (7, 1));
    assert_eq!(external.packets(), 25);
}

#[test]
fn a_pair_has_a_record_once_the_entity_has_begun_and_both_have_talked() {
    let mut fringe = fringe(1_000);
    fringe.observe(&[Contact { accepted: true, sent: true, bytes: 9_000, ..probe(7, 1) }]);
    assert!(fringe.pairs().is_empty(), "the outside began");
    let call =
        Contact { accepted: true, sent: true, initiated: true, bytes: 9_000, packets: 20, ..probe(7, 1) };
    fringe.observe(&[call, Contact { sent: false, bytes: 100, ..call }]);
    let pair = fringe.pair(fringe.mixer.of(7), 1, 7).unwrap();
    assert_eq!((pair.bytes(), pair.records()), ((9_000, 100), (2, 0)));
    assert!(fringe.pair(fringe.mixer.of(7), 2, 7).is_none());
}

#[test]
fn a_window_tells_its_numbers_when_it_folds_and_others_do_not_disturb_it() {
    let mut fringe = fringe(1_000);
    for key in 0..5_000 {
        fringe.observe(&[probe(key, key % 2), Contact { window: 11, ..probe(key, 1) }]);
    }
    fringe.observe(&[Contact { window: 12, ..probe(1, 1) }]);
    fringe.fold(10);
    let (window, seen) = fringe.last();
    assert_eq!((window, seen.contacts, seen.rejects), (10, 5_000, 5_000));
    assert!((4_700..5_300).contains(&seen.sources), "{}", seen.sources);
    assert!((4_700..=5_000).contains(&seen.fresh), "{}", seen.fresh);
    fringe.fold(11);
    assert_eq!((fringe.last().0, fringe.last().1.contacts, fringe.last().1.fresh), (11, 5_000, 0));
    fringe.observe(&[probe(1, 1)]);
    assert_eq!(fringe.totals().unsketched, 1);
    fringe.fold(13);
    assert_eq!(fringe.last().1.contacts, 0);
    let bytes = fringe.bytes();
    assert!(bytes <= fringe.sizes.bytes_max(), "{bytes}");
}

#[test]
fn a_window_far_ahead_costs_the_oldest_its_sketches_and_not_its_numbers() {
    let mut fringe = fringe(1_000);
    for window in 10..15 {
        fringe.observe(&[Contact { window, ..probe(1, 1) }]);
    }
    fringe.observe(&[probe(1, 1)]);
    assert_eq!(fringe.totals().unsketched, 1);
    fringe.fold(11);
    assert_eq!(fringe.last().1.contacts, 1);
    assert!(fringe.bytes() <= fringe.sizes.bytes_max());
}

/// Tells the memory before, and how many regulars stayed of 2,500 who talk and of 2,500 who are refused each time; of
/// `sources` spoofed sources a window, of which each comes `times` in a row in each of `rounds`, against estates whose regulars keep coming.
fn flood(sources: u64, times: u64, rounds: u64) -> (Fringe, usize, [usize; 2]) {
    let mut fringe = fringe(6_250);
    // Of the hashes' sixteen shards, this one.
    let mixer = fringe.mixer;
    let own = |key: &u64| shard_of(mixer.of(*key)) == 3;
    let regulars: Vec<u64> = (0..).filter(own).take(5_000).collect();
    for window in 1..10 {
        for (nth, key) in regulars.iter().enumerate() {
            // Half of them talk, half of them are refused each time.
            let contact = Contact { window, at: window as u32 * 600, ..probe(*key, *key % 50) };
            let talk = Contact { accepted: true, bytes: 2_000, packets: 9, sent: nth % 2 == 0, ..contact };
            fringe.observe(&if nth % 2 == 0 { [talk; 3] } else { [contact; 3] });
        }
        fringe.fold(window);
    }
    // Others fill what room there is.
    for key in (1 << 50..).filter(own).take(1_500) {
        fringe.observe(&[probe(key, 5); 3]);
    }
    assert!(regulars.iter().all(|key| has(&fringe, *key)));
    let before = fringe.bytes();
    let spoofed: Vec<u64> = (1_u64 << 40..).filter(own).take(sources as usize).collect();
    let mut few = Vec::new();
    let all = sources * rounds;
    for nth in 0..all {
        few.extend((0..times).map(|_| probe(spoofed[(nth % sources) as usize], 77)));
        if nth % (all / 5_000) == 0 {
            few.push(probe(regulars[(nth / (all / 5_000)) as usize % 5_000], 3));
        }
        if few.len() >= 100 {
            fringe.observe(&few);
            few.clear();
        }
    }
    let stays = |half: usize| regulars.iter().skip(half).step_by(2).filter(|key| has(&fringe, **key)).count();
    let stayed = [stays(0), stays(1)];
    fringe.fold(10);
    (fringe, before, stayed)
}

#[test]
fn ten_million_spoofed_sources_are_seen_cost_nothing_and_drive_nobody_out() {
    // A sixteenth of ten million: what one shard gets.
    let (fringe, before, stayed) = flood(625_000, 1, 1);
    let seen = fringe.last().1;
    assert_eq!(stayed, [2_500, 2_500]);
    assert!(fringe.bytes() <= before + before / 100, "{} after {before}", fringe.bytes());
    assert!((590_000..670_000).contains(&seen.sources), "{seen:?}");
    assert!(seen.fresh > 550_000, "{seen:?}");
    assert_eq!(seen.targets.first().map(|target| target.key), Some(77), "{seen:?}");
    assert!((400_000..900_000).contains(&seen.targets[0].peers), "{seen:?}");
    let totals = fringe.totals();
    assert!(totals.admitted_often + totals.admitted_spread < 8_000, "{totals:?}");
}

#[test]
fn spoofed_sources_that_come_five_times_each_turn_over_little_of_the_table() {
    let (fringe, _, stayed) = flood(125_000, 5, 1);
    assert!(stayed[0] == 2_500 && stayed[1] > 2_500 - 783, "{stayed:?}");
    assert!((115_000..135_000).contains(&fringe.last().1.sources));
    let (_, _, stayed) = flood(20_000, 1, 30);
    assert!(stayed[0] == 2_500 && stayed[1] > 2_500 - 783, "{stayed:?}");
}

fn entries(fringe: &mut Fringe, depth: Depth) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    fringe.capture(3, depth, |key, value| entries.extend(value.map(|value| (key, value))));
    entries.sort();
    entries
}

fn restored(
    entries: &[(Vec<u8>, Vec<u8>)],
    externals: usize,
) -> Result<(Fringe, usize), crate::score::kept::wire::StateError> {
    let mut fringe = fringe(externals);
    let lost = fringe.restore(3, entries.iter().map(|(key, value)| (key.as_slice(), value.as_slice())))?;
    Ok((fringe, lost))
}

#[test]
fn it_comes_back_from_the_state_and_goes_on_alike() {
    let (mut fringe, ..) = flood(20_000, 4, 1);
    fringe.observe(
        &(0..3_000).map(|key| Contact { window: 11, ..probe((1 << 45) + key, key) }).collect::<Vec<_>>(),
    );
    let written = entries(&mut fringe, Depth::Whole);
    assert!(entries(&mut fringe, Depth::Records).is_empty());
    let (mut again, lost) = restored(&written, 6_250).unwrap();
    assert_eq!(lost, 0);
    assert_eq!(again.externals.records(), fringe.externals.records());
    assert_eq!(again.pairs.records(), fringe.pairs.records());
    assert!(again.door == fringe.door && again.addresses == fringe.addresses && again.talks == fringe.talks);
    // Of the sketches too: some have come once before, and strangers are told from those whom the window knows.
    let key = |nth: u64| if nth.is_multiple_of(2) { nth % 400 } else { (1 << 45) + nth % 500 };
    let more: Vec<Contact> = (0..9_000).map(|nth| Contact { window: 11, ..probe(key(nth), nth) }).collect();
    fringe.observe(&more);
    again.observe(&more);
    assert_eq!(again.externals.records(), fringe.externals.records());
    for fringe in [&mut fringe, &mut again] {
        fringe.fold(11);
    }
    assert_eq!(again.last(), fringe.last());
    let written_again = [&mut fringe, &mut again].map(|fringe| entries(fringe, Depth::Whole));
    let keys =
        |nth: usize| written_again[nth].iter().map(|(key, value)| (key, value.len())).collect::<Vec<_>>();
    assert_eq!(keys(0), keys(1));
    assert!(written_again[0] == written_again[1]);
    let (_, lost) = restored(&written, 1_000).unwrap();
    assert_eq!(lost, again.externals().len() - 1_000 + again.pairs().len().saturating_sub(200));
    assert!(restored(&written[1..], 6_250).is_err(), "the first page is missing");
    let mut torn = written.clone();
    torn[2].1.pop();
    assert!(restored(&torn, 6_250).is_err());
}

#[test]
fn the_heavy_are_weighed_by_lot_once_there_are_many_and_come_out_as_heavy_as_they_are() {
    let mut fringe = fringe(1_000);
    let mut moved = [0_u64; 8];
    for nth in 0..100_000_u64 {
        // Eight move a tenth of all each, the rest is of thousands who come and go.
        let heavy = (nth % 10 < 8).then_some(nth % 10);
        let bytes = 500 + nth * 7_919 % 2_000;
        heavy.into_iter().for_each(|key| moved[key as usize] += bytes);
        let key = heavy.unwrap_or((1 << 40) + nth % 5_000);
        fringe.observe(&[Contact { accepted: true, bytes, at: nth as u32, ..probe(key, nth % 9) }]);
    }
    let (addresses, services, _) = fringe.heaviest();
    let all: u64 = services.total();
    assert_eq!((addresses.total(), services.heaviest(9).len()), (all, 1));
    let heaviest = addresses.heaviest(8);
    for held in &heaviest {
        let moved = moved[held.key as usize];
        let off = held.weight.abs_diff(moved);
        // A tenth of all are 205 parts, so that a standard deviation is a fourteenth of it.
        assert!(off < moved / 4 + held.error, "{held:?} of {moved}");
    }
    assert!(all.abs_diff(100_000 * 1_500) < all / 20, "{all}");
}

#[test]
fn keys_stand_for_addresses_and_those_of_nat64_for_the_address_within() {
    let four = 0xffff_0a01_0203;
    assert_eq!(external_address(external_key(four)), (four, 128));
    assert_eq!(external_key(0x0064_ff9b << 96 | 0x0a01_0203), external_key(four));
    let six = 0x2001_0db8_0001_0002_aaaa_bbbb_cccc_dddd;
    assert_eq!(external_key(six), external_key(six + 1));
    assert_eq!(external_address(external_key(six)), (0x2001_0db8_0001_0002 << 64, 64));
}

#[test]
fn it_fits_what_its_sizes_say() {
    assert_eq!((size_of::<External>(), size_of::<Pair>()), (80, 48));
    let (small, large) =
        (sizes::memory_bytes_max(100_000, 20_000), sizes::memory_bytes_max(500_000, 100_000));
    assert!(small < 17 << 20 && large < 76 << 20, "{small} and {large}");
}

proptest! {
    #[test]
    fn while_there_is_room_order_and_cuts_change_nothing_but_who_is_let_in_at_which_visit(
        mut keys in proptest::collection::vec((0..40_u64, 0..30_u64, 10..12_i64), 0..200), turn in 0..200_usize,
    ) {
        let of = |keys: &[(u64, u64, i64)], cut: usize| {
            let mut fringe = fringe(1_000);
            // All of them are proven, so that none is let in late.
            let proven: Vec<Contact> = (0..40).map(|key| Contact {
                sent: true, accepted: true, bytes: 1_000, window: 9, ..probe(key, 1)
            }).collect();
            fringe.observe(&proven);
            let contacts: Vec<Contact> = keys.iter()
                .map(|(key, entity, window)| Contact { window: *window, accepted: key % 3 == 0, ..probe(*key, *entity) })
                .collect();
            contacts.chunks(cut).for_each(|few| fringe.observe(few));
            fringe.fold(10);
            fringe
        };
        let one = of(&keys, 7);
        let turn = turn.min(keys.len());
        keys.rotate_left(turn);
        keys.reverse();
        let other = of(&keys, 33);
        prop_assert_eq!(one.last(), other.last());
        prop_assert_eq!(one.totals(), other.totals());
        for key in 0..40 {
            let [one, other] = [&one, &other].map(|fringe| fringe.external(fringe.mixer.of(key), key).unwrap());
            let parts = |external: &External| (external.seen(), external.records(), external.bytes(), external.packets());
            prop_assert_eq!(parts(one), parts(other));
            prop_assert_eq!(one.targets().count(), other.targets().count());
        }
    }
}

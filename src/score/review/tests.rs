//! Merging in any order and grouping, and what an export holds, on states made up at random.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    event::{AssetClass, EntityKind, Partition},
    score::{
        Config, Scorer,
        entities::shown::Shown,
        entities::{
            amounts::{Amounts, Twofold},
            daily::Daily,
            entity::Entity,
            episode::Episode,
            open::{Open, Raised},
            series::{FEATURES, SERIES, Span},
            stretch::Stretch,
        },
        grid::Narrow,
        kept::{
            capture::{Times, entity_bytes, group_bytes, interface_bytes, times_bytes},
            entries,
            wire::{ADDRESS, ENTITY, GATE, GROUP, INTERFACE, hash_of, key as key_of},
        },
        keys::Keys,
        sketch::mixer::Mixer,
        usual::{
            decay::Moment,
            habits::Habits,
            peers::{Epoch, Group},
            roles::Role,
            sample::Sample,
        },
        whose::{
            addresses,
            evidence::{Evidence, Telling},
            interfaces,
            own::Shared,
            registry::{entity_key, entity_name},
        },
    },
    telemetry::metrics::Metrics,
};

use super::*;

const SEED: [u8; 16] = [7; 16];
const HALF_LIFE: u64 = 14 * 86_400;
/// A window in 2026, whose landmark is [`LANDMARK`].
const WINDOW: i64 = 2_950_000;
const LANDMARK: u32 = 182;

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A state that some process may have learned; landmarks are up to `landmarks` apart.
fn state(seed: u64, landmarks: u32) -> Entries {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let keys = Keys::new(SEED);
    let folded = WINDOW + rng.random_range(0..20);
    let mut entries = Entries::new();
    let clocks =
        [("one", 5), ("two", 7)].map(|(name, most)| (Partition::new(name), rng.random_range(0..most)));
    let times = Times { half_life_seconds: HALF_LIFE, folded, global: folded * 600, clocks: clocks.into() };
    entries.insert(key_of(GATE, 0), times_bytes(&times));
    for name in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
        if rng.random_bool(0.8) {
            let key = entity_key(&keys, ("address", name, "acme"), None);
            let entity = entity(&mut rng, key, name, folded, landmarks);
            entries.insert(key_of(ENTITY, key), entity_bytes(&entity));
        }
    }
    for (parts, scope, name) in [(&["pool"][..], "", ""), (&["pool", "acme", "web"], "acme", "web")] {
        let group = group(&mut rng, keys.of(parts), scope, name, folded, landmarks);
        entries.insert(key_of(GROUP, group.key), group_bytes(&group));
    }
    for name in ["eni-1", "eni-2"] {
        let mut interface = interfaces::Interface::new(["acme", "", ""], name);
        interface.strangers =
            (0..rng.random_range(0..3)).map(|nth| 900 + nth * rng.random_range(1..3)).collect();
        (0..rng.random_range(0..9)).for_each(|_| interface.made.insert(&keys, rng.random_range(0..99)));
        let shared =
            [Shared::Two(2, 1), Shared::Two(1, 2), Shared::One(1), Shared::Nothing, Shared::Anything];
        let key = keys.of(&["interface", "acme", "", "", name]);
        entries.insert(
            key_of(INTERFACE, key),
            interface_bytes(
                &interface,
                shared[rng.random_range(0..shared.len())],
                evidence(&mut rng).as_ref(),
            ),
        );
    }
    for address in 1..4 {
        if rng.random_bool(0.7) {
            let whose = rng.random_bool(0.6).then(|| rng.random_range(1..4));
            let since = folded - rng.random_range(0..4);
            entries
                .insert(key_of(ADDRESS, keys.of_address("acme", address)), addresses::encode(whose, since));
        }
    }
    entries
}

/// What the traffic of an interface has said: little enough that some is settled only by what two of them know.
fn evidence(rng: &mut ChaCha8Rng) -> Option<Evidence> {
    let mut evidence = Evidence::default();
    for _ in 0..rng.random_range(0..6) {
        let window = WINDOW + rng.random_range(0..4);
        if rng.random_bool(0.5) {
            evidence.add(window, Telling::Outside(rng.random_range(0..3)));
        } else {
            (0..250).for_each(|_| {
                evidence.add(window, Telling::Inside(rng.random()));
            });
        }
    }
    rng.random_bool(0.8).then_some(evidence)
}

/// What gateways saw of somebody.
fn passed(rng: &mut ChaCha8Rng) -> Option<Box<Amounts>> {
    let mut amounts = Amounts { packets: rng.random_range(0..99), ..Amounts::default() };
    amounts.ports.insert(rng.random_range(0..9));
    rng.random_bool(0.5).then(|| Box::new(amounts))
}

fn moment(rng: &mut ChaCha8Rng, landmark: u32) -> Moment {
    Moment { landmark, weight: rng.random_range(16..64) }
}

fn entity(rng: &mut ChaCha8Rng, key: u128, name: &str, folded: i64, landmarks: u32) -> Entity {
    let group = ["all", "web"][rng.random_range(0..2)];
    let class = [None, Some(AssetClass::Workload), Some(AssetClass::Lambda)][rng.random_range(0..3)];
    let mut entity = Entity::new(key, entity_name((EntityKind::Address, name, "acme"), group, class), 0);
    if rng.random_bool(0.9) {
        entity.first = Narrow::of(WINDOW - rng.random_range(0..900));
    }
    entity.held_out = rng.random_range(0..9);
    let last = WINDOW - rng.random_range(0..9);
    entity.episode = rng.random_bool(0.5).then(|| Episode::of(last - rng.random_range(0..3), last));
    let landmark = LANDMARK + rng.random_range(0..=landmarks);
    let mut learn = |own: &mut super::super::histogram::Packed, series| {
        own.change(series, |_, own| {
            for _ in 0..rng.random_range(1..6) {
                own.record_bucket_at(rng.random_range(0..300), moment(rng, landmark));
            }
        });
    };
    learn(&mut entity.own, FEATURES);
    Span::ALL
        .into_iter()
        .for_each(|span| learn(&mut entity.own_of_spans[span as usize], span.features().len()));
    // Both begin with the window after what has folded, or hold it.
    let mut hour = Stretch::<Amounts>::new(Span::Hour.start_of(folded + rng.random_range(1..9)));
    hour.amounts.own.ports.insert(rng.random_range(0..9));
    hour.held_out = rng.random_bool(0.3);
    let mut day = Stretch::<Daily>::new(Span::Day.start_of(folded + rng.random_range(1..9)));
    day.amounts.own.peers.insert(rng.random());
    let mut said = day.said();
    said.magnitude[2] = rng.random_bool(0.5).then(|| rng.random_range(0..9));
    day.say(said);
    for _ in 0..2 {
        let mut window = Twofold { own: Amounts::default(), passed: passed(rng) };
        window.own.bytes_out = rng.random_range(0..1 << 30);
        hour.amounts.add_up(&window, true);
        day.amounts.add_up(&window, true);
    }
    (entity.hour, entity.day) = (Some(Box::new(hour)), Some(Box::new(day)));
    entity.forget_ended(folded);
    for window in folded - 3..=folded {
        if rng.random_bool(0.5) {
            continue;
        }
        entity.pending.push(Sample::of(window, std::array::from_fn(|_| rng.random_range(0..600))));
    }
    for window in folded + 1..folded + 6 {
        if rng.random_bool(0.5) {
            continue;
        }
        let mut open = Open::new(window);
        open.amounts.own.bytes_in = rng.random_range(0..1 << 20);
        open.amounts.passed = passed(rng);
        (0..30).for_each(|_| {
            open.amounts.own.peers.insert(rng.random());
        });
        open.raised = rng.random_bool(0.5).then(|| {
            let interface = Some(["eni-1", "eni-2"][rng.random_range(0..2)].into());
            let magnitude = [rng.random_bool(0.5).then_some(7); FEATURES];
            Box::new(Raised { interface, magnitude, ..Default::default() })
        });
        entity.open.push(open);
    }
    entity.habits = rng.random_bool(0.8).then(|| Box::new(habits(rng)));
    entity
}

fn habits(rng: &mut ChaCha8Rng) -> Habits {
    let (mut habits, mixer) = (Habits::default(), Mixer::new(SEED, "roles"));
    for hour in 0..rng.random_range(1..300) {
        let start = (WINDOW / 6 - 300 + hour) * 6;
        let values = std::array::from_fn(|_| rng.random_range(0..1 << 25));
        habits.end_hour(start, &values, rng.random_bool(0.1)).count();
        habits.learned(start);
    }
    for hour in 0..20 {
        let mut shown = Shown::default();
        for role in Role::ALL {
            (0..rng.random_range(0..12))
                .for_each(|_| shown.insert(role, rng.random_range(0..20), hour, &mixer));
        }
        habits.show((WINDOW / 6 - 20 + hour) * 6, shown);
    }
    habits.settle(WINDOW - rng.random_range(0..60));
    for _ in 0..rng.random_range(0..80) {
        let series = rng.random_range(0..SERIES as u8);
        habits.ring.hold(
            WINDOW - rng.random_range(0..2_000),
            series,
            rng.random_range(0..600),
            rng.random_bool(0.1),
        );
    }
    habits
}

fn group(rng: &mut ChaCha8Rng, key: u128, scope: &str, name: &str, folded: i64, landmarks: u32) -> Group {
    let mut group = Group::new(key, scope, name);
    group.born = Some(WINDOW - rng.random_range(0..900));
    for fold in [folded - 12, folded - 6, folded] {
        if rng.random_bool(0.7) {
            for pool in &mut group.pools[..] {
                let mut increments = super::super::histogram::Increments::new();
                let landmark = LANDMARK + rng.random_range(0..=landmarks);
                increments.record_bucket_at(rng.random_range(0..300), moment(rng, landmark));
                pool.add(&increments);
            }
            group.epochs.push((fold, std::sync::Arc::new(Epoch::of(&group.pools))));
        }
    }
    group.gathered[3].record_bucket_at(rng.random_range(0..300), moment(rng, LANDMARK));
    group
}

fn merged(states: &[&Entries]) -> Entries {
    merge(states).unwrap()
}

fn rows(entries: &Entries) -> Export {
    let mut index = Index::default();
    entries.iter().for_each(|(key, value)| index.add(key, value).unwrap());
    index.rows(|key| Ok(entries[key].clone())).unwrap()
}

fn text(entries: &Entries) -> String {
    let mut index = Index::default();
    // In another order than they are exported in.
    entries.iter().rev().for_each(|(key, value)| index.add(key, value).unwrap());
    let mut out = Vec::new();
    index.write(&mut out, |key| Ok(entries[key].clone())).unwrap();
    String::from_utf8(out).unwrap()
}

proptest! {
    // Freezing the pools of a state takes a while in a build that is not optimized.
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_was_merged_is_a_state_that_scoring_begins_with(seeds in any::<[u64; 4]>()) {
        let [a, b, c, d] = &seeds.map(|seed| state(seed, 0));
        let config = Config { externals_max: 0, pairs_max: 0, ..Config::default() };
        let restored = Scorer::restore(&config, &Metrics::default(), SEED, merged(&[a, b, c, d]));
        prop_assert!(restored.is_ok(), "{:?}", restored.err());
    }
}

proptest! {
    #[test]
    fn however_states_are_shuffled_and_grouped_they_merge_to_the_same_bytes(seeds in any::<[u64; 4]>()) {
        let [a, b, c, d] = &seeds.map(|seed| state(seed, 0));
        let whole = merged(&[a, b, c, d]);
        prop_assert_eq!(&merged(&[d, b, a, c]), &whole, "another order");
        let (left, right) = (merged(&[b, a]), merged(&[c, d]));
        prop_assert_eq!(&merged(&[&right, &left]), &whole, "two and two");
        prop_assert_eq!(&merged(&[c, &merged(&[&left, d])]), &whole, "one after the other");
    }

    #[test]
    fn where_landmarks_were_passed_order_still_makes_no_difference(seeds in any::<[u64; 3]>()) {
        let [a, b, c] = &seeds.map(|seed| state(seed, 1));
        let whole = merged(&[a, b, c]);
        prop_assert_eq!(&merged(&[c, a, b]), &whole);
        prop_assert_eq!(&merged(&[b, c, a]), &whole);
    }

    #[test]
    fn a_merge_has_the_weights_of_both_and_the_earlier_first_window(seeds in any::<[u64; 2]>()) {
        let [a, b] = &seeds.map(|seed| state(seed, 0));
        let (whole, a, b) = (rows(&merged(&[a, b])), rows(a), rows(b));
        for row in &whole.baselines {
            let parts: Vec<_> =
                a.baselines.iter().chain(&b.baselines).filter(|one| one.name == row.name).collect();
            for histogram in &row.histograms {
                let same = |one: &&Histogram| {
                    (one.span_seconds, &one.feature) == (histogram.span_seconds, &histogram.feature)
                };
                let weights = parts.iter().flat_map(|part| part.histograms.iter().find(same));
                prop_assert_eq!(weights.map(|one| one.weight).sum::<u64>(), histogram.weight);
            }
            let first = parts.iter().filter_map(|part| part.first_window_start).min();
            prop_assert_eq!(row.first_window_start, first);
            let held = |row: &Baseline| row.habits.as_ref().map_or(0, |habits| habits.quarantine.len());
            prop_assert!(held(row) <= 64);
            prop_assert!(parts.iter().all(|part| held(part) <= held(row)));
        }
    }

    #[test]
    fn an_entry_that_differs_in_anything_is_exported_otherwise(seed: u64, nth: prop::sample::Index, byte: u8) {
        let state = state(seed, 0);
        for (key, value) in state.iter().filter(|(key, _)| key[0] == ENTITY) {
            let mut bytes = value.clone();
            let place = nth.index(bytes.len());
            bytes[place] = byte;
            let Ok(other) = entries::entity(hash_of(key).unwrap(), &bytes) else { continue };
            let before = entries::entity(hash_of(key).unwrap(), value).unwrap();
            let same = entity_bytes(&other) == *value;
            prop_assert_eq!(rows::baseline_row(&other) == rows::baseline_row(&before), same, "byte {}", place);
        }
    }

    #[test]
    fn an_export_has_its_keys_in_order_and_comes_back_as_it_was(seed: u64) {
        let state = state(seed, 0);
        let text = text(&state);
        let export = read_rows(&mut text.as_bytes()).unwrap();
        prop_assert_eq!(&export, &rows(&state));
        let mut again = Vec::new();
        export.write(&mut again).unwrap();
        prop_assert_eq!(String::from_utf8(again).unwrap(), text.clone());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(value.to_string(), text.replace('\n', ""));
        prop_assert!(read_rows(&mut &text.as_bytes()[..text.len() - 3]).is_err());
    }
}

#[test]
fn what_was_learned_with_another_half_life_is_not_merged() {
    let (one, mut other) = (state(1, 0), state(2, 0));
    let times = Times { half_life_seconds: 1, ..Times::default() };
    other.insert(key_of(GATE, 0), times_bytes(&times));
    assert!(matches!(merge(&[&one, &other]), Err(super::super::StateError::Settings { .. })));
}

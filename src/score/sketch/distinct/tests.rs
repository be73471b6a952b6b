//! What the count of distinct ports guarantees, over sets of every form.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn of(ports: impl IntoIterator<Item = u16>) -> Distinct {
    let mut distinct = Distinct::new();
    for port in ports {
        distinct.insert(port);
    }
    distinct
}

/// Sets of every form: few ports, some, and many.
fn ports() -> impl Strategy<Value = Vec<u16>> {
    prop_oneof![
        vec(any::<u16>(), 0..12),
        vec(any::<u16>(), 0..1500),
        vec(0..1100_u16, 900..1500),
        vec(any::<u16>(), 1000..4000)
    ]
}

#[test]
fn shuffling_is_one_to_one() {
    assert_eq!((0..=u16::MAX).map(shuffled).collect::<BTreeSet<_>>().len(), 1 << 16);
}

#[test]
fn the_memory_is_bounded_and_eight_ports_take_none() {
    assert_eq!(size_of::<[u64; WORDS]>(), Distinct::BYTES_MAX);
    assert!(size_of::<Distinct>() <= 40, "{}", size_of::<Distinct>());
    let mut distinct = Distinct::new();
    for nth in 0..=u16::MAX {
        distinct.insert(nth.wrapping_mul(40_503));
        assert!(distinct.bytes() <= size_of::<Distinct>() + Distinct::BYTES_MAX);
        assert!(nth >= 8 || distinct.bytes() == size_of::<Distinct>());
    }
}

#[test]
fn the_count_never_falls_and_stays_close_however_a_scan_goes() {
    // In order, backwards, in steps, by a multiplicative walk.
    for step in [1_u16, u16::MAX, 7, 1001, 40_503] {
        let mut distinct = Distinct::new();
        let mut last = 0;
        for nth in 0..=u16::MAX {
            let changed = distinct.insert(nth.wrapping_mul(step));
            let (count, real) = (distinct.count(), u32::from(nth) + 1);
            assert_eq!(changed, count > last);
            assert!(count >= last);
            last = count;
            if real <= 1024 {
                assert_eq!(count, real);
                assert!(distinct.is_exact());
            } else if real <= 50_000 {
                let error = (f64::from(count) - f64::from(real)) / f64::from(real);
                assert!(error.abs() < 0.05, "step {step}: {count} of {real}");
            }
        }
        assert_eq!(last, 65_536);
    }
}

#[test]
fn what_no_set_would_write_is_refused() {
    let empty_map = [&[1, 0x81, 0x08][..], &[0; Distinct::BYTES_MAX]].concat();
    let cases: [(&[u8], DecodeError); 5] = [
        (&[], DecodeError::Truncated),
        (&[2, 0], DecodeError::Version { found: 2 }),
        (&[1, 0x82, 0x08], DecodeError::Form),
        (&[1, 2, 0xff, 0xff, 0x03, 0], DecodeError::Place { place: 65_536 }),
        (&empty_map, DecodeError::Form),
    ];
    for (bytes, error) in cases {
        assert_eq!(Distinct::decode(&mut &*bytes), Err(error));
    }
}

proptest! {
    #[test]
    fn up_to_1024_the_count_is_exact(ports in ports()) {
        let real = ports.iter().collect::<BTreeSet<_>>().len();
        let distinct = of(ports);
        prop_assert_eq!(distinct.is_exact(), real <= EXACT_MAX);
        if distinct.is_exact() {
            prop_assert_eq!(distinct.count() as usize, real);
        } else {
            prop_assert!(distinct.count() as usize > EXACT_MAX);
        }
    }

    #[test]
    fn neither_order_nor_merging_nor_repetition_changes_a_set(ports in ports(), cut in any::<prop::sample::Index>()) {
        let whole = of(ports.iter().copied());
        prop_assert_eq!(&of(ports.iter().rev().chain(&ports).copied()), &whole);
        let cut = cut.index(ports.len() + 1);
        let (one, two) = (of(ports[..cut].iter().copied()), of(ports[cut..].iter().copied()));
        let mut forwards = one.clone();
        forwards.merge(&two);
        let mut backwards = two;
        backwards.merge(&one);
        prop_assert_eq!(&forwards, &whole);
        prop_assert_eq!(&backwards, &whole);
    }

    #[test]
    fn what_is_encoded_comes_back_and_what_follows_it_stays(ports in ports(), tail in vec(any::<u8>(), 0..5)) {
        let distinct = of(ports);
        let mut bytes = Vec::new();
        distinct.encode(&mut bytes);
        bytes.extend(&tail);
        let mut rest = &bytes[..];
        prop_assert_eq!(Distinct::decode(&mut rest).unwrap(), distinct);
        prop_assert_eq!(rest, &tail[..]);
    }

    #[test]
    fn no_bytes_make_decoding_panic_and_what_decodes_encodes_to_the_same(
        ports in ports(), place in any::<prop::sample::Index>(), byte in any::<u8>(), noise in vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = Vec::new();
        of(ports).encode(&mut bytes);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        for bytes in [&bytes[..], &bytes[..place], &noise] {
            let mut rest = bytes;
            if let Ok(distinct) = Distinct::decode(&mut rest) {
                let mut again = Vec::new();
                distinct.encode(&mut again);
                prop_assert_eq!(&again[..], &bytes[..bytes.len() - rest.len()]);
            }
        }
    }
}

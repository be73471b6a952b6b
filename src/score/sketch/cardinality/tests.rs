//! What a cardinality promises.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// A hash as good as any of the `nth` thing of `set`.
fn hash(set: u64, nth: u64) -> u32 {
    let mut mixed = (set << 40 | nth).wrapping_add(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3 {
        mixed = (mixed ^ mixed >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (mixed >> 32) as u32
}

fn of(hashes: impl IntoIterator<Item = u32>) -> Cardinality {
    let mut whole = Cardinality::new();
    hashes.into_iter().for_each(|hash| {
        whole.insert(hash);
    });
    whole
}

#[test]
fn sixteen_are_counted_exactly_and_eight_cost_nothing_beyond_the_struct() {
    assert_eq!(size_of::<Cardinality>(), 40);
    let mut whole = Cardinality::<8>::new();
    for nth in 0..16 {
        assert!(whole.insert(hash(1, nth)));
        assert!(!whole.insert(hash(1, nth)));
        assert_eq!(whole.count() as u64, nth + 1);
        assert_eq!(whole.bytes(), if nth < 8 { 40 } else { 104 });
    }
    assert!(whole.is_exact());
    whole.insert(hash(1, 16));
    assert!(!whole.is_exact() && whole.count() >= 17);
    assert_eq!(whole.bytes(), 40 + 176);
}

#[test]
fn estimates_have_no_bias_and_the_error_that_theory_gives() {
    for size in [40_u64, 150, 400, 700, 1_000, 3_000, 30_000, 300_000] {
        let sets = if size > 10_000 { 60 } else { 400 };
        let errors = (0..sets).map(|set| {
            let count = of((0..size).map(|nth| hash(set, nth))).count();
            f64::from(count) / size as f64 - 1.0
        });
        let errors: Vec<f64> = errors.collect();
        let bias = errors.iter().sum::<f64>() / sets as f64;
        let error = (errors.iter().map(|error| error * error).sum::<f64>() / sets as f64).sqrt();
        assert!(bias.abs() < 0.065 * 3.5 / (sets as f64).sqrt() + 0.005, "{size}: bias {bias}");
        assert!(error < 0.075, "{size}: error {error}");
    }
}

#[test]
fn ten_million_are_told_from_five_with_any_precision() {
    fn check<const P: u32>() {
        let mut whole = Cardinality::<P>::new();
        let mut before = 0;
        for nth in 0..10_000_000 {
            whole.insert(hash(9, nth));
            assert!(whole.count() >= before);
            before = whole.count();
        }
        let error = f64::from(whole.count()) / 1e7 - 1.0;
        assert!(error.abs() < 4.0 * 1.04 / f64::from(1 << P).sqrt(), "{P}: {error}");
    }
    check::<6>();
    check::<8>();
    check::<12>();
}

#[test]
fn bytes_that_nobody_wrote_are_refused() {
    let mut registers = vec![VERSION, 17];
    registers.extend([0; 176]);
    assert_eq!(Cardinality::<8>::decode(&mut &*registers), Err(DecodeError::Form), "no register is set");
    registers[2 + 7] = 0x80;
    assert_eq!(Cardinality::<8>::decode(&mut &*registers), Err(DecodeError::Form), "a bit between the words");
    registers[2 + 7] = 0;
    registers[2] = 26;
    assert_eq!(Cardinality::<8>::decode(&mut &*registers), Err(DecodeError::Form), "a rank beyond the last");
    registers[2] = 25;
    assert!(Cardinality::<8>::decode(&mut &*registers).is_ok());
    assert_eq!(Cardinality::<8>::decode(&mut &registers[..100]), Err(DecodeError::Truncated));
    let twice = [VERSION, 2, 1, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(Cardinality::<8>::decode(&mut &twice[..]), Err(DecodeError::Place { place: 1 }));
    assert_eq!(Cardinality::<8>::decode(&mut &[VERSION, 18][..]), Err(DecodeError::Form));
    assert_eq!(Cardinality::<8>::decode(&mut &[9, 0][..]), Err(DecodeError::Version { found: 9 }));
}

proptest! {
    #[test]
    fn what_it_holds_depends_on_the_set_alone(
        mut numbers in proptest::collection::vec(0..60_u64, 0..80), cut in 0..80_usize, turn in 0..80_usize,
    ) {
        let whole = of(numbers.iter().map(|nth| hash(2, *nth)));
        let cut = cut.min(numbers.len());
        let mut merged = of(numbers[..cut].iter().map(|nth| hash(2, *nth)));
        let rest = of(numbers[cut..].iter().map(|nth| hash(2, *nth)));
        let mut other = rest.clone();
        other.merge(&merged);
        merged.merge(&rest);
        prop_assert_eq!(&merged, &whole);
        prop_assert_eq!(&other, &whole);
        let turn = turn.min(numbers.len());
        numbers.rotate_left(turn);
        numbers.reverse();
        prop_assert_eq!(&of(numbers.iter().map(|nth| hash(2, *nth))), &whole);
    }

    #[test]
    fn it_comes_back_from_its_bytes_and_what_follows_them_stays(size in 0..40_u64, tail: u8) {
        let whole = of((0..size).map(|nth| hash(3, nth)));
        let mut bytes = Vec::new();
        whole.encode(&mut bytes);
        bytes.push(tail);
        let mut rest = &bytes[..];
        prop_assert_eq!(Cardinality::decode(&mut rest).unwrap(), whole);
        prop_assert_eq!(rest, &[tail]);
    }

    #[test]
    fn any_bytes_make_a_set_or_an_error(mut bytes: Vec<u8>, form in 0..20_u8) {
        bytes.insert(0, form);
        bytes.insert(0, VERSION);
        let _ = Cardinality::<4>::decode(&mut &bytes[..]);
    }
}

//! Amounts for people: bytes with a unit, lengths of time, and small probabilities, without floating point formatting.

use super::{pen::Pen, text::put_uint};

/// Powers of a thousand: SI, as bandwidth and transfer volumes are billed.
const KB: u64 = 1_000;
const MB: u64 = 1_000 * KB;
const GB: u64 = 1_000 * MB;
const TB: u64 = 1_000 * GB;
const PB: u64 = 1_000 * TB;
const EB: u64 = 1_000 * PB;
/// From here on a number of bytes is rounded to one of the next unit.
const FULL_KB: u64 = MB - KB / 2;
const FULL_MB: u64 = GB - MB / 2;
const FULL_GB: u64 = TB - GB / 2;
const FULL_TB: u64 = PB - TB / 2;
const FULL_PB: u64 = EB - PB / 2;

/// Fractional digits of a `log10` that [`put_probability`] can tell apart: 1/256 of a decade, interpolated.
const STEPS: usize = 256;
/// `10^(i / 256)` for i from 0 to 256.
const DECADE: [f32; STEPS + 1] = decade();

/// Appends a number of bytes with three digits and its unit: `48 kB`, `1.02 GB`; zeros at the end are left out.
pub(super) fn put_bytes(out: &mut Pen<'_>, bytes: u64) {
    let (hundredths, unit): (u64, &[u8; 3]) = match bytes {
        0..KB => {
            put_uint(out, bytes);
            out.put(b" B");
            return;
        }
        KB..FULL_KB => (hundredths::<KB>(bytes), b" kB"),
        FULL_KB..FULL_MB => (hundredths::<MB>(bytes), b" MB"),
        FULL_MB..FULL_GB => (hundredths::<GB>(bytes), b" GB"),
        FULL_GB..FULL_TB => (hundredths::<TB>(bytes), b" TB"),
        FULL_TB..FULL_PB => (hundredths::<PB>(bytes), b" PB"),
        _ => (hundredths::<EB>(bytes), b" EB"),
    };
    put_uint(out, hundredths / 100);
    let (tenth, hundredth) = (hundredths / 10 % 10, hundredths % 10);
    let len = match (tenth, hundredth) {
        (0, 0) => 0,
        (_, 0) => 2,
        _ => 3,
    };
    let text = u64::from_le_bytes(*b".00\0\0\0\0\0") + (tenth << 8) + (hundredth << 16);
    out.put_cut(&text.to_le_bytes(), len);
    out.put(unit);
}

/// `bytes` in hundredths of `UNIT`, rounded to three digits: 1.02, 48.3, 999.
fn hundredths<const UNIT: u64>(bytes: u64) -> u64 {
    match bytes / UNIT {
        0..10 => rounded(bytes, UNIT / 100),
        10..100 => rounded(bytes, UNIT / 10) * 10,
        _ => rounded(bytes, UNIT) * 100,
    }
}

#[inline(always)]
const fn rounded(bytes: u64, grain: u64) -> u64 {
    bytes / grain + (bytes % grain >= grain / 2) as u64
}

/// Appends a length of time in its largest whole unit: `10 min`, `1 h`, `90 s`, `14 d`.
pub(super) fn put_length(out: &mut Pen<'_>, seconds: u64) {
    let (number, unit): (u64, &[u8]) = match seconds {
        0 => (0, b" s"),
        _ if seconds.is_multiple_of(86_400) => (seconds / 86_400, b" d"),
        _ if seconds.is_multiple_of(3_600) => (seconds / 3_600, b" h"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, b" min"),
        _ => (seconds, b" s"),
    };
    put_uint(out, number);
    out.put_slice(unit);
}

/// Appends the probability whose decimal logarithm is `log10`, with three digits, as a JSON number: `3.16e-4`, and `1`
/// for a logarithm that is not below 0. Logarithms below −300 are written as −300.
pub(super) fn put_probability(out: &mut Pen<'_>, log10: f32) {
    if log10.is_nan() || log10 >= 0.0 {
        out.push(b'1');
        return;
    }
    let log10 = log10.max(-300.0);
    // Rounded up, so that the rest is not below 0; `f32::floor` is a call.
    let down = -log10 as u32;
    let exponent = down + u32::from(log10 + (down as f32) < 0.0);
    let place = (log10 + exponent as f32) * STEPS as f32;
    let index = (place as usize).min(STEPS - 1);
    let mantissa = DECADE[index] + (DECADE[index + 1] - DECADE[index]) * (place - index as f32);
    let hundredths = ((mantissa * 100.0 + 0.5) as u32).clamp(100, 999);
    // One number and one store: bytes put together in memory would have to be stored before they are copied.
    let digit = |number: u32, place: u32| u64::from(number % 10) << (8 * place);
    let text = u64::from_le_bytes(*b"0.00e-\0\0")
        + digit(hundredths / 100, 0)
        + digit(hundredths / 10, 2)
        + digit(hundredths, 3);
    out.put_cut(&text.to_le_bytes(), 6);
    put_uint(out, u64::from(exponent));
}

const fn decade() -> [f32; STEPS + 1] {
    // 10^(1/256), the ratio of neighbours.
    const RATIO: f64 = 1.009_035_044_841_447_3;
    let mut decade = [0.0; STEPS + 1];
    let mut power = 1.0_f64;
    let mut index = 0;
    while index <= STEPS {
        decade[index] = power as f32;
        power *= RATIO;
        index += 1;
    }
    decade
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Pen<'_>)) -> String {
        String::from_utf8(crate::normalize::pen::written(write)).unwrap()
    }

    #[test]
    fn bytes_have_three_digits_and_the_unit_that_keeps_them_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 kB"),
            (48_000, "48 kB"),
            (48_260, "48.3 kB"),
            (999_499, "999 kB"),
            (999_500, "1 MB"),
            (2_100_000, "2.1 MB"),
            (9_999_999, "10 MB"),
            (1_024_000_000, "1.02 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(written(|out| put_bytes(out, bytes)), text, "{bytes}");
        }
    }

    #[test]
    fn a_length_of_time_is_in_its_largest_whole_unit() {
        for (seconds, text) in [(0, "0 s"), (45, "45 s"), (600, "10 min"), (7_200, "2 h"), (86_400, "1 d")] {
            assert_eq!(written(|out| put_length(out, seconds)), text);
        }
    }

    #[test]
    fn what_is_no_logarithm_of_a_probability_is_written_as_one_or_as_the_smallest() {
        for (log10, text) in
            [(0.0, "1"), (0.5, "1"), (f32::NAN, "1"), (f32::NEG_INFINITY, "1.00e-300"), (-6.0, "1.00e-6")]
        {
            assert_eq!(written(|out| put_probability(out, log10)), text);
        }
    }

    proptest! {
        #[test]
        fn a_probability_is_right_to_three_digits(log10 in -30.0..-0.001_f32) {
            let text = written(|out| put_probability(out, log10));
            let read: f64 = serde_json::from_str(&text).unwrap();
            let exact = 10_f64.powf(f64::from(log10));
            prop_assert!((read - exact).abs() <= exact * 0.0051, "{} for {}", text, exact);
        }
    }
}

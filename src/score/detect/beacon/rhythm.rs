//! A rhythm: when an entity has called a service outside over a day, and how much it sent each time, in 84 bytes; and how much like
//! a beacon's that is, as RITA 5 reckons it.
//!
//! Of the intervals between calls and of their sizes the last 22 are kept, each in a byte of a logarithmic scale, to 6 and 12 %;
//! of the hours how many calls each had.

use crate::score::{
    detect::known::tallies::Record,
    grid::{EPOCH_WINDOWS, Window},
};

/// See the top of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rhythm {
    /// Calls by hour of the day, of the last 24 hours.
    hours: [u8; HOURS],
    /// The newest stands first; 0 is none.
    intervals: [u8; RECENT],
    sizes: [u8; RECENT],
    /// When the last call began, in seconds since 1970.
    last: u32,
    /// The client's port of the last conversation.
    port: u16,
    /// Whether the log shows TCP flags.
    flags: bool,
    /// In how many windows on end there was one conversation and no other, that filled them; the mean of what was sent both ways in each, and
    /// the sum of the squares of what differed from it.
    steady: u8,
    mean: f32,
    squares: f32,
}

/// What one conversation of a window says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    /// Its first packet, in seconds since 1970, and from there to its last packet of the window.
    pub(super) start: u32,
    pub(super) seconds: u32,
    pub(super) port: u16,
    /// Bytes that the client sent, and those of both.
    pub(super) sent: u64,
    pub(super) bytes: u64,
    /// Whether flags are known, and whether these show that it began.
    pub(super) flags: bool,
    pub(super) begins: bool,
}

const HOURS: usize = 24;
const RECENT: usize = 22;
/// Fewer intervals or sizes say nothing.
const FEW: usize = 3;
/// How near their median the intervals must lie at least: of 22 that are left to chance fewer than one in a thousand sets does, with half of
/// jitter 19 in 20. RITA does without, and has more than 22.
const NEAR_MIN: f64 = 0.75;
/// A conversation that is heard for so many seconds of a window goes on; one of so many is all there is of it.
const LONG: u32 = 450;
const SHORT: u32 = 300;

// === impl Rhythm ===

impl Rhythm {
    /// What `record` holds.
    pub(super) fn read(record: &Record) -> Self {
        let mut rest = &record[..];
        Self {
            hours: take(&mut rest),
            intervals: take(&mut rest),
            sizes: take(&mut rest),
            last: u32::from_le_bytes(take(&mut rest)),
            port: u16::from_le_bytes(take(&mut rest)),
            flags: take::<1>(&mut rest) != [0],
            steady: take::<1>(&mut rest)[0],
            mean: f32::from_le_bytes(take(&mut rest)),
            squares: f32::from_le_bytes(take(&mut rest)),
        }
    }

    /// Itself, as [`Rhythm::read`] reads it.
    pub(super) fn write(&self, record: &mut Record) {
        let parts: [&[u8]; 9] = [
            &self.hours,
            &self.intervals,
            &self.sizes,
            &self.last.to_le_bytes(),
            &self.port.to_le_bytes(),
            &[self.flags.into()],
            &[self.steady],
            &self.mean.to_le_bytes(),
            &self.squares.to_le_bytes(),
        ];
        record.iter_mut().zip(parts.concat()).for_each(|(byte, new)| *byte = new);
    }

    /// Takes in the `calls` of window `now`, in the order of their starts; the last ones before were of window `before`.
    pub(super) fn take(&mut self, now: Window, before: Window, calls: &[Call]) {
        let hour = |window: Window| window.div_euclid(EPOCH_WINDOWS);
        let bar = hour(now).rem_euclid(HOURS as i64) as usize;
        for nth in 0..hour(now).saturating_sub(hour(before)).min(HOURS as i64) as usize {
            self.hours[(bar + HOURS - nth) % HOURS] = 0;
        }
        self.flags |= calls.iter().any(|call| call.flags);
        self.hold(now - before == 1, calls);
        for call in calls {
            // Without flags a conversation that goes on is told by its port, as far as there is one.
            let begins =
                if self.flags { call.begins } else { call.port != self.port && call.seconds < SHORT };
            self.port = call.port;
            if begins {
                self.hours[bar] = self.hours[bar].saturating_add(1);
                let interval = call.start.saturating_sub(self.last);
                if self.last > 0 && interval > 0 {
                    push(&mut self.intervals, code::<4>(interval.into()));
                }
                push(&mut self.sizes, code::<3>(call.sent));
                self.last = self.last.max(call.start);
            }
        }
    }

    /// Whether the one conversation goes on, and what of it this window has.
    fn hold(&mut self, follows: bool, calls: &[Call]) {
        let [call] = calls else {
            self.steady = 0;
            return;
        };
        if call.seconds < LONG {
            self.steady = 0;
        } else if follows && call.port == self.port && self.steady > 0 {
            self.steady = self.steady.saturating_add(1);
            let differs = call.bytes as f32 - self.mean;
            self.mean += differs / f32::from(self.steady);
            self.squares += differs * (call.bytes as f32 - self.mean);
        } else {
            (self.steady, self.mean, self.squares) = (1, call.bytes as f32, 0.0);
        }
    }

    /// In how many windows on end the one conversation has gone on, where what they held differs by no more than 5 % of the mean.
    pub(super) fn steady(&self) -> u8 {
        let deviation = (self.squares / f32::from(self.steady.max(1))).sqrt();
        if deviation <= 0.05 * self.mean { self.steady } else { 0 }
    }

    /// The middle one of the last intervals, in seconds.
    pub(super) fn interval(&self) -> u64 {
        median(&values::<4>(&self.intervals)) as u64
    }

    /// In how many of the last 24 hours there were calls.
    pub(super) fn hours(&self) -> usize {
        self.hours.iter().filter(|calls| **calls > 0).count()
    }

    /// How much like a beacon's it is, in points from 0 to 100; 0 where its intervals differ much, of less than six hours, and where an hour
    /// had more calls than are counted.
    pub(super) fn points(&self) -> u8 {
        let (intervals, sizes) = (values::<4>(&self.intervals), values::<3>(&self.sizes));
        if self.hours() < 6 || self.hours.contains(&u8::MAX) || intervals.len() < FEW {
            return 0;
        }
        if near(&intervals, 1.0) < NEAR_MIN {
            return 0;
        }
        let all = even(&intervals, 1.0) + even(&sizes, 0.0) + self.lasting() + self.spread();
        (all * 25.0).round() as u8
    }

    /// For how much of the day it lasts: from its first hour to its last, or twelve hours on end.
    fn lasting(&self) -> f64 {
        // Of a ring: the hours after the last are the first.
        let longest = |has: &dyn Fn(u8) -> bool| {
            let (mut run, mut longest) = (0, 0);
            for nth in 0..2 * HOURS {
                run = if has(self.hours[nth % HOURS]) { run + 1 } else { 0 };
                longest = run.max(longest);
            }
            longest.min(HOURS) as f64
        };
        let covers = (HOURS as f64 - longest(&|calls| calls == 0)) / HOURS as f64;
        covers.max(longest(&|calls| calls > 0) / 12.0).min(1.0)
    }

    /// How evenly it is spread over the hours, or over hours of two kinds.
    fn spread(&self) -> f64 {
        let counts = self.hours.map(f64::from);
        let mean = counts.iter().sum::<f64>() / HOURS as f64;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / HOURS as f64;
        let even = (1.0 - variance.sqrt() / mean.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        let bars = self.hours();
        if bars < 11 {
            return even;
        }
        let most = self.hours.iter().copied().max().unwrap_or(0);
        let bin = u16::from(most).div_ceil(20).max(1);
        let mut modes = [0_u32; 256];
        self.hours.iter().filter(|count| **count > 0).for_each(|count| {
            modes[usize::from(u16::from(*count) / bin)] += 1;
        });
        modes.sort_unstable();
        even.max((f64::from(modes[255] + modes[254]) / (bars - 1) as f64).min(1.0))
    }
}

/// Takes the first bytes of a record, which has as many.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (first, after) = rest.split_first_chunk().unwrap_or((&[0; N], &[]));
    *rest = after;
    *first
}

fn push(ring: &mut [u8; RECENT], code: u8) {
    ring.rotate_right(1);
    ring[0] = code;
}

/// `value` on a scale with 2 to the power of `STEPS` steps an octave: from 1 on.
fn code<const STEPS: u32>(value: u64) -> u8 {
    let value = value.max(1);
    let octave = value.ilog2();
    let step = (u128::from(value) << STEPS >> octave) as u64 & ((1 << STEPS) - 1);
    u8::try_from((u64::from(octave) << STEPS) + step + 1).unwrap_or(u8::MAX)
}

/// The values of a ring, in order.
fn values<const STEPS: u32>(ring: &[u8; RECENT]) -> Vec<f64> {
    let value = |code: &u8| {
        let steps = u32::from(code - 1);
        f64::from(1 << STEPS | steps & ((1 << STEPS) - 1))
            * 2_f64.powi((steps >> STEPS) as i32 - STEPS as i32)
    };
    let mut values: Vec<f64> = ring.iter().filter(|code| **code > 0).map(value).collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The value below which this share of `sorted` lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let value = |nth: f64| sorted.get(nth as usize).copied().unwrap_or(0.0);
    value(at.floor()) + (value(at.ceil()) - value(at.floor())) * at.fract()
}

fn median(sorted: &[f64]) -> f64 {
    quantile(sorted, 0.5)
}

/// How near their median values lie, from 0 to 1; `small` where that is less than one.
fn near(sorted: &[f64], small: f64) -> f64 {
    let middle = median(sorted);
    let mut apart: Vec<f64> = sorted.iter().map(|value| (value - middle).abs()).collect();
    apart.sort_unstable_by(f64::total_cmp);
    if middle < 1.0 { small } else { ((middle - median(&apart)) / middle).max(0.0) }
}

/// How much alike values are, from 0 to 1: half for lying evenly about their median, half for lying [`near`] it.
fn even(sorted: &[f64], small: f64) -> f64 {
    if sorted.len() < FEW {
        return 0.0;
    }
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(sorted, share));
    let skew = match high - low {
        range if range < 10.0 || middle == low || middle == high => 0.0,
        range => (low + high - 2.0 * middle) / range,
    };
    0.5 * (1.0 - skew.abs()) + 0.5 * near(sorted, small)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const START: u32 = 600_000 * 600;

    fn call(start: u32, sent: u64) -> Call {
        Call { start, seconds: 2, port: start as u16, sent, bytes: 2 * sent, flags: true, begins: true }
    }

    /// The points after calls at these seconds, of so many bytes each.
    fn points(calls: impl Iterator<Item = (u32, u64)>) -> u8 {
        let mut rhythm = Rhythm::read(&[0; 84]);
        let mut before = 0;
        let calls: Vec<Call> = calls.map(|(after, sent)| call(START + after, sent)).collect();
        for calls in calls.chunk_by(|one, other| one.start / 600 == other.start / 600) {
            let now = i64::from(calls[0].start / 600);
            rhythm.take(now, before, calls);
            let mut record = [0; 84];
            rhythm.write(&mut record);
            assert_eq!(Rhythm::read(&record), rhythm);
            before = now;
        }
        rhythm.points()
    }

    #[test]
    fn the_same_each_five_minutes_is_a_beacon_after_half_a_day_and_not_before() {
        let every =
            |seconds: u32, hours: u32| points((0..hours * 3_600 / seconds).map(|nth| (nth * seconds, 400)));
        assert_eq!(every(300, 24), 100);
        assert_eq!(every(300, 12), 100);
        assert!(every(300, 10) < 80, "{}", every(300, 10));
        assert_eq!(every(300, 5), 0);
        assert!(every(3_000, 24) >= 80, "{}", every(3_000, 24));
        assert_eq!(every(10, 24), 0, "that is a stream");
    }

    #[test]
    fn jitter_of_a_fifth_is_a_beacon_and_what_a_person_does_is_none() {
        for seed in 0..50 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut at = 0;
            let jittered = std::iter::from_fn(|| {
                at += random.random_range(240..360);
                (at < 86_400).then_some((at, 400))
            });
            let jittered = points(jittered);
            assert!(jittered >= 80, "{jittered} of seed {seed}");
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut at = 0.0;
            // By chance, at all hours, of sizes over three octaves.
            let chance = std::iter::from_fn(|| {
                at -= 300.0 * random.random_range(1e-9..1.0_f64).ln();
                let bytes = 400.0 * 2_f64.powf(random.random_range(0.0..3.0));
                (at < 86_400.0).then_some((at as u32, bytes as u64))
            });
            let chance = points(chance);
            assert!(chance < 80, "{chance} of seed {seed}");
        }
    }

    #[test]
    fn a_connection_that_stays_open_is_steady_where_each_window_has_the_same() {
        let mut rhythm = Rhythm::read(&[0; 84]);
        let long = |nth: u32, bytes| Call {
            seconds: 590,
            port: 7,
            begins: nth == 0,
            bytes,
            ..call(START + nth * 600, 9)
        };
        for nth in 0..40 {
            rhythm.take(i64::from(nth), i64::from(nth) - 1, &[long(nth, 10_000 + u64::from(nth % 3) * 300)]);
        }
        assert_eq!((rhythm.steady(), rhythm.points()), (40, 0));
        let mut other = rhythm;
        other.take(40, 39, &[long(40, 90_000)]);
        assert_eq!(other.steady(), 0);
        rhythm.take(41, 39, &[long(41, 10_000)]);
        assert_eq!(rhythm.steady(), 1, "it was silent");
        rhythm.take(42, 41, &[long(42, 10_000), call(START, 9)]);
        assert_eq!(rhythm.steady(), 0, "a pool");
    }

    #[test]
    fn without_flags_a_conversation_that_goes_on_does_not_begin_each_window() {
        let mut rhythm = Rhythm::read(&[0; 84]);
        for nth in 0..144 {
            let goes_on = Call { port: 7, flags: false, begins: false, ..call(START + nth * 600, 9) };
            rhythm.take(i64::from(nth), i64::from(nth) - 1, &[goes_on]);
        }
        assert_eq!(rhythm.hours(), 1, "but for the first");
    }

    #[test]
    fn a_code_is_near_its_value() {
        for value in [1_u64, 2, 3, 7, 60, 61, 3_600, 50_000] {
            let mut ring = [0; RECENT];
            push(&mut ring, code::<4>(value));
            let near = values::<4>(&ring)[0];
            assert!((near - value as f64).abs() <= value as f64 / 16.0, "{near} for {value}");
        }
        assert_eq!((code::<3>(0), code::<3>(u64::MAX)), (1, 255));
    }
}

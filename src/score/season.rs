//! The hour's usual level: how much busier or quieter than usual an entity is at this hour of this kind of day.
//!
//! A host that sends a gigabyte at noon and a megabyte at three at night has one histogram, in which a gigabyte at three
//! is nothing unusual. So a centre is kept for each hour of the day, for weekdays and weekends apart (48 cells, UTC), and
//! a value is moved by how far its hour lies from the entity's overall centre, before it enters the histogram and before
//! it is looked up there. 168 cells, one for each hour of the week, would have 2.9 samples each at a half-life of
//! 14 days; these have 5 and 2 a week.
//!
//! **A cell** is a centre of log2 (hourly packets + 1), in 64ths of an octave, and how often it was seen, up to 15.
//! The first samples are averaged; from the eighth on each moves the centre by an eighth of its distance (half of the
//! past is forgotten in 5 samples: a week of workdays). From the fifth on, a sample counts as no further away than one
//! octave: a centre follows the bulk, not single hours, and moves by at most 9 % a sample.
//!
//! **Shrunk**: a cell seen n times counts for n/(n + 4) beside its hour over both kinds of days, and that one, seen n
//! times, for n/(n + 2) beside the overall centre, which is the mean of all cells seen. An hour never seen is as usual.
//!
//! **What it can hide** is bounded: a value is moved by at most four octaves (16 times), and not at all before three distinct
//! days. Only what was learned teaches a centre (never a window that was held out), so who wants to be usual at night
//! must start below what is held out there, and gains at most an eighth of an octave a night: 16 times the usual
//! takes 32 nights of that hour, and moves the night by 4 octaves at most even then; the drift of the entity's weeks is
//! measured on values that were not moved.
//!
//! **What it costs**: a value at an hour that is usually quiet scores higher, also if it is harmless: a backup that moves from
//! noon to three. And it is for volumes (bytes, packets), which rise and fall together: how many ports or peers a
//! host has does not follow its packets, and should not be moved.

use super::histogram::DecodeError;
use super::histogram::wire::{put, take};
use super::maturity::{DAYS_MIN, Days, day_of};

/// Furthest that a value is moved, in 16ths of an octave: 4 octaves, 16 times.
pub const SHIFT_MAX: i16 = 4 * STEPS;
/// Steps of a shift in an octave: the histogram's buckets.
const STEPS: i16 = 16;
/// Hours of the day, for weekdays and weekends.
const CELLS: usize = 48;
/// Units of a centre in an octave.
const OCTAVE: i32 = 64;
/// Binary digits of a cell that hold its count; the others hold the centre.
const COUNT_BITS: u32 = 4;
/// What a count stops at.
const COUNT_MAX: u16 = (1 << COUNT_BITS) - 1;
/// From this count on, a sample moves the centre by one part in so many.
const GAIN: i32 = 8;
/// From this count on, a sample counts as no further away than an octave.
const BOUNDED_FROM: u16 = 4;
/// How many samples the hour of both kinds of days counts for beside a cell, and the overall centre beside the hour.
const BESIDE_CELL: i32 = 4;
/// See [`BESIDE_CELL`].
const BESIDE_HOUR: i32 = 2;
/// `ROOTS[k]` is 2^(k/16), in 62 binary digits, rounded down.
const ROOTS: [u64; STEPS as usize] = roots();

/// The seasonal centre of an entity: a pointer, and 100 bytes once something was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Season(Option<Box<Cells>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cells {
    days: Days,
    cells: [u16; CELLS],
}

/// The powers of the sixteenth root of 2 that [`ROOTS`] holds.
const fn roots() -> [u64; STEPS as usize] {
    let mut root = 2_u128 << 62;
    let mut halvings = 0;
    while halvings < 4 {
        root = (root << 62).isqrt();
        halvings += 1;
    }
    let mut roots = [1_u64 << 62; STEPS as usize];
    let mut nth = 1;
    while nth < roots.len() {
        roots[nth] = ((roots[nth - 1] as u128 * root) >> 62) as u64;
        nth += 1;
    }
    roots
}

/// log2 of `value` + 1, in 64ths of an octave, rounded down; `value` counts as at most 2^60.
const fn level(value: u64) -> i32 {
    let value = if value > 1 << 60 { 1 << 60 } else { value } + 1;
    let octave = value.ilog2();
    // The mantissa, from 2^62 up to 2^63, squared six times: each passing of 2 is a digit.
    let mut power = (value as u128) << (62 - octave);
    let mut digits = 0;
    let mut digit = 0;
    while digit < OCTAVE.ilog2() {
        power = (power * power) >> 62;
        digits <<= 1;
        if power >> 63 > 0 {
            power >>= 1;
            digits |= 1;
        }
        digit += 1;
    }
    octave as i32 * OCTAVE + digits
}

/// The cell of an hour since 1970: hours of weekdays, then hours of Saturdays and Sundays.
const fn cell_of(hour: i64) -> usize {
    // 1970 began on a Thursday.
    let weekday = (hour.div_euclid(24) + 3).rem_euclid(7);
    hour.rem_euclid(24) as usize + if weekday >= 5 { CELLS / 2 } else { 0 }
}

/// `part / whole`, rounded to the nearest, halves away from 0.
const fn divided(part: i32, whole: i32) -> i32 {
    (part + if part < 0 { -(whole / 2) } else { whole / 2 }) / whole
}

/// `value` at an hour whose level lies `shift` 16ths of an octave above the usual, as what it would be at a usual hour:
/// `value / 2^(shift / 16)`, rounded to the nearest, at least 1 unless it is 0. Never falls as `value` rises.
#[must_use]
pub const fn moved(value: u64, shift: i16) -> u64 {
    if shift == 0 || value == 0 {
        return value;
    }
    let up = -(shift as i32);
    let (octaves, step) = (up.div_euclid(STEPS as i32), up.rem_euclid(STEPS as i32));
    let scaled = value as u128 * ROOTS[step as usize] as u128;
    let places = 62 - octaves;
    let places = if places < 1 {
        1
    } else if places > 126 {
        126
    } else {
        places as u32
    };
    let rounded = (scaled + (1 << (places - 1))) >> places;
    if rounded > u64::MAX as u128 {
        u64::MAX
    } else if rounded == 0 {
        1
    } else {
        rounded as u64
    }
}

// === impl Season ===

impl Season {
    /// Nothing seen.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Notes that the entity sent and received `packets` in `hour`, counted from 1970: once for each hour in which it was
    /// seen and nothing was held out, in order.
    pub fn note(&mut self, hour: i64, packets: u64) {
        let Cells { days, cells } =
            &mut **self.0.get_or_insert_with(|| Box::new(Cells { days: Days::new(), cells: [0; CELLS] }));
        days.note(day_of(hour.saturating_mul(3_600)));
        let cell = &mut cells[cell_of(hour)];
        let (centre, count) = parts(*cell);
        let mut away = level(packets) - centre;
        if count >= BOUNDED_FROM {
            away = away.clamp(-OCTAVE, OCTAVE);
        }
        let centre = centre + divided(away, (i32::from(count) + 1).min(GAIN));
        *cell = (centre as u16) << COUNT_BITS | (count + 1).min(COUNT_MAX);
    }

    /// How far `hour`, counted from 1970, usually lies above the entity's overall centre, in 16ths of an octave (buckets
    /// of a histogram): −64 to 64, for [`moved`]. 0 before three distinct days.
    #[must_use]
    pub fn shift(&self, hour: i64) -> i16 {
        let Some(cells) = self.0.as_deref().filter(|cells| cells.days.count() >= DAYS_MIN) else { return 0 };
        let away = cells.away(cell_of(hour));
        divided(away, OCTAVE / i32::from(STEPS)).clamp(-i32::from(SHIFT_MAX), SHIFT_MAX.into()) as i16
    }

    /// A season that has seen `days`, with these [`Season::cells`]; none has of no day.
    #[must_use]
    pub fn of_cells(days: Days, cells: &[(u16, u16)]) -> Self {
        if days.count() == 0 {
            return Self(None);
        }
        let mut packed = [0; CELLS];
        for (cell, (centre, count)) in packed.iter_mut().zip(cells) {
            *cell = centre.min(&(u16::MAX >> COUNT_BITS)) << COUNT_BITS | count.min(&COUNT_MAX);
        }
        Self(Some(Box::new(Cells { days, cells: packed })))
    }

    /// The centre of each hour of weekdays, then of each of weekends, in 64ths of an octave of packets + 1, and how often
    /// it was seen, up to 15; none while nothing was seen.
    pub fn cells(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        let cells = self.0.iter().flat_map(|cells| cells.cells.iter());
        cells.map(|cell| parts(*cell)).map(|(centre, count)| (centre as u16, count))
    }

    /// The days on which something was seen.
    #[must_use]
    pub fn seen_days(&self) -> Days {
        self.0.as_ref().map_or_else(Days::new, |cells| cells.days)
    }

    /// Takes in what `other` saw. A centre is that of the two which was seen more often, of equals the higher: a mean of means
    /// would depend on the order in which several are merged.
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.0 else { return };
        let Some(own) = &mut self.0 else {
            self.0.clone_from(&other.0);
            return;
        };
        own.days.merge(theirs.days);
        for (cell, other) in own.cells.iter_mut().zip(theirs.cells) {
            let rank = |cell: u16| (parts(cell).1, cell);
            if rank(other) > rank(*cell) {
                *cell = other;
            }
        }
    }

    /// On how many distinct days something was seen.
    #[must_use]
    pub fn days(&self) -> u16 {
        self.0.as_ref().map_or(0, |cells| cells.days.count())
    }

    /// Memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.0.as_ref().map_or(0, |_| size_of::<Cells>())
    }

    /// Appends its bytes to `out`: one while nothing was seen, else about a hundred.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Some(cells) = &self.0 else { return Days::new().encode(out) };
        cells.days.encode(out);
        for cell in cells.cells {
            put(cell.into(), out);
        }
    }

    /// Takes what [`Season::encode`] wrote off the front of `bytes`.
    ///
    /// # Errors
    ///
    /// When they are not such bytes; `bytes` then stands somewhere inside them.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let days = Days::decode(bytes)?;
        if days.count() == 0 {
            return Ok(Self(None));
        }
        let mut cells = [0; CELLS];
        for cell in &mut cells {
            *cell = u16::try_from(take(bytes)?).map_err(|_| DecodeError::Number)?;
            let (centre, count) = parts(*cell);
            if centre > level(u64::MAX) || (count == 0 && centre != 0) {
                return Err(DecodeError::Place { place: (*cell).into() });
            }
        }
        Ok(Self(Some(Box::new(Cells { days, cells }))))
    }
}

/// The centre of a cell, and how often it was seen.
const fn parts(cell: u16) -> (i32, u16) {
    ((cell >> COUNT_BITS) as i32, cell & COUNT_MAX)
}

// === impl Cells ===

impl Cells {
    /// How far a cell lies above the overall centre, shrunk, in 64ths of an octave.
    fn away(&self, at: usize) -> i32 {
        let (sum, weight) = mean_of(self.cells.iter());
        if weight == 0 {
            return 0;
        }
        let overall = divided(sum, weight);
        let hour = at % (CELLS / 2);
        let (sum, weight) = mean_of([self.cells[hour], self.cells[hour + CELLS / 2]].iter());
        let hour_away = divided(sum - weight * overall, weight + BESIDE_HOUR);
        let (centre, count) = parts(self.cells[at]);
        let count = i32::from(count);
        hour_away + divided(count * (centre - overall - hour_away), count + BESIDE_CELL)
    }
}

/// The sum of the centres, each as often as it was seen, and how often that is.
fn mean_of<'a>(cells: impl Iterator<Item = &'a u16>) -> (i32, i32) {
    cells.fold((0, 0), |(sum, weight), cell| {
        let (centre, count) = parts(*cell);
        (sum + centre * i32::from(count), weight + i32::from(count))
    })
}

#[cfg(test)]
mod tests;

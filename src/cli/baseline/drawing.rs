//! Drawing in a terminal: histograms with marks, and lines of heat. Plain characters; nothing depends on colour.

use crate::{
    event::Feature,
    score::histogram::geometry::{bucket_low, bucket_of, bucket_of_rank, rank_of},
};

use super::words::short;

/// How is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    /// Columns.
    pub(super) width: usize,
    /// Only characters of ASCII.
    pub(super) ascii: bool,
}

/// A place that is pointed out below a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// How it is drawn.
    pub(super) letter: char,
    /// Which bucket it is in.
    pub(super) bucket: u16,
}

/// Rows of a histogram.
const ROWS: usize = 4;
/// Columns before everything.
const INDENT: usize = 2;
/// Most columns that one bucket is drawn as.
const WIDE_MAX: usize = 4;
/// Fewest columns that are drawn.
const WIDTH_MIN: usize = 24;
/// Width where nobody says another.
const WIDTH: usize = 80;
/// Bars from the lowest to the fullest, within a row.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII_BARS: [char; 3] = ['.', ':', '#'];
const ASCII_HEAT: [char; 8] = ['.', ':', '-', '=', '+', '*', '#', '@'];

// === impl Pen ===

impl Pen {
    /// The pen for stdout: as wide as `width` says, else as the terminal, and with characters of ASCII only where `ascii`, the
    /// locale or `NO_COLOR` say so.
    pub(super) fn of(width: Option<usize>, ascii: bool) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let columns = || variable("COLUMNS")?.parse().ok();
        let terminal = || console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
        let width = width.or_else(terminal).or_else(columns).unwrap_or(WIDTH).max(WIDTH_MIN);
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
        let locale = locale.to_lowercase();
        let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Self { width, ascii: ascii || !is_utf8 || variable("NO_COLOR").is_some() }
    }

    fn bars(&self) -> &'static [char] {
        if self.ascii { &ASCII_BARS } else { &BARS }
    }

    /// Draws `buckets`, with their weights, of `feature`, and `marks` below: one line each, without an end. Columns are those
    /// of coarse buckets, which are what is kept.
    pub(super) fn histogram(&self, feature: Feature, buckets: &[(u16, u32)], marks: &[Mark]) -> Vec<String> {
        let places = || buckets.iter().map(|(bucket, _)| *bucket).chain(marks.iter().map(|mark| mark.bucket));
        let ranks = || places().map(rank_of);
        let (Some(first), Some(last)) = (ranks().min(), ranks().max()) else { return Vec::new() };
        let room = self.width - INDENT;
        let span = usize::from(last - first) + 1;
        // As many buckets in a column as must be, or as many columns for a bucket as look well.
        let (per, wide) =
            if span > room { (span.div_ceil(room), 1) } else { (1, (room / span).min(WIDE_MAX)) };
        let column = |bucket: u16| usize::from(rank_of(bucket) - first) / per * wide;
        let columns = column(bucket_of_rank(last)) + wide;
        let mut weights = vec![0_u64; columns];
        for (bucket, weight) in buckets {
            weights[column(*bucket)..][..wide].iter_mut().for_each(|sum| *sum += u64::from(*weight));
        }
        let mut lines = self.bars_of(&weights);
        lines.push(if self.ascii { "-" } else { "\u{2500}" }.repeat(columns));
        lines.extend(rows_of(marks.iter().map(|mark| (column(mark.bucket), mark.letter))));
        lines.push(axis(feature, first, last, column, room));
        lines.iter().map(|line| format!("{:INDENT$}{line}", "").trim_end().to_owned()).collect()
    }

    fn bars_of(&self, weights: &[u64]) -> Vec<String> {
        let bars = self.bars();
        let levels = (ROWS * bars.len()) as u64;
        let most = weights.iter().copied().max().unwrap_or(0).max(1);
        let row = |row: usize| {
            let below = row * bars.len();
            let glyph = |weight: &u64| {
                let height = (weight.saturating_mul(levels)).div_ceil(most) as usize;
                match height.saturating_sub(below) {
                    0 => ' ',
                    height => bars[height.min(bars.len()) - 1],
                }
            };
            weights.iter().map(glyph).collect()
        };
        (0..ROWS).rev().map(row).collect()
    }

    /// Draws `values` as heat, from the lowest to the highest of them; nothing where there is none.
    pub(super) fn heat(&self, values: &[Option<u16>]) -> String {
        let steps = if self.ascii { ASCII_HEAT } else { BARS };
        let known = || values.iter().flatten().copied();
        let (Some(low), Some(high)) = (known().min(), known().max()) else { return String::new() };
        let glyph = |value: &Option<u16>| {
            let Some(value) = value else { return ' ' };
            let above = usize::from(value - low) * (steps.len() - 1);
            steps[if high > low { above.div_ceil(usize::from(high - low)) } else { 0 }]
        };
        values.iter().map(glyph).collect()
    }
}

/// Marks in as few rows as keep them apart.
fn rows_of(marks: impl Iterator<Item = (usize, char)>) -> Vec<String> {
    let mut rows: Vec<Vec<char>> = Vec::new();
    for (column, letter) in marks {
        let free = rows.iter().position(|row| row.get(column).is_none_or(|there| *there == ' '));
        let nth = free.unwrap_or_else(|| {
            rows.push(Vec::new());
            rows.len() - 1
        });
        if rows[nth].len() <= column {
            rows[nth].resize(column + 1, ' ');
        }
        rows[nth][column] = letter;
    }
    rows.into_iter().map(String::from_iter).collect()
}

/// Powers of two below the columns of their buckets, as many as there is room for, from the rank `first` to the rank `last`.
fn axis(feature: Feature, first: u16, last: u16, column: impl Fn(u16) -> usize, room: usize) -> String {
    let mut line = String::new();
    let mut ticks: Vec<u64> = (0..=40).map(|power| 1 << power).collect();
    ticks.retain(|value| (first..=last).contains(&rank_of(bucket_of(*value))));
    if ticks.is_empty() {
        ticks.push(bucket_low(bucket_of_rank(first)));
    }
    for value in ticks {
        let (at, text) = (column(bucket_of(value)), short(feature, value));
        let free = line.len() + if line.is_empty() { 0 } else { 2 };
        if at >= free && at + text.len() <= room {
            line = format!("{line:at$}{text}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEN: Pen = Pen { width: 40, ascii: false };
    const BUCKETS: [(u16, u32); 6] = [(161, 1), (171, 400), (173, 900), (175, 1_600), (177, 700), (201, 3)];

    fn marks() -> [Mark; 4] {
        [('5', 175), ('9', 177), ('m', 201), ('s', 176)].map(|(letter, bucket)| Mark { letter, bucket })
    }

    #[test]
    fn a_histogram_is_drawn_with_its_marks_and_powers_of_two() {
        let drawn = PEN.histogram(Feature::BytesOut, &BUCKETS, &marks());
        assert_eq!(drawn, GOLDEN, "\n{}", drawn.join("\n"));
    }

    #[test]
    fn where_there_is_only_ascii_it_is_drawn_with_ascii() {
        let drawn = Pen { ascii: true, ..PEN }.histogram(Feature::Packets, &BUCKETS, &marks());
        assert!(drawn.iter().all(|line| line.is_ascii()));
        assert_eq!(drawn, GOLDEN_ASCII, "\n{}", drawn.join("\n"));
    }

    #[test]
    fn no_line_is_wider_than_the_pen_and_nothing_is_lost_in_grouping() {
        let all: Vec<(u16, u32)> = (0..608).map(|bucket| (bucket, 1)).collect();
        for width in [24, 40, 80, 200] {
            let pen = Pen { width, ascii: false };
            let lines = pen.histogram(Feature::BytesIn, &all, &[Mark { letter: 't', bucket: 607 }]);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:?}");
            assert!(lines[ROWS + 1].ends_with('t'));
        }
        assert!(PEN.histogram(Feature::BytesIn, &[], &[]).is_empty());
    }

    #[test]
    fn a_single_weight_is_seen_beside_a_million() {
        let lines = PEN.histogram(Feature::BytesOut, &[(101, 1_000_000), (121, 1)], &[]);
        assert_eq!(lines[ROWS - 1].matches('▁').count(), 3, "{lines:?}");
    }

    #[test]
    fn heat_goes_from_the_lowest_to_the_highest_and_skips_what_is_not_known() {
        assert_eq!(PEN.heat(&[Some(0), None, Some(350), Some(700)]), "▁ ▅█");
        assert_eq!(Pen { ascii: true, ..PEN }.heat(&[Some(0), Some(700)]), ".@");
        assert_eq!(PEN.heat(&[Some(7), Some(7)]), "▁▁");
        assert_eq!(PEN.heat(&[None]), "");
    }

    const GOLDEN: [&str; 8] = [
        "         █",
        "        ▂█",
        "        ██▆",
        "  ▁    ████           ▁",
        "  ─────────────────────",
        "         59           m",
        "          s",
        "  8 KiB   16 KiB  32 KiB",
    ];
    const GOLDEN_ASCII: [&str; 8] = [
        "         #",
        "        .#",
        "        ###",
        "  .    ####           .",
        "  ---------------------",
        "         59           m",
        "          s",
        "  8,192   16,384  32,768",
    ];
}

//! What a row comes to: percentiles, how far a baseline may be trusted, when its entity was seen last, and its latest
//! values. Everything is as of the last window that has folded, so that equal states read alike at any time.

use crate::{
    event::{AssetClass, Feature, Maturity},
    score::{
        grid::Grid,
        histogram::{
            Compact,
            geometry::{bucket_high, bucket_of, coarse},
        },
        usual::{
            decay::{Decay, Moment},
            maturity::{Days, day_of, maturity},
            peers::moment_of,
            season::{self, moved},
        },
    },
};

use super::record::{About, Baseline, Habits, Histogram, Pool, Running};

/// The spans that are learned over, in seconds, with their names.
pub const SPANS: [(u32, &str); 3] = [(600, "10m"), (3_600, "1h"), (86_400, "24h")];

/// What a histogram comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// How many windows, hours or days as of the last fold would weigh as much: decayed.
    pub samples: u32,
    /// The median, in the feature's unit: the highest value of its bucket, as are the next two.
    pub p50: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// The largest.
    pub max: u64,
    /// The mean, from the middles of the buckets.
    pub mean: f64,
    /// The mean plus three standard deviations.
    pub mean_plus_3_sigma: f64,
    /// The buckets that hold something, ascending, with their weights.
    pub buckets: Vec<(u16, u32)>,
}

/// A value that has come up lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// Start of its window, hour or day, in seconds since 1970.
    pub start: i64,
    /// The value itself, as it was.
    pub value: u64,
    /// The bucket that it is looked up in: that of what it would be at a usual hour.
    pub bucket: u16,
    /// It is over, and only the bucket is known.
    pub learned: bool,
}

// === impl About ===

impl About {
    fn decay(&self) -> Decay {
        Decay::new(self.half_life_seconds)
    }

    /// The moment of the last fold.
    fn now(&self) -> Moment {
        self.decay().moment(u64::try_from(self.folded_until).unwrap_or(0))
    }
}

// === impl Reading ===

impl Reading {
    fn of(histogram: &Compact, about: &About) -> Self {
        let (mean, sigma) = (histogram.mean(), histogram.std());
        Self {
            samples: histogram.windows(about.now()),
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.iter().next_back().map_or(0, |(bucket, _)| bucket_high(bucket)),
            mean,
            mean_plus_3_sigma: mean + 3.0 * sigma,
            buckets: histogram.iter().collect(),
        }
    }
}

/// The histogram of `feature` over `span` among `rows`; empty where there is none.
fn find(rows: &[Histogram], span: u32, feature: Feature) -> Compact {
    let row = rows.iter().find(|row| row.span_seconds == span && row.feature == feature.name());
    row.map_or_else(Compact::new, |row| {
        let narrow = |(bucket, weight): &(u16, u64)| (*bucket, u32::try_from(*weight).unwrap_or(u32::MAX));
        Compact::of_buckets(row.landmark, row.buckets.iter().map(narrow))
    })
}

/// What the members of `pool` have taught it of `feature` over `span`.
#[must_use]
pub fn peer_reading(pool: &Pool, about: &About, span: u32, feature: Feature) -> Reading {
    let rows = pool.epochs.last().map_or(&[][..], |epoch| &epoch.histograms);
    let mut reading = Reading::of(&find(rows, span, feature), about);
    // A pool's weights may be larger than an entity's.
    let row = rows.iter().find(|row| row.span_seconds == span && row.feature == feature.name());
    reading.samples = row.map_or(0, |row| about.now().windows(row.weight, row.landmark));
    reading
}

/// The season of `habits`, the hours included that wait to enter it.
#[must_use]
pub fn season_of(habits: &Habits) -> season::Season {
    let mut season = match &habits.season {
        None => season::Season::new(),
        Some(row) => {
            let cells: Vec<_> = row.weekday.iter().chain(&row.weekend).copied().collect();
            season::Season::of_cells(Days::of(row.days, row.last_day), &cells)
        }
    };
    for (start, packets) in &habits.season_waiting {
        season.note(start.div_euclid(3_600), *packets);
    }
    season
}

// === impl Baseline ===

impl Baseline {
    /// Its name with its scope.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.scope.is_empty() { self.name.clone() } else { format!("{}/{}", self.scope, self.name) }
    }

    /// Its class, where it has one.
    #[must_use]
    pub fn asset_class(&self) -> Option<AssetClass> {
        AssetClass::of_name(self.class.as_deref()?)
    }

    /// What no other has: its kind, its name with its scope, and the class of what passes on others' traffic, because that
    /// may have the name of what stands behind it.
    #[must_use]
    pub fn unique_name(&self) -> String {
        let gateway = self.asset_class().filter(|class| class.passes_traffic());
        let class = gateway.map_or_else(String::new, |class| format!(" ({})", class.name()));
        format!("{}:{}{class}", self.kind, self.full_name())
    }

    /// What it has learned of `feature` over `span` seconds, windows that wait included.
    #[must_use]
    pub fn reading(&self, about: &About, span: u32, feature: Feature) -> Reading {
        let mut learned = find(&self.histograms, span, feature);
        if span == SPANS[0].0 {
            for waiting in &self.waiting {
                let Some(bucket) = waiting.buckets.get(feature.name()) else { continue };
                let at = moment_of(about.decay(), Grid::epoch_of(Grid::window(waiting.seen_window_start)));
                let at = Moment { weight: at.weight * u32::from(waiting.times), ..at };
                learned.record_bucket_at(*bucket, at);
            }
        }
        Reading::of(&learned, about)
    }

    /// How far it may be trusted as of the last fold.
    #[must_use]
    pub fn maturity(&self, about: &About) -> Maturity {
        let days = self.habits.as_ref().map_or(0, |habits| season_of(habits).days());
        maturity(self.reading(about, SPANS[0].0, Feature::BytesOut).samples, days)
    }

    /// Start of the last window that it is known to have been seen in, in seconds since 1970; of the last day, where no
    /// more is known.
    #[must_use]
    pub fn last_seen(&self) -> Option<i64> {
        let windows = self.open.iter().map(|open| open.start);
        let windows = windows.chain(self.waiting.iter().map(|waiting| waiting.seen_window_start));
        let windows = windows.chain(self.episode.map(|episode| episode.last_window_start));
        let spans = self.running.iter().map(|running| running.start);
        let days = self.habits.iter().filter_map(|habits| Some(i64::from(habits.last_day?) * 86_400));
        windows.chain(spans).chain(days).max()
    }

    /// The features whose drift was said and is not over.
    #[must_use]
    pub fn drifting(&self) -> Vec<&str> {
        let weeks = self.habits.iter().flat_map(|habits| &habits.drift);
        weeks.filter(|week| week.said > 0).map(|week| week.feature.as_str()).collect()
    }

    /// The highest value of `feature` over `span` seconds on the last day of which a window is still known one by one: those
    /// that are open, wait to be learned or are in quarantine; or of the hour or day that is running.
    #[must_use]
    pub fn today(&self, span: u32, feature: Feature) -> Option<Peak> {
        let season = self.habits.as_ref().map(season_of).unwrap_or_default();
        let shift = |start: i64| match feature.is_volume() && span < SPANS[2].0 {
            true => season.shift(start.div_euclid(3_600)),
            false => 0,
        };
        let peak = |running: &Running| {
            let value = running.values.get(feature.name()).copied().unwrap_or(0);
            let bucket = coarse(bucket_of(moved(value, shift(running.start))));
            Peak { start: running.start, value, bucket, learned: false }
        };
        let running = self.open.iter().chain(&self.running).filter(|running| running.span_seconds == span);
        let mut peaks: Vec<Peak> = running.map(peak).collect();
        if span == SPANS[0].0 {
            peaks.extend(self.waiting.iter().filter_map(|waiting| {
                let (start, bucket) = (waiting.seen_window_start, *waiting.buckets.get(feature.name())?);
                let value = moved(bucket_high(bucket), -shift(start));
                Some(Peak { start, value, bucket, learned: true })
            }));
        }
        let held = self.habits.iter().flat_map(|habits| &habits.quarantine);
        peaks.extend(held.filter(|held| held.span_seconds == span && held.feature == feature.name()).map(
            |held| {
                let start = held.window_start.div_euclid(span.into()) * i64::from(span);
                let value = moved(bucket_high(held.bucket), -shift(start));
                Peak { start, value, bucket: held.bucket, learned: true }
            },
        ));
        let last = peaks.iter().map(|peak| day_of(peak.start)).max()?;
        let of_last = peaks.into_iter().filter(|peak| day_of(peak.start) == last);
        of_last.max_by_key(|peak| (peak.value, peak.start))
    }
}

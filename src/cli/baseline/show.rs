//! `floodmark baseline show`: what one entity has learned, drawn for a person.

use std::io::Write;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{
    Exit, Failure, From,
    drawing::{Mark, Pen},
    one, out, print_json,
    words::{amount, day, grouped, minute},
};
use crate::{
    event::Feature,
    score::{
        histogram::geometry::{bucket_high, bucket_low, bucket_of},
        review::{About, Baseline, Export, Habits, Peak, Pool, Reading, SPANS, peer_reading, season_of},
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Its name, alone or with its scope, or a part that no other has: `10.0.1.7`, `address:012345678901/10.0.1.7`.
    #[arg(value_name = "ENTITY")]
    entity: String,
    #[command(flatten)]
    from: From,
    /// Only these features, by their names: `bytes_out`.
    #[arg(long, value_name = "NAME", value_parser = feature)]
    feature: Vec<Feature>,
    /// Over which span of time.
    #[arg(long, value_enum, default_value_t = Horizon::Window)]
    horizon: Horizon,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Draw with characters of ASCII only, as where the locale or `NO_COLOR` say so.
    #[arg(long)]
    ascii: bool,
    /// Columns to draw in. Default: as wide as the terminal.
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,
}

/// A span of time that is learned over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Horizon {
    /// Windows of ten minutes.
    #[value(name = "10m")]
    Window,
    /// Hours.
    #[value(name = "1h")]
    Hour,
    /// Days.
    #[value(name = "24h")]
    Day,
}

/// The feature called `name`.
pub(super) fn feature(name: &str) -> Result<Feature, String> {
    let found = Feature::ALL.into_iter().find(|feature| feature.name() == name);
    found.ok_or_else(|| format!("it is one of {}", Feature::ALL.map(Feature::name).join(", ")))
}

/// What is shown of one feature.
struct View<'a> {
    feature: Feature,
    reading: Reading,
    today: Option<Peak>,
    pool: Option<&'a Pool>,
    peers: Reading,
}

// === impl Horizon ===

impl Horizon {
    /// Its length in seconds.
    pub(super) fn seconds(self) -> u32 {
        SPANS[self as usize].0
    }

    /// Many of them.
    fn plural(self) -> &'static str {
        ["windows", "hours", "days"][self as usize]
    }

    fn name(self) -> &'static str {
        ["ten minutes", "an hour", "a day"][self as usize]
    }

    /// The one that began at `start`.
    fn called(self, start: i64) -> String {
        match self {
            Self::Window => format!("the window of {}", minute(start)),
            Self::Hour => format!("the hour of {}", minute(start)),
            Self::Day => format!("the day of {}", day(start)),
        }
    }
}

/// The pool that an entity with `samples` of its own is shrunk towards: its group's, where that holds enough of others; else
/// everybody's.
fn pool<'a>(
    rows: &'a Export,
    row: &Baseline,
    (span, feature, samples): (u32, Feature, u32),
) -> (Option<&'a Pool>, Reading) {
    let reading = |pool| peer_reading(pool, &rows.about, span, feature);
    let group = rows.pools.iter().find(|pool| pool.scope == row.scope && pool.peer_group == row.peer_group);
    if let Some(group) = group {
        let peers = reading(group);
        if peers.samples >= samples.saturating_add(OTHERS_MIN) {
            return (Some(group), peers);
        }
    }
    let everybody = rows.pools.iter().find(|pool| pool.scope.is_empty() && pool.peer_group.is_empty());
    (everybody, everybody.map(reading).unwrap_or_default())
}

/// Windows of others that a group must hold to judge a member.
const OTHERS_MIN: u32 = crate::score::knots::WINDOWS_MIN;

// === impl Show ===

impl Show {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let rows = self.from.find()?.rows()?;
        let row = one(&rows.baselines, &self.entity, false)?;
        let span = self.horizon.seconds();
        let wanted = |feature: &Feature| self.feature.is_empty() || self.feature.contains(feature);
        // Not every feature is learned by the hour and the day.
        let learned = |feature: &Feature| {
            span == SPANS[0].0
                || row.histograms.iter().any(|one| one.span_seconds == span && one.feature == feature.name())
        };
        let view = |feature: Feature| {
            let reading = row.reading(&rows.about, span, feature);
            let (pool, peers) = pool(&rows, row, (span, feature, reading.samples));
            View { feature, today: row.today(span, feature), reading, pool, peers }
        };
        let views: Vec<View<'_>> =
            Feature::ALL.into_iter().filter(wanted).filter(learned).map(view).collect();
        if self.json {
            return print_json(&as_json(row, &rows.about, &views));
        }
        let pen = Pen::of(self.width, self.ascii);
        let mut out = out();
        for line in lines(row, &rows.about, &views, self.horizon, pen) {
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        Ok(Exit::Success)
    }
}

/// All that is shown, line by line.
fn lines(row: &Baseline, about: &About, views: &[View<'_>], horizon: Horizon, pen: Pen) -> Vec<String> {
    let mut lines = head(row, about);
    if views.is_empty() {
        lines.push(format!("\nnothing is learned by {} yet", horizon.plural().trim_end_matches('s')));
    }
    for view in views {
        lines.push(String::new());
        lines.extend(drawn(view, horizon, pen));
    }
    if let Some(habits) = &row.habits {
        lines.extend(rhythm(habits, pen));
        lines.extend(quarantine(habits));
        lines.extend(drift(habits));
    }
    lines
}

fn head(row: &Baseline, about: &About) -> Vec<String> {
    let reading = row.reading(about, SPANS[0].0, Feature::BytesOut);
    let habits = row.habits.as_ref();
    let seen = |time: Option<i64>| time.map_or_else(|| "never".to_owned(), minute);
    let class = row.class.as_ref().map_or_else(String::new, |class| format!(", {class}"));
    let mut lines = vec![
        format!("{} ({}{class}, peer group {})", row.full_name(), row.kind, row.peer_group),
        format!(
            "{}: {} windows of ten minutes, learned on {} days; {} held out",
            row.maturity(about).name(),
            grouped(reading.samples.into()),
            habits.map_or(0, |habits| habits.days),
            grouped(row.windows_held_out.into()),
        ),
        format!("first seen {}, last seen {}", seen(row.first_window_start), seen(row.last_seen())),
        format!(
            "as of {} UTC; half of it is forgotten in {} days",
            minute(about.folded_until),
            about.half_life_seconds / 86_400
        ),
    ];
    if habits.is_some_and(|habits| season_of(habits).days() >= crate::score::maturity::DAYS_MIN) {
        lines.push("bytes and packets are drawn as what they would be at a usual hour".to_owned());
    }
    lines
}

fn drawn(view: &View<'_>, horizon: Horizon, pen: Pen) -> Vec<String> {
    let View { feature, reading, today, pool, peers } = view;
    let value = |value: u64| amount(*feature, value);
    let mut lines = vec![format!(
        "{} in {}: {} {}",
        feature.name(),
        horizon.name(),
        grouped(reading.samples.into()),
        horizon.plural()
    )];
    let sigma = reading.mean_plus_3_sigma.round() as u64;
    let mut marks = Vec::new();
    let mut legend = Vec::new();
    if reading.buckets.is_empty() {
        legend.push("nothing is learned yet".to_owned());
    } else {
        for (letter, name, at) in [
            ('5', "p50", reading.p50),
            ('9', "p99", reading.p99),
            ('m', "max", reading.max),
            ('s', "mean + 3 sigma", sigma),
        ] {
            marks.push(Mark { letter, bucket: bucket_of(at) });
            legend.push(format!("{letter} {name} {}", value(at)));
        }
    }
    if let Some(today) = today {
        marks.push(Mark { letter: 't', bucket: today.bucket });
        let about = if today.learned { "about " } else { "" };
        legend.push(format!("t today {about}{} in {}", value(today.value), horizon.called(today.start)));
    }
    lines.extend(pen.histogram(*feature, &reading.buckets, &marks));
    lines.extend(wrapped(&legend, pen.width));
    if let Some(pool) = pool.filter(|_| peers.samples > 0) {
        let name = match (&*pool.scope, &*pool.peer_group) {
            ("", "") => "everybody".to_owned(),
            ("", group) => group.to_owned(),
            (scope, group) => format!("{group} of {scope}"),
        };
        lines.extend(wrapped(
            &[
                format!("peers ({name}): {} {}", grouped(peers.samples.into()), horizon.plural()),
                format!("p50 {}", value(peers.p50)),
                format!("p99 {}", value(peers.p99)),
                format!("max {}", value(peers.max)),
            ],
            pen.width,
        ));
    }
    lines
}

/// `parts` in as few lines as are not wider than `width`.
fn wrapped(parts: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + 3 + part.len() <= width => {
                line.push_str("   ");
                line.push_str(part);
            }
            _ => lines.push(format!("  {part}")),
        }
    }
    lines
}

fn rhythm(habits: &Habits, pen: Pen) -> Vec<String> {
    let Some(season) = &habits.season else { return Vec::new() };
    let level = |cell: &(u16, u16)| (cell.1 > 0).then_some(cell.0);
    let cells: Vec<Option<u16>> = season.weekday.iter().chain(&season.weekend).map(level).collect();
    // One scale for both, so that they can be compared.
    let heat: Vec<char> = pen.heat(&cells).chars().collect();
    if heat.len() != cells.len() {
        return Vec::new();
    }
    let (weekday, weekend) = heat.split_at(heat.len() / 2);
    let packets = |centre: u16| (f64::from(centre) / 64.0).exp2() - 1.0;
    let known = || cells.iter().flatten().copied();
    let (low, high) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
    vec![
        String::new(),
        format!(
            "packets an hour, usually: {} to {}, seen on {} days",
            grouped(packets(low).round() as u64),
            grouped(packets(high).round() as u64),
            season.days
        ),
        "  UTC       0     6     12    18".to_owned(),
        format!("  weekdays  {}", String::from_iter(weekday)).trim_end().to_owned(),
        format!("  weekends  {}", String::from_iter(weekend)).trim_end().to_owned(),
    ]
}

fn quarantine(habits: &Habits) -> Vec<String> {
    if habits.quarantine.is_empty() {
        return Vec::new();
    }
    let line = |held: &crate::score::review::Held| {
        let feature = feature(&held.feature).unwrap_or(Feature::BytesOut);
        let span =
            SPANS.iter().find(|(seconds, _)| *seconds == held.span_seconds).map_or("", |(_, name)| name);
        let value = amount(feature, bucket_high(held.bucket));
        let found = if held.corroborated { ", found suspicious otherwise too" } else { "" };
        let times = if held.windows == 1 { "once".to_owned() } else { format!("{} times", held.windows) };
        format!("  {} {} in {span}: up to {value}, {times}{found}", day(held.window_start), held.feature)
    };
    let title = "in quarantine; five days of the same are learned after all:".to_owned();
    [String::new(), title].into_iter().chain(habits.quarantine.iter().map(line)).collect()
}

fn drift(habits: &Habits) -> Vec<String> {
    let weeks = habits.drift.iter().filter(|week| !week.weeks_before.is_empty());
    let line = |week: &crate::score::review::DriftOf| {
        let feature = feature(&week.feature).unwrap_or(Feature::BytesOut);
        let said = if week.said > 0 { ": drift was said" } else { "" };
        format!(
            "  {}: {}, usually {} ({} weeks before){said}",
            week.feature,
            amount(feature, week.now),
            amount(feature, week.usual),
            week.weeks_before.len()
        )
    };
    let lines: Vec<String> = weeks.map(line).collect();
    if lines.is_empty() {
        return lines;
    }
    let title = "this week's second largest hour:".to_owned();
    [String::new(), title].into_iter().chain(lines).collect()
}

fn as_json(row: &Baseline, about: &About, views: &[View<'_>]) -> Value {
    let reading = |reading: &Reading| {
        json!({
            "samples": reading.samples, "p50": reading.p50, "p99": reading.p99, "max": reading.max,
            "mean": reading.mean, "mean_plus_3_sigma": reading.mean_plus_3_sigma,
        })
    };
    let bucket = |(bucket, weight): &(u16, u32)| json!({ "from": bucket_low(*bucket), "through": bucket_high(*bucket), "weight": weight });
    let view = |view: &View<'_>| {
        let mut shown = reading(&view.reading);
        shown["feature"] = view.feature.name().into();
        shown["buckets"] = view.reading.buckets.iter().map(bucket).collect();
        shown["today"] = view.today.map_or(
            Value::Null,
            |today| json!({ "start": today.start, "value": today.value, "exact": !today.learned }),
        );
        shown["peers"] = view.pool.map_or(Value::Null, |pool| {
            let mut peers = reading(&view.peers);
            peers["scope"] = pool.scope.as_str().into();
            peers["peer_group"] = pool.peer_group.as_str().into();
            peers
        });
        shown
    };
    json!({
        "class": row.class,
        "entity": row.full_name(),
        "kind": row.kind,
        "peer_group": row.peer_group,
        "maturity": row.maturity(about).name(),
        "first_seen": row.first_window_start,
        "last_seen": row.last_seen(),
        "windows_held_out": row.windows_held_out,
        "as_of": about.folded_until,
        "features": views.iter().map(view).collect::<Vec<_>>(),
        "habits": row.habits,
    })
}

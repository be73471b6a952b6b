//! `floodmark baseline diff`: what differs between two of them.

use std::{collections::BTreeMap, io::Write};

use serde::Serialize;

use super::{
    Exit, Failure, find, out,
    show::{Horizon, feature},
    tell,
    words::{amount, grouped},
};
use crate::{
    event::Feature,
    score::review::{Baseline, Export},
};

#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// The one: a snapshot, an export, a config, the folder of a state, or the address of a running process.
    #[arg(value_name = "A")]
    one: String,
    /// The other.
    #[arg(value_name = "B")]
    other: String,
    /// Only these features, by their names: `bytes_out`.
    #[arg(long, value_name = "NAME", value_parser = feature)]
    feature: Vec<Feature>,
    /// Over which span of time.
    #[arg(long, value_enum, default_value_t = Horizon::Window)]
    horizon: Horizon,
    /// No more than so many changes.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// End with 1 where anything differs.
    #[arg(long)]
    exit_code: bool,
}

/// What differs.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Difference {
    only_in_a: Vec<String>,
    only_in_b: Vec<String>,
    changed: Vec<Change>,
}

/// A feature of an entity that changed: before and after.
#[derive(Debug, PartialEq, Serialize)]
struct Change {
    entity: String,
    feature: &'static str,
    samples: [u32; 2],
    p50: [u64; 2],
    p99: [u64; 2],
    /// The 99th percentile after, by that before; 0 counts as 1.
    p99_ratio: f64,
}

// === impl Difference ===

impl Difference {
    fn of(one: &Export, other: &Export, span: u32, features: &[Feature]) -> Self {
        let by_name = |rows: &'_ Export| -> BTreeMap<String, Baseline> {
            let named = |row: &Baseline| (row.unique_name(), row.clone());
            rows.baselines.iter().map(named).collect()
        };
        let (before, after) = (by_name(one), by_name(other));
        let mut difference = Self {
            only_in_a: before.keys().filter(|name| !after.contains_key(*name)).cloned().collect(),
            only_in_b: after.keys().filter(|name| !before.contains_key(*name)).cloned().collect(),
            changed: Vec::new(),
        };
        for (name, row) in &before {
            let Some(after) = after.get(name) else { continue };
            for feature in features {
                let a = row.reading(&one.about, span, *feature);
                let b = after.reading(&other.about, span, *feature);
                if (a.samples, a.p50, a.p99) == (b.samples, b.p50, b.p99) {
                    continue;
                }
                difference.changed.push(Change {
                    entity: name.clone(),
                    feature: feature.name(),
                    samples: [a.samples, b.samples],
                    p50: [a.p50, b.p50],
                    p99: [a.p99, b.p99],
                    p99_ratio: b.p99.max(1) as f64 / a.p99.max(1) as f64,
                });
            }
        }
        difference.changed.sort_by(|one, other| {
            let far = |change: &Change| change.p99_ratio.log2().abs();
            far(other).total_cmp(&far(one)).then_with(|| one.entity.cmp(&other.entity))
        });
        difference
    }

    fn is_none(&self) -> bool {
        self.only_in_a.is_empty() && self.only_in_b.is_empty() && self.changed.is_empty()
    }

    fn lines(&self, names: [&str; 2]) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, only) in names.into_iter().zip([&self.only_in_a, &self.only_in_b]) {
            if !only.is_empty() {
                lines.push(format!("only in {name}:"));
                lines.extend(only.iter().map(|entity| format!("  {entity}")));
            }
        }
        if !self.changed.is_empty() {
            lines.push(format!("from {} to {}:", names[0], names[1]));
        }
        for Change { entity, feature: name, samples, p50, p99, p99_ratio } in &self.changed {
            let kind = feature(name).unwrap_or(Feature::BytesOut);
            let [a50, b50, a99, b99] = [p50[0], p50[1], p99[0], p99[1]].map(|value| amount(kind, value));
            lines.push(format!(
                "  {entity} {name}: p99 {a99} to {b99} ({p99_ratio:.2} times), p50 {a50} to {b50}, {} to {} samples",
                grouped(samples[0].into()),
                grouped(samples[1].into()),
            ));
        }
        lines
    }
}

// === impl Diff ===

impl Diff {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let (one, other) = (find(&self.one)?.rows()?, find(&self.other)?.rows()?);
        let features = if self.feature.is_empty() { Feature::ALL.to_vec() } else { self.feature };
        let mut difference = Difference::of(&one, &other, self.horizon.seconds(), &features);
        let differs = !difference.is_none();
        let changed = difference.changed.len();
        difference.changed.truncate(self.limit.unwrap_or(usize::MAX));
        let mut out = out();
        if self.json {
            let text = serde_json::to_string_pretty(&difference).map_err(std::io::Error::from)?;
            writeln!(out, "{text}")?;
        } else {
            for line in difference.lines([&self.one, &self.other]) {
                writeln!(out, "{line}")?;
            }
        }
        out.flush()?;
        drop(out);
        tell(format_args!(
            "{} only in the one, {} only in the other, {} changes",
            grouped(difference.only_in_a.len() as u64),
            grouped(difference.only_in_b.len() as u64),
            grouped(changed as u64)
        ));
        Ok(if self.exit_code && differs { Exit::Code(1) } else { Exit::Success })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::review::{About, Histogram};

    fn rows(entities: &[(&str, &[(u16, u64)])]) -> Export {
        let about = About { half_life_seconds: 86_400, ..About::default() };
        let row = |(name, buckets): &(&str, &[(u16, u64)])| Baseline {
            name: (*name).to_owned(),
            kind: "address".to_owned(),
            histograms: vec![Histogram {
                buckets: buckets.to_vec(),
                feature: "bytes_out".to_owned(),
                span_seconds: 600,
                weight: buckets.iter().map(|(_, weight)| weight).sum(),
                ..Histogram::default()
            }],
            ..Baseline::default()
        };
        Export { about, baselines: entities.iter().map(row).collect(), ..Export::default() }
    }

    #[test]
    fn what_moved_furthest_comes_first_whichever_way_it_moved() {
        let one =
            rows(&[("a", &[(100, 160)]), ("b", &[(100, 160)]), ("c", &[(100, 160)]), ("x", &[(100, 16)])]);
        let other =
            rows(&[("a", &[(116, 160)]), ("b", &[(68, 160)]), ("c", &[(100, 160)]), ("y", &[(1, 16)])]);
        let difference = Difference::of(&one, &other, 600, &Feature::ALL);
        let changed: Vec<_> = difference.changed.iter().map(|change| &*change.entity).collect();
        assert_eq!(changed, ["address:b", "address:a"], "b moved by two octaves, a by one, c not at all");
        assert_eq!(difference.only_in_a, ["address:x"]);
        assert_eq!(difference.only_in_b, ["address:y"]);
        assert!((difference.changed[1].p99_ratio - 2.0).abs() < 0.1);
        assert!(Difference::of(&one, &one, 600, &Feature::ALL).is_none());
        let lines = difference.lines(["one", "other"]);
        assert_eq!(lines[..3], ["only in one:", "  address:x", "only in other:"].map(str::to_owned));
    }
}

//! From entries to rows.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use crate::{
    event::Feature,
    score::{
        GEOMETRY, StateError,
        entities::shown::Shown,
        entities::{
            amounts::{Sums, Twofold},
            entity::Entity,
            series::{FEATURES, SERIES, Span},
        },
        grid::{EPOCH_WINDOWS, Grid, WINDOW_SECONDS, Window},
        histogram::{Increments, Packed, geometry::LAST},
        kept::capture::{Times, put_day, put_hour, put_open},
        keys::Key,
        usual::{
            habits::{self, DRIFTING},
            peers::{Epoch, Group},
            pool,
            roles::Role,
            sample::Sample,
        },
        whose::{address::address, addresses, evidence::Evidence, interfaces, own::Shared},
    },
};

use super::record::{
    About, Address, Baseline, DriftOf, Episode, FORMAT, Habits, Held, Histogram, Influence, Interface, Pool,
    PoolEpoch, RoleOf, RolesWaiting, Running, Season, Waiting,
};

/// The length of the span of the series `nth`, in seconds, and its feature.
pub(super) fn series(nth: usize) -> (u32, Feature) {
    let of = |span: Span| (span.seconds() as u32, span.features().get(nth - span.first()));
    let (seconds, feature) = match nth {
        0..FEATURES => (WINDOW_SECONDS as u32, Feature::ALL.get(nth)),
        _ if nth < Span::Day.first() => of(Span::Hour),
        _ => of(Span::Day),
    };
    (seconds, feature.copied().unwrap_or(Feature::BytesOut))
}

pub(super) fn about(times: &Times) -> About {
    About {
        folded_until: Grid::end(times.folded),
        format: FORMAT,
        geometry: GEOMETRY,
        half_life_seconds: u32::try_from(times.half_life_seconds).unwrap_or(u32::MAX),
        partitions: times.clocks.iter().map(|(name, clock)| (name.as_str().to_owned(), *clock)).collect(),
        watermark: times.global,
    }
}

/// The row of `entity`.
pub(super) fn baseline_row(entity: &Entity) -> Baseline {
    let mut histograms = histograms(&entity.own, 0);
    for span in Span::ALL {
        histograms.extend(self::histograms(&entity.own_of_spans[span as usize], span.first()));
    }
    let encoded = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        hex(&out)
    };
    let open = entity.open.iter().map(|open| {
        running(WINDOW_SECONDS, open.window(), &open.amounts, encoded(&|out| put_open(open, out)))
    });
    let hour = entity.hour.as_deref().map(|hour| {
        running(Span::Hour.seconds(), hour.start(), &hour.amounts, encoded(&|out| put_hour(hour, out)))
    });
    let day = entity.day.as_deref().map(|day| {
        running(Span::Day.seconds(), day.start(), &day.amounts, encoded(&|out| put_day(day, out)))
    });
    Baseline {
        class: entity.name.class.map(|class| class.name().to_owned()),
        episode: entity.episode.map(|episode| Episode {
            first_window_start: Grid::start(episode.start()),
            last_window_start: Grid::start(episode.last()),
        }),
        first_window_start: entity.born().map(Grid::start),
        habits: entity.habits.as_deref().map(habits_row),
        histograms,
        kind: entity.name.kind.name().to_owned(),
        name: entity.name.name().to_owned(),
        open: open.collect(),
        peer_group: entity.name.peer_group().to_owned(),
        running: hour.into_iter().chain(day).collect(),
        scope: entity.name.scope().to_owned(),
        waiting: entity.pending.iter().map(waiting).collect(),
        windows_held_out: entity.held_out,
    }
}

/// The row of `group`.
pub(super) fn pool_row(group: &Group) -> Pool {
    let epoch = |(end, kept): &(Window, Arc<Epoch>)| PoolEpoch {
        end: Grid::end(*end),
        histograms: kept.pools().iter().enumerate().filter_map(pool_histogram).collect(),
    };
    let entries = |gathered: &Increments| {
        gathered.entries().iter().map(|one| (one.landmark, one.bucket, one.weight)).collect()
    };
    Pool {
        epochs: group.epochs.iter().map(epoch).collect(),
        first_window_start: group.born.map(Grid::start),
        gathered: group.gathered.iter().map(entries).collect(),
        peer_group: group.name.to_string(),
        scope: group.scope.to_string(),
    }
}

/// The row of the address with `key`, whose entry is `value`.
pub(super) fn address_row(key: Key, value: &[u8]) -> Result<Address, StateError> {
    let (entity, window) = addresses::decode(value)?;
    let hex = |key: Key| format!("{key:032x}");
    Ok(Address { entity: entity.map(hex), key: hex(key), since: Grid::start(window) })
}

pub(super) fn interface_row(
    interface: &interfaces::Interface,
    shared: Shared,
    evidence: Option<&Evidence>,
) -> Interface {
    let text = |number: &u128| address(*number).to_string();
    let in_all = match shared {
        Shared::Anything => vec!["anything".to_owned()],
        Shared::Nothing => vec!["nothing".to_owned()],
        Shared::One(_) | Shared::Two(..) => shared.addresses().1.iter().map(text).collect(),
    };
    let settled = evidence.and_then(Evidence::settled);
    let encoded = |evidence: &Evidence| {
        let mut out = Vec::new();
        evidence.encode(&mut out);
        hex(&out)
    };
    Interface {
        class: settled.map(|(class, _)| class.name().to_owned()),
        class_since: settled.map(|(_, from)| Grid::start(from)),
        entities_made: interface.made.count(),
        evidence: evidence.map(encoded),
        name: interface.name.to_string(),
        scope: interface.scope.each_ref().map(ToString::to_string),
        shared: in_all,
        strangers: interface.strangers.iter().map(text).collect(),
    }
}

fn histograms(own: &Packed, first: usize) -> Vec<Histogram> {
    let histogram = |(nth, own): (usize, super::super::histogram::packed::Series<'_>)| {
        let (span_seconds, feature) = series(first + nth);
        let mut buckets: Vec<_> = own.falling().map(|(bucket, weight)| (bucket, u64::from(weight))).collect();
        buckets.reverse();
        Histogram {
            buckets,
            feature: feature.name().to_owned(),
            landmark: own.landmark(),
            span_seconds,
            weight: own.total(),
        }
    };
    own.series().enumerate().filter(|(_, own)| !own.is_empty()).map(histogram).collect()
}

fn pool_histogram((nth, pool): (usize, &pool::Pool)) -> Option<Histogram> {
    let (span_seconds, feature) = series(nth);
    (!pool.is_empty()).then(|| Histogram {
        buckets: pool.iter().collect(),
        feature: feature.name().to_owned(),
        landmark: pool.landmark(),
        span_seconds,
        weight: pool.total(),
    })
}

fn running<A: Sums>(seconds: i64, start: Window, amounts: &Twofold<A>, encoded: String) -> Running {
    let values = Feature::ALL.iter().zip(amounts.values());
    Running {
        encoded,
        span_seconds: seconds as u32,
        start: Grid::start(start),
        values: values.map(|(feature, value)| (feature.name().to_owned(), value)).collect(),
    }
}

fn waiting(sample: &Sample) -> Waiting {
    let buckets: BTreeMap<_, _> = Feature::ALL
        .iter()
        .zip(sample.buckets)
        .filter(|(_, bucket)| *bucket <= LAST)
        .map(|(feature, bucket)| (feature.name().to_owned(), bucket))
        .collect();
    Waiting {
        buckets,
        seen_window_start: Grid::start(sample.seen.window()),
        times: sample.times,
        window_start: Grid::start(sample.window.window()),
    }
}

fn habits_row(habits: &habits::Habits) -> Habits {
    let (season, drift) = habits.parts();
    let (day, windows_max) = habits.influence.allowed();
    let running = drift.running();
    let drift_of = |(nth, feature): (usize, &Feature)| {
        let (week, first_week) = running?;
        let (top, before) = drift.weeks_of(nth);
        let (now, usual) = drift.compared(nth);
        Some(DriftOf {
            feature: feature.name().to_owned(),
            first_week,
            now,
            said: drift.said(nth),
            top,
            usual,
            week,
            weeks_before: before.to_vec(),
        })
    };
    let held = habits.ring.held().map(|(held, corroborated)| {
        let (span_seconds, feature) = series(held.series.into());
        // No capture writes another series; what is there all the same is not to be taken for one of ours.
        let known = usize::from(held.series) < SERIES;
        let feature = if known { feature.name().to_owned() } else { format!("series {}", held.series) };
        let window_start = Grid::start(held.window);
        Held { bucket: held.bucket, corroborated, feature, span_seconds, window_start, windows: held.windows }
    });
    let cells: Vec<_> = season.cells().collect();
    let (weekday, weekend) = cells.split_at(cells.len() / 2);
    Habits {
        days: habits.days.count(),
        drift: DRIFTING.iter().enumerate().filter_map(drift_of).collect(),
        influence: Influence {
            ceilings: habits.influence.ceilings().to_vec(),
            day,
            windows_learned: habits.influence.learned(),
            windows_max,
        },
        last_day: habits.days.last(),
        quarantine: held.collect(),
        roles: habits.roles().all().map(role_row).collect(),
        roles_waiting: habits.waiting().filter_map(roles_waiting).collect(),
        season: season.seen_days().last().map(|last_day| Season {
            days: season.days(),
            last_day,
            weekday: weekday.to_vec(),
            weekend: weekend.to_vec(),
        }),
        season_waiting: habits
            .waiting()
            .filter_map(|(hour, packets, _)| Some((Grid::start(hour * EPOCH_WINDOWS), packets?)))
            .collect(),
    }
}

fn role_row((role, key, last_day, days): (Role, u32, u16, u8)) -> RoleOf {
    RoleOf { days, key: role.spelled(key), last_day, role: role.name().to_owned() }
}

fn roles_waiting((hour, _, shown): (i64, Option<u64>, &Shown)) -> Option<RolesWaiting> {
    let mut encoded = Vec::new();
    shown.encode(&mut encoded);
    let start = Grid::start(hour * EPOCH_WINDOWS);
    (!shown.is_empty()).then(|| RolesWaiting { encoded: hex(&encoded), start })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

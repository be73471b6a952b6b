//! The second pass: from the table to baselines, as if the windows had folded one after the other, but for those that stand
//! out of the whole archive.

use std::sync::MutexGuard;

use crate::{
    event::{EntityName, Feature, Maturity, Reason},
    score::{
        Config, Scorer,
        entities::{
            amounts::{Amounts, Sums, Twofold},
            entity::Entity,
            fold::{Folded, fold_through},
            series::FEATURES,
        },
        gate::plan::{EntityRef, SHARDS},
        grid::{Grid, Narrow, Window},
        lock,
        shard::{AHEAD, Shard},
        usual::{decay::Moment, knots::score_points, maturity::maturity, peers::moment_of},
        whose::{
            attribution::{ADDRESSES_EACH, Attribution},
            interfaces::Interface as KnownInterface,
            registry::{EVERYONE, Told, entity_name},
        },
    },
    telemetry::metrics::Metrics,
};

use super::{
    counts::Counts,
    ledger::{Ledger, Noted},
    report::{Coverage, EntityCounts, Gap, HeldOut, Past, Period, Report},
    resolve::{Everybody, Somebody, resolve},
    robust::{Usual, surprises, usual_of},
    table::Table,
};

/// What an archive has taught.
#[derive(Debug)]
pub struct Learned {
    /// The entries of the state, in the order of their keys: what a capture would have written.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// What it came to.
    pub report: Report,
    /// End of the last window, in seconds since 1970; 0 where there is none.
    pub end: i64,
}

/// A row of the table and whose it is.
#[derive(Debug, Clone, Copy)]
struct Place {
    window: Narrow,
    /// The entity, by its place among all.
    entity: u32,
    row: u32,
    /// A gateway's record shows it.
    passed: bool,
}

/// What is usual for each feature of an entity.
type Usually = [Usual; FEATURES];

/// Learns what `table` holds; `progress` is told of how many windows are done, and of how many there are.
#[must_use]
pub fn settle(
    mut table: Table,
    config: &Config,
    metrics: &Metrics,
    state_seed: [u8; 16],
    mut progress: impl FnMut(u64, u64),
) -> Learned {
    table.seen.clear();
    let everybody = resolve(&table);
    let scorer = Scorer::new(config, metrics, state_seed);
    let refs = enroll(&scorer, &table, &everybody, config.entities_max as usize);
    let mut places = placed(&table, &everybody, &refs);
    let mut shards: Vec<MutexGuard<'_, Shard>> = scorer.shards.iter().map(lock).collect();
    shards.iter_mut().for_each(|shard| shard.ledger = Some(Box::default()));
    let usual = withhold(&table, &mut places, &refs, &mut shards);
    places.sort_unstable_by_key(|place| (place.window, place.entity, place.row));
    let total = places.len() as u64;
    let (mut folded, mut done, mut sum) = (-1, 0, Folded::default());
    let mut gaps = Vec::new();
    for few in places.chunk_by(|one, other| one.window == other.window) {
        let window = few[0].window.window();
        if done > 0 && window > folded + 1 {
            gaps.push(Gap { start: time(Grid::start(folded + 1)), end: time(Grid::start(window)) });
        }
        for (nth, place) in few.iter().enumerate() {
            if nth % AHEAD == 0 {
                let ahead = few[nth..].iter().take(AHEAD);
                std::hint::black_box(ahead.fold(0, |read, place| read ^ table.rows.warm(place.row)));
            }
            let Some(entity) = refs[place.entity as usize] else { continue };
            let amounts = table.rows.take(place.row);
            add(&mut shards[entity.shard()], entity.slot(), window, (amounts, place.passed));
        }
        let came = fold(&scorer, &mut shards, folded, window);
        sum.learned += came.learned;
        sum.held_out += came.held_out;
        sum.capped += came.capped;
        folded = window;
        done += few.len() as u64;
        progress(done, total);
    }
    let period = places.first().map(|first| Period {
        start: time(Grid::start(first.window.window())),
        end: time(Grid::end(folded)),
    });
    let now = moment_of(scorer.rules.decay, folded);
    let report = Report {
        coverage: coverage(table.counts()),
        entities: counted(&shards, &refs, (folded, now), &scorer),
        period,
        gaps,
        windows_learned: sum.learned,
        windows_held_out: sum.held_out,
        windows_capped: sum.capped,
        held_out: told(&mut shards, &refs, &usual),
    };
    drop(shards);
    let mut gate = lock(&scorer.gate);
    gate.folded = folded;
    if !places.is_empty() {
        gate.clocks.restore(Grid::end(folded) - 1, Vec::new());
    }
    drop(gate);
    let captured = scorer.capture(0).entries;
    let entries = captured.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    Learned { entries, report, end: if places.is_empty() { 0 } else { Grid::end(folded) } }
}

/// Makes every entity and interface known to `scorer`; says where each entity stands, if there is room for it.
fn enroll(
    scorer: &Scorer,
    table: &Table,
    everybody: &Everybody,
    entities_max: usize,
) -> Vec<Option<EntityRef>> {
    let mut gate = lock(&scorer.gate);
    let Attribution { interfaces, registry, .. } = &mut gate.attribution;
    let mut known: Vec<_> = table.interfaces.iter().zip(&everybody.owned).collect();
    known.sort_unstable_by_key(|(interface, _)| interface.key);
    for (interface, (strangers, made)) in known {
        let scope = interface.scope.each_ref().map(|part| &**part);
        let one = KnownInterface {
            strangers: strangers.as_slice().into(),
            made: made.clone(),
            ..KnownInterface::new(scope, &interface.name)
        };
        if let Some(place) = interfaces.add(interface.key, one, interface.shared) {
            interfaces.change(place);
        }
    }
    let entities = everybody.entities.iter();
    let number = |one: &Somebody| EntityName::number_of((one.kind, &one.name, &one.scope));
    let told = |one: &Somebody| Told { role: one.group() != EVERYONE, class: one.class, number: number(one) };
    let refs: Vec<_> = entities.map(|one| registry.add(one.key, told(one))).collect();
    for (one, place) in everybody.entities.iter().zip(&refs) {
        let Some(place) = place else { continue };
        let pool = gate.attribution.pool(&one.scope, one.group(), &scorer.peers);
        let name = entity_name((one.kind, &one.name, &one.scope), one.group(), one.class);
        lock(&scorer.shards[place.shard()]).entities.push(Entity::new(one.key, name, pool));
    }
    for (key, entity, since) in everybody.addresses(ADDRESSES_EACH * entities_max) {
        let addresses = &mut gate.attribution.addresses;
        let place = addresses.enter(key, since);
        let whose =
            entity.and_then(|entity| Some((refs[entity as usize]?, everybody.entities[entity as usize].key)));
        if let Some(whose) = whose {
            addresses.settle(place, whose, since);
        }
    }
    refs
}

/// Every row that is somebody's, in the order of entities and windows.
fn placed(table: &Table, everybody: &Everybody, refs: &[Option<EntityRef>]) -> Vec<Place> {
    let rows = (0..table.rows.len() as u32).filter_map(|row| {
        let one = table.rows.get(row);
        let (entity, passed) = everybody.whose(one.candidate, one.window.window())?;
        refs[entity as usize]?;
        Some(Place { window: one.window, entity, row, passed })
    });
    let mut places: Vec<Place> = rows.collect();
    places.sort_unstable_by_key(|place| (place.entity, place.window, place.row));
    places
}

/// Finds the windows that stand out of the whole archive, and tells the shards to hold them out; says what is usual for each entity.
fn withhold(
    table: &Table,
    places: &mut [Place],
    refs: &[Option<EntityRef>],
    shards: &mut [MutexGuard<'_, Shard>],
) -> Vec<Usually> {
    let mut usual = vec![Usually::default(); refs.len()];
    for own in places.chunk_by(|one, other| one.entity == other.entity) {
        let Some(entity) = refs[own[0].entity as usize] else { continue };
        let mut columns: [Vec<u64>; FEATURES] = Default::default();
        let mut windows = Vec::with_capacity(own.len());
        for few in own.chunk_by(|one, other| one.window == other.window) {
            let values = values(table, few);
            windows.push((few[0].window.window(), values));
            columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        let (usually, enough) = usual_of(&mut columns);
        usual[own[0].entity as usize] = usually;
        let Some(ledger) = shards[entity.shard()].ledger.as_mut().filter(|_| enough) else { continue };
        for (window, values) in windows {
            if let Some(log10_p) = surprises(&usually, &values) {
                ledger.withhold(window, entity.slot(), log10_p);
            }
        }
    }
    usual
}

/// The features of one window, which these rows are of.
fn values(table: &Table, few: &[Place]) -> [u64; FEATURES] {
    let (first, others) = few.split_at(1);
    let amounts = &table.rows.get(first[0].row).amounts;
    if others.is_empty() {
        return amounts.values();
    }
    let mut all = Twofold::default();
    few.iter().for_each(|place| put(&mut all, (&table.rows.get(place.row).amounts, place.passed)));
    all.values()
}

/// Adds `amounts`, which gateways saw if they are `passed`.
fn put(all: &mut Twofold, (amounts, passed): (&Amounts, bool)) {
    let side = if passed { &mut **all.passed.get_or_insert_default() } else { &mut all.own };
    side.merge(amounts);
}

/// Adds `amounts` to the open window of the entity at `slot`.
fn add(shard: &mut Shard, slot: u32, window: Window, (amounts, passed): (Amounts, bool)) {
    let entity = &mut shard.entities[slot as usize];
    let (place, fresh) = entity.enter(window);
    let all = &mut entity.open[place].amounts;
    if fresh && !passed {
        all.own = amounts;
    } else {
        put(all, (&amounts, passed));
    }
    if fresh {
        shard.open.entry(window).or_default().push(slot);
    }
}

/// Folds `window`, everything through `folded` having folded before.
fn fold(scorer: &Scorer, shards: &mut [MutexGuard<'_, Shard>], folded: Window, window: Window) -> Folded {
    let mut peers = scorer.peers.write();
    let mut notices = Vec::new();
    fold_through(shards, &mut peers, &scorer.rules, folded, (window, window), (0, true, 0), &mut notices)
}

/// How many entities there are, by how far their baselines may be trusted once everything through `folded` has folded.
fn counted(
    shards: &[MutexGuard<'_, Shard>],
    refs: &[Option<EntityRef>],
    (folded, now): (Window, Moment),
    scorer: &Scorer,
) -> EntityCounts {
    let refused = refs.iter().filter(|place| place.is_none()).count() as u64;
    let mut counts = EntityCounts { refused, ..EntityCounts::default() };
    for entity in shards.iter().flat_map(|shard| &shard.entities) {
        let baseline = entity.baseline(scorer.rules.decay);
        let first = baseline.nth(0);
        let windows = now.windows(first.total(), first.landmark());
        let days = entity.habits.as_ref().map_or(0, |habits| habits.shifts(folded, folded + 1).days);
        counts.all += 1;
        match maturity(windows, days) {
            Maturity::Warming => counts.warming += 1,
            Maturity::Shrunk => counts.shrunk += 1,
            Maturity::Mature => counts.mature += 1,
        }
    }
    counts
}

/// What was held out, in the order of time.
fn told(shards: &mut [MutexGuard<'_, Shard>], refs: &[Option<EntityRef>], usual: &[Usually]) -> Vec<HeldOut> {
    let mut of_slot: [Vec<u32>; SHARDS] = Default::default();
    for (place, entity) in refs.iter().enumerate() {
        if let Some(entity) = entity {
            // Slots of a shard ascend with the places of its entities.
            of_slot[entity.shard()].push(place as u32);
        }
    }
    let mut all: Vec<(Noted, usize)> = Vec::new();
    for (nth, shard) in shards.iter_mut().enumerate() {
        let ledger: Ledger = shard.ledger.take().map_or_else(Ledger::default, |ledger| *ledger);
        all.extend(ledger.held_out.into_iter().map(|noted| (noted, nth)));
    }
    all.sort_by_key(|(noted, shard)| (noted.window, of_slot[*shard][noted.slot as usize]));
    let mut held_out = Vec::new();
    for (noted, shard) in &all {
        let name = &shards[*shard].entities[noted.slot as usize].name;
        let usual = &usual[of_slot[*shard][noted.slot as usize] as usize];
        held_out.extend(noted.features().map(|feature| HeldOut {
            window_start: time(Grid::start(noted.window.window())),
            scope: name.scope().to_owned(),
            kind: name.kind.name().to_owned(),
            entity: name.name().to_owned(),
            feature: Feature::ALL[feature].name().to_owned(),
            observed: noted.values[feature],
            usual: Past { median: usual[feature].median, p99: usual[feature].p99, p999: usual[feature].p999 },
            score: score_points(noted.log10_p[feature]),
            of_whole_archive: noted.withheld & 1 << feature != 0,
        }));
    }
    held_out
}

fn coverage(counts: &Counts) -> Coverage {
    let quarantined = Reason::ALL.into_iter().zip(counts.quarantined).filter(|(_, count)| *count > 0);
    Coverage {
        files: counts.files,
        files_repeated: counts.files_repeated,
        bytes: counts.bytes,
        records: counts.records,
        no_data: counts.no_data,
        skip_data: counts.skipped,
        without_addresses: counts.blind,
        without_end: counts.timeless,
        too_far_ahead: counts.early,
        nobody: counts.nobody,
        repeated: counts.repeated,
        quarantined: quarantined.map(|(reason, count)| (reason.to_string(), count)).collect(),
    }
}

/// `seconds` since 1970 as RFC 3339.
fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

//! All lists together: what AWS describes is put together from its parts, and what people write lies over it.

use std::{collections::HashMap, net::Ipv6Addr, sync::Arc};

use ipnet::{IpNet, Ipv6Net};

use super::{
    AssetKey, AssetList,
    described::{Described, Interface},
    interval::{Interval, Timeline},
    scope::Scope,
};
use crate::{enrich::place::next_serial, event::Asset};

/// Every key with what holds for it when, and what is inside by the assets.
#[derive(Debug, Default)]
pub(super) struct Composed {
    pub(super) rows: Vec<ComposedRow>,
    /// Networks and addresses of the estate.
    pub(super) inside: Vec<(IpNet, Interval)>,
}

/// One key in one scope.
#[derive(Debug)]
pub(super) struct ComposedRow {
    pub(super) key: AssetKey,
    pub(super) scope: Option<Arc<Scope>>,
    pub(super) line: Timeline<Arc<Asset>>,
}

/// What people write of one key.
#[derive(Debug)]
struct Written {
    scope: Option<Arc<Scope>>,
    line: Timeline<Arc<Asset>>,
    /// Whether it is said with what AWS describes, so that it needs no row of its own.
    is_said: bool,
}

type ByKey = HashMap<AssetKey, Vec<Written>>;
type Line = Timeline<Arc<Asset>>;

/// The addresses that every private use of IPv6 is among (RFC 4193).
const UNIQUE_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);

/// Puts `lists` together, in the order of the config: of rows for one thing at one time the later holds, and what people
/// write beats what AWS describes, member by member.
pub(super) fn compose(lists: &[Arc<AssetList>]) -> Composed {
    let mut written = written(lists);
    let mut composed = Composed::default();
    let all = || lists.iter().map(|list| &list.described);
    let instances = instances(all(), &mut written, &mut composed);
    let mut by_address: HashMap<(IpNet, Option<Arc<Scope>>), Line> = HashMap::new();
    let mut lay = |net: IpNet, scope: Option<&Arc<Scope>>, valid: Interval, asset: &Arc<Asset>| {
        by_address.entry((net, scope.cloned())).or_default().lay(valid, asset.clone());
    };
    for is_subnet in [false, true] {
        for network in all().flat_map(|described| &described.networks).filter(|it| it.is_subnet == is_subnet)
        {
            let asset = finished(network.asset());
            for net in &network.nets {
                lay(*net, scope_of(net, &network.scope), network.valid, &asset);
                composed.inside.push((*net, network.valid));
            }
        }
    }
    for (interface, valid, asset) in interfaces(all(), &instances, &mut written, &mut composed) {
        for net in &interface.nets {
            lay(*net, scope_of(net, &interface.scope), valid, &asset);
        }
        for net in &interface.public {
            lay(*net, None, valid, &asset);
        }
        composed.inside.extend(interface.nets.iter().chain(&interface.public).map(|net| (*net, valid)));
    }
    for ((net, scope), line) in by_address {
        let key = AssetKey::Network(net);
        let line = overlaid(line, written.get_mut(&key), scope.as_deref());
        composed.rows.push(ComposedRow { key, scope, line });
    }
    for (key, all) in written {
        let alone = all.into_iter().filter(|written| !written.is_said);
        composed.rows.extend(alone.map(|Written { scope, line, .. }| ComposedRow {
            key: key.clone(),
            scope,
            line,
        }));
    }
    composed
}

/// What people write, by key.
fn written(lists: &[Arc<AssetList>]) -> ByKey {
    let mut written = ByKey::new();
    for row in lists.iter().flat_map(|list| &list.rows) {
        // Ids are the same nowhere else.
        let scope = row.scope.clone().filter(|_| matches!(row.key, AssetKey::Network(_)));
        let of_key = written.entry(row.key.clone()).or_default();
        match of_key.iter_mut().find(|written| written.scope == scope) {
            Some(written) => written.line.lay(row.valid, row.asset.clone()),
            None => {
                let line = Timeline::of(row.valid, row.asset.clone());
                of_key.push(Written { scope, line, is_said: false });
            }
        }
    }
    written
}

/// Puts the instances' rows, and says what holds for each when.
fn instances<'a>(
    all: impl Iterator<Item = &'a Described>,
    written: &mut ByKey,
    composed: &mut Composed,
) -> HashMap<&'a str, Line> {
    let mut lines: HashMap<&str, Line> = HashMap::new();
    for instance in all.flat_map(|described| &described.instances) {
        lines.entry(&instance.id).or_default().lay(instance.valid, finished(instance.asset()));
    }
    for (id, line) in &mut lines {
        let key = AssetKey::Id((*id).into());
        *line = overlaid(std::mem::take(line), written.get_mut(&key), None);
        composed.rows.push(ComposedRow { key, scope: None, line: line.clone() });
    }
    // People may name instances that nobody describes.
    lines
}

/// Puts the interfaces' rows, and says which holds when, as which asset.
fn interfaces<'a>(
    all: impl Iterator<Item = &'a Described> + Clone,
    instances: &HashMap<&str, Line>,
    written: &mut ByKey,
    composed: &mut Composed,
) -> Vec<(&'a Interface, Interval, Arc<Asset>)> {
    let groups: HashMap<&str, &str> =
        all.clone().flat_map(|described| &described.groups).map(|group| (&*group.id, &*group.name)).collect();
    let mut lines: HashMap<&str, Timeline<&Interface>> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    let attached = all.clone().flat_map(|described| &described.attached);
    for interface in attached.chain(all.flat_map(|described| &described.interfaces)) {
        let line = lines.entry(&interface.id).or_insert_with(|| {
            order.push(&interface.id);
            Timeline::default()
        });
        line.lay(interface.valid, interface);
    }
    let mut found = Vec::new();
    for id in order {
        let Some(interfaces) = lines.get(id) else { continue };
        let mut line = Line::default();
        let mut before: Option<Arc<Asset>> = None;
        for (valid, interface) in interfaces.pieces() {
            let mut asset = interface.asset(|group| groups.get(group).copied());
            let instance = interface.instance.as_deref();
            if let Some(instance) = instance.and_then(|id| instances.get(id)?.during(*valid)) {
                fill(&mut asset, instance);
            } else if let Some(instance) = instance {
                let named = written.get(&AssetKey::Id(instance.into())).and_then(|all| all.first());
                if let Some(named) = named.and_then(|named| named.line.during(*valid)) {
                    fill(&mut asset, named);
                }
            }
            // One that did not change from day to day is one asset.
            let same = before.filter(|before| Asset { serial: before.serial, ..asset.clone() } == **before);
            let asset = same.unwrap_or_else(|| finished(asset));
            before = Some(asset.clone());
            line.lay(*valid, asset);
        }
        let key = AssetKey::Id(id.into());
        let line = overlaid(line, written.get_mut(&key), None);
        for (valid, asset) in line.pieces() {
            if let Some(interface) = interfaces.at(valid.from) {
                found.push((*interface, *valid, asset.clone()));
            }
        }
        let scope = interfaces.pieces().last().map(|(_, interface)| interface.scope.clone());
        composed.rows.push(ComposedRow { key, scope, line });
    }
    found
}

/// `line` with what people write of its key over it: what they say of every scope first, then of this one.
fn overlaid(mut line: Line, written: Option<&mut Vec<Written>>, scope: Option<&Scope>) -> Line {
    let Some(written) = written else { return line };
    let nowhere = Scope::default();
    let scope = scope.unwrap_or(&nowhere);
    for has_scope in [false, true] {
        for written in written.iter_mut().filter(|written| written.scope.is_some() == has_scope) {
            let of = written.scope.as_deref();
            if of.is_some_and(|of| !of.holds(scope)) {
                continue;
            }
            line = line.over(&written.line, |above, beneath| match beneath {
                Some(beneath) => {
                    let mut asset = (**above).clone();
                    fill(&mut asset, beneath);
                    finished(asset)
                }
                None => above.clone(),
            });
            // What is said of an account or a region is said of other VPCs too.
            written.is_said |= of.map_or(*scope == nowhere, |of| of.vpc.is_some());
        }
    }
    line
}

/// Says what `asset` does not, as `other` says it.
fn fill(asset: &mut Asset, other: &Asset) {
    for (own, other) in [
        (&mut asset.name, &other.name),
        (&mut asset.owner, &other.owner),
        (&mut asset.role, &other.role),
        (&mut asset.criticality, &other.criticality),
    ] {
        if own.is_none() {
            own.clone_from(other);
        }
    }
    asset.class = asset.class.or(other.class);
    for (name, value) in &other.tags {
        asset.tags.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

/// The scope in which `net` means something: none for addresses that are the same nowhere else.
fn scope_of<'a>(net: &IpNet, scope: &'a Arc<Scope>) -> Option<&'a Arc<Scope>> {
    let is_global = matches!(net, IpNet::V6(net) if !UNIQUE_LOCAL.contains(net));
    Some(scope).filter(|_| !is_global)
}

fn finished(asset: Asset) -> Arc<Asset> {
    Arc::new(Asset { serial: next_serial(), ..asset })
}

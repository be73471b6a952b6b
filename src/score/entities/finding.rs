//! Findings: which documents a window that rose above the mark leaves, and what they say.

use std::sync::Arc;

use crate::{
    event::{
        Activity, Detector, Direction, Disposition, EntityName, EventId, Evidence, Finding, IdScheme,
        ResourceRole, Revision, Score,
    },
    score::{
        detect::Sight,
        gate::{
            columns::{Column, Record},
            plan::{Role, Vantage},
        },
        grid::{Grid, WINDOW_SECONDS, Window},
        histogram::packed::Series,
        usual::season::moved,
        whose::{address::address, attribution::asset_of, own::Side},
    },
};

use super::{entity::Entity, episode::Episode, open::Raised};

/// A finding on its way into a batch, with what puts it in an order that neither seed nor threads decide.
#[derive(Debug)]
pub(in crate::score) struct Notice {
    /// The part of the batch, and whether it was raised by the fold before that part, and the event.
    pub(in crate::score) order: (u32, bool, u32),
    pub(in crate::score) finding: Finding,
}

/// The revision that `observed` calls for, given floor(log10) of what the last document named; notes it there.
pub(in crate::score) fn revise(magnitude: &mut Option<u8>, observed: u64) -> Option<Revision> {
    let now = observed.checked_ilog10().unwrap_or(0) as u8;
    match magnitude.replace(now.max(magnitude.unwrap_or(0))) {
        None => Some(Revision::Created),
        Some(before) if now > before => Some(Revision::Grown(now)),
        Some(_) => None,
    }
}

/// The physical thing that raised a finding, as far as `record` tells.
pub(in crate::score) fn witness(record: &Record<'_>, role: Role) -> Raised {
    let (own, side) =
        if role.sends { (Column::Source, Side::Source) } else { (Column::Destination, Side::Destination) };
    let (packet, peer) = match side {
        Side::Source => (Column::PacketSource, Column::Destination),
        Side::Destination => (Column::PacketDestination, Column::Source),
    };
    // A gateway's interface is not the thing that did it.
    let passed = role.vantage == Vantage::Passed;
    let interface = if passed { &[][..] } else { record.text(Column::Interface) };
    let own = record.address(packet).or_else(|| record.address(own));
    Raised {
        magnitude: Default::default(),
        interface: (!interface.is_empty()).then(|| String::from_utf8_lossy(interface).into()),
        instance: instance_of(record).filter(|_| !passed),
        address: own.map(address),
        peer: record.address(peer).map(address),
        asset: asset_of(record, side).cloned(),
    }
}

/// The instance that `record` names, where the interface's own side is known: between two internal sides it is not, unless
/// the record says which way the flow went.
fn instance_of(record: &Record<'_>) -> Option<Box<str>> {
    let between = record.event.direction == Direction::Internal && record.text(Column::Direction).is_empty();
    let instance = record.text(Column::Instance);
    (!between && !instance.is_empty()).then(|| String::from_utf8_lossy(instance).into())
}

/// The Community ID of the flow that `record` tells of, where it has one.
pub(in crate::score) fn community_id_of(record: &Record<'_>) -> Option<Box<str>> {
    let text = record.event.community_id.of(&record.batch.derived);
    (!text.is_empty()).then(|| String::from_utf8_lossy(text).into())
}

/// What a document of a finding says, beside whom it is about.
pub(in crate::score) struct Case<'a> {
    pub(in crate::score) detector: &'static Detector,
    pub(in crate::score) score: Score,
    pub(in crate::score) revision: Revision,
    /// Start of what was judged, seconds since 1970, and its length in seconds.
    pub(in crate::score) start: i64,
    pub(in crate::score) seconds: i64,
    /// When the revision was called for, seconds since 1970.
    pub(in crate::score) at: i64,
    /// The entity's own past, and by how much values at this hour are moved against it.
    pub(in crate::score) own: Series<'a>,
    pub(in crate::score) shift: i16,
    pub(in crate::score) incident: EventId,
    pub(in crate::score) raised: &'a Raised,
    pub(in crate::score) activity: Option<&'a Activity>,
}

/// What a mean is moved by: so large that rounding does not matter.
const SCALE: u64 = 1 << 40;

// === impl Case ===

impl Case<'_> {
    /// The document about `entity`.
    pub(in crate::score) fn document(&self, entity: &Entity) -> Finding {
        let Self { detector, score, revision, raised, .. } = *self;
        let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
        let window_start = seconds(self.start);
        let name = &entity.name;
        let id = id_of(detector, name, window_start, self.seconds);
        let own = self.own.loose();
        // A fact about this hour, as what is usual is.
        let scale = moved(SCALE, -self.shift) as f64 / SCALE as f64;
        let (mean, sigma) = (own.mean() * scale, own.std() * scale);
        Finding {
            id,
            document: IdScheme::derived("finding-document", &[&id.0, revision.name().as_bytes()]),
            revision,
            incident: self.incident,
            detector,
            disposition: Disposition::Alert,
            suppression: None,
            // What is watched is what an entity sends.
            role: ResourceRole::Actor,
            entity: Arc::clone(name),
            asset: raised.asset.clone().or_else(|| entity.asset.clone()),
            evidence: Evidence::Unusual { score, mean, mean_plus_3_sigma: sigma.mul_add(3.0, mean) },
            activity: self.activity.copied(),
            age_seconds: entity.born().map_or(0, |born| seconds(self.start - Grid::start(born))),
            window_start,
            window_seconds: u32::try_from(self.seconds).unwrap_or(u32::MAX),
            at: seconds(self.at),
            interface: raised.interface.clone(),
            instance: raised.instance.clone(),
            community_id: None,
            address: raised.address,
            peer: raised.peer,
        }
    }
}

/// The finding of what a detector has seen of `entity` in `window`, which has folded: told once.
pub(in crate::score) fn seen(
    entity: &mut Entity,
    window: Window,
    (detector, sight): (&'static Detector, Sight),
) -> Finding {
    let Sight { role, address: at, peer, seen, .. } = sight;
    let episode = Episode::joined(entity.episode, window);
    entity.episode = Some(entity.episode.map_or(episode, |before| before.later(episode)));
    let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
    let start = Grid::start(window);
    let id = id_of(detector, &entity.name, seconds(start), WINDOW_SECONDS);
    let revision = Revision::Created;
    Finding {
        id,
        document: IdScheme::derived("finding-document", &[&id.0, revision.name().as_bytes()]),
        revision,
        incident: episode.incident(&entity.name),
        detector,
        disposition: Disposition::Alert,
        suppression: None,
        role,
        entity: Arc::clone(&entity.name),
        asset: entity.asset.clone(),
        evidence: Evidence::Seen(seen),
        activity: None,
        age_seconds: entity.born().map_or(0, |born| seconds(start - Grid::start(born))),
        window_start: seconds(start),
        window_seconds: WINDOW_SECONDS as u32,
        at: seconds(Grid::end(window)),
        interface: None,
        instance: None,
        community_id: None,
        address: Some(address(at)),
        peer: peer.map(address),
    }
}

/// The id of what `detector` says of the entity called `name`, of so many `seconds` from `start` on.
fn id_of(detector: &Detector, name: &EntityName, start: u64, seconds: i64) -> EventId {
    let (start, length) = (start.to_be_bytes(), seconds.to_be_bytes());
    let [kind, called, scope] = [name.kind.name(), name.name(), name.scope()].map(str::as_bytes);
    // A gateway may be called what those behind it are called.
    let class = name.gateway().map(|class| class.name().as_bytes());
    let parts = [detector.id.as_bytes(), kind, called, scope, &start, &length, class.unwrap_or(&[])];
    IdScheme::derived("finding", &parts[..parts.len() - usize::from(class.is_none())])
}

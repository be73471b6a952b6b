//! Findings: which documents a window that rose above the mark leaves, and what they say.

use std::sync::Arc;

use crate::event::{Activity, Batch, Detector, Direction, Finding, IdScheme, Revision};

use super::{
    attribution::asset_of,
    columns::{Column, Record},
    entity::{Entity, Raised},
    grid::{Grid, WINDOW_SECONDS, Window},
    judge::Judge,
    networks::address,
    own::Side,
};

/// A finding on its way into a batch, with what puts it in an order that neither seed nor threads decide.
#[derive(Debug)]
pub(super) struct Notice {
    /// The part of the batch, and whether it was raised by the fold before that part, and the event.
    pub(super) order: (u32, bool, u32),
    pub(super) finding: Finding,
}

/// The revision that `observed` calls for, given floor(log10) of what the last document named; notes it there.
pub(super) fn revise(magnitude: &mut Option<u8>, observed: u64) -> Option<Revision> {
    let now = observed.checked_ilog10().unwrap_or(0) as u8;
    match magnitude.replace(now.max(magnitude.unwrap_or(0))) {
        None => Some(Revision::Created),
        Some(before) if now > before => Some(Revision::Grown(now)),
        Some(_) => None,
    }
}

/// The physical thing that raised a finding, as far as `record` tells.
pub(super) fn witness(record: &Record<'_>, sends: bool) -> Raised {
    let (own, side) =
        if sends { (Column::Source, Side::Source) } else { (Column::Destination, Side::Destination) };
    let (packet, peer) = match side {
        Side::Source => (Column::PacketSource, Column::Destination),
        Side::Destination => (Column::PacketDestination, Column::Source),
    };
    let interface = record.text(Column::Interface);
    let own = record.address(packet).or_else(|| record.address(own));
    Raised {
        magnitude: Default::default(),
        interface: (!interface.is_empty()).then(|| String::from_utf8_lossy(interface).into()),
        instance: instance_of(record),
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
pub(super) fn community_id_of(record: &Record<'_>) -> Option<Box<str>> {
    let text = record.event.community_id.of(&record.batch.derived);
    (!text.is_empty()).then(|| String::from_utf8_lossy(text).into())
}

/// The document of `revision` about a window of `entity` in which `feature` came to `observed`.
#[expect(clippy::too_many_arguments, reason = "each is one fact of the document")]
pub(super) fn document(
    entity: &Entity,
    judge: &Judge,
    (detector, feature): (Detector, usize),
    observed: u64,
    log10_p: f32,
    revision: Revision,
    (window, at): (Window, i64),
    raised: &Raised,
    activity: Option<&Activity>,
) -> Finding {
    let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
    let window_start = seconds(Grid::start(window));
    let name = &entity.name;
    let parts: [&[u8]; 5] = [
        detector.name().as_bytes(),
        name.kind.as_bytes(),
        name.name.as_bytes(),
        name.scope.as_bytes(),
        &window_start.to_be_bytes(),
    ];
    let id = IdScheme::derived("finding", &parts);
    let own = entity.own.nth(feature).loose();
    let mean = own.mean();
    Finding {
        id,
        document: IdScheme::derived("finding-document", &[&id.0, revision.name().as_bytes()]),
        revision,
        incident: entity.episode_of(window).incident(name),
        detector,
        entity: Arc::clone(name),
        asset: raised.asset.clone(),
        score: judge.score_of(feature, observed, log10_p),
        mean,
        mean_plus_3_sigma: own.std().mul_add(3.0, mean),
        activity: activity.copied(),
        age_seconds: seconds(Grid::start(window) - Grid::start(entity.born.unwrap_or(window))),
        window_start,
        window_seconds: WINDOW_SECONDS as u32,
        at: seconds(at),
        interface: raised.interface.clone(),
        instance: raised.instance.clone(),
        community_id: None,
        address: raised.address,
        peer: raised.peer,
    }
}

/// Puts `notices` into `batch`, in their order.
pub(super) fn deliver(notices: &mut Vec<Notice>, batch: &mut Batch) {
    notices.sort_by(|one, other| {
        let key = |notice: &Notice| (notice.order, notice.finding.window_start);
        let (a, b) = (&one.finding, &other.finding);
        let name = |finding: &Finding| (finding.detector, finding.revision);
        (key(one).cmp(&key(other)))
            .then_with(|| a.entity.scope.cmp(&b.entity.scope))
            .then_with(|| a.entity.kind.cmp(b.entity.kind))
            .then_with(|| a.entity.name.cmp(&b.entity.name))
            .then_with(|| name(a).cmp(&name(b)))
    });
    batch.findings.extend(notices.drain(..).map(|notice| notice.finding));
}

//! The detectors: one file each, with a table of what it looks at and when it must not fire, and one row of the registry.
//!
//! A detector watches a feature of entities' windows and tells what is unusual of it, or it looks at a scene: all conversations
//! of a window that has folded. Detectors keep nothing themselves; what is known of earlier windows stands in [`known`].

mod admin_exposed;
mod beacon;
mod brute_force;
mod canary;
mod dns_bypass;
pub(super) mod drift;
mod egress_first;
mod egress_refused;
mod exfil_pair;
mod flood_in;
mod flood_out;
mod icmp_tunnel;
mod icmp_unsolicited;
mod ingress_staging;
pub(super) mod known;
mod lateral_edge;
mod mining;
pub(super) mod modes;
mod novel;
mod port_novelty;
mod port_spread;
mod protocol_novelty;
mod reject_burst;
mod role_inversion;
mod scan_horizontal;
mod scan_trw;
mod scan_vertical;
pub(super) mod scene;
mod segment;
mod service_exposed;
mod session_bytes;
mod session_duration;
mod session_population;
mod syn_fingerprint;
#[cfg(test)]
mod tests;
mod volume_out;
mod watchlist;

use std::{cmp::Reverse, fmt::Display};

use self::{known::Known, modes::Modes, scene::Scene};
use super::{
    sessions::leg::Who,
    whose::address::{self, Address},
};
use crate::event::{Detector, EXAMPLES_MAX, Evidence, Feature, Finding, ResourceRole, Seen};

/// A detector: what it is, and how it finds what it looks for.
pub(super) trait Detect: Sync {
    /// What is said of it in findings.
    fn about(&self) -> &'static Detector;

    /// The feature of entities' windows that it watches, where it does: told is what is as surprising as the mark says, and at
    /// least [`least`].
    fn watches(&self) -> Option<Feature> {
        None
    }

    /// Tells what it sees in the conversations of a window, where it looks at those. What it asks to be known later it notes.
    fn look(&self, _: &Scene<'_>, _known: &mut Known, _: &mut Vec<Sight>) {}

    /// Whether it looks although it is off, so that it knows what is usual when it is not.
    fn remembers(&self) -> bool {
        false
    }

    /// Whether what it has `seen` is an alert whatever the budget is.
    fn is_pressing(&self, _seen: &Seen) -> bool {
        false
    }

    /// Whether it looks at conversations.
    fn looks(&self) -> bool {
        self.watches().is_none()
    }
}

/// Every detector, in the order in which the config's reference lists them.
static REGISTRY: [&dyn Detect; 32] = [
    &volume_out::VolumeOut,
    &port_spread::PortSpread,
    &exfil_pair::ExfilPair,
    &session_bytes::SessionBytes,
    &session_duration::SessionDuration,
    &session_population::SessionPopulation,
    &drift::Drift,
    &scan_vertical::ScanVertical,
    &scan_horizontal::ScanHorizontal,
    &scan_trw::ScanTrw,
    &syn_fingerprint::SynFingerprint,
    &icmp_unsolicited::IcmpUnsolicited,
    &brute_force::BruteForce,
    &reject_burst::RejectBurst,
    &admin_exposed::AdminExposed,
    &service_exposed::ServiceExposed,
    &lateral_edge::LateralEdge,
    &role_inversion::RoleInversion,
    &egress_first::EgressFirst,
    &egress_refused::EgressRefused,
    &port_novelty::PortNovelty,
    &protocol_novelty::ProtocolNovelty,
    &dns_bypass::DnsBypass,
    &icmp_tunnel::IcmpTunnel,
    &mining::Mining,
    &beacon::Beacon,
    &ingress_staging::IngressStaging,
    &flood_in::FloodIn,
    &flood_out::FloodOut,
    &canary::Canary,
    &watchlist::Watchlist,
    &segment::Boundary,
];

/// SSH, Telnet, RPC, SMB, RDP, VNC, WinRM: ports by which hosts are administered.
const ADMIN_PORTS: [u16; 8] = [22, 23, 135, 445, 3389, 5900, 5985, 5986];
/// From here on systems hand out ports to clients: Linux's first (IANA's is 49152).
const EPHEMERAL: u16 = 32_768;

/// Something that a detector has seen in a window, and whom it is about.
#[derive(Debug)]
pub(super) struct Sight {
    /// Whom it is about, at which address, and what that one had to do with it.
    pub(super) who: Who,
    pub(super) role: ResourceRole,
    pub(super) address: Address,
    /// Who was on the other side, where it is one.
    pub(super) peer: Option<Address>,
    pub(super) seen: Seen,
}

/// What every detector is.
pub fn detectors() -> impl Iterator<Item = &'static Detector> {
    REGISTRY.iter().map(|detector| detector.about())
}

/// Smallest value of `feature` that makes a finding: below, a surprise is too small to matter. What nobody watches never does.
#[inline]
pub(super) const fn least(feature: Feature) -> u64 {
    match feature {
        Feature::ExternalBytesOut => volume_out::LEAST,
        Feature::DestinationPorts => port_spread::LEAST,
        _ => u64::MAX,
    }
}

/// The detector that watches `feature`, where one does.
pub(super) fn watching(feature: Feature) -> Option<&'static Detector> {
    REGISTRY.iter().find(|detector| detector.watches() == Some(feature)).map(|detector| detector.about())
}

/// What the detectors that are on have seen in `scene`: of each and of each entity what there was most of. From then on what was
/// shown is `known`.
pub(super) fn look(scene: &Scene<'_>, known: &mut Known, modes: &Modes) -> Vec<(&'static Detector, Sight)> {
    let mut sights = Vec::new();
    let mut all = Vec::new();
    for detector in REGISTRY.iter() {
        let is_on = modes.is_on(detector.about());
        if is_on || detector.remembers() {
            detector.look(scene, known, &mut sights);
        }
        all.extend(sights.drain(..).filter(|_| is_on).map(|sight| (detector.about(), sight)));
    }
    all.sort_by(|(one, a): &(&Detector, Sight), (other, b)| {
        let what = |sight: &Sight| (Reverse(sight.seen.observed), sight.peer, sight.address);
        (one, a.who).cmp(&(other, b.who)).then_with(|| what(a).cmp(&what(b)))
    });
    all.dedup_by(|(next, a), (first, b)| next == first && a.who == b.who);
    all
}

/// Whether `finding` is an alert whatever the budget is.
pub(super) fn is_pressing(finding: &Finding) -> bool {
    let Evidence::Seen(seen) = &finding.evidence else { return false };
    let mut those = REGISTRY.iter().filter(|detector| std::ptr::eq(detector.about(), finding.detector));
    those.any(|detector| detector.is_pressing(seen))
}

/// Whether `finding` is of a thing that nobody has business with.
pub(super) fn is_of_canary(finding: &Finding) -> bool {
    std::ptr::eq(finding.detector, canary::Canary.about())
}

/// The first of `all`, as text.
fn examples(all: impl Iterator<Item = impl Display>) -> Box<[Box<str>]> {
    all.take(EXAMPLES_MAX).map(|one| one.to_string().into()).collect()
}

fn shown(address: Address) -> impl Display {
    address::address(address)
}

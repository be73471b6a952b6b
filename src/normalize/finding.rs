//! What a finding says in every schema: its sentence, its rule, where its entity is, and floodmark's own numbers.

use std::{io::Write, net::IpAddr};

use super::{
    activity::put_activity,
    asset::Assets,
    paths::{
        ENTITY_KIND, FINDING_AGE, FINDING_DELAYED, FINDING_DETECTOR, FINDING_ID, FINDING_MEAN,
        FINDING_MEAN_3_SIGMA, FINDING_REVISION, INCIDENT_ID, SOURCE_IP,
    },
    pen::Pen,
    piece::piece,
    score::{put_entity, put_score, put_seen, put_subject, put_usual, put_window},
    stamp::{Stamp, Stamps},
    text::{self, put_float, put_member, put_uint},
};
use crate::event::{Detector, EntityKind, Finding, Revision};

/// What a detector's findings say of it.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    /// Id and name, in MITRE ATT&CK.
    pub(super) tactic: (&'static str, &'static str),
    /// Id and name, in MITRE ATT&CK.
    pub(super) technique: (&'static str, &'static str),
}

/// Where the finding's entity is, as far as its scope says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    pub(super) vpc: Option<&'a str>,
}

/// How long after what it tells of a finding is written at most, where nothing is behind: objects that AWS writes every five
/// minutes, a window, its lateness, and as much again.
const DELAY_SECONDS: u64 = 3_600;

// === impl Place ===

impl<'a> Place<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        let entity = &finding.entity;
        Self { account: entity.account(), region: entity.region(), vpc: entity.vpc() }
    }
}

/// Appends what the detector found and about whom.
pub(super) fn put_title(finding: &Finding, out: &mut Pen<'_>) {
    out.put_slice(rule(finding.detector).name.as_bytes());
    out.put(b": ");
    match name(finding) {
        Some(name) => text::put(out, name.as_bytes()),
        None => put_subject(&finding.entity, out),
    }
}

/// Appends who, which feature, what was seen, what is usual, from how many windows, and since when that is known.
pub(super) fn put_sentence(finding: &Finding, start: &Stamp, out: &mut Pen<'_>) {
    put_subject(&finding.entity, out);
    if let Some(name) = name(finding).filter(|name| *name != finding.entity.name()) {
        out.put(b" (");
        text::put(out, name.as_bytes());
        out.push(b')');
    }
    put_seen(&finding.score, out);
    put_window(u64::from(finding.window_seconds), out);
    out.put(b" from ");
    start.put(out);
    put_usual(finding.score.feature, &finding.score.usual, out);
    if finding.revision == Revision::Closed {
        out.put(b"; the window is over");
    }
}

/// Appends floodmark's own object: whose asset it is, the entity, the score and the finding's numbers.
pub(super) fn put_floodmark_of(
    finding: &Finding,
    now_millis: u64,
    (assets, stamps): (&mut Assets, &mut Stamps),
    out: &mut Pen<'_>,
) {
    out.put(piece![Open(ENTITY_KIND, 0)]);
    // Both detectors watch what an entity sends: the entity is the source.
    if let Some(asset) = &finding.asset {
        out.object(piece![Open(SOURCE_IP, 0)], |out| assets.put(asset, out));
    }
    put_entity(&finding.entity, out);
    put_score(&finding.score, finding.window_start, stamps, out);
    put_numbers(finding, now_millis / 1_000, out);
    out.object(piece![Open(INCIDENT_ID, 1)], |out| {
        put_id(piece![Key(INCIDENT_ID), Text("\"")], finding.incident.text(), out);
    });
    out.close();
}

fn put_numbers(finding: &Finding, now: u64, out: &mut Pen<'_>) {
    out.put(piece![Open(FINDING_ID, 1)]);
    put_id(piece![Key(FINDING_ID), Text("\"")], finding.id.text(), out);
    put_member(out, piece![Key(FINDING_REVISION)], Some(&finding.revision.name()));
    put_member(out, piece![Key(FINDING_DETECTOR)], Some(finding.detector.name()));
    for (key, number) in [
        (&piece![Key(FINDING_MEAN)][..], finding.mean),
        (&piece![Key(FINDING_MEAN_3_SIGMA)][..], finding.mean_plus_3_sigma),
    ] {
        if number.is_finite() {
            out.put_slice(key);
            put_float(out, number);
            out.push(b',');
        }
    }
    out.put(piece![Key(FINDING_AGE)]);
    put_uint(out, finding.age_seconds);
    out.push(b',');
    if now > finding.at.saturating_add(DELAY_SECONDS) {
        out.put(piece![Key(FINDING_DELAYED), Text("true,")]);
    }
    if let Some(activity) = &finding.activity {
        put_activity(activity, out);
    }
    out.close();
}

pub(super) fn put_id(begin: &[u8], text: [u8; 22], out: &mut Pen<'_>) {
    out.put_slice(begin);
    out.put_slice(&text);
    out.put(b"\",");
}

pub(super) fn put_address(begin: &[u8], end: &[u8], address: Option<IpAddr>, out: &mut Pen<'_>) {
    if let Some(address) = address {
        out.put_slice(begin);
        let mut text = [0; 45];
        let mut room = &mut text[..];
        // No address is longer than 45 bytes.
        let _ = write!(room, "{address}");
        let left = room.len();
        out.put_slice(&text[..45 - left]);
        out.put_slice(end);
    }
}

/// The instance that the finding is about, or that the entity was at the time.
pub(super) fn instance(finding: &Finding) -> Option<&str> {
    named_by(finding, EntityKind::Instance).or(finding.instance.as_deref())
}

/// The service that the finding is about, where it is about one.
pub(super) fn service(finding: &Finding) -> Option<&str> {
    named_by(finding, EntityKind::Service)
}

/// The entity's name, where it is of this kind.
fn named_by(finding: &Finding, kind: EntityKind) -> Option<&str> {
    (finding.entity.kind == kind).then_some(finding.entity.name())
}

/// The name of the entity's asset, where it has one.
pub(super) fn name(finding: &Finding) -> Option<&str> {
    finding.asset.as_ref().and_then(|asset| asset.name.as_deref())
}

pub(super) fn rule(detector: Detector) -> Rule {
    match detector {
        Detector::VolumeOut => Rule {
            name: "More bytes sent to outside than usual",
            category: "exfiltration",
            tactic: ("TA0010", "Exfiltration"),
            technique: ("T1048", "Exfiltration Over Alternative Protocol"),
        },
        Detector::Drift => Rule {
            name: "Usual level far above the weeks before",
            category: "exfiltration",
            tactic: ("TA0010", "Exfiltration"),
            technique: ("T1030", "Data Transfer Size Limits"),
        },
        Detector::PortSpread => Rule {
            name: "More ports tried than usual",
            category: "discovery",
            tactic: ("TA0007", "Discovery"),
            technique: ("T1046", "Network Service Discovery"),
        },
    }
}

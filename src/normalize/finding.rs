//! What a finding says in every schema: its sentence, its rule, where its entity is, and floodmark's own numbers.

use std::{io::Write, net::IpAddr};

use super::{
    activity::put_activity,
    asset::Assets,
    paths::{
        DESTINATION_IP, ENTITY_KIND, FINDING_AGE, FINDING_DELAYED, FINDING_DETECTOR, FINDING_DISPOSITION,
        FINDING_EXAMPLES, FINDING_ID, FINDING_LIMIT, FINDING_MEAN, FINDING_MEAN_3_SIGMA, FINDING_OBSERVED,
        FINDING_REVISION, FINDING_ROLE, INCIDENT_ID, SOURCE_IP, SUPPRESSION_OWNER, SUPPRESSION_REASON,
        SUPPRESSION_TICKET,
    },
    pen::Pen,
    piece::piece,
    score::{put_entity, put_score, put_seen, put_subject, put_usual, put_window},
    stamp::{Stamp, Stamps},
    text::{self, put_float, put_member, put_uint},
};
use crate::event::{EntityKind, Evidence, Finding, ResourceRole, Revision, Seen};

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
    out.put_slice(finding.detector.title.as_bytes());
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
    match &finding.evidence {
        Evidence::Unusual { score, .. } => put_seen(score, out),
        Evidence::Seen(seen) => text::put(out, seen.said.as_bytes()),
    }
    put_window(u64::from(finding.window_seconds), out);
    out.put(b" from ");
    start.put(out);
    match &finding.evidence {
        Evidence::Unusual { score, .. } => put_usual(score.feature, &score.usual, out),
        Evidence::Seen(Seen { limit: Some(limit), .. }) => {
            out.put(b"; the limit is ");
            put_uint(out, *limit);
        }
        Evidence::Seen(_) => {}
    }
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
    if let Some(asset) = &finding.asset {
        match finding.role {
            ResourceRole::Actor => out.object(piece![Open(SOURCE_IP, 0)], |out| assets.put(asset, out)),
            ResourceRole::Target => out.object(piece![Open(DESTINATION_IP, 0)], |out| assets.put(asset, out)),
        }
    }
    put_entity(&finding.entity, out);
    if let Some(score) = finding.evidence.score() {
        put_score(score, finding.window_start, stamps, out);
    }
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
    put_member(out, piece![Key(FINDING_DETECTOR)], Some(finding.detector.id));
    put_member(out, piece![Key(FINDING_DISPOSITION)], Some(finding.disposition.name()));
    put_member(out, piece![Key(FINDING_ROLE)], Some(finding.role.name()));
    if let Some(suppression) = &finding.suppression {
        out.put(piece![Open(SUPPRESSION_OWNER, 2)]);
        put_member(out, piece![Key(SUPPRESSION_OWNER)], Some(&suppression.owner));
        put_member(out, piece![Key(SUPPRESSION_REASON)], Some(&suppression.reason));
        put_member(out, piece![Key(SUPPRESSION_TICKET)], suppression.ticket.as_deref());
        out.close();
    }
    put_evidence(&finding.evidence, out);
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

/// Appends what the finding rests on, beside a score.
fn put_evidence(evidence: &Evidence, out: &mut Pen<'_>) {
    match evidence {
        Evidence::Unusual { mean, mean_plus_3_sigma, .. } => {
            for (key, number) in [
                (&piece![Key(FINDING_MEAN)][..], *mean),
                (piece![Key(FINDING_MEAN_3_SIGMA)], *mean_plus_3_sigma),
            ] {
                if number.is_finite() {
                    out.put_slice(key);
                    put_float(out, number);
                    out.push(b',');
                }
            }
        }
        Evidence::Seen(seen) => {
            out.put(piece![Key(FINDING_OBSERVED)]);
            put_uint(out, seen.observed);
            out.push(b',');
            if let Some(limit) = seen.limit {
                out.put(piece![Key(FINDING_LIMIT)]);
                put_uint(out, limit);
                out.push(b',');
            }
            out.enclosed(piece![Key(FINDING_EXAMPLES), Text("[")], b"],", |out| {
                seen.examples.iter().for_each(|example| put_member(out, b"", Some(example)));
            });
        }
    }
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

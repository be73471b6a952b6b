//! The document of one revision of a finding.

use std::{io::Write, net::IpAddr};

use crate::{
    event::{Detector, Finding, Revision},
    normalize::{
        paths::{
            ACCOUNT_ID, CLOUD_PROVIDER, DESTINATION_IP, ENTITY_KIND, EVENT_ACTION, EVENT_ID, EVENT_REASON,
            EVENT_RISK_SCORE, EVENT_SEVERITY, FINDING_AGE, FINDING_DETECTOR, FINDING_ID, FINDING_MEAN,
            FINDING_MEAN_3_SIGMA, FINDING_REVISION, HOST_ID, HOST_IP, HOST_NAME, INTERFACE_ID, MESSAGE,
            REGION, RELATED_HOSTS, RELATED_IP, RULE_CATEGORY, RULE_ID, RULE_NAME, RULE_RULESET, SOURCE_IP,
            THREAT_FRAMEWORK, THREAT_TACTIC_ID, THREAT_TACTIC_NAME, THREAT_TECHNIQUE_ID,
            THREAT_TECHNIQUE_NAME, TIMESTAMP, VPC_ID,
        },
        piece::{close, enclosed, end_line, object, piece},
        text::{put_float, put_member, put_uint},
    },
};

use super::{
    Ecs,
    event::put_times,
    score::{length_of, put_entity, put_score, put_seen, put_subject, put_usual},
};

/// What a detector's findings say of it.
struct Rule {
    name: &'static str,
    category: &'static str,
    /// Id and name, in MITRE ATT&CK.
    tactic: (&'static str, &'static str),
    /// Id and name, in MITRE ATT&CK.
    technique: (&'static str, &'static str),
}

// === impl Ecs ===

impl Ecs {
    /// Appends the document of `finding`.
    pub(super) fn put_finding(&mut self, finding: &Finding, out: &mut Vec<u8>) {
        let window_end = finding.window_start.saturating_add(u64::from(finding.window_seconds));
        let stamp = |stamps: &mut super::Stamps, seconds| (seconds, stamps.seconds(seconds));
        let start = stamp(&mut self.stamps, finding.window_start);
        let end = stamp(&mut self.stamps, window_end);
        out.extend_from_slice(piece![Text("{"), Key(TIMESTAMP), Text("\"")]);
        out.extend_from_slice(&self.stamps.seconds(finding.at));
        out.extend_from_slice(piece![Text("\","), Key(MESSAGE), Text("\"")]);
        put_sentence(finding, &start.1, out);
        out.extend_from_slice(b"\",");
        out.extend_from_slice(&self.finding_head);
        put_member(out, piece![Key(EVENT_ACTION)], Some(action(finding.revision)));
        put_id(piece![Key(EVENT_ID), Text("\"")], finding.document.text(), out);
        put_times(Some(start), Some(end), out);
        out.extend_from_slice(piece![Key(EVENT_SEVERITY)]);
        put_uint(out, severity(finding.score.points));
        out.extend_from_slice(piece![Text(","), Key(EVENT_RISK_SCORE)]);
        put_uint(out, u64::from(finding.score.points));
        out.extend_from_slice(piece![Text(","), Key(EVENT_REASON), Text("\"")]);
        put_sentence(finding, &start.1, out);
        out.extend_from_slice(b"\"},");
        put_rule(finding.detector, out);
        // Both detectors watch what an entity sends: the entity is the source.
        put_side(piece![Open(SOURCE_IP, 0)], finding.address, out);
        put_side(piece![Open(DESTINATION_IP, 0)], finding.peer, out);
        put_where(finding, out);
        put_related(finding, out);
        out.extend_from_slice(piece![Open(ENTITY_KIND, 0)]);
        if let Some(asset) = &finding.asset {
            object(out, piece![Open(SOURCE_IP, 0)], |out| self.places.put_asset(asset, out));
        }
        put_entity(&finding.entity, out);
        put_score(&finding.score, finding.window_start, &mut self.stamps, out);
        put_numbers(finding, out);
        close(out);
        end_line(out);
    }
}

/// Appends who, which feature, what was seen, what is usual, from how many windows, and since when that is known.
fn put_sentence(finding: &Finding, start: &[u8; 20], out: &mut Vec<u8>) {
    put_subject(&finding.entity, out);
    let name = finding.asset.as_ref().and_then(|asset| asset.name.as_deref());
    if let Some(name) = name.filter(|name| **name != *finding.entity.name) {
        out.extend_from_slice(b" (");
        crate::normalize::text::put(out, name.as_bytes());
        out.push(b')');
    }
    put_seen(&finding.score, out);
    out.extend_from_slice(&length_of(u64::from(finding.window_seconds)));
    out.extend_from_slice(b" from ");
    out.extend_from_slice(start);
    put_usual(finding.score.feature, &finding.score.usual, out);
    if finding.revision == Revision::Closed {
        out.extend_from_slice(b"; the window is over");
    }
}

fn put_rule(detector: Detector, out: &mut Vec<u8>) {
    let rule = rule(detector);
    out.extend_from_slice(piece![Open(RULE_ID, 0)]);
    put_member(out, piece![Key(RULE_ID)], Some(detector.name()));
    put_member(out, piece![Key(RULE_NAME)], Some(rule.name));
    put_member(out, piece![Key(RULE_CATEGORY)], Some(rule.category));
    put_member(out, piece![Key(RULE_RULESET)], Some("floodmark"));
    close(out);
    out.extend_from_slice(piece![Open(THREAT_FRAMEWORK, 0)]);
    put_member(out, piece![Key(THREAT_FRAMEWORK)], Some("MITRE ATT&CK"));
    let mut pair = |begin: &[u8], id: &[u8], name: &[u8], (one, other): (&str, &str)| {
        object(out, begin, |out| {
            enclosed(out, id, b"],", |out| put_member(out, b"", Some(one)));
            enclosed(out, name, b"],", |out| put_member(out, b"", Some(other)));
        });
    };
    pair(
        piece![Open(THREAT_TACTIC_ID, 1)],
        piece![Key(THREAT_TACTIC_ID), Text("[")],
        piece![Key(THREAT_TACTIC_NAME), Text("[")],
        rule.tactic,
    );
    pair(
        piece![Open(THREAT_TECHNIQUE_ID, 1)],
        piece![Key(THREAT_TECHNIQUE_ID), Text("[")],
        piece![Key(THREAT_TECHNIQUE_NAME), Text("[")],
        rule.technique,
    );
    close(out);
}

fn put_side(begin: &[u8], address: Option<IpAddr>, out: &mut Vec<u8>) {
    object(out, begin, |out| {
        put_address(piece![Key(SOURCE_IP), Text("\"")], b"\",", address, out);
    });
}

/// Appends the cloud, the host and the interface, as far as the entity's scope and the record tell them.
fn put_where(finding: &Finding, out: &mut Vec<u8>) {
    // The scope is account, region and VPC, as far as the records say: each is known by its form.
    let part = |fits: fn(&str) -> bool| finding.entity.scope.split('/').find(|part| fits(part));
    let is_account = |part: &str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_vpc = |part: &str| part.starts_with("vpc-");
    let is_region = |part: &str| {
        !part.starts_with("vpc-") && part.contains('-') && part.ends_with(|last: char| last.is_ascii_digit())
    };
    out.extend_from_slice(piece![Open(CLOUD_PROVIDER, 0), Key(CLOUD_PROVIDER), Text("\"aws\",")]);
    object(out, piece![Open(ACCOUNT_ID, 1)], |out| {
        put_member(out, piece![Key(ACCOUNT_ID)], part(is_account))
    });
    put_member(out, piece![Key(REGION)], part(is_region));
    close(out);
    object(out, piece![Open(HOST_IP, 0)], |out| {
        put_member(out, piece![Key(HOST_ID)], instance(finding));
        put_member(
            out,
            piece![Key(HOST_NAME)],
            finding.asset.as_ref().and_then(|asset| asset.name.as_deref()),
        );
        put_address(piece![Key(HOST_IP), Text("[\"")], b"\"],", finding.address, out);
    });
    object(out, piece![Open(VPC_ID, 0)], |out| {
        object(out, piece![Open(VPC_ID, 1)], |out| {
            put_member(out, piece![Key(INTERFACE_ID)], finding.interface.as_deref());
            put_member(out, piece![Key(VPC_ID)], part(is_vpc));
        });
    });
}

fn put_related(finding: &Finding, out: &mut Vec<u8>) {
    let peer = finding.peer.filter(|peer| Some(*peer) != finding.address);
    let name = finding.asset.as_ref().and_then(|asset| asset.name.as_deref());
    object(out, piece![Open(RELATED_IP, 0)], |out| {
        enclosed(out, piece![Key(RELATED_IP), Text("[")], b"],", |out| {
            put_address(b"\"", b"\",", finding.address, out);
            put_address(b"\"", b"\",", peer, out);
        });
        enclosed(out, piece![Key(RELATED_HOSTS), Text("[")], b"],", |out| {
            put_member(out, b"", name);
            put_member(out, b"", instance(finding).filter(|instance| Some(*instance) != name));
        });
    });
}

fn put_numbers(finding: &Finding, out: &mut Vec<u8>) {
    out.extend_from_slice(piece![Open(FINDING_ID, 1)]);
    put_id(piece![Key(FINDING_ID), Text("\"")], finding.id.text(), out);
    put_member(out, piece![Key(FINDING_REVISION)], Some(&finding.revision.name()));
    put_member(out, piece![Key(FINDING_DETECTOR)], Some(finding.detector.name()));
    for (key, number) in [
        (&piece![Key(FINDING_MEAN)][..], finding.mean),
        (&piece![Key(FINDING_MEAN_3_SIGMA)][..], finding.mean_plus_3_sigma),
    ] {
        if number.is_finite() {
            out.extend_from_slice(key);
            put_float(out, number);
            out.push(b',');
        }
    }
    out.extend_from_slice(piece![Key(FINDING_AGE)]);
    put_uint(out, finding.age_seconds);
    out.push(b',');
    close(out);
}

fn put_id(begin: &[u8], text: [u8; 22], out: &mut Vec<u8>) {
    out.extend_from_slice(begin);
    out.extend_from_slice(&text);
    out.extend_from_slice(b"\",");
}

fn put_address(begin: &[u8], end: &[u8], address: Option<IpAddr>, out: &mut Vec<u8>) {
    if let Some(address) = address {
        out.extend_from_slice(begin);
        // Writing to a vector cannot fail.
        let _ = write!(out, "{address}");
        out.extend_from_slice(end);
    }
}

/// The instance that the finding is about, where it is about one.
fn instance(finding: &Finding) -> Option<&str> {
    (finding.entity.kind == "instance").then_some(&*finding.entity.name)
}

/// Elastic Security's four severities. A finding starts at 80 points, so it is high, and critical once it is about one
/// in half a million.
fn severity(points: u8) -> u64 {
    match points {
        0..50 => 21,
        50..80 => 47,
        80..95 => 73,
        _ => 99,
    }
}

fn action(revision: Revision) -> &'static str {
    match revision {
        Revision::Created => "finding-created",
        Revision::Grown(_) => "finding-grown",
        Revision::Closed => "finding-closed",
    }
}

fn rule(detector: Detector) -> Rule {
    match detector {
        Detector::VolumeOut => Rule {
            name: "More bytes sent than usual",
            category: "exfiltration",
            tactic: ("TA0010", "Exfiltration"),
            technique: ("T1048", "Exfiltration Over Alternative Protocol"),
        },
        Detector::PortSpread => Rule {
            name: "More ports tried than usual",
            category: "discovery",
            tactic: ("TA0007", "Discovery"),
            technique: ("T1046", "Network Service Discovery"),
        },
    }
}

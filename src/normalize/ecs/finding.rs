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
        pen::Pen,
        piece::piece,
        stamp::{Stamp, Stamps},
        text::{put_float, put_member, put_uint},
    },
};

use super::{
    Writer,
    event::put_times,
    score::{put_entity, put_score, put_seen, put_subject, put_usual, put_window},
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

// === impl Writer ===

impl Writer {
    /// Appends the document of `finding`.
    pub(super) fn put_finding(&mut self, finding: &Finding, out: &mut Pen<'_>) {
        let window_end = finding.window_start.saturating_add(u64::from(finding.window_seconds));
        let stamp = |stamps: &mut Stamps, seconds| (seconds, stamps.seconds(seconds));
        let start = stamp(&mut self.stamps, finding.window_start);
        let end = stamp(&mut self.stamps, window_end);
        out.put(piece![Text("{"), Key(TIMESTAMP), Text("\"")]);
        self.stamps.seconds(finding.at).put(out);
        out.put(piece![Text("\","), Key(MESSAGE), Text("\"")]);
        put_sentence(finding, &start.1, out);
        out.put(b"\",");
        out.put_slice(&self.finding_head);
        put_member(out, piece![Key(EVENT_ACTION)], Some(action(finding.revision)));
        put_id(piece![Key(EVENT_ID), Text("\"")], finding.document.text(), out);
        put_times(Some(start), Some(end), out);
        out.put(piece![Key(EVENT_SEVERITY)]);
        put_uint(out, severity(finding.score.points));
        out.put(piece![Text(","), Key(EVENT_RISK_SCORE)]);
        put_uint(out, u64::from(finding.score.points));
        out.put(piece![Text(","), Key(EVENT_REASON), Text("\"")]);
        put_sentence(finding, &start.1, out);
        out.put(b"\"},");
        put_rule(finding.detector, out);
        // Both detectors watch what an entity sends: the entity is the source.
        out.object(piece![Open(SOURCE_IP, 0)], |out| put_ip(finding.address, out));
        out.object(piece![Open(DESTINATION_IP, 0)], |out| put_ip(finding.peer, out));
        put_where(finding, out);
        put_related(finding, out);
        out.put(piece![Open(ENTITY_KIND, 0)]);
        if let Some(asset) = &finding.asset {
            out.object(piece![Open(SOURCE_IP, 0)], |out| self.places.put_asset(asset, out));
        }
        put_entity(&finding.entity, out);
        put_score(&finding.score, finding.window_start, &mut self.stamps, out);
        put_numbers(finding, out);
        out.close();
        out.end_line();
    }
}

/// Appends who, which feature, what was seen, what is usual, from how many windows, and since when that is known.
fn put_sentence(finding: &Finding, start: &Stamp, out: &mut Pen<'_>) {
    put_subject(&finding.entity, out);
    let name = finding.asset.as_ref().and_then(|asset| asset.name.as_deref());
    if let Some(name) = name.filter(|name| **name != *finding.entity.name) {
        out.put(b" (");
        crate::normalize::text::put(out, name.as_bytes());
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

fn put_rule(detector: Detector, out: &mut Pen<'_>) {
    let rule = rule(detector);
    out.put(piece![Open(RULE_ID, 0)]);
    put_member(out, piece![Key(RULE_ID)], Some(detector.name()));
    put_member(out, piece![Key(RULE_NAME)], Some(rule.name));
    put_member(out, piece![Key(RULE_CATEGORY)], Some(rule.category));
    put_member(out, piece![Key(RULE_RULESET)], Some("floodmark"));
    out.close();
    out.put(piece![Open(THREAT_FRAMEWORK, 0)]);
    put_member(out, piece![Key(THREAT_FRAMEWORK)], Some("MITRE ATT&CK"));
    out.object(piece![Open(THREAT_TACTIC_ID, 1)], |out| {
        let (id, name) = rule.tactic;
        out.enclosed(piece![Key(THREAT_TACTIC_ID), Text("[")], b"],", |out| put_member(out, b"", Some(id)));
        out.enclosed(piece![Key(THREAT_TACTIC_NAME), Text("[")], b"],", |out| {
            put_member(out, b"", Some(name))
        });
    });
    out.object(piece![Open(THREAT_TECHNIQUE_ID, 1)], |out| {
        let (id, name) = rule.technique;
        out.enclosed(piece![Key(THREAT_TECHNIQUE_ID), Text("[")], b"],", |out| {
            put_member(out, b"", Some(id))
        });
        out.enclosed(piece![Key(THREAT_TECHNIQUE_NAME), Text("[")], b"],", |out| {
            put_member(out, b"", Some(name))
        });
    });
    out.close();
}

fn put_ip(address: Option<IpAddr>, out: &mut Pen<'_>) {
    put_address(piece![Key(SOURCE_IP), Text("\"")], b"\",", address, out);
}

/// Appends the cloud, the host and the interface, as far as the entity's scope and the record tell them.
fn put_where(finding: &Finding, out: &mut Pen<'_>) {
    // The scope is account, region and VPC, as far as the records say: each is known by its form.
    let part = |fits: fn(&str) -> bool| finding.entity.scope.split('/').find(|part| fits(part));
    let is_account = |part: &str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_vpc = |part: &str| part.starts_with("vpc-");
    let is_region = |part: &str| {
        !part.starts_with("vpc-") && part.contains('-') && part.ends_with(|last: char| last.is_ascii_digit())
    };
    out.put(piece![Open(CLOUD_PROVIDER, 0), Key(CLOUD_PROVIDER), Text("\"aws\",")]);
    out.object(piece![Open(ACCOUNT_ID, 1)], |out| put_member(out, piece![Key(ACCOUNT_ID)], part(is_account)));
    put_member(out, piece![Key(REGION)], part(is_region));
    out.close();
    out.object(piece![Open(HOST_IP, 0)], |out| {
        put_member(out, piece![Key(HOST_ID)], instance(finding));
        put_member(
            out,
            piece![Key(HOST_NAME)],
            finding.asset.as_ref().and_then(|asset| asset.name.as_deref()),
        );
        put_address(piece![Key(HOST_IP), Text("[\"")], b"\"],", finding.address, out);
    });
    out.object(piece![Open(VPC_ID, 0)], |out| {
        out.object(piece![Open(VPC_ID, 1)], |out| {
            put_member(out, piece![Key(INTERFACE_ID)], finding.interface.as_deref());
            put_member(out, piece![Key(VPC_ID)], part(is_vpc));
        });
    });
}

fn put_related(finding: &Finding, out: &mut Pen<'_>) {
    let peer = finding.peer.filter(|peer| Some(*peer) != finding.address);
    let name = finding.asset.as_ref().and_then(|asset| asset.name.as_deref());
    out.object(piece![Open(RELATED_IP, 0)], |out| {
        out.enclosed(piece![Key(RELATED_IP), Text("[")], b"],", |out| {
            put_address(b"\"", b"\",", finding.address, out);
            put_address(b"\"", b"\",", peer, out);
        });
        out.enclosed(piece![Key(RELATED_HOSTS), Text("[")], b"],", |out| {
            put_member(out, b"", name);
            put_member(out, b"", instance(finding).filter(|instance| Some(*instance) != name));
        });
    });
}

fn put_numbers(finding: &Finding, out: &mut Pen<'_>) {
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
    out.close();
}

fn put_id(begin: &[u8], text: [u8; 22], out: &mut Pen<'_>) {
    out.put_slice(begin);
    out.put_slice(&text);
    out.put(b"\",");
}

fn put_address(begin: &[u8], end: &[u8], address: Option<IpAddr>, out: &mut Pen<'_>) {
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

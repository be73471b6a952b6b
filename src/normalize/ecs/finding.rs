//! The document of one revision of a finding.

use crate::{
    event::{Detector, Disposition, Finding, ResourceRole, Revision},
    normalize::{
        finding::{
            Place, instance, name, put_address, put_floodmark_of, put_id, put_sentence, put_title, service,
        },
        paths::{
            ACCOUNT_ID, CLOUD_PROVIDER, DESTINATION_IP, EVENT_ACTION, EVENT_ID, EVENT_REASON,
            EVENT_RISK_SCORE, EVENT_SEVERITY, HOST_ID, HOST_IP, HOST_NAME, INSTANCE_ID, INTERFACE_ID,
            MESSAGE, NETWORK_COMMUNITY_ID, REGION, RELATED_HOSTS, RELATED_IP, RULE_CATEGORY, RULE_ID,
            RULE_NAME, RULE_RULESET, SERVICE_NAME, SOURCE_IP, THREAT_FRAMEWORK, THREAT_TACTIC_ID,
            THREAT_TACTIC_NAME, THREAT_TECHNIQUE_ID, THREAT_TECHNIQUE_NAME, TIMESTAMP, VPC_ID,
        },
        pen::Pen,
        piece::piece,
        stamp::Stamps,
        text::{put_member, put_uint},
    },
};

use super::{Writer, event::put_times};

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
        put_title(finding, out);
        out.put(b"\",");
        let is_alert = finding.revision == Revision::Created && finding.disposition == Disposition::Alert;
        out.put_slice(&self.finding_heads[usize::from(!is_alert)]);
        put_member(out, piece![Key(EVENT_ACTION)], Some(action(finding.revision)));
        put_id(piece![Key(EVENT_ID), Text("\"")], finding.document.text(), out);
        put_times(Some(start), Some(end), out);
        out.put(piece![Key(EVENT_SEVERITY)]);
        put_uint(out, severity(finding.evidence.points()));
        out.put(piece![Text(","), Key(EVENT_RISK_SCORE)]);
        put_uint(out, u64::from(finding.evidence.points()));
        out.put(piece![Text(","), Key(EVENT_REASON), Text("\"")]);
        put_sentence(finding, &start.1, out);
        out.put(b"\"},");
        put_rule(finding.detector, out);
        let (source, destination) = match finding.role {
            ResourceRole::Actor => (finding.address, finding.peer),
            ResourceRole::Target => (finding.peer, finding.address),
        };
        out.object(piece![Open(SOURCE_IP, 0)], |out| put_ip(source, out));
        out.object(piece![Open(DESTINATION_IP, 0)], |out| put_ip(destination, out));
        out.object(piece![Open(NETWORK_COMMUNITY_ID, 0)], |out| {
            put_member(out, piece![Key(NETWORK_COMMUNITY_ID)], finding.community_id.as_deref());
        });
        put_where(finding, out);
        put_related(finding, out);
        put_floodmark_of(finding, self.now_millis, (&mut self.assets, &mut self.stamps), out);
        out.end_line();
    }
}

fn put_rule(detector: &Detector, out: &mut Pen<'_>) {
    out.put(piece![Open(RULE_ID, 0)]);
    put_member(out, piece![Key(RULE_ID)], Some(detector.id));
    put_member(out, piece![Key(RULE_NAME)], Some(detector.title));
    put_member(out, piece![Key(RULE_CATEGORY)], Some(detector.category));
    put_member(out, piece![Key(RULE_RULESET)], Some("floodmark"));
    out.close();
    out.put(piece![Open(THREAT_FRAMEWORK, 0)]);
    put_member(out, piece![Key(THREAT_FRAMEWORK)], Some("MITRE ATT&CK"));
    out.object(piece![Open(THREAT_TACTIC_ID, 1)], |out| {
        let (id, name) = detector.tactic;
        out.enclosed(piece![Key(THREAT_TACTIC_ID), Text("[")], b"],", |out| put_member(out, b"", Some(id)));
        out.enclosed(piece![Key(THREAT_TACTIC_NAME), Text("[")], b"],", |out| {
            put_member(out, b"", Some(name))
        });
    });
    out.object(piece![Open(THREAT_TECHNIQUE_ID, 1)], |out| {
        let (id, name) = detector.technique;
        out.enclosed(piece![Key(THREAT_TECHNIQUE_ID), Text("[")], b"],", |out| {
            put_member(out, b"", Some(id))
        });
        out.enclosed(piece![Key(THREAT_TECHNIQUE_NAME), Text("[")], b"],", |out| {
            put_member(out, b"", Some(name))
        });
    });
    out.close();
}

fn put_ip(address: Option<std::net::IpAddr>, out: &mut Pen<'_>) {
    put_address(piece![Key(SOURCE_IP), Text("\"")], b"\",", address, out);
}

/// Appends the cloud, the host and the interface, as far as the entity's scope and the record tell them.
fn put_where(finding: &Finding, out: &mut Pen<'_>) {
    let Place { account, region, vpc } = Place::of(finding);
    out.put(piece![Open(CLOUD_PROVIDER, 0), Key(CLOUD_PROVIDER), Text("\"aws\",")]);
    out.object(piece![Open(ACCOUNT_ID, 1)], |out| put_member(out, piece![Key(ACCOUNT_ID)], account));
    put_member(out, piece![Key(REGION)], region);
    out.object(piece![Open(INSTANCE_ID, 1)], |out| {
        put_member(out, piece![Key(INSTANCE_ID)], instance(finding));
    });
    out.close();
    out.object(piece![Open(HOST_IP, 0)], |out| {
        put_member(out, piece![Key(HOST_ID)], instance(finding));
        put_member(out, piece![Key(HOST_NAME)], name(finding));
        put_address(piece![Key(HOST_IP), Text("[\"")], b"\"],", finding.address, out);
    });
    out.object(piece![Open(SERVICE_NAME, 0)], |out| {
        put_member(out, piece![Key(SERVICE_NAME)], service(finding));
    });
    out.object(piece![Open(VPC_ID, 0)], |out| {
        out.object(piece![Open(VPC_ID, 1)], |out| {
            put_member(out, piece![Key(INTERFACE_ID)], finding.interface.as_deref());
            put_member(out, piece![Key(VPC_ID)], vpc);
        });
    });
}

fn put_related(finding: &Finding, out: &mut Pen<'_>) {
    let peer = finding.peer.filter(|peer| Some(*peer) != finding.address);
    let name = name(finding);
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

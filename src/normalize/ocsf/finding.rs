//! The document of one revision of a finding.

use crate::{
    event::{Asset, Disposition, Evidence, Feature, Finding, ResourceRole, Revision, Score},
    normalize::{
        finding::{Place, instance, name, put_address, put_floodmark_of, put_sentence, put_title},
        pen::Pen,
        stamp::Stamp,
        text::{put_float, put_member, put_uint},
    },
};

use super::{Writer, event::put_millis};

// === impl Writer ===

impl Writer {
    /// Appends the document of `finding`.
    pub(super) fn put_finding(&mut self, finding: &Finding, out: &mut Pen<'_>) {
        let place = Place::of(finding);
        let start = self.stamps.seconds(finding.window_start);
        out.put_slice(
            b"{\"category_uid\":2,\"category_name\":\"Findings\",\"class_uid\":2004,\
            \"class_name\":\"Detection Finding\",",
        );
        out.put_slice(activity(finding.revision));
        out.put_slice(severity(finding.evidence.points()));
        out.put_slice(&self.finding_head);
        out.put(&finding.document.text());
        // What OCSF calls correlated is of one incident; all revisions of a finding have its `finding_info.uid`.
        out.put_slice(b"\",\"log_provider\":\"floodmark\",\"log_name\":\"findings\",\"correlation_uid\":\"");
        out.put(&finding.incident.text());
        out.put(b"\",");
        put_member(out, b"\"tenant_uid\":", place.account);
        out.close();
        put_times(finding, out);
        put_text(b"\"message\":\"", out, |out| put_sentence(finding, &start, out));
        out.put_slice(match finding.disposition {
            Disposition::Alert => &b"\"is_alert\":true,\"risk_score\":"[..],
            Disposition::Observed | Disposition::Suppressed | Disposition::OverBudget => {
                b"\"is_alert\":false,\"risk_score\":"
            }
        });
        put_uint(out, u64::from(finding.evidence.points()));
        out.push(b',');
        out.put_slice(confidence(finding.evidence.score().map(|score| score.usual.samples)));
        self.put_info(finding, &start, out);
        if let Evidence::Unusual { score, mean, mean_plus_3_sigma } = &finding.evidence {
            put_analysis(finding, score, [*mean, *mean_plus_3_sigma], out);
        }
        put_resource(finding, &place, out);
        put_evidence(finding, &place, out);
        put_device(finding, &place, out);
        put_cloud(&place, out);
        out.put(b"\"unmapped\":{");
        put_floodmark_of(finding, self.now_millis, (&mut self.assets, &mut self.stamps), out);
        out.close();
        out.end_line();
    }

    /// Appends what was found: the finding's id, the same in all its revisions, and the detector.
    fn put_info(&self, finding: &Finding, start: &Stamp, out: &mut Pen<'_>) {
        let detector = finding.detector;
        out.put(b"\"finding_info\":{\"uid\":\"");
        out.put(&finding.id.text());
        out.put(b"\",");
        put_text(b"\"title\":\"", out, |out| put_title(finding, out));
        put_text(b"\"desc\":\"", out, |out| put_sentence(finding, start, out));
        out.put(b"\"types\":[\"");
        out.put_slice(detector.category.as_bytes());
        out.put(b"\"],\"data_sources\":[\"VPC Flow Logs\"],\"created_time\":");
        put_uint(out, self.now_millis);
        out.put(b",\"first_seen_time\":");
        put_millis(finding.window_start, out);
        out.put(b"\"last_seen_time\":");
        put_millis(finding.at, out);
        out.put_slice(match finding.evidence {
            Evidence::Unusual { .. } => &b"\"analytic\":{\"type_id\":3,\"type\":\"Statistical\","[..],
            Evidence::Seen(_) => b"\"analytic\":{\"type_id\":1,\"type\":\"Rule\",",
        });
        put_member(out, b"\"uid\":", Some(detector.id));
        put_member(out, b"\"name\":", Some(detector.title));
        put_member(out, b"\"category\":", Some(detector.category));
        out.close();
        out.put(b"\"attacks\":[{");
        for (key, (uid, name)) in
            [(&b"\"tactic\":{"[..], detector.tactic), (&b"\"technique\":{"[..], detector.technique)]
        {
            out.put_slice(key);
            put_member(out, b"\"uid\":", Some(uid));
            put_member(out, b"\"name\":", Some(name));
            out.close();
        }
        close_list(out);
        out.close();
    }
}

/// Appends when it was: the revision's own time, and the window's.
fn put_times(finding: &Finding, out: &mut Pen<'_>) {
    let seconds = u64::from(finding.window_seconds);
    out.put(b"\"time\":");
    put_millis(finding.at, out);
    out.put(b"\"start_time\":");
    put_millis(finding.window_start, out);
    out.put(b"\"end_time\":");
    put_millis(finding.window_start.saturating_add(seconds), out);
    out.put(b"\"duration\":");
    put_millis(seconds, out);
}

/// Appends what was seen and what is usual: the median, the 99th percentile and the largest window, which the score rests
/// on, and the mean, which it does not.
fn put_analysis(finding: &Finding, score: &Score, facts: [f64; 2], out: &mut Pen<'_>) {
    let feature = score.feature;
    out.put(b"\"anomaly_analyses\":[{\"analysis_targets\":[{");
    put_member(out, b"\"name\":", Some(finding.entity.name()));
    put_member(out, b"\"type\":", Some(finding.entity.kind.name()));
    close_list(out);
    out.put(b"\"anomalies\":[{");
    put_parameter(feature, "window total", out);
    out.put(b"\"observations\":[{\"value\":\"");
    put_uint(out, score.observed);
    out.put(b"\",\"timespan\":{\"start_time\":");
    put_millis(finding.window_start, out);
    out.put(b"\"duration_secs\":");
    put_uint(out, u64::from(finding.window_seconds));
    out.put(b",\"type_id\":2,\"type\":\"Seconds\"}}]}],\"baselines\":[");
    let usual = &score.usual;
    for (kind, value) in [("median", usual.median), ("p99", usual.p99), ("largest", usual.max)] {
        out.push(b'{');
        put_parameter(feature, kind, out);
        out.put(b"\"observations\":[{\"value\":\"");
        put_uint(out, value);
        out.put(b"\",\"count\":");
        put_uint(out, u64::from(usual.samples));
        out.put(b"}]},");
    }
    for (kind, value) in ["mean", "mean plus 3 sigma"].into_iter().zip(facts) {
        if value.is_finite() {
            out.push(b'{');
            put_parameter(feature, kind, out);
            out.put(b"\"observations\":[{\"value\":\"");
            put_float(out, value);
            out.put(b"\"}]},");
        }
    }
    end_list(out);
    close_list(out);
}

fn put_parameter(feature: Feature, kind: &str, out: &mut Pen<'_>) {
    put_member(out, b"\"observation_parameter\":", Some(feature.name()));
    put_member(out, b"\"observation_type\":", Some(kind));
}

/// Appends the entity, as the resource that the finding is about.
fn put_resource(finding: &Finding, place: &Place<'_>, out: &mut Pen<'_>) {
    let entity = &finding.entity;
    out.put(b"\"resources\":[{\"role_id\":3,\"role\":\"Affected\",");
    put_member(out, b"\"uid\":", Some(entity.name()));
    put_member(out, b"\"name\":", Some(name(finding).unwrap_or(entity.name())));
    put_member(out, b"\"type\":", Some(entity.kind.name()));
    put_member(out, b"\"namespace\":", present(entity.scope()));
    put_member(out, b"\"hostname\":", name(finding));
    put_address(b"\"ip\":\"", b"\",", finding.address, out);
    put_member(out, b"\"provider\":", Some("AWS"));
    put_member(out, b"\"region\":", place.region);
    if let Some(group) = present(entity.peer_group()) {
        out.put(b"\"group\":{");
        put_member(out, b"\"name\":", Some(group));
        out.close();
    }
    if let Some(asset) = &finding.asset {
        put_asset(asset, out);
    }
    close_list(out);
}

fn put_asset(asset: &Asset, out: &mut Pen<'_>) {
    put_member(out, b"\"criticality\":", asset.criticality.as_deref());
    if let Some(owner) = &asset.owner {
        out.put(b"\"owner\":{");
        put_member(out, b"\"name\":", Some(owner));
        out.close();
    }
    out.enclosed(b"\"tags\":[", b"],", |out| {
        for (name, value) in &asset.tags {
            out.push(b'{');
            put_member(out, b"\"name\":", Some(name));
            put_member(out, b"\"value\":", Some(value));
            out.close();
        }
    });
}

/// Appends the record that raised the revision: from whom to whom. Both detectors watch what an entity sends.
fn put_evidence(finding: &Finding, place: &Place<'_>, out: &mut Pen<'_>) {
    let has_own = finding.address.is_some() || finding.interface.is_some();
    if !has_own && finding.peer.is_none() {
        return;
    }
    out.put(b"\"evidences\":[{");
    let (own, other): (&[u8], &[u8]) = match finding.role {
        ResourceRole::Actor => (b"\"src_endpoint\":{", b"\"dst_endpoint\":{"),
        ResourceRole::Target => (b"\"dst_endpoint\":{", b"\"src_endpoint\":{"),
    };
    if has_own {
        out.put_slice(own);
        put_address(b"\"ip\":\"", b"\",", finding.address, out);
        put_member(out, b"\"hostname\":", name(finding));
        put_interface(finding, place, out);
        out.close();
    }
    if finding.peer.is_some() {
        out.put_slice(other);
        put_address(b"\"ip\":\"", b"\",", finding.peer, out);
        out.close();
    }
    close_list(out);
}

/// Appends the host that it was at the time, where it is known.
fn put_device(finding: &Finding, place: &Place<'_>, out: &mut Pen<'_>) {
    if finding.address.is_none() && finding.interface.is_none() && instance(finding).is_none() {
        return;
    }
    let kind: &[u8] = if instance(finding).is_some() {
        b"\"device\":{\"type_id\":6,\"type\":\"Virtual\","
    } else {
        b"\"device\":{\"type_id\":0,\"type\":\"Unknown\","
    };
    out.put_slice(kind);
    put_address(b"\"ip\":\"", b"\",", finding.address, out);
    put_member(out, b"\"hostname\":", name(finding));
    put_interface(finding, place, out);
    put_member(out, b"\"region\":", place.region);
    out.close();
}

fn put_interface(finding: &Finding, place: &Place<'_>, out: &mut Pen<'_>) {
    put_member(out, b"\"interface_uid\":", finding.interface.as_deref());
    put_member(out, b"\"instance_uid\":", instance(finding));
    put_member(out, b"\"vpc_uid\":", place.vpc);
}

fn put_cloud(place: &Place<'_>, out: &mut Pen<'_>) {
    out.put(b"\"cloud\":{\"provider\":\"AWS\",");
    out.object(b"\"account\":{", |out| put_member(out, b"\"uid\":", place.account));
    put_member(out, b"\"region\":", place.region);
    out.close();
}

fn put_text(key: &[u8], out: &mut Pen<'_>, write: impl FnOnce(&mut Pen<'_>)) {
    out.put_slice(key);
    write(out);
    out.put(b"\",");
}

/// Ends an object that is the last of a list, and the list.
fn close_list(out: &mut Pen<'_>) {
    out.close();
    end_list(out);
}

/// Ends a list, whose last member has a comma after it.
fn end_list(out: &mut Pen<'_>) {
    out.close_with(b"],");
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// What the revision does to the finding. Nobody has looked at it yet: its status is new as long as its window is open.
fn activity(revision: Revision) -> &'static [u8] {
    match revision {
        Revision::Created => {
            b"\"activity_id\":1,\"activity_name\":\"Create\",\"type_uid\":200401,\
            \"type_name\":\"Detection Finding: Create\",\"status_id\":1,\"status\":\"New\","
        }
        Revision::Grown(_) => {
            b"\"activity_id\":2,\"activity_name\":\"Update\",\"type_uid\":200402,\
            \"type_name\":\"Detection Finding: Update\",\"status_id\":1,\"status\":\"New\","
        }
        Revision::Closed => {
            b"\"activity_id\":3,\"activity_name\":\"Close\",\"type_uid\":200403,\
            \"type_name\":\"Detection Finding: Close\",\"status_id\":99,\"status\":\"Window over\","
        }
    }
}

/// Severity by the score, in the same four steps as in ECS.
fn severity(points: u8) -> &'static [u8] {
    match points {
        0..50 => b"\"severity_id\":2,\"severity\":\"Low\",",
        50..80 => b"\"severity_id\":3,\"severity\":\"Medium\",",
        80..95 => b"\"severity_id\":4,\"severity\":\"High\",",
        _ => b"\"severity_id\":5,\"severity\":\"Critical\",",
    }
}

/// How far the entity's own history carries the score: a day of windows, or as many as a score needs. What does not rest on a
/// score was seen.
fn confidence(samples: Option<u32>) -> &'static [u8] {
    match samples {
        Some(0..24) => b"\"confidence_id\":1,\"confidence\":\"Low\",",
        Some(24..144) => b"\"confidence_id\":2,\"confidence\":\"Medium\",",
        _ => b"\"confidence_id\":3,\"confidence\":\"High\",",
    }
}

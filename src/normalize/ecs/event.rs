//! The document of one event.

use crate::{
    event::{Batch, Direction, Field, Value, Verdict},
    normalize::{
        paths::{
            ACCOUNT_ID, CLOUD_PROVIDER, ENTITY_KIND, EVENT_ACTION, EVENT_DURATION, EVENT_END, EVENT_ID,
            EVENT_OUTCOME, EVENT_REASON, EVENT_RISK_SCORE, EVENT_START, EVENT_TYPE, HOST_ID, HOST_IP,
            HOST_NAME, IANA_NUMBER, NETWORK_APPLICATION, NETWORK_COMMUNITY_ID, NETWORK_DIRECTION,
            NETWORK_TRANSPORT, NETWORK_TYPE, RELATED_HOSTS, RELATED_IP, SUBLOCATION_ID, TIMESTAMP, VPC_ID,
            column,
        },
        piece::{close, end_line, object, piece},
        stamp::Stamps,
        text::{put_member, put_plain, put_uint},
    },
};

use super::{
    Ecs,
    place::Places,
    plan::Group,
    row::Row,
    score::Sentences,
    side::{self, Side},
};

/// `floodmark.source` and `floodmark.destination`, as the sides of the record are called.
const SOURCE: &str = column(Field::SrcAddr, 0);
const DESTINATION: &str = column(Field::DstAddr, 0);

// === impl Ecs ===

impl Ecs {
    /// Appends the document of event number `index`.
    pub(super) fn put_event(&mut self, batch: &Batch, index: usize, out: &mut Vec<u8>) {
        let event = &batch.events[index];
        self.plan.fit(event.fields);
        let row = Row::new(batch, event, &self.plan);
        let verdict = batch.verdicts.get(index).and_then(Option::as_ref);
        let start = row.uint(Field::Start).map(|start| (start, self.stamps.seconds(start)));
        let end = row.uint(Field::End).map(|end| (end, self.stamps.seconds(end)));
        // Parsing lets no record pass that has neither.
        let (_, at) = end.or(start).unwrap_or((0, self.stamps.seconds(0)));
        out.extend_from_slice(piece![Text("{"), Key(TIMESTAMP), Text("\"")]);
        out.extend_from_slice(&at);
        out.extend_from_slice(b"\",");
        out.extend_from_slice(&self.event_head);
        out.extend_from_slice(outcome(&row));
        out.extend_from_slice(piece![Key(EVENT_ID), Text("\"")]);
        out.extend_from_slice(&event.id.text());
        out.extend_from_slice(b"\",");
        put_times(start, end, out);
        put_verdict(&mut self.sentences, batch, verdict, out);
        close(out);
        Side::Source.put(&row, &mut self.places, out);
        Side::Destination.put(&row, &mut self.places, out);
        put_network(&row, out);
        put_cloud(&row, out);
        put_host(&row, out);
        put_workload(&row, out);
        object(out, piece![Open(VPC_ID, 0)], |out| {
            object(out, piece![Open(VPC_ID, 1)], |out| {
                row.put_members(row.plan.members(Group::Vpcflow), out);
                let sublocation = row.plan.members(Group::Sublocation);
                if !sublocation.is_empty() {
                    object(out, piece![Open(SUBLOCATION_ID, 2)], |out| row.put_members(sublocation, out));
                }
                self.extras.put(&row, out);
            });
        });
        put_related(&row, out);
        put_floodmark(&row, verdict, &mut self.places, &mut self.sentences, &mut self.stamps, out);
        end_line(out);
    }
}

/// What became of the flow: its type, action and outcome.
#[inline]
fn outcome(row: &Row<'_>) -> &'static [u8] {
    // NODATA and SKIPDATA tell of no flow; OK, or no status at all, does.
    match (row.initial(Field::LogStatus), row.initial(Field::Action)) {
        (b'N' | b'S', _) => piece![Key(EVENT_TYPE), Text("[\"info\"],")],
        (_, b'A') => piece![
            Key(EVENT_TYPE),
            Text("[\"connection\",\"allowed\"],"),
            Key(EVENT_ACTION),
            Text("\"accept\","),
            Key(EVENT_OUTCOME),
            Text("\"success\","),
        ],
        (_, b'R') => piece![
            Key(EVENT_TYPE),
            Text("[\"connection\",\"denied\"],"),
            Key(EVENT_ACTION),
            Text("\"reject\","),
            Key(EVENT_OUTCOME),
            Text("\"failure\","),
        ],
        _ => piece![Key(EVENT_TYPE), Text("[\"connection\"],")],
    }
}

/// Appends start, end and duration.
#[inline]
pub(super) fn put_times(start: Option<(u64, [u8; 20])>, end: Option<(u64, [u8; 20])>, out: &mut Vec<u8>) {
    if let Some((_, text)) = &start {
        out.extend_from_slice(piece![Key(EVENT_START), Text("\"")]);
        out.extend_from_slice(text);
        out.extend_from_slice(b"\",");
    }
    if let Some((_, text)) = &end {
        out.extend_from_slice(piece![Key(EVENT_END), Text("\"")]);
        out.extend_from_slice(text);
        out.extend_from_slice(b"\",");
    }
    if let (Some((start, _)), Some((end, _))) = (start, end) {
        out.extend_from_slice(piece![Key(EVENT_DURATION)]);
        let seconds = end.saturating_sub(start);
        put_uint(out, seconds);
        out.extend_from_slice(if seconds == 0 { b"," } else { b"000000000," });
    }
}

/// Appends the score and its reason to the `event` object.
#[inline]
fn put_verdict(sentences: &mut Sentences, batch: &Batch, verdict: Option<&Verdict>, out: &mut Vec<u8>) {
    let Some((verdict, score)) = verdict.and_then(|verdict| Some((verdict, verdict.score.as_ref()?))) else {
        return;
    };
    out.extend_from_slice(piece![Key(EVENT_RISK_SCORE)]);
    put_uint(out, u64::from(score.points));
    out.extend_from_slice(piece![Text(","), Key(EVENT_REASON), Text("\"")]);
    sentences.put_reason(verdict, &batch.entities[verdict.entity as usize], score, out);
    out.extend_from_slice(b"\",");
}

#[inline]
fn put_network(row: &Row<'_>, out: &mut Vec<u8>) {
    object(out, piece![Open(NETWORK_TYPE, 0)], |out| {
        let source = Side::Source.address(row);
        let address = if source.is_absent() { Side::Destination.address(row) } else { source };
        match address {
            Value::V4(..) => out.extend_from_slice(piece![Key(NETWORK_TYPE), Text("\"ipv4\",")]),
            Value::V6 { .. } => out.extend_from_slice(piece![Key(NETWORK_TYPE), Text("\"ipv6\",")]),
            _ => {}
        }
        if let Some(transport) = row.event.transport {
            out.extend_from_slice(piece![Key(NETWORK_TRANSPORT), Text("\"")]);
            out.extend_from_slice(transport.as_bytes());
            out.extend_from_slice(b"\",");
        }
        if let Some(number) = row.uint(Field::Protocol) {
            out.extend_from_slice(piece![Key(IANA_NUMBER), Text("\"")]);
            put_uint(out, number);
            out.extend_from_slice(b"\",");
        }
        if let Some(service) = row.event.service {
            out.extend_from_slice(piece![Key(NETWORK_APPLICATION), Text("\"")]);
            out.extend_from_slice(service.as_bytes());
            out.extend_from_slice(b"\",");
        }
        out.extend_from_slice(match row.event.direction {
            Direction::Inbound => piece![Key(NETWORK_DIRECTION), Text("\"inbound\",")],
            Direction::Outbound => piece![Key(NETWORK_DIRECTION), Text("\"outbound\",")],
            Direction::Internal => piece![Key(NETWORK_DIRECTION), Text("\"internal\",")],
            Direction::External => piece![Key(NETWORK_DIRECTION), Text("\"external\",")],
            Direction::Unknown => &[][..],
        });
        let community_id = row.event.community_id;
        if !community_id.is_empty() {
            out.extend_from_slice(piece![Key(NETWORK_COMMUNITY_ID), Text("\"")]);
            // Base64 after a digit and a colon.
            put_plain(out, &row.batch.derived, community_id);
            out.extend_from_slice(b"\",");
        }
        side::put_volume(row, out);
    });
}

#[inline]
fn put_cloud(row: &Row<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(piece![Open(CLOUD_PROVIDER, 0), Key(CLOUD_PROVIDER), Text("\"aws\",")]);
    let account = row.plan.members(Group::Account);
    object(out, piece![Open(ACCOUNT_ID, 1)], |out| row.put_members(account, out));
    row.put_members(row.plan.members(Group::Cloud), out);
    let instance = row.plan.members(Group::Instance);
    if !instance.is_empty() {
        object(out, piece![Open(column(Field::InstanceId, 0), 1)], |out| row.put_members(instance, out));
    }
    close(out);
}

#[inline]
fn put_host(row: &Row<'_>, out: &mut Vec<u8>) {
    let Some((side, own)) = side::host(row) else { return };
    object(out, piece![Open(HOST_IP, 0)], |out| {
        let instance = row.value(Field::InstanceId);
        if own && !instance.is_absent() {
            out.extend_from_slice(piece![Key(HOST_ID), Text("\"")]);
            row.put(instance, out);
            out.extend_from_slice(b"\",");
        }
        if let Some(asset) = &side.endpoint(row).asset {
            put_member(out, piece![Key(HOST_NAME)], asset.name.as_deref());
        }
        let address = side.address(row);
        if !address.is_absent() {
            out.extend_from_slice(piece![Key(HOST_IP), Text("[\"")]);
            row.put(address, out);
            out.extend_from_slice(b"\"],");
        }
    });
}

/// Appends what runs on the host, where the record says so: cluster, service, container.
#[inline]
fn put_workload(row: &Row<'_>, out: &mut Vec<u8>) {
    let cluster = row.plan.members(Group::Cluster);
    let service = row.plan.members(Group::Service);
    let container = row.plan.members(Group::Container);
    if !cluster.is_empty() {
        object(out, piece![Open(column(Field::EcsClusterArn, 1), 0)], |out| {
            object(out, piece![Open(column(Field::EcsClusterArn, 1), 1)], |out| {
                row.put_members(cluster, out)
            });
        });
    }
    if !service.is_empty() {
        object(out, piece![Open(column(Field::EcsServiceName, 1), 0)], |out| row.put_members(service, out));
    }
    if !container.is_empty() {
        object(out, piece![Open(column(Field::EcsContainerId, 1), 0)], |out| row.put_members(container, out));
    }
}

#[inline]
fn put_related(row: &Row<'_>, out: &mut Vec<u8>) {
    object(out, piece![Open(RELATED_IP, 0)], |out| {
        let addresses = [
            Side::Source.address(row),
            Side::Destination.address(row),
            Side::Source.nat(row),
            Side::Destination.nat(row),
        ];
        list(out, piece![Key(RELATED_IP), Text("[")], |out| {
            for (index, address) in addresses.iter().enumerate() {
                let seen = addresses[..index].iter().any(|other| row.same_address(*other, *address));
                if !address.is_absent() && !seen {
                    out.push(b'"');
                    row.put(*address, out);
                    out.extend_from_slice(b"\",");
                }
            }
        });
        let name = |side: Side| side.endpoint(row).asset.as_ref().and_then(|asset| asset.name.as_deref());
        let (source, destination) = (name(Side::Source), name(Side::Destination));
        list(out, piece![Key(RELATED_HOSTS), Text("[")], |out| {
            put_member(out, b"", source);
            put_member(out, b"", destination.filter(|name| Some(*name) != source));
        });
    });
}

/// Writes a list that `begin` opens and `members` fills, each with a comma after it; nothing where there is no member.
#[inline]
pub(super) fn list(out: &mut Vec<u8>, begin: &[u8], members: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(begin);
    let filled = out.len();
    members(out);
    if out.len() == filled {
        out.truncate(start);
    } else {
        out.pop();
        out.extend_from_slice(b"],");
    }
}

#[inline]
fn put_floodmark(
    row: &Row<'_>,
    verdict: Option<&Verdict>,
    places: &mut Places,
    sentences: &mut Sentences,
    stamps: &mut Stamps,
    out: &mut Vec<u8>,
) {
    object(out, piece![Open(ENTITY_KIND, 0)], |out| {
        for (side, begin) in [
            (Side::Source, &piece![Open(SOURCE, 0)][..]),
            (Side::Destination, &piece![Open(DESTINATION, 0)][..]),
        ] {
            if let Some(asset) = &side.endpoint(row).asset {
                object(out, begin, |out| places.put_asset(asset, out));
            }
        }
        if let Some(verdict) = verdict {
            sentences.put_entity(&row.batch.entities[verdict.entity as usize], out);
            if let Some(score) = &verdict.score {
                sentences.put_score(score, verdict.window_start, verdict.late, stamps, out);
            }
        }
    });
}

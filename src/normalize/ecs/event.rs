//! The document of one event.

use crate::{
    event::{Asset, Batch, Field, Value},
    normalize::{
        paths::{
            ACCOUNT_ID, CLOUD_PROVIDER, ENTITY_KIND, EVENT_DURATION, EVENT_END, EVENT_START, HOST_ID,
            HOST_IP, HOST_NAME, RELATED_HOSTS, RELATED_IP, SUBLOCATION_ID, TIMESTAMP, VPC_ID, column,
        },
        piece::{close, enclosed, end_line, object, piece},
        stamp::Stamps,
        text::put_uint,
    },
};

use super::{
    Ecs,
    outcome::Outcome,
    place::Places,
    plan::Group,
    row::Row,
    score::Judged,
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
        let start = row.uint(Field::Start).map(|start| (start, self.stamps.seconds(start)));
        let end = row.uint(Field::End).map(|end| (end, self.stamps.seconds(end)));
        // Parsing lets no record pass that has neither.
        let (_, at) = end.or(start).unwrap_or((0, self.stamps.seconds(0)));
        out.extend_from_slice(piece![Text("{"), Key(TIMESTAMP), Text("\"")]);
        out.extend_from_slice(&at);
        out.extend_from_slice(b"\",");
        out.extend_from_slice(&self.heads[Outcome::of(&row) as usize]);
        out.extend_from_slice(&event.id.text());
        out.extend_from_slice(b"\",");
        put_times(start, end, out);
        let verdict = batch.verdicts.get(index).and_then(Option::as_ref);
        let judged =
            verdict.map(|verdict| self.baselines.judged(verdict, &batch.entities[verdict.entity as usize]));
        if let Some(judged) = &judged {
            judged.put_reason(out);
        }
        close(out);
        let volume = Side::Source.put(&row, &mut self.places, out);
        Side::Destination.put(&row, &mut self.places, out);
        self.networks.put(&row, out, |out| out.extend_from_within(volume));
        put_cloud(&row, out);
        put_host(&row, &mut self.places, out);
        put_workload(&row, out);
        enclosed(out, piece![Open(VPC_ID, 0), Open(VPC_ID, 1)], b"}},", |out| {
            row.put_members(row.plan.members(Group::Vpcflow), out);
            let sublocation = row.plan.members(Group::Sublocation);
            if !sublocation.is_empty() {
                object(out, piece![Open(SUBLOCATION_ID, 2)], |out| row.put_members(sublocation, out));
            }
            self.extras.put(&row, out);
        });
        put_related(&row, &mut self.places, out);
        put_floodmark(&row, judged.as_ref(), &mut self.places, &mut self.stamps, out);
        end_line(out);
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
        out.extend_from_slice(b"000000000,");
        if seconds == 0 {
            out.truncate(out.len() - 10);
            out.push(b',');
        }
    }
}

#[inline]
fn put_cloud(row: &Row<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(piece![Open(CLOUD_PROVIDER, 0), Key(CLOUD_PROVIDER), Text("\"aws\",")]);
    let account = row.value(Field::AccountId);
    if !account.is_absent() {
        out.extend_from_slice(piece![Open(ACCOUNT_ID, 1), Key(ACCOUNT_ID), Text("\"")]);
        row.put(account, out);
        out.extend_from_slice(b"\"},");
    }
    row.put_members(row.plan.members(Group::Cloud), out);
    let instance = row.plan.members(Group::Instance);
    if !instance.is_empty() {
        object(out, piece![Open(column(Field::InstanceId, 0), 1)], |out| row.put_members(instance, out));
    }
    close(out);
}

#[inline]
fn put_host(row: &Row<'_>, places: &mut Places, out: &mut Vec<u8>) {
    let Some((side, own)) = side::host(row) else { return };
    object(out, piece![Open(HOST_IP, 0)], |out| {
        let instance = row.value(Field::InstanceId);
        if own && !instance.is_absent() {
            out.extend_from_slice(piece![Key(HOST_ID), Text("\"")]);
            row.put(instance, out);
            out.extend_from_slice(b"\",");
        }
        if let Some(asset) = &side.endpoint(row).asset {
            places.put_name(piece![Key(HOST_NAME)], asset, out);
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
fn put_related(row: &Row<'_>, places: &mut Places, out: &mut Vec<u8>) {
    object(out, piece![Open(RELATED_IP, 0)], |out| {
        let addresses = [
            Side::Source.address(row),
            Side::Destination.address(row),
            Side::Source.nat(row),
            Side::Destination.nat(row),
        ];
        enclosed(out, piece![Key(RELATED_IP), Text("[")], b"],", |out| {
            for (index, address) in addresses.iter().enumerate() {
                let named = |other: &Value| row.same_address(*other, *address);
                if !address.is_absent() && !addresses[..index].iter().any(named) {
                    out.push(b'"');
                    row.put(*address, out);
                    out.extend_from_slice(b"\",");
                }
            }
        });
        let (source, destination) = (named(Side::Source, row), named(Side::Destination, row));
        let destination = destination.filter(|other| source.is_none_or(|asset| asset.name != other.name));
        enclosed(out, piece![Key(RELATED_HOSTS), Text("[")], b"],", |out| {
            for asset in [source, destination].into_iter().flatten() {
                places.put_name(b"", asset, out);
            }
        });
    });
}

/// The asset of this side, where there is one and it has a name.
#[inline]
fn named<'a>(side: Side, row: &Row<'a>) -> Option<&'a Asset> {
    side.endpoint(row).asset.as_deref().filter(|asset| asset.name.is_some())
}

#[inline]
fn put_floodmark(
    row: &Row<'_>,
    judged: Option<&Judged<'_>>,
    places: &mut Places,
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
        if let Some(judged) = judged {
            judged.put(stamps, out);
        }
    });
}

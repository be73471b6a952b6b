//! The document of one event.

use crate::{
    event::{Asset, Batch, Field, Value},
    normalize::{
        asset::Assets,
        extras::ExtraNames,
        floodmark::put_floodmark,
        outcome::Outcome,
        paths::{
            ACCOUNT_ID, CLOUD_PROVIDER, EVENT_DURATION, EVENT_END, EVENT_ORIGINAL, EVENT_REASON,
            EVENT_RISK_SCORE, EVENT_START, HOST_ID, HOST_IP, HOST_NAME, INTERFACE_ID, RELATED_HOSTS,
            RELATED_IP, SUBLOCATION_ID, TIMESTAMP, VPC_ID, column,
        },
        pen::Pen,
        piece::piece,
        row::Row,
        side::{self, Side},
        stamp::Stamp,
        syslog::put_log,
        text::put_uint,
        words::{WORDS, put_words},
    },
};

use super::{Writer, plan::Group};

/// `source` and `destination`, as the sides of the record are called.
const SOURCE: &str = column(Field::SrcAddr, 0);
const DESTINATION: &str = column(Field::DstAddr, 0);

// === impl Writer ===

impl Writer {
    /// Appends the document of event number `index`; where `SLIM`, only what a slim one holds.
    #[inline(always)]
    pub(super) fn put_event<const SLIM: bool>(
        &mut self,
        batch: &Batch,
        index: usize,
        rate: u32,
        out: &mut Pen<'_>,
    ) {
        let event = &batch.events[index];
        self.plan.fit(event.fields);
        let row = Row::new(batch, event, &self.plan);
        let start = row.uint(Field::Start).map(|start| (start, self.stamps.seconds(start)));
        let end = row.uint(Field::End).map(|end| (end, self.stamps.seconds(end)));
        out.put(piece![Text("{"), Key(TIMESTAMP), Text("\"")]);
        match end.or(start) {
            Some((_, at)) => at.put(out),
            // A record without a time has the one when it was taken in.
            None => out.put(&self.now),
        }
        out.put(b"\",");
        out.put_slice(&self.heads[Outcome::of(&row) as usize]);
        out.put(&event.id.text());
        out.put(b"\",");
        if !SLIM {
            put_times(start, end, out);
        }
        let verdict = batch.verdicts.get(index).and_then(Option::as_ref);
        let judged =
            verdict.map(|verdict| self.baselines.judged(verdict, &batch.entities[verdict.entity as usize]));
        if let Some(judged) = &judged {
            judged.put_points(piece![Key(EVENT_RISK_SCORE)], out);
            if !SLIM || judged.is_high() {
                judged.put_reason(piece![Key(EVENT_REASON), Text("\"")], out);
            }
        }
        if self.original {
            out.aside(|out| row.put_entry(piece![Key(EVENT_ORIGINAL), Text("\"")], out));
        }
        out.close();
        let volume = Side::Source.put::<SLIM, _>(piece![Open(SOURCE, 0)], &row, &mut self.places, out);
        Side::Destination.put::<SLIM, _>(piece![Open(DESTINATION, 0)], &row, &mut self.places, out);
        self.networks.put::<SLIM>(&row, volume.as_ref(), out);
        put_cloud(&row, out);
        if SLIM {
            put_host::<1>(&row, &mut self.assets, out);
            put_interface::<false>(&row, out);
        } else {
            put_host::<0>(&row, &mut self.assets, out);
            put_workload(&row, out);
            put_columns(&mut self.extras, &row, out);
            put_related::<false>(&row, &mut self.assets, out);
            if let Some(log) = batch.syslog(event) {
                out.aside(|out| put_log(log, batch.bytes(), out));
            }
        }
        let told = judged.as_ref().filter(|judged| !SLIM || judged.is_high());
        put_floodmark(&row, told, &mut self.assets, &mut self.stamps, rate, out);
        out.end_line();
    }
}

/// Appends the columns that ECS has no place for.
#[inline(always)]
fn put_columns(extras: &mut ExtraNames, row: &Row<'_>, out: &mut Pen<'_>) {
    out.enclosed(piece![Open(VPC_ID, 0), Open(VPC_ID, 1)], b"}},", |out| {
        row.put_members(row.plan.members(Group::Vpcflow), out);
        put_words(row, &WORDS, out);
        let sublocation = row.plan.members(Group::Sublocation);
        if !sublocation.is_empty() {
            out.object(piece![Open(SUBLOCATION_ID, 2)], |out| row.put_members(sublocation, out));
        }
        extras.put(row, out);
    });
}

/// Appends which interface saw the flow, and in which VPC. Flows and sessions have instances of their own: what is written in one
/// place is inlined there.
pub(super) fn put_interface<const SESSION: bool>(row: &Row<'_>, out: &mut Pen<'_>) {
    out.enclosed(piece![Open(VPC_ID, 0), Open(VPC_ID, 1)], b"}},", |out| {
        let columns = [
            (Field::InterfaceId, &piece![Key(INTERFACE_ID), Text("\"")][..]),
            (Field::VpcId, &piece![Key(VPC_ID), Text("\"")][..]),
        ];
        for (field, key) in columns {
            let value = row.value(field);
            if !value.is_absent() {
                out.put_slice(key);
                row.put(value, out);
                out.put(b"\",");
            }
        }
    });
}

/// Appends start, end and duration.
#[inline(always)]
pub(super) fn put_times(start: Option<(u64, Stamp)>, end: Option<(u64, Stamp)>, out: &mut Pen<'_>) {
    if let Some((_, text)) = &start {
        out.put(piece![Key(EVENT_START), Text("\"")]);
        text.put(out);
        out.put(b"\",");
    }
    if let Some((_, text)) = &end {
        out.put(piece![Key(EVENT_END), Text("\"")]);
        text.put(out);
        out.put(b"\",");
    }
    if let (Some((start, _)), Some((end, _))) = (start, end) {
        out.put(piece![Key(EVENT_DURATION)]);
        let seconds = end.saturating_sub(start);
        put_uint(out, seconds);
        if seconds == 0 {
            out.push(b',');
        } else {
            out.put(b"000000000,");
        }
    }
}

#[inline(always)]
pub(super) fn put_cloud(row: &Row<'_>, out: &mut Pen<'_>) {
    out.put(piece![Open(CLOUD_PROVIDER, 0), Key(CLOUD_PROVIDER), Text("\"aws\",")]);
    let account = row.value(Field::AccountId);
    if !account.is_absent() {
        out.put(piece![Open(ACCOUNT_ID, 1), Key(ACCOUNT_ID), Text("\"")]);
        row.put(account, out);
        out.put(b"\"},");
    }
    row.put_members(row.plan.members(Group::Cloud), out);
    let instance = row.plan.members(Group::Instance);
    if !instance.is_empty() {
        out.object(piece![Open(column(Field::InstanceId, 0), 1)], |out| row.put_members(instance, out));
    }
    out.close();
}

#[inline(always)]
pub(super) fn put_host<const FORM: u8>(row: &Row<'_>, assets: &mut Assets, out: &mut Pen<'_>) {
    let Some((side, own)) = side::host(row) else { return };
    out.object(piece![Open(HOST_IP, 0)], |out| {
        let instance = row.value(Field::InstanceId);
        if own && !instance.is_absent() {
            out.put(piece![Key(HOST_ID), Text("\"")]);
            row.put(instance, out);
            out.put(b"\",");
        }
        if let Some(asset) = &side.endpoint(row).asset {
            assets.put_name(piece![Key(HOST_NAME)], asset, out);
        }
        let address = side.address(row);
        if !address.is_absent() {
            out.put(piece![Key(HOST_IP), Text("[\"")]);
            row.put(address, out);
            out.put(b"\"],");
        }
    });
}

/// Appends what runs on the host, where the record says so: cluster, service, container.
#[inline(always)]
fn put_workload(row: &Row<'_>, out: &mut Pen<'_>) {
    let [cluster, resource, service, container] =
        [Group::Cluster, Group::Resource, Group::Service, Group::Container]
            .map(|group| row.plan.members(group));
    if [cluster, resource, service, container].iter().all(|members| members.is_empty()) {
        return;
    }
    out.aside(|out| {
        out.object(piece![Open(column(Field::EcsClusterArn, 1), 0)], |out| {
            out.object(piece![Open(column(Field::EcsClusterArn, 1), 1)], |out| row.put_members(cluster, out));
            out.object(piece![Open(column(Field::EcsContainerInstanceId, 1), 1)], |out| {
                row.put_members(resource, out);
            });
        });
        out.object(piece![Open(column(Field::EcsServiceName, 1), 0)], |out| row.put_members(service, out));
        out.object(piece![Open(column(Field::EcsContainerId, 1), 0)], |out| row.put_members(container, out));
    });
}

#[inline(always)]
pub(super) fn put_related<const SESSION: bool>(row: &Row<'_>, assets: &mut Assets, out: &mut Pen<'_>) {
    out.object(piece![Open(RELATED_IP, 0)], |out| {
        out.enclosed(piece![Key(RELATED_IP), Text("[")], b"],", |out| {
            let [source, destination] = row.addresses;
            put_quoted(row, source, out);
            if !row.same_address(source, destination) {
                put_quoted(row, destination, out);
            }
            let [own, other] = row.nats;
            if !own.is_absent() || !other.is_absent() {
                let named = |nat| row.same_address(nat, source) || row.same_address(nat, destination);
                out.aside(|out| {
                    if !named(own) {
                        put_quoted(row, own, out);
                    }
                    if !named(other) && !row.same_address(own, other) {
                        put_quoted(row, other, out);
                    }
                });
            }
        });
        let (source, destination) = (named(Side::Source, row), named(Side::Destination, row));
        let destination = destination.filter(|other| source.is_none_or(|asset| asset.name != other.name));
        out.enclosed(piece![Key(RELATED_HOSTS), Text("[")], b"],", |out| {
            for asset in [source, destination].into_iter().flatten() {
                assets.put_name(b"", asset, out);
            }
        });
    });
}

/// Appends an address as a member of a list, where there is one.
#[inline(always)]
fn put_quoted(row: &Row<'_>, address: &Value, out: &mut Pen<'_>) {
    if !address.is_absent() {
        out.push(b'"');
        row.put(address, out);
        out.put(b"\",");
    }
}

/// The asset of this side, where there is one and it has a name.
#[inline(always)]
fn named<'a>(side: Side, row: &Row<'a>) -> Option<&'a Asset> {
    side.endpoint(row).asset.as_deref().filter(|asset| asset.name.is_some())
}

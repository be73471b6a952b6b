//! The two endpoints of a flow, and the device whose interface saw it.

use crate::{
    event::{Batch, Endpoint, Field, FieldSet, Value},
    normalize::{asset::Assets, pen::Pen, row::Row, side::Side, text::put_uint},
};

use super::{place::Places, plan::Group};

/// Columns that tell of each end's own interface, as Transit Gateway flow logs do. Where a layout has any, the interface
/// that saw the flow is not repeated in an endpoint.
const ENDS: FieldSet = FieldSet::of(&[
    Field::TgwSrcVpcId,
    Field::TgwDstVpcId,
    Field::TgwSrcSubnetId,
    Field::TgwDstSubnetId,
    Field::TgwSrcEni,
    Field::TgwDstEni,
]);

/// Columns of the device that OCSF takes for an identification.
const IDENTIFYING: [Field; 3] = [Field::InterfaceId, Field::InstanceId, Field::ResourceId];

/// The device of a flow: whose interface saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Device {
    /// The side that is its own, where that is known.
    own: Option<Side>,
    /// Whether the record says who it is.
    is_identified: bool,
}

// === impl Device ===

impl Device {
    #[inline(always)]
    pub(super) fn of(row: &Row<'_>, own: Option<Side>) -> Self {
        let is_identified = IDENTIFYING.iter().any(|field| !row.value(*field).is_absent());
        Self { own, is_identified }
    }

    /// The same, of which nobody knows whose side it is: no endpoint repeats it.
    #[inline(always)]
    pub(super) fn apart(self) -> Self {
        Self { own: None, ..self }
    }

    /// Whether there is anything to say of it.
    #[inline(always)]
    pub(super) fn is_known(&self, row: &Row<'_>) -> bool {
        self.is_identified || self.own.is_some() || has_any(row, Group::Device)
    }

    /// Appends it, where there is anything to say of it.
    #[inline(always)]
    pub(super) fn put(&self, row: &Row<'_>, assets: &mut Assets, out: &mut Pen<'_>) {
        // What has an instance is a virtual machine; the others are load balancers, gateways, tasks and more.
        if row.value(Field::InstanceId).is_absent() {
            out.put(b"\"device\":{\"type_id\":0,\"type\":\"Unknown\",");
        } else {
            out.put(b"\"device\":{\"type_id\":6,\"type\":\"Virtual\",");
        }
        if let Some(side) = self.own {
            out.put(b"\"ip\":\"");
            put_ip(row, side.address(row), out);
            out.put(b"\",");
            if let Some(asset) = &side.endpoint(row).asset {
                assets.put_name(b"\"hostname\":", asset, out);
            }
        } else if !self.is_identified {
            out.put_slice(UNKNOWN);
        }
        row.put_members(row.plan.members(Group::Device), out);
        out.close();
    }
}

/// What stands where OCSF demands an identification and the record has none.
const UNKNOWN: &[u8] = b"\"name\":\"unknown\",";

/// Appends both endpoints. The class demands one: a record without addresses names the interface that saw nothing as its
/// source, or the transit gateway's attachment.
#[inline(always)]
pub(super) fn put_endpoints(
    row: &Row<'_>,
    device: &Device,
    places: &mut Places,
    assets: &mut Assets,
    out: &mut Pen<'_>,
) {
    let named = |side: Side| !side.address(row).is_absent() || !side.nat(row).is_absent();
    if named(Side::Source) && named(Side::Destination) {
        put_endpoint(Side::Source, row, device, places, assets, out);
        put_endpoint(Side::Destination, row, device, places, assets, out);
    } else {
        out.aside(|out| put_partial(row, device, places, assets, out));
    }
}

/// Appends the endpoint on `side`, which has an address.
#[inline(always)]
fn put_endpoint(
    side: Side,
    row: &Row<'_>,
    device: &Device,
    places: &mut Places,
    assets: &mut Assets,
    out: &mut Pen<'_>,
) {
    put_begin(side, out);
    let (address, nat) = (side.address(row), side.nat(row));
    let (ip, endpoint) =
        if nat.is_absent() { (address, side.endpoint(row)) } else { (nat, packet_endpoint(side, row)) };
    out.put(b"\"ip\":\"");
    put_ip(row, ip, out);
    out.put(b"\",");
    put_port(side, row, out);
    if !nat.is_absent() && !address.is_absent() {
        out.put(b"\"intermediate_ips\":[\"");
        put_ip(row, address, out);
        out.put(b"\"],");
    }
    if let Some(asset) = &endpoint.asset {
        assets.put_name(b"\"hostname\":", asset, out);
    }
    if device.own == Some(side) {
        put_interface(row, out);
    }
    row.put_members(row.plan.members(group(side)), out);
    if endpoint.internal {
        out.put(b"\"network_scope_id\":1,\"network_scope\":\"Internal\",");
    } else {
        out.put(b"\"network_scope_id\":2,\"network_scope\":\"External\",");
    }
    places.put(endpoint, out);
    out.close();
}

/// Appends what there is of endpoints of which one at least has no address.
#[inline(never)]
fn put_partial(row: &Row<'_>, device: &Device, places: &mut Places, assets: &mut Assets, out: &mut Pen<'_>) {
    let mut written = false;
    for side in [Side::Source, Side::Destination] {
        if !side.address(row).is_absent() || !side.nat(row).is_absent() {
            put_endpoint(side, row, device, places, assets, out);
            written = true;
        } else if has_any(row, group(side)) || row.uint(port(side)).is_some() {
            put_begin(side, out);
            let (service, interface) = match side {
                Side::Source => (Field::PktSrcAwsService, Field::TgwSrcEni),
                Side::Destination => (Field::PktDstAwsService, Field::TgwDstEni),
            };
            if row.value(service).is_absent() && row.value(interface).is_absent() {
                out.put_slice(UNKNOWN);
            }
            put_port(side, row, out);
            row.put_members(row.plan.members(group(side)), out);
            out.close();
            written = true;
        }
    }
    if !written {
        put_begin(Side::Source, out);
        let attachment = [Field::TgwAttachmentId, Field::TgwId];
        match attachment.into_iter().find(|field| !row.value(*field).is_absent()) {
            _ if device.is_identified => {}
            None => out.put_slice(UNKNOWN),
            Some(field) => {
                out.put(b"\"uid\":\"");
                row.put(row.value(field), out);
                out.put(b"\",");
            }
        }
        row.put_members(row.plan.members(Group::Device), out);
        out.close();
    }
}

#[inline(always)]
fn put_begin(side: Side, out: &mut Pen<'_>) {
    match side {
        Side::Source => out.put(b"\"src_endpoint\":{"),
        Side::Destination => out.put(b"\"dst_endpoint\":{"),
    }
}

#[inline(always)]
fn put_port(side: Side, row: &Row<'_>, out: &mut Pen<'_>) {
    if let Some(port) = row.uint(port(side)) {
        out.put(b"\"port\":");
        put_uint(out, port);
        out.push(b',');
    }
}

/// Appends which interface it is, whose, and where.
#[inline(always)]
fn put_interface(row: &Row<'_>, out: &mut Pen<'_>) {
    if row.plan.fields().and(ENDS).is_empty() {
        row.put_members(row.plan.members(Group::Device), out);
    }
}

/// Longest text of an address that OCSF takes.
const IP_MAX: u32 = 40;

/// Appends an address; one that is written longer than OCSF takes, in its shortest form.
#[inline(always)]
fn put_ip(row: &Row<'_>, value: &Value, out: &mut Pen<'_>) {
    match value {
        Value::V6 { text, .. } if text.len >= IP_MAX => {
            let address = row.address(*value);
            crate::normalize::finding::put_address(b"", b"", address, out);
        }
        _ => row.put(value, out),
    }
}

/// What enrichment found about the packet's own address on this side.
#[inline(always)]
fn packet_endpoint<'a>(side: Side, row: &Row<'a>) -> &'a Endpoint {
    let place = match side {
        Side::Source => row.event.nat_source,
        Side::Destination => row.event.nat_destination,
    };
    row.batch.endpoints.get(place as usize).unwrap_or(&row.batch.endpoints[Batch::NO_ENDPOINT as usize])
}

fn group(side: Side) -> Group {
    match side {
        Side::Source => Group::Source,
        Side::Destination => Group::Destination,
    }
}

fn port(side: Side) -> Field {
    match side {
        Side::Source => Field::SrcPort,
        Side::Destination => Field::DstPort,
    }
}

/// Whether the row has a value for any member of `group`.
#[inline(always)]
fn has_any(row: &Row<'_>, group: Group) -> bool {
    row.plan.members(group).iter().any(|member| !row.values[usize::from(member.slot)].is_absent())
}

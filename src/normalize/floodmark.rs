//! What floodmark adds of its own, the same in every schema: whose assets the two sides are, the entity and the score.

use super::{
    activity::put_rate,
    asset::{Assets, put_asset},
    paths::{ENTITY_KIND, PROVIDER_NAME, PROVIDER_REGION, PROVIDER_SERVICE, column},
    pen::Pen,
    piece::piece,
    row::Row,
    score::Judged,
    side::{self, Side},
    stamp::Stamps,
    text::put_member,
};
use crate::event::{Field, Provider, TAGS};

/// `source` and `destination`, as the sides of the record are called.
const SOURCE: &str = column(Field::SrcAddr, 0);
const DESTINATION: &str = column(Field::DstAddr, 0);

/// Appends the object, where there is anything to say. `rate` is for how many events the document stands.
#[inline(always)]
pub(super) fn put_floodmark(
    row: &Row<'_>,
    judged: Option<&Judged<'_>>,
    assets: &mut Assets,
    stamps: &mut Stamps,
    rate: u32,
    out: &mut Pen<'_>,
) {
    out.object(piece![Open(ENTITY_KIND, 0)], |out| {
        if row.plan.fields().and(TAGS).is_empty() {
            put_sides(row, assets, out);
        } else {
            out.aside(|out| put_tagged(row, out));
        }
        if let Some(judged) = judged {
            judged.put(stamps, out);
        }
        put_rate(rate, out);
    });
}

/// Appends whose assets the two sides are, and whose networks they are in.
#[inline(always)]
pub(super) fn put_sides(row: &Row<'_>, assets: &mut Assets, out: &mut Pen<'_>) {
    put_side(Side::Source, piece![Open(SOURCE, 0)], row, assets, out);
    put_side(Side::Destination, piece![Open(DESTINATION, 0)], row, assets, out);
}

/// Appends what `begin` opens: whose asset one side is, and whose network it is in.
#[inline(always)]
fn put_side<const B: usize>(
    side: Side,
    begin: &[u8; B],
    row: &Row<'_>,
    assets: &mut Assets,
    out: &mut Pen<'_>,
) {
    let (asset, provider) = (&side.endpoint(row).asset, &side.outermost(row).provider);
    if asset.is_some() || provider.is_some() {
        out.object(begin, |out| {
            if let Some(asset) = asset {
                assets.put(asset, out);
            }
            if let Some(provider) = provider {
                put_provider(provider, out);
            }
        });
    }
}

/// Appends which provider's network an address is in.
fn put_provider(provider: &Provider, out: &mut Pen<'_>) {
    out.object(piece![Open(PROVIDER_NAME, 2)], |out| {
        put_member(out, piece![Key(PROVIDER_NAME)], Some(&provider.name));
        put_member(out, piece![Key(PROVIDER_SERVICE)], provider.service.as_deref());
        put_member(out, piece![Key(PROVIDER_REGION)], provider.region.as_deref());
    });
}

/// Appends the two assets, with the record's tags on the side that is the interface's own.
#[inline(never)]
fn put_tagged(row: &Row<'_>, out: &mut Pen<'_>) {
    let own = side::own(row);
    let tags = |side| (own == Some(side)).then_some(row);
    let asset = |side: Side| side.endpoint(row).asset.as_deref();
    let put = |side: Side, out: &mut Pen<'_>| {
        put_asset(asset(side), tags(side), out);
        if let Some(provider) = &side.outermost(row).provider {
            put_provider(provider, out);
        }
    };
    out.object(piece![Open(SOURCE, 0)], |out| put(Side::Source, out));
    out.object(piece![Open(DESTINATION, 0)], |out| put(Side::Destination, out));
}

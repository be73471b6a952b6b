//! What floodmark adds of its own, the same in every schema: whose assets the two sides are, the entity and the score.

use super::{
    activity::put_rate,
    asset::{Assets, put_asset},
    paths::{ENTITY_KIND, column},
    pen::Pen,
    piece::piece,
    row::Row,
    score::Judged,
    side::{self, Side},
    stamp::Stamps,
};
use crate::event::{Field, TAGS};

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
            if let Some(asset) = &Side::Source.endpoint(row).asset {
                out.object(piece![Open(SOURCE, 0)], |out| assets.put(asset, out));
            }
            if let Some(asset) = &Side::Destination.endpoint(row).asset {
                out.object(piece![Open(DESTINATION, 0)], |out| assets.put(asset, out));
            }
        } else {
            out.aside(|out| put_tagged(row, out));
        }
        if let Some(judged) = judged {
            judged.put(stamps, out);
        }
        put_rate(rate, out);
    });
}

/// Appends the two assets, with the record's tags on the side that is the interface's own.
#[inline(never)]
fn put_tagged(row: &Row<'_>, out: &mut Pen<'_>) {
    let own = side::own(row);
    let tags = |side| (own == Some(side)).then_some(row);
    let asset = |side: Side| side.endpoint(row).asset.as_deref();
    out.object(piece![Open(SOURCE, 0)], |out| put_asset(asset(Side::Source), tags(Side::Source), out));
    out.object(piece![Open(DESTINATION, 0)], |out| {
        put_asset(asset(Side::Destination), tags(Side::Destination), out);
    });
}

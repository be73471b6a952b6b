//! What is known of assets, as remembered fragments.

use super::{
    fragment::{Fragment, Fragments},
    paths::{ASSET_CLASS, ASSET_CRITICALITY, ASSET_NAME, ASSET_OWNER, ASSET_ROLE, ASSET_TAGS},
    pen::Pen,
    piece::piece,
    row::Row,
    text::{self, put_member},
};
use crate::event::{Asset, AssetClass, Field, TAGS, Value};

/// Fragments of assets by their serials. About 0.3 MiB.
#[derive(Debug)]
pub(super) struct Assets(Fragments<u64, 448, 2>);

// === impl Assets ===

impl Assets {
    pub(super) fn new() -> Self {
        Self(Fragments::new(512))
    }

    /// Appends which asset it is, as an object.
    #[inline(always)]
    pub(super) fn put(&mut self, asset: &Asset, out: &mut Pen<'_>) {
        out.put_slice(self.asset(asset).part(1));
    }

    /// Appends the member that `key` begins and whose value is the asset's name, where it has one.
    #[inline(always)]
    pub(super) fn put_name<const N: usize>(&mut self, key: &[u8; N], asset: &Asset, out: &mut Pen<'_>) {
        let name = self.asset(asset).part(0);
        if !name.is_empty() {
            out.put(key);
            out.put_slice(name);
        }
    }

    #[inline(always)]
    fn asset(&mut self, asset: &Asset) -> Fragment<'_, 2> {
        self.0.find(asset.serial, asset.serial, |out| {
            put_member(out, b"", asset.name.as_deref());
            let name = out.end() as u32;
            put_asset(Some(asset), None, out);
            [name, out.end() as u32]
        })
    }
}

/// Appends an asset as an object, with the tags of `row` beside its own. Where both have a tag of one name, the record's
/// is the newer one. A tag that the record has is called as its column is, because no record says its key.
pub(super) fn put_asset(asset: Option<&Asset>, row: Option<&Row<'_>>, out: &mut Pen<'_>) {
    out.object(piece![Open(ASSET_NAME, 2)], |out| {
        if let Some(asset) = asset {
            put_member(out, piece![Key(ASSET_NAME)], asset.name.as_deref());
            put_member(out, piece![Key(ASSET_OWNER)], asset.owner.as_deref());
            put_member(out, piece![Key(ASSET_ROLE)], asset.role.as_deref());
            put_member(out, piece![Key(ASSET_CRITICALITY)], asset.criticality.as_deref());
            put_member(out, piece![Key(ASSET_CLASS)], asset.class.map(AssetClass::name));
        }
        let tag = |field| row.map_or(&Value::Absent, |row| row.value(field));
        out.object(piece![Key(ASSET_TAGS), Text("{")], |out| {
            for (name, value) in asset.iter().flat_map(|asset| &asset.tags) {
                let in_record = |field: Field| field.info().name == &**name && !tag(field).is_absent();
                if !TAGS.iter().any(in_record) {
                    out.push(b'"');
                    text::put(out, name.as_bytes());
                    put_member(out, b"\":", Some(value));
                }
            }
            if let Some(row) = row {
                for field in TAGS.iter().filter(|field| !row.value(*field).is_absent()) {
                    out.push(b'"');
                    out.put_slice(field.info().name.as_bytes());
                    out.put(b"\":\"");
                    row.put(row.value(field), out);
                    out.put(b"\",");
                }
            }
        });
    });
}

//! What is known of an endpoint, as remembered fragments: where it is, whose network it is in, which asset it is.

use crate::{
    event::{Asset, AutonomousSystem, Endpoint, Place},
    normalize::{
        fragment::{Fragment, Fragments},
        paths::{
            AS_NUMBER, AS_ORGANIZATION, ASSET_CRITICALITY, ASSET_NAME, ASSET_OWNER, ASSET_ROLE, ASSET_TAGS,
            GEO_CITY, GEO_CONTINENT_CODE, GEO_CONTINENT_NAME, GEO_COUNTRY_CODE, GEO_COUNTRY_NAME,
            GEO_LOCATION, GEO_POSTAL_CODE, GEO_REGION_CODE, GEO_REGION_NAME, GEO_TIMEZONE,
        },
        piece::{close, object, piece},
        text::{self, put_float, put_member, put_uint},
    },
};

/// Fragments by the serial of what they show. About 0.8 MiB.
#[derive(Debug)]
pub(super) struct Places {
    geo: Fragments<u64>,
    systems: Fragments<u64>,
    /// The name as a member's value with its comma, and the object.
    assets: Fragments<u64, 2>,
}

// === impl Places ===

impl Places {
    pub(super) fn new() -> Self {
        Self {
            geo: Fragments::new(1_024, 384),
            systems: Fragments::new(1_024, 128),
            assets: Fragments::new(512, 448),
        }
    }

    /// Appends where `endpoint` is and whose network it is in.
    #[inline]
    pub(super) fn put(&mut self, endpoint: &Endpoint, out: &mut Vec<u8>) {
        if let Some(place) = &endpoint.place {
            self.geo.put(place.serial, place.serial, out, |out| put_geo(place, out));
        }
        if let Some(system) = &endpoint.network {
            self.systems.put(system.serial, system.serial, out, |out| put_system(system, out));
        }
    }

    /// Appends which asset it is, as an object.
    #[inline]
    pub(super) fn put_asset(&mut self, asset: &Asset, out: &mut Vec<u8>) {
        out.extend_from_slice(self.asset(asset).part(1));
    }

    /// Appends the member that `key` begins and whose value is the asset's name, where it has one.
    #[inline]
    pub(super) fn put_name(&mut self, key: &[u8], asset: &Asset, out: &mut Vec<u8>) {
        let name = self.asset(asset).part(0);
        if !name.is_empty() {
            out.extend_from_slice(key);
            out.extend_from_slice(name);
        }
    }

    #[inline]
    fn asset(&mut self, asset: &Asset) -> Fragment<'_, 2> {
        self.assets.find(asset.serial, asset.serial, |out| {
            put_member(out, b"", asset.name.as_deref());
            let name = out.len() as u32;
            put_asset(asset, out);
            [name, out.len() as u32]
        })
    }
}

fn put_geo(place: &Place, out: &mut Vec<u8>) {
    object(out, piece![Open(GEO_CITY, 1)], |out| {
        put_member(out, piece![Key(GEO_CONTINENT_CODE)], place.continent_code.as_deref());
        put_member(out, piece![Key(GEO_CONTINENT_NAME)], place.continent_name.as_deref());
        put_member(out, piece![Key(GEO_COUNTRY_CODE)], place.country_code.as_deref());
        put_member(out, piece![Key(GEO_COUNTRY_NAME)], place.country_name.as_deref());
        put_member(out, piece![Key(GEO_REGION_CODE)], place.region_code.as_deref());
        put_member(out, piece![Key(GEO_REGION_NAME)], place.region_name.as_deref());
        put_member(out, piece![Key(GEO_CITY)], place.city.as_deref());
        put_member(out, piece![Key(GEO_POSTAL_CODE)], place.postal_code.as_deref());
        put_member(out, piece![Key(GEO_TIMEZONE)], place.timezone.as_deref());
        // A database can hold any number; a point that is none on earth would have the whole document refused.
        if let Some((lat, lon)) = place.location
            && (-90.0..=90.0).contains(&lat)
            && (-180.0..=180.0).contains(&lon)
        {
            out.extend_from_slice(piece![Key(GEO_LOCATION), Text("{\"lat\":")]);
            put_float(out, lat);
            out.extend_from_slice(b",\"lon\":");
            put_float(out, lon);
            out.extend_from_slice(b"},");
        }
    });
}

fn put_system(system: &AutonomousSystem, out: &mut Vec<u8>) {
    out.extend_from_slice(piece![Open(AS_NUMBER, 1), Key(AS_NUMBER)]);
    put_uint(out, u64::from(system.number));
    out.push(b',');
    object(out, piece![Open(AS_ORGANIZATION, 2)], |out| {
        put_member(out, piece![Key(AS_ORGANIZATION)], system.organization.as_deref());
    });
    close(out);
}

fn put_asset(asset: &Asset, out: &mut Vec<u8>) {
    object(out, piece![Open(ASSET_NAME, 2)], |out| {
        put_member(out, piece![Key(ASSET_NAME)], asset.name.as_deref());
        put_member(out, piece![Key(ASSET_OWNER)], asset.owner.as_deref());
        put_member(out, piece![Key(ASSET_ROLE)], asset.role.as_deref());
        put_member(out, piece![Key(ASSET_CRITICALITY)], asset.criticality.as_deref());
        object(out, piece![Key(ASSET_TAGS), Text("{")], |out| {
            for (name, value) in &asset.tags {
                out.push(b'"');
                text::put(out, name.as_bytes());
                put_member(out, b"\":", Some(value));
            }
        });
    });
}

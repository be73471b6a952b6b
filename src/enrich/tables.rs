//! Everything that is looked up, as it stood when it was last read: immutable, and swapped whole.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

use super::{
    asset::{AssetIndex, AssetList},
    database::Database,
    internal::{Internal, Survey},
    known::Known,
    place,
    provider::{ProviderIndex, ProviderList},
    records::RecordKey,
};
use crate::event::{AutonomousSystem, Place, Watchlist, Watchlists};

/// Databases, assets and internal networks of one moment.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    pub(super) generation: u64,
    pub(super) city: Option<Arc<Database>>,
    pub(super) country: Option<Arc<Database>>,
    pub(super) asn: Option<Arc<Database>>,
    /// Of every asset list of the config what it holds: a file one list, a topic one for each key.
    pub(super) lists: Vec<Arc<[Arc<AssetList>]>>,
    /// Bytes of memory that topics take besides their assets.
    pub(super) topic_bytes: usize,
    pub(super) assets: Arc<AssetIndex>,
    pub(super) provider_lists: Vec<Arc<ProviderList>>,
    pub(super) providers: Arc<ProviderIndex>,
    pub(super) watchlists: Vec<Arc<Watchlist>>,
    pub(super) watched: Arc<Watchlists>,
    /// The networks of the config that are inside.
    pub(super) configured: Arc<[IpNet]>,
    pub(super) internal_from_assets: bool,
    pub(super) internal: Arc<Internal>,
}

// === impl Tables ===

impl Tables {
    /// Grows with every swap; the first is 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Number of assets in use.
    #[must_use]
    pub fn assets_len(&self) -> usize {
        self.assets.len()
    }

    /// What `check` tells of the networks that are inside: which are so by the config, which by the assets, and where the two
    /// differ. Nothing where no asset describes a network.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.survey().lines(self.internal_from_assets)
    }

    /// Which networks are inside by whom.
    pub(super) fn survey(&self) -> Survey {
        Survey::of(&self.configured, self.assets.inside())
    }

    /// Bytes of memory that databases and assets take.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.parts().sum()
    }

    /// Bytes of memory that they take at most while one of them is swapped: all, and the largest once more.
    #[must_use]
    pub fn memory_bytes_max(&self) -> usize {
        self.memory_bytes() + self.parts().max().unwrap_or(0)
    }

    fn parts(&self) -> impl Iterator<Item = usize> {
        let databases = [&self.city, &self.country, &self.asn].into_iter().flatten();
        databases.map(|database| database.memory_bytes()).chain([
            self.assets.memory_bytes() + self.internal.memory_bytes() + self.topic_bytes,
            self.providers.memory_bytes(),
            self.watched.memory_bytes(),
        ])
    }

    /// What is known of `address`. A look-up that a database cannot answer counts as unknown, and in `errors`.
    pub(super) fn know(&self, address: IpAddr, errors: &mut u64) -> Known {
        let mut offset = |database: &Option<Arc<Database>>| {
            let found = database.as_ref()?.offset(address);
            *errors += u64::from(found.is_err());
            found.ok().flatten()
        };
        let place = offset(&self.city).and_then(|offset| RecordKey::new(offset, false));
        let place = place.or_else(|| RecordKey::new(offset(&self.country)?, true));
        let internal = self.internal.contains(address);
        Known {
            place,
            network: offset(&self.asn).and_then(|offset| RecordKey::new(offset, false)),
            asset: self.assets.by_address(address),
            provider: if internal { None } else { self.providers.by_address(address) },
            internal,
            is_timed: !internal && self.internal.is_timed(address),
        }
    }

    /// The place of `address`, whose record is `key`.
    pub(super) fn place(&self, address: IpAddr, key: RecordKey, errors: &mut u64) -> Option<Place> {
        let database = if key.is_second() { &self.country } else { &self.city };
        let found = place::place(database.as_ref()?, address);
        *errors += u64::from(found.is_err());
        found.ok().flatten()
    }

    /// The autonomous system of `address`.
    pub(super) fn network(&self, address: IpAddr, errors: &mut u64) -> Option<AutonomousSystem> {
        let found = place::network(self.asn.as_ref()?, address);
        *errors += u64::from(found.is_err());
        found.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::{
        database::forge::{self, Forge},
        place::OwnedPlaceRecord,
    };

    #[test]
    fn the_country_database_answers_where_the_city_database_does_not() {
        let database =
            |forge: Forge| Some(Arc::new(Database::verified::<OwnedPlaceRecord>(forge.bytes()).unwrap()));
        let tables = Tables {
            city: database(Forge::new(6).with("81.2.69.0/24", forge::place("GB", Some("London")))),
            country: database(Forge::new(6).with("81.0.0.0/8", forge::place("FR", None))),
            ..Tables::default()
        };
        let mut errors = 0;
        let mut said = |address: [u8; 4]| {
            let key = tables.know(address.into(), &mut errors).place?;
            tables.place(address.into(), key, &mut errors)?.country_code
        };
        assert_eq!(said([81, 2, 69, 1]).as_deref(), Some("GB"));
        assert_eq!(said([81, 9, 9, 9]).as_deref(), Some("FR"));
        assert_eq!(said([82, 0, 0, 1]), None);
        assert_eq!(errors, 0);
    }

    #[test]
    fn memory_counts_the_databases_and_the_largest_twice_while_it_is_swapped() {
        let bytes = Forge::new(6).with("81.2.69.0/24", forge::place("GB", None)).bytes();
        let size = bytes.len();
        let city = Some(Arc::new(Database::verified::<OwnedPlaceRecord>(bytes).unwrap()));
        let tables = Tables { city, ..Tables::default() };
        assert_eq!((tables.memory_bytes(), tables.memory_bytes_max()), (size, 2 * size));
    }
}

//! Everything that is looked up, as it stood when it was last read: immutable, and swapped whole.

use std::{net::IpAddr, sync::Arc};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixSet;

use super::{
    asset::{AssetIndex, AssetList},
    database::Database,
    known::Known,
    place,
    records::RecordKey,
};
use crate::event::{AutonomousSystem, Place};

/// Databases, assets and internal networks of one moment.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    pub(super) generation: u64,
    pub(super) city: Option<Arc<Database>>,
    pub(super) country: Option<Arc<Database>>,
    pub(super) asn: Option<Arc<Database>>,
    pub(super) lists: Vec<Arc<AssetList>>,
    pub(super) assets: Arc<AssetIndex>,
    pub(super) internal: Arc<Internal>,
}

/// The networks that are inside.
#[derive(Debug, Default)]
pub(super) struct Internal {
    v4: PrefixSet<Ipv4Net>,
    v6: PrefixSet<Ipv6Net>,
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
        databases.map(|database| database.memory_bytes()).chain([self.assets.memory_bytes()])
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
        Known {
            place,
            network: offset(&self.asn).and_then(|offset| RecordKey::new(offset, false)),
            asset: self.assets.by_address(address),
            internal: self.internal.contains(address),
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

// === impl Internal ===

impl Internal {
    /// The set of `nets`.
    pub(super) fn of(nets: &[IpNet]) -> Self {
        let mut set = Self::default();
        for net in nets {
            match net {
                IpNet::V4(net) => set.v4.insert(*net),
                IpNet::V6(net) => set.v6.insert(*net),
            };
        }
        set
    }

    fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.get_lpm(&address.into()).is_some(),
            IpAddr::V6(address) => self.v6.get_lpm(&address.into()).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::{
        Config,
        database::forge::{self, Forge},
        place::OwnedPlaceRecord,
    };

    #[test]
    fn the_edges_of_the_default_internal_networks_are_inside_and_their_neighbours_are_not() {
        let internal = Internal::of(&Config::default().internal);
        for (address, expected) in [
            ("9.255.255.255", false),
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("100.63.255.255", false),
            ("100.64.0.0", true),
            ("100.127.255.255", true),
            ("172.15.255.255", false),
            ("172.16.0.0", true),
            ("172.31.255.255", true),
            ("172.32.0.0", false),
            ("192.168.0.1", true),
            ("192.169.0.0", false),
            ("fbff::1", false),
            ("fc00::", true),
            ("fdff:ffff::1", true),
            ("fe00::", false),
            ("fe80::1", false),
        ] {
            assert_eq!(internal.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!Internal::of(&[]).contains([10, 0, 0, 1].into()));
    }

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

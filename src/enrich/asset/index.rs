//! All asset lists together: which asset an address, an interface or an instance belongs to.

use std::{hash::RandomState, net::IpAddr, num::NonZeroU32, sync::Arc};

use hashbrown::HashMap;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use super::{AssetKey, AssetList, AssetRow};
use crate::event::Asset;

/// Finds assets. Every asset has a small number, which caches keep in place of the asset.
#[derive(Debug, Default)]
pub(in crate::enrich) struct AssetIndex {
    assets: Vec<Arc<Asset>>,
    v4: PrefixMap<Ipv4Net, AssetNumber>,
    v6: PrefixMap<Ipv6Net, AssetNumber>,
    ids: HashMap<Box<[u8]>, AssetNumber, foldhash::fast::RandomState>,
    memory_bytes: usize,
}

/// The number of an asset in its index; the first is 1.
pub(in crate::enrich) type AssetNumber = NonZeroU32;

/// A key that stands in the lists more than once.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::enrich) struct Duplicate {
    /// The key.
    pub(in crate::enrich) key: String,
    /// The list, by its place in the config, and the row that lost.
    pub(in crate::enrich) lost: (usize, u64),
    /// The list and the row that won.
    pub(in crate::enrich) won: (usize, u64),
}

/// Duplicates told one by one; of any more only the number is.
const DUPLICATES_MAX: usize = 10;

// === impl AssetIndex ===

impl AssetIndex {
    /// The index of `lists`, in the order of the config, and the keys that stood twice: a few of them, and how many.
    pub(in crate::enrich) fn of(lists: &[Arc<AssetList>]) -> (Self, Vec<Duplicate>, usize) {
        let mut winners: std::collections::HashMap<&AssetKey, (usize, &AssetRow), RandomState> =
            std::collections::HashMap::default();
        let (mut duplicates, mut total) = (Vec::new(), 0);
        let all =
            lists.iter().enumerate().flat_map(|(list, rows)| rows.rows.iter().map(move |row| (list, row)));
        for (list, row) in all.clone() {
            let Some((lost_list, lost)) = winners.insert(&row.key, (list, row)) else { continue };
            total += 1;
            if duplicates.len() < DUPLICATES_MAX {
                let key = row.key.to_string();
                duplicates.push(Duplicate { key, lost: (lost_list, lost.row), won: (list, row.row) });
            }
        }
        let mut index = Self::default();
        for (_, row) in
            all.filter(|(_, row)| winners.get(&row.key).is_some_and(|(_, won)| std::ptr::eq(*won, *row)))
        {
            index.insert(row);
        }
        index.memory_bytes += index.v4.mem_size() + index.v6.mem_size();
        (index, duplicates, total)
    }

    /// The asset whose network holds `address`: the narrowest one.
    pub(in crate::enrich) fn by_address(&self, address: IpAddr) -> Option<AssetNumber> {
        match address {
            IpAddr::V4(address) => self.v4.get_lpm(&Ipv4Net::from(address)).map(|(_, number)| *number),
            IpAddr::V6(address) => self.v6.get_lpm(&Ipv6Net::from(address)).map(|(_, number)| *number),
        }
    }

    /// The asset of an interface or instance id.
    #[inline]
    pub(in crate::enrich) fn by_id(&self, id: &[u8]) -> Option<AssetNumber> {
        self.ids.get(id).copied()
    }

    /// Whether any asset is found by an id.
    #[inline]
    pub(in crate::enrich) fn has_ids(&self) -> bool {
        !self.ids.is_empty()
    }

    /// The asset with this number.
    pub(in crate::enrich) fn asset(&self, number: AssetNumber) -> Option<&Arc<Asset>> {
        self.assets.get(number.get() as usize - 1)
    }

    /// Number of assets.
    pub(in crate::enrich) fn len(&self) -> usize {
        self.assets.len()
    }

    /// Bytes of memory it takes, to within what the allocator adds.
    pub(in crate::enrich) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    fn insert(&mut self, row: &AssetRow) {
        // The number of rows is bounded far below what a number holds.
        let Some(number) = u32::try_from(self.assets.len() + 1)
            .ok()
            .and_then(NonZeroU32::new)
            .filter(|number| number.get() >> 30 == 0)
        else {
            return;
        };
        match &row.key {
            AssetKey::Network(IpNet::V4(net)) => drop(self.v4.insert(*net, number)),
            AssetKey::Network(IpNet::V6(net)) => drop(self.v6.insert(*net, number)),
            AssetKey::Id(id) => drop(self.ids.insert(id.as_bytes().into(), number)),
        }
        self.assets.push(row.asset.clone());
        self.memory_bytes += row.memory_bytes();
    }
}

// === impl AssetRow ===

impl AssetRow {
    /// Bytes of memory that the row and its asset take: texts, and what stands around them.
    fn memory_bytes(&self) -> usize {
        let Asset { name, owner, role, criticality, tags, .. } = &*self.asset;
        let texts = [name, owner, role, criticality].into_iter().flatten().map(|text| text.len());
        let tags = tags.iter().map(|(name, value)| name.len() + value.len() + 64);
        size_of::<Self>() + size_of::<Asset>() + 128 + texts.sum::<usize>() + tags.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> Arc<AssetList> {
        Arc::new(AssetList::read(Path::new("a.csv"), text.as_bytes()).unwrap())
    }

    fn name(index: &AssetIndex, number: Option<AssetNumber>) -> Option<&str> {
        index.asset(number?)?.name.as_deref()
    }

    #[test]
    fn the_longest_prefix_wins_whatever_the_order_of_the_rows() {
        let (index, duplicates, _) = AssetIndex::of(&[list(
            "key,name\n10.1.2.3,host\n10.0.0.0/8,wide\n0.0.0.0/0,all\n10.1.0.0/16,narrow\n2001:db8::/32,six\n",
        )]);
        for (address, expected) in [
            ("10.1.2.3", Some("host")),
            ("10.1.2.4", Some("narrow")),
            ("10.2.0.1", Some("wide")),
            ("192.0.2.1", Some("all")),
            ("2001:db8::9", Some("six")),
            ("2001:db9::9", None),
        ] {
            assert_eq!(name(&index, index.by_address(address.parse().unwrap())), expected, "{address}");
        }
        assert_eq!(duplicates, []);
    }

    #[test]
    fn interfaces_and_instances_are_found_by_their_whole_id() {
        let (index, ..) = AssetIndex::of(&[list("key,name\neni-1,edge\ni-1,web\n")]);
        assert_eq!(name(&index, index.by_id(b"eni-1")), Some("edge"));
        assert_eq!(name(&index, index.by_id(b"i-1")), Some("web"));
        assert_eq!(index.by_id(b"eni-11"), None);
        assert!(index.has_ids());
        assert!(!AssetIndex::of(&[list("key\n10.0.0.1\n")]).0.has_ids());
    }

    #[test]
    fn of_two_rows_with_one_key_the_later_wins_and_it_is_told() {
        let first = list("key,name\n10.0.0.1,old\neni-1,a\n10.0.0.1/32,new\n");
        let second = list("key,name\neni-1,b\n");
        let (index, duplicates, total) = AssetIndex::of(&[first, second]);
        assert_eq!(name(&index, index.by_address([10, 0, 0, 1].into())), Some("new"));
        assert_eq!(name(&index, index.by_id(b"eni-1")), Some("b"));
        assert_eq!((index.len(), total), (2, 2));
        assert_eq!(duplicates[0], Duplicate { key: "10.0.0.1/32".into(), lost: (0, 2), won: (0, 4) });
        assert_eq!(duplicates[1], Duplicate { key: "eni-1".into(), lost: (0, 3), won: (1, 2) });
    }

    #[test]
    fn of_many_duplicates_a_few_are_told_and_all_are_counted() {
        let text: String =
            std::iter::once("key\n".to_owned()).chain((0..50).map(|_| "i-1\n".to_owned())).collect();
        let (_, duplicates, total) = AssetIndex::of(&[list(&text)]);
        assert_eq!((duplicates.len(), total), (DUPLICATES_MAX, 49));
    }

    proptest! {
        #[test]
        fn the_trie_finds_what_a_look_at_every_row_finds(
            nets in proptest::collection::vec((any::<u32>(), 0_u8..=32), 0..40),
            addresses in proptest::collection::vec(any::<u32>(), 0..40),
        ) {
            // Addresses near the networks, so that many are inside.
            let near = nets.iter().map(|(bits, _)| *bits);
            let nets: Vec<_> = nets.iter().map(|(bits, len)| Ipv4Net::new((*bits).into(), *len).unwrap().trunc()).collect();
            let text: String = nets.iter().map(|net| format!("{net},{net}\n")).collect();
            let (index, ..) = AssetIndex::of(&[list(&format!("key,name\n{text}"))]);
            for address in near.chain(addresses.iter().copied()).map(std::net::Ipv4Addr::from) {
                let narrowest = nets.iter().filter(|net| net.contains(&address)).max_by_key(|net| net.prefix_len());
                let found = name(&index, index.by_address(address.into())).map(str::to_owned);
                prop_assert_eq!(found, narrowest.map(ToString::to_string), "{}", address);
            }
        }
    }
}

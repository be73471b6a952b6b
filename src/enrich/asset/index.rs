//! All asset lists together: which asset an address, an interface or an instance belongs to.

use std::{hash::RandomState, net::IpAddr, num::NonZeroU32, sync::Arc};

use hashbrown::HashMap;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use super::{
    AssetKey, AssetList, AssetRow,
    compose::{self, ComposedRow},
    interval::Interval,
    resolve::{Answer, Asker, Candidate, Choices},
    scope::{Scope, ScopeBook, ScopeNumbers},
};
use crate::event::Asset;

/// Finds assets. Every asset has a small number, which caches keep in place of the asset.
#[derive(Debug, Default)]
pub(in crate::enrich) struct AssetIndex {
    assets: Vec<Arc<Asset>>,
    numbers: HashMap<u64, AssetNumber, foldhash::fast::RandomState>,
    v4: PrefixMap<Ipv4Net, Answer>,
    v6: PrefixMap<Ipv6Net, Answer>,
    ids: HashMap<Box<[u8]>, (Answer, ScopeNumbers), foldhash::fast::RandomState>,
    choices: Choices,
    scopes: ScopeBook,
    inside: Vec<(IpNet, Interval)>,
    kinds: Kinds,
    memory_bytes: usize,
}

/// The number of an asset in its index; the first is 1.
pub(in crate::enrich) type AssetNumber = NonZeroU32;

/// How many keys there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::enrich) struct Kinds {
    pub(in crate::enrich) interfaces: usize,
    pub(in crate::enrich) instances: usize,
    pub(in crate::enrich) addresses: usize,
    pub(in crate::enrich) networks: usize,
}

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

/// One network of one scope, and what holds for it when.
type NetRow = (IpNet, ScopeNumbers, Vec<Candidate>);

/// Duplicates told one by one; of any more only the number is.
const DUPLICATES_MAX: usize = 10;

// === impl AssetIndex ===

impl AssetIndex {
    /// The index of `lists`, in the order of the config, and the keys that people wrote twice for one time: a few of them,
    /// and how many.
    pub(in crate::enrich) fn of(lists: &[Arc<AssetList>]) -> (Self, Vec<Duplicate>, usize) {
        let (duplicates, total) = duplicates(lists);
        let composed = compose::compose(lists);
        let mut index = Self { inside: composed.inside, ..Self::default() };
        for scope in composed.rows.iter().filter_map(|row| row.scope.as_deref()) {
            index.scopes.enter(scope);
        }
        let mut nets: Vec<NetRow> = Vec::new();
        for ComposedRow { key, scope, line } in composed.rows {
            let scope = scope.map_or_else(ScopeNumbers::default, |scope| index.scopes.numbers(&scope));
            let of_net = |scope| move |(valid, asset)| Candidate { scope, valid, asset };
            let pieces =
                line.pieces().iter().filter_map(|(valid, asset)| Some((*valid, index.number(asset)?)));
            match key {
                AssetKey::Network(net) => nets.push((net, scope, pieces.map(of_net(scope)).collect())),
                AssetKey::Id(id) => {
                    let pieces: Vec<_> = pieces.map(of_net(ScopeNumbers::default())).collect();
                    index.insert_id(&id, scope, pieces);
                }
            }
        }
        index.insert_nets(nets);
        index.numbers = HashMap::default();
        index.memory_bytes =
            index.count_memory() + lists.iter().map(|list| list.memory_bytes()).sum::<usize>();
        (index, duplicates, total)
    }

    /// What is known of the narrowest network that holds `address`.
    pub(in crate::enrich) fn by_address(&self, address: IpAddr) -> Option<Answer> {
        match address {
            IpAddr::V4(address) => self.v4.get_lpm(&Ipv4Net::from(address)).map(|(_, answer)| *answer),
            IpAddr::V6(address) => self.v6.get_lpm(&Ipv6Net::from(address)).map(|(_, answer)| *answer),
        }
    }

    /// The asset of an interface or instance id, at `at`.
    #[inline]
    pub(in crate::enrich) fn by_id(&self, id: &[u8], at: impl FnOnce() -> i64) -> Option<AssetNumber> {
        let (answer, _) = self.ids.get(id)?;
        answer.only().or_else(|| self.answer(*answer, Asker { scope: ScopeNumbers::default(), at: at() }))
    }

    /// The scope of the interface `id`, where AWS described it.
    pub(in crate::enrich) fn scope_of(&self, id: &[u8]) -> Option<ScopeNumbers> {
        self.ids.get(id).map(|(_, scope)| *scope).filter(|scope| !scope.is_empty())
    }

    /// The numbers of the scope that a record tells of.
    pub(in crate::enrich) fn scope(
        &self,
        vpc: Option<&[u8]>,
        account: Option<&[u8]>,
        region: Option<&[u8]>,
    ) -> ScopeNumbers {
        self.scopes.record(vpc, account, region)
    }

    /// Which asset `answer` means to `asker`.
    pub(in crate::enrich) fn answer(&self, answer: Answer, asker: Asker) -> Option<AssetNumber> {
        self.choices.answer(answer, asker)
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

    /// How many keys there are of each kind.
    pub(in crate::enrich) fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// The networks and addresses that are the estate's own, by what AWS describes, and when.
    pub(in crate::enrich) fn inside(&self) -> &[(IpNet, Interval)] {
        &self.inside
    }

    /// Bytes of memory it takes, to within what the allocator adds, with the lists it is of.
    pub(in crate::enrich) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// The number of `asset`; the number of rows is bounded far below what a number holds.
    fn number(&mut self, asset: &Arc<Asset>) -> Option<AssetNumber> {
        if let Some(number) = self.numbers.get(&asset.serial) {
            return Some(*number);
        }
        let number = u32::try_from(self.assets.len() + 1).ok().and_then(NonZeroU32::new);
        let number = number.filter(|number| number.get() <= Answer::NUMBER_MAX)?;
        self.assets.push(asset.clone());
        self.numbers.insert(asset.serial, number);
        Some(number)
    }

    fn insert_id(&mut self, id: &str, scope: ScopeNumbers, candidates: Vec<Candidate>) {
        match id.starts_with("eni-") {
            true => self.kinds.interfaces += 1,
            false => self.kinds.instances += 1,
        }
        let answer = Answer::plain(&candidates).or_else(|| self.choices.push(candidates, None));
        if let Some(answer) = answer {
            self.ids.insert(id.as_bytes().into(), (answer, scope));
        }
    }

    /// Inserts all networks, the wider ones first, so that each finds what lies around it.
    fn insert_nets(&mut self, mut nets: Vec<NetRow>) {
        nets.sort_by_key(|(net, scope, _)| (net.prefix_len(), *net, *scope));
        let asks = nets.iter().any(|(_, _, candidates)| Answer::plain(candidates).is_none());
        let mut around = (PrefixMap::<Ipv4Net, Answer>::new(), PrefixMap::<Ipv6Net, Answer>::new());
        for of_net in nets.chunk_by(|(one, ..), (other, ..)| one == other) {
            let Some((net, ..)) = of_net.first() else { continue };
            match net.prefix_len() == net.max_prefix_len() {
                true => self.kinds.addresses += 1,
                false => self.kinds.networks += 1,
            }
            let candidates: Vec<_> =
                of_net.iter().flat_map(|(_, _, candidates)| candidates).copied().collect();
            let plain = Answer::plain(&candidates);
            // What lies around an address matters only where the answer depends on who asks.
            let choice = if asks {
                let parent = match net {
                    IpNet::V4(net) => around.0.get_lpm(net).map(|(_, answer)| *answer),
                    IpNet::V6(net) => around.1.get_lpm(net).map(|(_, answer)| *answer),
                };
                let choice = self.choices.push(candidates, parent);
                match (net, choice) {
                    (IpNet::V4(net), Some(choice)) => drop(around.0.insert(*net, choice)),
                    (IpNet::V6(net), Some(choice)) => drop(around.1.insert(*net, choice)),
                    (_, None) => {}
                }
                choice
            } else {
                None
            };
            match (net, plain.or(choice)) {
                (IpNet::V4(net), Some(answer)) => drop(self.v4.insert(*net, answer)),
                (IpNet::V6(net), Some(answer)) => drop(self.v6.insert(*net, answer)),
                (_, None) => {}
            }
        }
    }

    fn count_memory(&self) -> usize {
        let tries = self.v4.mem_size() + self.v6.mem_size();
        let assets = self.assets.iter().map(|asset| asset_bytes(asset)).sum::<usize>();
        let inside = size_of_val(&self.inside[..]);
        assets
            + tries
            + inside
            + self.ids.len() * 96
            + self.choices.memory_bytes()
            + self.scopes.memory_bytes()
    }
}

/// Keys that people wrote twice for one time in one scope.
fn duplicates(lists: &[Arc<AssetList>]) -> (Vec<Duplicate>, usize) {
    type Place<'a> = (&'a AssetKey, Option<&'a Scope>, Interval);
    let mut winners: std::collections::HashMap<Place<'_>, (usize, &AssetRow), RandomState> =
        std::collections::HashMap::default();
    let (mut duplicates, mut total) = (Vec::new(), 0);
    for (list, row) in
        lists.iter().enumerate().flat_map(|(list, rows)| rows.rows.iter().map(move |row| (list, row)))
    {
        let place = (&row.key, row.scope.as_deref(), row.valid);
        let Some((lost_list, lost)) = winners.insert(place, (list, row)) else { continue };
        total += 1;
        if duplicates.len() < DUPLICATES_MAX {
            let key = row.key.to_string();
            duplicates.push(Duplicate { key, lost: (lost_list, lost.row), won: (list, row.row) });
        }
    }
    (duplicates, total)
}

/// Bytes of memory that an asset takes: texts, and what stands around them.
fn asset_bytes(asset: &Asset) -> usize {
    let Asset { name, owner, role, criticality, tags, .. } = asset;
    let texts = [name, owner, role, criticality].into_iter().flatten().map(|text| text.len());
    let tags = tags.iter().map(|(name, value)| name.len() + value.len() + 64);
    size_of::<Asset>() + 64 + texts.sum::<usize>() + tags.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> Arc<AssetList> {
        Arc::new(AssetList::read(Path::new("a.csv"), text.as_bytes(), Interval::ALWAYS).unwrap())
    }

    fn name(index: &AssetIndex, answer: Option<Answer>) -> Option<&str> {
        named(index, answer?.only())
    }

    fn named(index: &AssetIndex, number: Option<AssetNumber>) -> Option<&str> {
        index.asset(number?)?.name.as_deref()
    }

    fn by_id(index: &AssetIndex, id: &str) -> Option<AssetNumber> {
        index.by_id(id.as_bytes(), || i64::MAX)
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
        assert_eq!(named(&index, by_id(&index, "eni-1")), Some("edge"));
        assert_eq!(named(&index, by_id(&index, "i-1")), Some("web"));
        assert_eq!(by_id(&index, "eni-11"), None);
        assert!(index.has_ids());
        assert!(!AssetIndex::of(&[list("key\n10.0.0.1\n")]).0.has_ids());
    }

    #[test]
    fn of_two_rows_with_one_key_the_later_wins_and_it_is_told() {
        let first = list("key,name\n10.0.0.1,old\neni-1,a\n10.0.0.1/32,new\n");
        let second = list("key,name\neni-1,b\n");
        let (index, duplicates, total) = AssetIndex::of(&[first, second]);
        assert_eq!(name(&index, index.by_address([10, 0, 0, 1].into())), Some("new"));
        assert_eq!(named(&index, by_id(&index, "eni-1")), Some("b"));
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

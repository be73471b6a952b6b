//! All lists of providers together: what is said of the narrowest range that holds an address.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use hashbrown::HashMap;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use super::{ProviderList, Range};
use crate::event::Provider;

/// Finds what is said of addresses, under small numbers.
#[derive(Debug, Default)]
pub(in crate::enrich) struct ProviderIndex {
    providers: Vec<Arc<Provider>>,
    v4: PrefixMap<Ipv4Net, ProviderNumber>,
    v6: PrefixMap<Ipv6Net, ProviderNumber>,
}

/// The number of a provider's service in a region; the first is 1.
pub(in crate::enrich) type ProviderNumber = NonZeroU32;

// === impl ProviderIndex ===

impl ProviderIndex {
    /// The index of `lists`, in the order of the config.
    ///
    /// Of what is said of one range that is used which is said of the fewest ranges: it says the most. A provider's word
    /// for everything that it has, such as AWS's `AMAZON`, takes no address from a wider range that has a service.
    pub(in crate::enrich) fn of(lists: &[Arc<ProviderList>]) -> Self {
        let mut counts: HashMap<u64, usize, foldhash::fast::RandomState> = HashMap::default();
        let ranges = || lists.iter().flat_map(|list| &list.ranges);
        for range in ranges() {
            *counts.entry(range.provider.serial).or_default() += 1;
        }
        let count = |range: &Range| counts.get(&range.provider.serial).copied().unwrap_or(0);
        let mut sorted: Vec<&Range> = ranges().collect();
        // The wider ones first, and of one range that which says the most last; a later list beats an earlier one.
        sorted.sort_by_key(|range| (range.net.prefix_len(), range.net, std::cmp::Reverse(count(range))));
        let mut index = Self::default();
        let mut numbers: HashMap<u64, ProviderNumber, foldhash::fast::RandomState> = HashMap::default();
        for range in sorted {
            let around = index.number_of(range.net).and_then(|number| index.provider(number));
            let is_better = around.is_none_or(|around| {
                around.name != range.provider.name || is_whole(around) || !is_whole(&range.provider)
            });
            if !is_better {
                continue;
            }
            let number = *numbers.entry(range.provider.serial).or_insert_with(|| {
                index.providers.push(range.provider.clone());
                ProviderNumber::MIN.saturating_add(index.providers.len() as u32 - 1)
            });
            match range.net {
                IpNet::V4(net) => drop(index.v4.insert(net, number)),
                IpNet::V6(net) => drop(index.v6.insert(net, number)),
            }
        }
        index
    }

    /// What is said of `address`.
    pub(in crate::enrich) fn by_address(&self, address: IpAddr) -> Option<ProviderNumber> {
        self.number_of(address.into())
    }

    /// What has this number.
    pub(in crate::enrich) fn provider(&self, number: ProviderNumber) -> Option<&Arc<Provider>> {
        self.providers.get(number.get() as usize - 1)
    }

    /// Number of ranges.
    pub(in crate::enrich) fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Bytes of memory it takes with the lists it is of, to within what the allocator adds.
    pub(in crate::enrich) fn memory_bytes(&self) -> usize {
        if self.len() == 0 {
            return 0;
        }
        let tries = self.v4.mem_size() + self.v6.mem_size();
        tries + self.providers.len() * 160 + self.len() * size_of::<Range>()
    }

    fn number_of(&self, net: IpNet) -> Option<ProviderNumber> {
        match net {
            IpNet::V4(net) => self.v4.get_lpm(&net).map(|(_, number)| *number),
            IpNet::V6(net) => self.v6.get_lpm(&net).map(|(_, number)| *number),
        }
    }
}

/// Whether it says no more than whose range it is.
fn is_whole(provider: &Provider) -> bool {
    provider
        .service
        .as_deref()
        .is_none_or(|service| matches!(service, "AMAZON" | "AzureCloud" | "OCI" | "OSN"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_range_and_the_most_telling_service_win() {
        let aws = r#"{"prefixes": [
            {"ip_prefix": "192.0.0.0/16", "region": "eu-west-1", "service": "S3"},
            {"ip_prefix": "192.0.0.0/16", "region": "eu-west-1", "service": "AMAZON"},
            {"ip_prefix": "192.0.2.0/24", "region": "eu-west-1", "service": "AMAZON"},
            {"ip_prefix": "192.0.3.0/24", "region": "eu-west-1", "service": "EC2_INSTANCE_CONNECT"},
            {"ip_prefix": "192.0.3.0/24", "region": "eu-west-1", "service": "EC2"},
            {"ip_prefix": "192.0.4.0/24", "region": "eu-west-1", "service": "EC2"},
            {"ip_prefix": "198.51.100.0/24", "region": "GLOBAL", "service": "AMAZON"}]}"#;
        let lists = [(aws, None), ("192.0.2.128/25\n", Some("guest"))];
        let index = ProviderIndex::of(
            &lists.map(|(text, name)| Arc::new(ProviderList::read(text.as_bytes(), name).unwrap())),
        );
        for (address, expected) in [
            ("192.0.1.1", Some(("aws", Some("S3")))),
            // The word for everything does not hide the service around it.
            ("192.0.2.1", Some(("aws", Some("S3")))),
            ("192.0.2.129", Some(("guest", None))),
            ("192.0.3.1", Some(("aws", Some("EC2_INSTANCE_CONNECT")))),
            ("192.0.4.1", Some(("aws", Some("EC2")))),
            ("198.51.100.1", Some(("aws", Some("AMAZON")))),
            ("203.0.113.1", None),
            ("2001:db8::1", None),
        ] {
            let found = index.by_address(address.parse().unwrap()).and_then(|number| index.provider(number));
            let said = found.map(|provider| (&*provider.name, provider.service.as_deref()));
            assert_eq!(said, expected, "{address}");
        }
    }
}

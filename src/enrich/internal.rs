//! Which addresses are inside: those of the configured networks, and those that the assets say are the estate's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::{PrefixMap, PrefixSet};

use super::asset::Interval;

/// The networks that are inside. The owner's IPv6 is public space in AWS, and so are elastic addresses: no range tells
/// those, only the assets do.
#[derive(Debug, Default)]
pub(super) struct Internal {
    v4: PrefixSet<Ipv4Net>,
    v6: PrefixSet<Ipv6Net>,
    /// Networks that are inside at times, and when.
    timed_v4: PrefixMap<Ipv4Net, Vec<Interval>>,
    timed_v6: PrefixMap<Ipv6Net, Vec<Interval>>,
}

/// Which networks are inside by whom, and where assets and config differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Networks of the config.
    pub(super) configured: usize,
    /// Networks and addresses of the estate, whenever they are that.
    pub(super) estate: usize,
    /// Those of them that are in no network of the config: how many, and a few of them.
    pub(super) outside: usize,
    pub(super) examples: Vec<IpNet>,
}

/// Networks outside of the config told one by one.
const EXAMPLES_MAX: usize = 5;

// === impl Survey ===

impl Survey {
    /// Compares `configured` with `estate`.
    pub(super) fn of(configured: &[IpNet], estate: &[(IpNet, Interval)]) -> Self {
        let estate: BTreeSet<IpNet> = estate.iter().map(|(net, _)| *net).collect();
        let outside = || estate.iter().filter(|net| !configured.iter().any(|wide| wide.contains(*net)));
        let mut examples: Vec<IpNet> = Vec::new();
        for net in outside() {
            // An address inside of a network that is told already says nothing more.
            if examples.len() < EXAMPLES_MAX && !examples.iter().any(|told| told.contains(net)) {
                examples.push(*net);
            }
        }
        let outside = outside().count();
        Self { configured: configured.len(), estate: estate.len(), outside, examples }
    }

    /// What `check` says of it; `counts` is whether the estate is inside. Nothing where no asset describes networks.
    pub(super) fn lines(&self, counts: bool) -> Vec<String> {
        if self.estate == 0 {
            return Vec::new();
        }
        let Self { configured, estate, outside, .. } = self;
        let mut lines = vec![format!(
            "inside are {configured} networks by `enrich.internal` and {estate} networks and addresses by the assets"
        )];
        if !counts {
            lines = vec![format!(
                "inside are {configured} networks by `enrich.internal`; the assets name {estate}"
            )];
        }
        if *outside > 0 {
            let examples: Vec<_> = self.examples.iter().map(ToString::to_string).collect();
            let more = if self.examples.len() < *outside { ", …" } else { "" };
            let effect = match counts {
                true => "they are inside by the assets alone",
                false => "they are external, because `enrich.internal_from_assets` is false",
            };
            lines.push(format!(
                "{outside} of the assets' networks and addresses are outside of `enrich.internal`: {}{more}; {effect}",
                examples.join(", ")
            ));
        }
        lines
    }
}

// === impl Internal ===

impl Internal {
    /// The set of `nets`, and of those of `estate` during their time.
    pub(super) fn of(nets: &[IpNet], estate: &[(IpNet, Interval)]) -> Self {
        let mut set = Self::default();
        let always = estate.iter().filter(|(_, valid)| *valid == Interval::ALWAYS).map(|(net, _)| net);
        for net in nets.iter().chain(always) {
            match net {
                IpNet::V4(net) => set.v4.insert(*net),
                IpNet::V6(net) => set.v6.insert(*net),
            };
        }
        let mut timed: BTreeMap<IpNet, Vec<Interval>> = BTreeMap::new();
        for (net, valid) in estate.iter().filter(|(_, valid)| *valid != Interval::ALWAYS) {
            let times = timed.entry(*net).or_default();
            // Descriptions of one day after the other say the same.
            match times.last_mut() {
                Some(last) if last.from <= valid.from && valid.from <= last.to => {
                    last.to = last.to.max(valid.to);
                }
                _ => times.push(*valid),
            }
        }
        for (net, times) in timed {
            match net {
                IpNet::V4(net) => drop(set.timed_v4.insert(net, times)),
                IpNet::V6(net) => drop(set.timed_v6.insert(net, times)),
            }
        }
        set
    }

    /// Whether `address` is inside whatever the time.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.get_lpm(&address.into()).is_some(),
            IpAddr::V6(address) => self.v6.get_lpm(&address.into()).is_some(),
        }
    }

    /// Whether `address` is inside at some times.
    pub(super) fn is_timed(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.timed_v4.get_lpm(&address.into()).is_some(),
            IpAddr::V6(address) => self.timed_v6.get_lpm(&address.into()).is_some(),
        }
    }

    /// Whether `address`, which is not inside always, is so at `at`, seconds since 1970.
    pub(super) fn contains_at(&self, address: IpAddr, at: i64) -> bool {
        let holds = |times: &Vec<Interval>| times.iter().any(|valid| valid.contains(at));
        match address {
            IpAddr::V4(address) => self.timed_v4.cover(&address.into()).any(|(_, times)| holds(times)),
            IpAddr::V6(address) => self.timed_v6.cover(&address.into()).any(|(_, times)| holds(times)),
        }
    }

    /// Bytes of memory it takes, to within what the allocator adds.
    pub(super) fn memory_bytes(&self) -> usize {
        if self.v4.is_empty() && self.v6.is_empty() && self.timed_v4.is_empty() && self.timed_v6.is_empty() {
            return 0;
        }
        let tries = self.v4.mem_size() + self.v6.mem_size();
        let times = |times: &Vec<Interval>| size_of_val(&times[..]);
        let timed = self.timed_v4.values().map(times).sum::<usize>()
            + self.timed_v6.values().map(times).sum::<usize>();
        tries + self.timed_v4.mem_size() + self.timed_v6.mem_size() + timed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::Config;

    #[test]
    fn the_edges_of_the_default_internal_networks_are_inside_and_their_neighbours_are_not() {
        let internal = Internal::of(&Config::default().internal, &[]);
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
        assert!(!Internal::of(&[], &[]).contains([10, 0, 0, 1].into()));
    }

    #[test]
    fn an_address_of_the_estate_is_inside_while_the_list_says_so() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let at = |from, to| Interval { from, to };
        let internal = Internal::of(
            &[net("10.0.0.0/8")],
            &[
                (net("2600:1f16::/56"), Interval::ALWAYS),
                (net("198.51.100.7/32"), at(10, 20)),
                (net("198.51.100.7/32"), at(20, 30)),
                (net("198.51.100.0/24"), at(50, 60)),
            ],
        );
        assert!(internal.contains("2600:1f16::9".parse().unwrap()));
        let elastic = "198.51.100.7".parse().unwrap();
        assert!(!internal.contains(elastic) && internal.is_timed(elastic));
        let seen = [9, 10, 20, 29, 30, 50].map(|at| internal.contains_at(elastic, at));
        assert_eq!(seen, [false, true, true, true, false, true]);
        assert!(internal.memory_bytes() > 0);
    }

    #[test]
    fn the_survey_says_what_is_inside_by_whom_and_where_the_two_differ() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let estate = ["10.0.0.0/16", "2600:1f16::/56", "2600:1f16::5/128", "198.51.100.7/32"]
            .map(|text| (net(text), Interval::ALWAYS));
        let survey = Survey::of(&[net("10.0.0.0/8")], &estate);
        assert_eq!((survey.configured, survey.estate, survey.outside), (1, 4, 3));
        assert_eq!(
            survey.lines(true),
            [
                "inside are 1 networks by `enrich.internal` and 4 networks and addresses by the assets",
                "3 of the assets' networks and addresses are outside of `enrich.internal`: 198.51.100.7/32, \
                 2600:1f16::/56, …; they are inside by the assets alone"
            ]
        );
        assert!(survey.lines(false)[1].ends_with("because `enrich.internal_from_assets` is false"));
        assert_eq!(Survey::of(&[], &[]).lines(true), [""; 0]);
    }
}

//! Watch-lists: addresses outside that nobody is to talk with, as files list them.

use std::{net::IpAddr, sync::Arc};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

/// What one file lists.
#[derive(Debug, Default, PartialEq)]
pub struct Watchlist(Vec<Listed>);

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the list is called.
    pub list: Arc<str>,
    /// The addresses.
    pub range: IpNet,
    /// What the line says beside them.
    pub said: Option<Box<str>>,
}

/// All lists in use.
#[derive(Debug, Default)]
pub struct Watchlists {
    lists: Vec<Arc<Watchlist>>,
    v4: PrefixMap<Ipv4Net, Place>,
    v6: PrefixMap<Ipv6Net, Place>,
}

/// A list, and a line of it.
type Place = (u32, u32);

/// The most ranges of one list.
pub const LISTED_MAX: usize = 1_000_000;

// === impl Watchlist ===

impl Watchlist {
    /// The list called `name` in `text`: a CIDR or an address a line, and what is said of it behind a space or comma. What
    /// stands behind `#` is for people.
    ///
    /// # Errors
    ///
    /// The number of the first line that has neither, from 1, and what is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, (u64, String)> {
        let name: Arc<str> = name.into();
        let mut listed = Vec::new();
        for (line, number) in text.lines().zip(1_u64..) {
            let line = line.split('#').next().unwrap_or_default().trim();
            let (range, said) = line
                .split_once([' ', '\t', ',', ';'])
                .map_or((line, ""), |(range, said)| (range, said.trim()));
            if range.is_empty() {
                continue;
            }
            let range =
                parsed(range).ok_or_else(|| (number, format!("{range:?} is no CIDR and no address")))?;
            if listed.len() == LISTED_MAX {
                return Err((number, format!("the most is {LISTED_MAX} ranges")));
            }
            let said = Some(said).filter(|said| !said.is_empty()).map(Into::into);
            listed.push(Listed { list: Arc::clone(&name), range, said });
        }
        Ok(Self(listed))
    }

    /// Number of ranges.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it lists nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn parsed(text: &str) -> Option<IpNet> {
    let net: IpNet = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    Some(net.trunc())
}

// === impl Watchlists ===

impl Watchlists {
    /// All of `lists`. Of two lines for one range that of the earlier list is used.
    #[must_use]
    pub fn of(lists: &[Arc<Watchlist>]) -> Self {
        let mut all = Self { lists: lists.to_vec(), ..Self::default() };
        for (nth, list) in lists.iter().enumerate().rev() {
            for (line, listed) in list.0.iter().enumerate().rev() {
                let place = (nth as u32, line as u32);
                match listed.range {
                    IpNet::V4(net) => drop(all.v4.insert(net, place)),
                    IpNet::V6(net) => drop(all.v6.insert(net, place)),
                }
            }
        }
        all
    }

    /// The line of the narrowest range that holds `address`.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<&Listed> {
        let (list, line) = match IpNet::from(address) {
            IpNet::V4(net) => *self.v4.get_lpm(&net)?.1,
            IpNet::V6(net) => *self.v6.get_lpm(&net)?.1,
        };
        self.lists.get(list as usize)?.0.get(line as usize)
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.iter().all(|list| list.is_empty())
    }

    /// Bytes of memory that they take, to within what the allocator adds.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let of_line =
            |listed: &Listed| size_of::<Listed>() + listed.said.as_ref().map_or(0, |said| said.len());
        let lines = self.lists.iter().flat_map(|list| &list.0).map(of_line).sum::<usize>();
        if self.is_empty() { 0 } else { lines + self.v4.mem_size() + self.v6.mem_size() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn lists(all: &[(&str, &str)]) -> Watchlists {
        let all: Vec<_> =
            all.iter().map(|(name, text)| Arc::new(Watchlist::read(name, text).unwrap())).collect();
        Watchlists::of(&all)
    }

    #[test]
    fn the_narrowest_line_is_found_and_of_two_that_of_the_earlier_list() {
        let lists = lists(&[
            ("tor", "# exits\n\n198.51.100.7 exit node # seen today\n2001:db8::/32\n"),
            ("bad", "198.51.100.0/24, a bad neighbourhood\n198.51.100.7\n"),
        ]);
        let found = |address: &str| {
            let listed = lists.find(address.parse().unwrap())?;
            Some(format!("{} {} {:?}", listed.list, listed.range, listed.said.as_deref()))
        };
        assert_eq!(found("198.51.100.7").unwrap(), "tor 198.51.100.7/32 Some(\"exit node\")");
        assert_eq!(found("198.51.100.8").unwrap(), "bad 198.51.100.0/24 Some(\"a bad neighbourhood\")");
        assert_eq!(found("2001:db8::9").unwrap(), "tor 2001:db8::/32 None");
        assert_eq!(found("198.51.101.1"), None);
        assert!(lists.memory_bytes() > 0 && Watchlists::default().memory_bytes() == 0);
    }

    #[test]
    fn a_line_that_is_no_range_is_named_by_its_number() {
        let wrong = Watchlist::read("bad", "10.0.0.1\n# fine\nevil.example\n").unwrap_err();
        assert_eq!(wrong, (3, "\"evil.example\" is no CIDR and no address".to_owned()));
    }
}

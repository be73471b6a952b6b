//! Where an address means something: ranges of addresses overlap between VPCs, so an asset found by an address has to be
//! one of the record's own VPC.

use hashbrown::HashMap;

/// An account, a region and a VPC, each where it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(in crate::enrich) struct Scope {
    pub(in crate::enrich) account: Option<Box<str>>,
    pub(in crate::enrich) region: Option<Box<str>>,
    pub(in crate::enrich) vpc: Option<Box<str>>,
}

/// A scope as numbers; 0 where it does not name a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::enrich) struct ScopeNumbers {
    pub(in crate::enrich) vpc: u32,
    pub(in crate::enrich) account: u32,
    pub(in crate::enrich) region: u32,
}

/// The numbers of all accounts, regions and VPCs of the lists.
#[derive(Debug, Default)]
pub(in crate::enrich) struct ScopeBook {
    numbers: HashMap<Box<[u8]>, u32, foldhash::fast::RandomState>,
    /// What is known of each VPC besides its id.
    homes: HashMap<u32, ScopeNumbers, foldhash::fast::RandomState>,
}

/// Whether an asset's scope is that of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Same,
    Other,
    /// The record does not say enough.
    Unsaid,
}

// === impl Scope ===

impl Scope {
    /// Whether every part that this one names is the same in `other`.
    pub(super) fn holds(&self, other: &Self) -> bool {
        let part = |own: &Option<Box<str>>, other: &Option<Box<str>>| own.is_none() || own == other;
        part(&self.account, &other.account)
            && part(&self.region, &other.region)
            && part(&self.vpc, &other.vpc)
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    /// Account, region and VPC in any number, parted by `/` as scores write them: `012345678901/eu-west-1/vpc-0a1b`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut scope = Self::default();
        for part in text.split('/').map(str::trim).filter(|part| !part.is_empty() && *part != "-") {
            let place = if part.starts_with("vpc-") {
                &mut scope.vpc
            } else if part.bytes().all(|byte| byte.is_ascii_digit()) {
                &mut scope.account
            } else if part.contains('-') {
                &mut scope.region
            } else {
                return Err(format!("{part:?} is no account, no region and no id that begins with vpc-"));
            };
            if place.replace(part.into()).is_some() {
                return Err(format!("{text:?} names one thing twice"));
            }
        }
        Ok(scope)
    }
}

// === impl ScopeNumbers ===

impl ScopeNumbers {
    /// The number of a name that no list has.
    const UNLISTED: u32 = u32::MAX;

    /// Whether it names nothing.
    #[inline]
    pub(in crate::enrich) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether it names a VPC that the lists have.
    #[inline]
    pub(super) const fn is_listed(self) -> bool {
        self.vpc != 0 && self.vpc != Self::UNLISTED
    }

    /// Whether this, of an asset, is the scope of `record`. The id of a VPC decides where both name one: no two share it.
    #[inline]
    pub(super) fn fit(self, record: Self) -> Fit {
        if self.vpc != 0 && record.vpc != 0 {
            return if self.vpc == record.vpc { Fit::Same } else { Fit::Other };
        }
        let differ = |own: u32, other: u32| own != 0 && other != 0 && own != other;
        let unsaid = |own: u32, other: u32| own != 0 && other == 0;
        if differ(self.account, record.account) || differ(self.region, record.region) {
            Fit::Other
        } else if unsaid(self.account, record.account)
            || unsaid(self.region, record.region)
            || unsaid(self.vpc, record.vpc)
        {
            Fit::Unsaid
        } else {
            Fit::Same
        }
    }
}

// === impl ScopeBook ===

impl ScopeBook {
    /// Gives every part of `scope` a number, and remembers where its VPC is.
    pub(super) fn enter(&mut self, scope: &Scope) {
        let [account, region, vpc] = [&scope.account, &scope.region, &scope.vpc].map(|part| {
            let Some(name) = part else { return 0 };
            let next = self.numbers.len() as u32 + 1;
            *self.numbers.entry(name.as_bytes().into()).or_insert(next)
        });
        if vpc != 0 {
            let home = self.homes.entry(vpc).or_default();
            home.vpc = vpc;
            for (known, said) in [(&mut home.account, account), (&mut home.region, region)] {
                if *known == 0 {
                    *known = said;
                }
            }
        }
    }

    /// The numbers of `scope`, all of whose kind were entered; of its VPC whatever the lists say elsewhere too.
    pub(super) fn numbers(&self, scope: &Scope) -> ScopeNumbers {
        let [account, region, vpc] =
            [&scope.account, &scope.region, &scope.vpc].map(|part| part.as_ref().map(|part| part.as_bytes()));
        self.record(vpc, account, region)
    }

    /// The numbers of what a record says.
    pub(in crate::enrich) fn record(
        &self,
        vpc: Option<&[u8]>,
        account: Option<&[u8]>,
        region: Option<&[u8]>,
    ) -> ScopeNumbers {
        let number = |part: Option<&[u8]>| {
            part.map_or(0, |name| self.numbers.get(name).copied().unwrap_or(ScopeNumbers::UNLISTED))
        };
        if let Some(home) = self.homes.get(&number(vpc)) {
            return *home;
        }
        ScopeNumbers { vpc: number(vpc), account: number(account), region: number(region) }
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.numbers.len() * 64 + self.homes.len() * 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn a_scope_is_read_as_scores_write_it_and_in_parts() {
        let whole = scope("012345678901/eu-west-1/vpc-0a");
        assert_eq!(
            [&whole.account, &whole.region, &whole.vpc].map(|part| part.as_deref()),
            [Some("012345678901"), Some("eu-west-1"), Some("vpc-0a")]
        );
        assert_eq!(scope("vpc-0a"), scope("-/-/vpc-0a"));
        assert!(scope("vpc-0a").holds(&whole) && !whole.holds(&scope("vpc-0a")));
        assert!("vpc-1/vpc-2".parse::<Scope>().is_err() && "ireland".parse::<Scope>().is_err());
    }

    #[test]
    fn a_vpc_decides_and_else_account_and_region_do_as_far_as_they_are_said() {
        let mut book = ScopeBook::default();
        let all = ["1/eu-west-1/vpc-a", "2/eu-west-1/vpc-b", "3"].map(scope);
        all.iter().for_each(|scope| book.enter(scope));
        let [a, b, third] = [0, 1, 2].map(|index: usize| book.numbers(&all[index]));
        let record = |vpc: &str, account: &str| {
            let part = |text: &'_ str| (text != "-").then(|| text.as_bytes().to_vec());
            book.record(part(vpc).as_deref(), part(account).as_deref(), None)
        };
        assert_eq!((a.fit(record("vpc-a", "9")), b.fit(record("vpc-a", "2"))), (Fit::Same, Fit::Other));
        assert_eq!((a.fit(record("-", "1")), b.fit(record("-", "1"))), (Fit::Unsaid, Fit::Other));
        assert_eq!((third.fit(record("-", "3")), third.fit(record("vpc-a", "-"))), (Fit::Same, Fit::Other));
        assert_eq!(a.fit(record("vpc-x", "1")), Fit::Other, "a VPC that no list has");
        assert!(record("vpc-a", "-").is_listed() && !record("vpc-x", "-").is_listed());
        assert_eq!(book.numbers(&scope("vpc-a")), a, "the lists say elsewhere whose it is");
    }
}

//! Which asset an address means to whom: by the record's scope and time, where the lists have several for one address.

use std::num::NonZeroU32;

use super::{
    index::AssetNumber,
    interval::Interval,
    scope::{Fit, ScopeNumbers},
};

/// What is known of an address or id: an asset, or where to ask for it with a record's scope and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::enrich) struct Answer(NonZeroU32);

/// Who asks for an asset.
#[derive(Debug, Clone, Copy)]
pub(in crate::enrich) struct Asker {
    /// The scope that the record, or its interface, says.
    pub(in crate::enrich) scope: ScopeNumbers,
    /// Seconds since 1970; the largest number where the record has no time.
    pub(in crate::enrich) at: i64,
}

/// One asset of a key: where and when it is that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) scope: ScopeNumbers,
    pub(super) valid: Interval,
    pub(super) asset: AssetNumber,
}

/// All keys whose assets depend on who asks, and what lies around them.
#[derive(Debug, Default)]
pub(super) struct Choices {
    choices: Vec<Choice>,
    /// Of each choice one after the other, by scope and then by time.
    candidates: Vec<Candidate>,
}

/// One key.
#[derive(Debug, Clone, Copy)]
struct Choice {
    start: u32,
    end: u32,
    /// The next wider network.
    parent: Option<Answer>,
}

// === impl Answer ===

impl Answer {
    /// The largest number of an asset.
    pub(super) const NUMBER_MAX: u32 = Self::ASK - 1;
    /// What marks the number of a choice.
    const ASK: u32 = 1 << 31;

    /// The answer where it is one asset for everybody and ever.
    pub(super) fn plain(candidates: &[Candidate]) -> Option<Self> {
        match candidates {
            [one] if one.scope.is_empty() && one.valid == Interval::ALWAYS => Some(Self(one.asset)),
            _ => None,
        }
    }

    /// The asset, where there is only one.
    #[inline]
    pub(in crate::enrich) fn only(self) -> Option<AssetNumber> {
        Some(self.0).filter(|number| number.get() & Self::ASK == 0)
    }

    /// The place of its choice, where it depends on who asks.
    fn choice(self) -> Option<usize> {
        (self.0.get() & Self::ASK != 0).then_some((self.0.get() & !Self::ASK) as usize)
    }
}

// === impl Choices ===

impl Choices {
    /// A choice with `candidates`, sorted by scope and time, inside of `parent`.
    pub(super) fn push(&mut self, candidates: Vec<Candidate>, parent: Option<Answer>) -> Option<Answer> {
        let number = u32::try_from(self.choices.len()).ok().filter(|number| *number < Answer::ASK)?;
        let start = u32::try_from(self.candidates.len()).ok()?;
        for candidate in candidates {
            match self.candidates.get_mut(start as usize..).and_then(<[_]>::last_mut) {
                // A thing that did not change from one description to the next.
                Some(last)
                    if (last.scope, last.asset, last.valid.to)
                        == (candidate.scope, candidate.asset, candidate.valid.from) =>
                {
                    last.valid.to = candidate.valid.to;
                }
                _ => self.candidates.push(candidate),
            }
        }
        let end = u32::try_from(self.candidates.len()).ok()?;
        self.choices.push(Choice { start, end, parent });
        NonZeroU32::new(number | Answer::ASK).map(Answer)
    }

    /// Which asset `answer` means to `asker`.
    ///
    /// Of the networks around the address the narrowest of the asker's own scope or of none. Where no network of its own
    /// scope holds the address, it is one of another VPC, which peering or a transit gateway leads to: its asset, where
    /// the lists know the asker's VPC, so that they would say if it was of that one, and only one other VPC has it.
    pub(super) fn answer(&self, answer: Answer, asker: Asker) -> Option<AssetNumber> {
        let mut wanted = Wanted { asker, anywhere: None, elsewhere: None, is_ambiguous: false };
        let mut next = Some(answer);
        while let Some(answer) = next {
            let Some(choice) = answer.choice() else { return wanted.anywhere.or(answer.only()) };
            let Some(Choice { start, end, parent }) = self.choices.get(choice).copied() else { break };
            let candidates = self.candidates.get(start as usize..end as usize).unwrap_or_default();
            if let Some(own) = wanted.look(candidates) {
                return wanted.anywhere.or(Some(own));
            }
            wanted.anywhere = wanted.anywhere.or_else(|| wanted.plain(candidates));
            next = parent;
        }
        wanted.best()
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&self.choices[..]) + size_of_val(&self.candidates[..])
    }
}

/// What was found so far on the way from a narrow network to wider ones.
struct Wanted {
    asker: Asker,
    /// The asset of no scope in the narrowest network that has one.
    anywhere: Option<AssetNumber>,
    /// The VPC and asset in the narrowest network of another scope, and whether it is narrower than `anywhere`.
    elsewhere: Option<(ScopeNumbers, AssetNumber, bool)>,
    /// Whether several other scopes have the address.
    is_ambiguous: bool,
}

// === impl Wanted ===

impl Wanted {
    /// The asset of the asker's own scope among `candidates`; what others have is remembered.
    fn look(&mut self, candidates: &[Candidate]) -> Option<AssetNumber> {
        let mut own: Option<Candidate> = None;
        for candidate in self.valid(candidates) {
            match candidate.scope.fit(self.asker.scope) {
                // Of two the one that names the VPC knows better.
                Fit::Same if own.is_none_or(|own| own.scope.vpc == 0) => own = Some(candidate),
                Fit::Same => {}
                fit => {
                    let may_be = self.asker.scope.is_listed() || fit == Fit::Unsaid;
                    match self.elsewhere {
                        _ if !may_be => {}
                        None => {
                            self.elsewhere = Some((candidate.scope, candidate.asset, self.anywhere.is_none()))
                        }
                        Some((scope, ..)) => self.is_ambiguous |= scope != candidate.scope,
                    }
                }
            }
        }
        own.map(|own| own.asset)
    }

    /// The asset of no scope among `candidates`.
    fn plain(&self, candidates: &[Candidate]) -> Option<AssetNumber> {
        let plain = candidates.partition_point(|candidate| candidate.scope.is_empty());
        in_force(candidates.get(..plain)?, self.asker.at).map(|candidate| candidate.asset)
    }

    /// Those of each scope among `candidates` that hold at the time asked for.
    fn valid<'a>(&self, candidates: &'a [Candidate]) -> impl Iterator<Item = Candidate> + use<'a> {
        let at = self.asker.at;
        let mut rest = candidates;
        std::iter::from_fn(move || {
            loop {
                let scope = rest.first()?.scope;
                let (of_scope, others) =
                    rest.split_at(rest.partition_point(|candidate| candidate.scope == scope));
                rest = others;
                if !scope.is_empty()
                    && let Some(candidate) = in_force(of_scope, at)
                {
                    return Some(*candidate);
                }
            }
        })
    }

    fn best(self) -> Option<AssetNumber> {
        let elsewhere = self.elsewhere.filter(|(_, _, is_narrower)| !self.is_ambiguous && *is_narrower);
        elsewhere.map(|(_, asset, _)| asset).or(self.anywhere)
    }
}

/// That of `candidates`, all of one scope and one after the other, which holds at `at`.
fn in_force(candidates: &[Candidate], at: i64) -> Option<&Candidate> {
    let after = candidates.partition_point(|candidate| candidate.valid.from <= at);
    candidates.get(after.checked_sub(1)?).filter(|candidate| candidate.valid.contains(at))
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use crate::enrich::asset::{Asker, AssetIndex, AssetList, Interval};

    /// Two VPCs with the same range, and the same address in both; a third that is peered with the first.
    const ESTATE: &str = r#"{
        "Vpcs": [
            {"VpcId": "vpc-a", "OwnerId": "1", "CidrBlock": "10.0.0.0/16"},
            {"VpcId": "vpc-b", "OwnerId": "2", "CidrBlock": "10.0.0.0/16"},
            {"VpcId": "vpc-c", "OwnerId": "1", "CidrBlock": "10.1.0.0/16", "Tags": [{"Key": "Name", "Value": "net c"}]}],
        "NetworkInterfaces": [
            {"NetworkInterfaceId": "eni-a", "OwnerId": "1", "AvailabilityZone": "eu-west-1a", "VpcId": "vpc-a",
             "PrivateIpAddress": "10.0.0.5", "TagSet": [{"Key": "Name", "Value": "a"}]},
            {"NetworkInterfaceId": "eni-b", "OwnerId": "2", "AvailabilityZone": "eu-west-1a", "VpcId": "vpc-b",
             "PrivateIpAddress": "10.0.0.5", "TagSet": [{"Key": "Name", "Value": "b"}]},
            {"NetworkInterfaceId": "eni-b2", "OwnerId": "2", "AvailabilityZone": "eu-west-1a", "VpcId": "vpc-b",
             "PrivateIpAddress": "10.0.0.6", "TagSet": [{"Key": "Name", "Value": "b2"}]},
            {"NetworkInterfaceId": "eni-c", "OwnerId": "1", "AvailabilityZone": "eu-west-1a", "VpcId": "vpc-c",
             "PrivateIpAddress": "10.1.0.5", "Association": {"PublicIp": "198.51.100.7"},
             "Ipv6Addresses": [{"Ipv6Address": "2600:1f16::5"}], "TagSet": [{"Key": "Name", "Value": "c"}]}]}"#;

    fn index(lists: &[(&str, &str)]) -> AssetIndex {
        let read = |(name, text): &(&str, &str)| {
            Arc::new(AssetList::read(Path::new(name), text.as_bytes(), Interval::ALWAYS).unwrap())
        };
        AssetIndex::of(&lists.iter().map(read).collect::<Vec<_>>()).0
    }

    /// The name of what `address` means to a record of `vpc` and `account` at `at`; `-` where it says neither.
    fn named(index: &AssetIndex, address: &str, vpc: &str, account: &str, at: i64) -> String {
        let said = |text: &'static str| (text != "-").then_some(text.as_bytes());
        let [vpc, account]: [&'static str; 2] =
            [vpc, account].map(|text| Box::leak(text.to_owned().into_boxed_str()) as &str);
        let scope = index.scope(said(vpc), said(account), None);
        let found = index
            .by_address(address.parse().unwrap())
            .and_then(|answer| index.answer(answer, Asker { scope, at }))
            .and_then(|number| index.asset(number));
        found.map_or("none".to_owned(), |asset| asset.name.as_deref().unwrap_or("nameless").to_owned())
    }

    #[test]
    fn one_address_of_two_vpcs_is_the_asset_of_the_records_own() {
        let index = index(&[("a.json", ESTATE)]);
        for (address, vpc, account, expected) in [
            ("10.0.0.5", "vpc-a", "1", "a"),
            ("10.0.0.5", "vpc-b", "2", "b"),
            ("10.0.0.5", "vpc-b", "-", "b"),
            // Only one of the two is in that account.
            ("10.0.0.5", "-", "1", "a"),
            ("10.0.0.5", "-", "-", "none"),
            ("10.0.0.5", "vpc-x", "1", "none"),
            // vpc-a has no such interface, so it is its network.
            ("10.0.0.6", "vpc-a", "1", "nameless"),
            ("10.0.0.6", "vpc-b", "2", "b2"),
            // Neither range of vpc-a: whoever has it is reached by peering.
            ("10.1.0.5", "vpc-a", "1", "c"),
            ("10.1.0.9", "vpc-a", "1", "net c"),
            ("10.1.0.5", "-", "-", "c"),
            ("10.1.0.5", "vpc-x", "-", "none"),
            ("10.1.0.5", "-", "7", "none"),
            // From vpc-c both of the others could be meant.
            ("10.0.0.5", "vpc-c", "1", "none"),
            // What is the same nowhere else.
            ("198.51.100.7", "vpc-x", "-", "c"),
            ("2600:1f16::5", "-", "-", "c"),
        ] {
            assert_eq!(named(&index, address, vpc, account, 0), expected, "{address} of {vpc} {account}");
        }
        assert_eq!(index.scope_of(b"eni-b"), Some(index.scope(Some(b"vpc-b"), None, None)));
        assert_eq!(index.scope_of(b"eni-x"), None);
    }

    #[test]
    fn what_people_write_lies_over_what_aws_describes() {
        let rows = "key,name,role,scope,env\n\
                    10.0.0.5,mine,,,\n\
                    10.0.0.6,,db,vpc-b,prod\n\
                    10.0.0.0/8,corp,,,\n\
                    10.1.0.9,nine,,vpc-c,\n";
        let index = index(&[("a.json", ESTATE), ("rows.csv", rows)]);
        for (address, vpc, expected) in [
            ("10.0.0.5", "vpc-a", "mine"),
            ("10.0.0.5", "vpc-b", "mine"),
            ("10.0.0.5", "-", "mine"),
            ("10.0.0.6", "vpc-b", "b2"),
            ("10.1.0.9", "vpc-c", "nine"),
            ("10.2.0.1", "vpc-c", "corp"),
            ("10.2.0.1", "-", "corp"),
        ] {
            assert_eq!(named(&index, address, vpc, "-", 0), expected, "{address} of {vpc}");
        }
        let scope = index.scope(Some(b"vpc-b"), None, None);
        let answer = index.by_address("10.0.0.6".parse().unwrap()).unwrap();
        let asset = index.asset(index.answer(answer, Asker { scope, at: 0 }).unwrap()).unwrap();
        assert_eq!(asset.role.as_deref(), Some("db"));
        assert_eq!((&*asset.tags["env"], &*asset.tags["interface-id"]), ("prod", "eni-b2"));
    }

    #[test]
    fn a_row_holds_while_it_says_and_the_later_of_two_wins_where_they_overlap() {
        let rows = "key,name,valid_from,valid_to\n\
                    10.0.0.5,first,,100\n\
                    10.0.0.5,second,1970-01-01T00:01:00Z,200\n\
                    eni-1,young,50,\n\
                    10.0.0.0/8,corp,,\n";
        let index = index(&[("rows.csv", rows)]);
        let seen = [0, 59, 60, 199, 200, i64::MAX].map(|at| named(&index, "10.0.0.5", "-", "-", at));
        assert_eq!(seen, ["first", "first", "second", "second", "corp", "corp"]);
        assert_eq!(named(&index, "10.9.9.9", "-", "-", 0), "corp");
        let young = [49, 50, i64::MAX].map(|at| index.by_id(b"eni-1", || at).is_some());
        assert_eq!(young, [false, true, true]);
    }

    #[test]
    fn an_interface_has_the_tags_of_its_instance_of_its_own_day() {
        let day = |from: u32, address: &str, name: &str| {
            format!(
                r#"{{"valid_from": "{from}",
                    "Reservations": [{{"OwnerId": "1", "Instances": [{{"InstanceId": "i-1", "NetworkInterfaces": [],
                        "Tags": [{{"Key": "Name", "Value": "{name}"}}, {{"Key": "env", "Value": "prod"}}]}}]}}]}}
                   {{"valid_from": {from}, "NetworkInterfaces": [{{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-a",
                    "PrivateIpAddress": "{address}", "Attachment": {{"InstanceId": "i-1"}},
                    "TagSet": [{{"Key": "env", "Value": "own"}}]}}]}}"#
            )
        };
        let index = index(&[
            ("1.json", &day(100, "10.0.0.5", "old")),
            ("2.json", &day(200, "10.0.0.6", "new")),
            ("rows.csv", "key,role\ni-1,db\n"),
        ]);
        let of = |address, at| named(&index, address, "vpc-a", "-", at);
        assert_eq!([50, 100, 199, 200].map(|at| of("10.0.0.5", at)), ["none", "old", "old", "none"]);
        assert_eq!([199, 200, 999].map(|at| of("10.0.0.6", at)), ["none", "new", "new"]);
        let asset = index.asset(index.by_id(b"eni-1", || 150).unwrap()).unwrap();
        assert_eq!((asset.name.as_deref(), asset.role.as_deref()), (Some("old"), Some("db")));
        assert_eq!(&*asset.tags["env"], "own", "its own tag comes first");
        let kinds = index.kinds();
        assert_eq!((kinds.interfaces, kinds.instances, kinds.addresses), (1, 1, 2));
    }

    #[test]
    fn what_stays_the_same_from_one_description_to_the_next_is_one_asset() {
        let day = |from: i64| {
            let vpcs =
                r#""NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.5"}]"#;
            format!(r#"{{"valid_from": {from}, {vpcs}}}"#)
        };
        let days: String = (0..30).map(day).collect();
        let index = index(&[("days.ndjson", &days)]);
        assert_eq!((index.len(), index.inside().len()), (1, 30));
    }
}

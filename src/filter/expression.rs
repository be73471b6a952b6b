//! A condition as it is kept: asked of facts, and written as text.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::{
    fact::{Fact, Facts},
    glob,
    subject::Subject,
    value::Shown,
};

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// `and`: all of these, two at least.
    All(Vec<Self>),
    /// `or`: any of these, two at least.
    Any(Vec<Self>),
    Not(Box<Self>),
    Test(Subject, Test),
}

/// What is asked of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Exists,
    Number(Order, u64),
    /// Ascending, each once.
    Numbers(Box<[u64]>),
    /// Whether it is the same, or whether it is another.
    Address(bool, IpAddr),
    /// Ascending, none within another.
    Nets(Box<[IpNet]>),
    /// Whether it is the same, or whether it is another.
    Text(bool, Box<str>),
    /// Ascending, each once.
    Texts(Box<[Box<str>]>),
    /// A pattern.
    Like(Box<str>),
}

/// How two numbers stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

// === impl Expression ===

impl Expression {
    /// Whether it is true of `facts`; nothing where that is for facts to decide that are not there.
    pub(super) fn weigh<F: Facts>(&self, facts: &F) -> Option<bool> {
        match self {
            Self::All(parts) => Self::first(parts, facts, false),
            Self::Any(parts) => Self::first(parts, facts, true),
            Self::Not(inner) => inner.weigh(facts).map(|weighed| !weighed),
            Self::Test(subject, test) => match facts.fact(subject) {
                Fact::Absent => F::ABSENT,
                fact => Some(test.fits(fact)),
            },
        }
    }

    /// `decisive` as soon as one of `parts` comes to that; else its opposite, unless one is undecided.
    #[inline]
    fn first<F: Facts>(parts: &[Self], facts: &F, decisive: bool) -> Option<bool> {
        let mut all = Some(!decisive);
        for part in parts {
            match part.weigh(facts) {
                Some(weighed) if weighed == decisive => return Some(decisive),
                Some(_) => {}
                None => all = None,
            }
        }
        all
    }

    /// How closely it holds together what it is written of: `or` 0, `and` 1, all else 2.
    fn closeness(&self) -> u8 {
        match self {
            Self::Any(_) => 0,
            Self::All(_) => 1,
            Self::Not(_) | Self::Test(..) => 2,
        }
    }

    /// Writes it, in parentheses where it holds together less closely than `least`.
    fn write(&self, least: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.closeness() < least {
            return write!(f, "({self})");
        }
        write!(f, "{self}")
    }

    fn join(parts: &[Self], word: &str, least: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, part) in parts.iter().enumerate() {
            if nth > 0 {
                write!(f, " {word} ")?;
            }
            part.write(least, f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => Self::join(parts, "and", 2, f),
            Self::Any(parts) => Self::join(parts, "or", 1, f),
            Self::Not(inner) => {
                f.write_str("not ")?;
                inner.write(2, f)
            }
            Self::Test(subject, Test::Exists) => write!(f, "exists {subject}"),
            Self::Test(subject, test) => write!(f, "{subject} {test}"),
        }
    }
}

// === impl Test ===

impl Test {
    /// Whether `fact` is as it asks.
    #[inline]
    fn fits(&self, fact: Fact<'_>) -> bool {
        match (self, fact) {
            (Self::Exists, _) => true,
            (Self::Number(order, number), Fact::Number(fact)) => order.holds(fact, *number),
            (Self::Numbers(numbers), Fact::Number(fact)) => numbers.binary_search(&fact).is_ok(),
            (Self::Address(same, address), Fact::Address(fact)) => (fact == *address) == *same,
            (Self::Nets(nets), Fact::Address(fact)) => {
                // None lies within another, so that only the last one that begins before can hold it.
                let before = nets.partition_point(|net| net.network() <= fact);
                before.checked_sub(1).and_then(|last| nets.get(last)).is_some_and(|net| net.contains(&fact))
            }
            (Self::Text(same, text), Fact::Text(fact)) => (fact == text.as_bytes()) == *same,
            (Self::Texts(texts), Fact::Text(fact)) => {
                texts.binary_search_by(|text| text.as_bytes().cmp(fact)).is_ok()
            }
            (Self::Like(pattern), Fact::Text(fact)) => glob::fits(pattern.as_bytes(), fact),
            // A subject holds what its kind says, and the parser asks only that of it.
            _ => false,
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn set<T>(values: impl Iterator<Item = T>, f: &mut fmt::Formatter<'_>) -> fmt::Result
        where
            T: fmt::Display,
        {
            f.write_str("in {")?;
            for (nth, value) in values.enumerate() {
                f.write_str(if nth > 0 { ", " } else { "" })?;
                value.fmt(f)?;
            }
            f.write_str("}")
        }
        let equals = |same: bool| if same { Order::Equal } else { Order::Unequal }.sign();
        match self {
            Self::Exists => Ok(()),
            Self::Number(order, number) => write!(f, "{} {number}", order.sign()),
            Self::Numbers(numbers) => set(numbers.iter(), f),
            Self::Address(same, address) => write!(f, "{} {address}", equals(*same)),
            Self::Nets(nets) => match &**nets {
                [net] => write!(f, "in {net}"),
                nets => set(nets.iter(), f),
            },
            Self::Text(same, text) => write!(f, "{} {}", equals(*same), Shown(text)),
            Self::Texts(texts) => set(texts.iter().map(|text| Shown(text)), f),
            Self::Like(pattern) => write!(f, "like {}", Shown(pattern)),
        }
    }
}

// === impl Order ===

impl Order {
    const ALL: [Self; 6] = [Self::Equal, Self::Unequal, Self::Less, Self::AtMost, Self::More, Self::AtLeast];

    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    pub(super) fn of_sign(sign: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.sign() == sign)
    }

    #[inline]
    fn holds(self, one: u64, other: u64) -> bool {
        match self {
            Self::Equal => one == other,
            Self::Unequal => one != other,
            Self::Less => one < other,
            Self::AtMost => one <= other,
            Self::More => one > other,
            Self::AtLeast => one >= other,
        }
    }
}

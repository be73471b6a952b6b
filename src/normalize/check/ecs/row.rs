//! How the table of ECS states a field.

use crate::normalize::check::{FaultReason, json::Json, stated::Kind};

/// A field of ECS.
#[derive(Debug)]
pub(in crate::normalize::check) struct Row {
    pub(in crate::normalize::check) path: &'static str,
    /// The type, by ECS's name for it.
    pub(in crate::normalize::check) kind: EcsKind,
    pub(in crate::normalize::check) list: bool,
    /// Whether every document has it, as ECS's guidelines ask.
    pub(in crate::normalize::check) required: bool,
    /// What a text may be; empty where it may be anything.
    pub(in crate::normalize::check) allowed: &'static [&'static str],
}

/// The types of ECS that floodmark's documents have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::normalize::check) enum EcsKind {
    Keyword,
    ConstantKeyword,
    MatchOnlyText,
    Long,
    Float,
    Date,
    Ip,
    GeoPoint,
    Object,
    Flattened,
}

/// Longest text of an address there is.
const IP_MAX: usize = 45;

pub(super) const fn row(path: &'static str, kind: EcsKind) -> Row {
    Row { path, kind, list: false, required: false, allowed: &[] }
}

pub(super) const fn keyword(path: &'static str) -> Row {
    row(path, EcsKind::Keyword)
}

// === impl Row ===

impl Row {
    pub(super) const fn list(mut self) -> Self {
        self.list = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn one_of(mut self, allowed: &'static [&'static str]) -> Self {
        self.allowed = allowed;
        self
    }

    /// What is wrong with what stands there.
    pub(super) fn faults(&self, value: &Json<'_>) -> Vec<FaultReason> {
        if self.list != matches!(value, Json::List(_)) {
            return vec![FaultReason::WrongShape];
        }
        let is_allowed = |text: &str| self.allowed.is_empty() || self.allowed.contains(&text);
        let fault = |value: &Json<'_>| {
            let not_allowed = || value.text().is_some_and(|text| !is_allowed(text));
            self.kind.value().fault(value).or_else(|| not_allowed().then_some(FaultReason::NotAllowed))
        };
        value.each().iter().filter_map(fault).collect()
    }
}

// === impl EcsKind ===

impl EcsKind {
    /// The type's name.
    #[cfg(test)]
    pub(in crate::normalize::check) const fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::ConstantKeyword => "constant_keyword",
            Self::MatchOnlyText => "match_only_text",
            Self::Long => "long",
            Self::Float => "float",
            Self::Date => "date",
            Self::Ip => "ip",
            Self::GeoPoint => "geo_point",
            Self::Object => "object",
            Self::Flattened => "flattened",
        }
    }

    const fn value(self) -> Kind {
        match self {
            Self::Keyword | Self::ConstantKeyword | Self::MatchOnlyText => Kind::Text,
            Self::Long => Kind::Integer,
            Self::Float => Kind::Float,
            Self::Date => Kind::Date,
            Self::Ip => Kind::Ip(IP_MAX),
            Self::GeoPoint => Kind::Point,
            Self::Object | Self::Flattened => Kind::Free,
        }
    }
}

//! How the tables of OCSF state an object and its attributes.

use crate::normalize::check::stated::Kind;

/// An object, or a class.
#[derive(Debug)]
pub(in crate::normalize::check) struct Object {
    /// By OCSF's name for it.
    #[cfg_attr(not(test), expect(dead_code, reason = "what is published is looked up by it"))]
    pub(in crate::normalize::check) name: &'static str,
    /// Attributes of which there must be one at least; none where nothing is demanded.
    pub(in crate::normalize::check) one_of: &'static [&'static str],
    pub(in crate::normalize::check) attributes: &'static [Attribute],
}

/// An attribute of an object.
#[derive(Debug, Clone, Copy)]
pub(in crate::normalize::check) struct Attribute {
    pub(in crate::normalize::check) name: &'static str,
    pub(in crate::normalize::check) shape: Shape,
    pub(in crate::normalize::check) list: bool,
    pub(in crate::normalize::check) required: bool,
    /// The profile that brings it; nothing where every document may have it.
    pub(in crate::normalize::check) profile: Option<&'static str>,
    /// What a number may be, and what each stands for; empty where it may be any.
    pub(in crate::normalize::check) codes: Codes,
    /// The attribute that holds what the number stands for.
    pub(in crate::normalize::check) word: &'static str,
}

/// Numbers and what they stand for.
pub(in crate::normalize::check) type Codes = &'static [(u32, &'static str)];

/// What an attribute holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::normalize::check) enum Shape {
    Value(Kind),
    Object(&'static Object),
}

/// Longest text of an address that OCSF takes.
const IP_MAX: usize = 40;

pub(super) const fn value(name: &'static str, kind: Kind) -> Attribute {
    let shape = Shape::Value(kind);
    Attribute { name, shape, list: false, required: false, profile: None, codes: &[], word: "" }
}

pub(super) const fn text(name: &'static str) -> Attribute {
    value(name, Kind::Text)
}

pub(super) const fn integer(name: &'static str) -> Attribute {
    value(name, Kind::Integer)
}

pub(super) const fn millis(name: &'static str) -> Attribute {
    value(name, Kind::Millis)
}

pub(super) const fn ip(name: &'static str) -> Attribute {
    value(name, Kind::Ip(IP_MAX))
}

pub(super) const fn object(name: &'static str, object: &'static Object) -> Attribute {
    let shape = Shape::Object(object);
    Attribute { name, shape, list: false, required: false, profile: None, codes: &[], word: "" }
}

/// A number that is one of `codes`, and what it stands for in the attribute called `word`.
pub(super) const fn code(name: &'static str, word: &'static str, codes: Codes) -> Attribute {
    let shape = Shape::Value(Kind::Integer);
    Attribute { name, shape, list: false, required: false, profile: None, codes, word }
}

// === impl Object ===

impl Object {
    pub(super) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

// === impl Attribute ===

impl Attribute {
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn list(mut self) -> Self {
        self.list = true;
        self
    }

    pub(super) const fn of(mut self, profile: &'static str) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Whether a number may stand there.
    pub(super) fn allows(&self, code: i128) -> bool {
        self.codes.is_empty() || self.caption(code).is_some()
    }

    /// What a number stands for.
    pub(super) fn caption(&self, code: i128) -> Option<&'static str> {
        self.codes.iter().find(|(known, _)| i128::from(*known) == code).map(|(_, caption)| *caption)
    }
}

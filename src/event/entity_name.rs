//! What an entity is called: made once when it is first seen, and kept for each of them for as long as it is known.

use std::sync::LazyLock;

use super::{AssetClass, IdScheme};

/// What kind of thing an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EntityKind {
    /// A service of ECS.
    Service,
    /// All that have a tag in common.
    Tag,
    /// An Auto Scaling group.
    Asg,
    /// An instance.
    Instance,
    /// One address.
    Address,
    /// All that an interface's addresses have in common.
    Interface,
}

/// Who an event is scored for: 32 bytes and one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityName {
    /// Unique in the process.
    pub serial: u64,
    /// Scope, peer group and name, one after the other.
    text: Box<str>,
    scope_len: u16,
    group_len: u16,
    /// What kind of thing it is.
    pub kind: EntityKind,
    /// What kind of thing it is to the network, where a record, an asset or the traffic says so.
    pub class: Option<AssetClass>,
}

/// How numbers are made.
static NUMBERS: LazyLock<IdScheme> = LazyLock::new(|| IdScheme::named("entity"));

/// The longest beginning of `text` of at most [`u16::MAX`] bytes.
fn cut(text: &str) -> (&str, u16) {
    let text = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
    (text, text.len() as u16)
}

// === impl EntityKind ===

impl EntityKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Service, Self::Tag, Self::Asg, Self::Instance, Self::Address, Self::Interface];

    /// What it is called, as it stands in documents and in the state.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Tag => "tag",
            Self::Asg => "asg",
            Self::Instance => "instance",
            Self::Address => "address",
            Self::Interface => "interface",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

// There is one for each host.
const _: () = assert!(size_of::<EntityName>() == 32);

// === impl EntityName ===

impl EntityName {
    /// `name` of `kind` in `scope`, and who its peers are. Of scope and peer group, what is beyond 64 KiB is cut off.
    #[must_use]
    pub fn new(
        serial: u64,
        (kind, name, scope): (EntityKind, &str, &str),
        peer_group: &str,
        class: Option<AssetClass>,
    ) -> Self {
        let ((scope, scope_len), (group, group_len)) = (cut(scope), cut(peer_group));
        let text = [scope, group, name].concat().into_boxed_str();
        Self { serial, text, scope_len, group_len, kind, class }
    }

    /// What tells `name` of `kind` in `scope` from others in every process: a hash without a secret, so that whoever can name
    /// entities can make two of one number.
    #[must_use]
    pub fn number_of((kind, name, scope): (EntityKind, &str, &str)) -> u32 {
        let parts = [kind.name(), scope, name].map(str::as_bytes);
        NUMBERS.of_parts(&parts).number()
    }

    /// Its number: see [`EntityName::number_of`].
    #[must_use]
    pub fn number(&self) -> u32 {
        Self::number_of((self.kind, self.name(), self.scope()))
    }

    /// Its own name within the scope: `i-0abc…`, `10.0.1.7`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[usize::from(self.scope_len) + usize::from(self.group_len)..]
    }

    /// Whose address space it lives in: account, region and VPC, as far as records and assets say, and the tenant where the
    /// source has one (`tenant=acme`), joined by `/`.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.text[..self.scope_len.into()]
    }

    /// Who its peers are: the role that its asset has, or `all` of the scope; the class, where it passes on what others send.
    #[must_use]
    pub fn peer_group(&self) -> &str {
        &self.text[self.scope_len.into()..][..self.group_len.into()]
    }

    /// The same with another peer group.
    #[must_use]
    pub fn among(&self, peer_group: &str) -> Self {
        Self::new(self.serial, (self.kind, self.name(), self.scope()), peer_group, self.class)
    }

    /// Its class, where it passes on what others send.
    #[must_use]
    pub fn gateway(&self) -> Option<AssetClass> {
        self.class.filter(|class| class.passes_traffic())
    }

    /// The account of its scope, where that names one. Each part of a scope is known by its form.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.part(|part| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The region of its scope, where that names one.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.part(|part| {
            !part.starts_with("vpc-")
                && !part.contains('=')
                && part.contains('-')
                && part.ends_with(|last: char| last.is_ascii_digit())
        })
    }

    /// The VPC of its scope, where that names one.
    #[must_use]
    pub fn vpc(&self) -> Option<&str> {
        self.part(|part| part.starts_with("vpc-"))
    }

    fn part(&self, fits: fn(&str) -> bool) -> Option<&str> {
        self.scope().split('/').find(|part| fits(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_comes_back_whatever_is_missing() {
        for (name, scope, group) in [
            ("10.0.1.7", "012345678901/eu-west-1", "all"),
            ("", "", ""),
            ("Zürich=a/b", "", "database"),
            ("x", "tenant=ä", ""),
        ] {
            let whole = EntityName::new(7, (EntityKind::Address, name, scope), group, None);
            assert_eq!((whole.name(), whole.scope(), whole.peer_group()), (name, scope, group));
            let other = whole.among("web");
            assert_eq!((other.name(), other.scope(), other.peer_group()), (name, scope, "web"));
        }
    }

    #[test]
    fn a_scope_that_is_too_long_is_cut_between_two_characters_and_the_name_stays_whole() {
        let long = "ä".repeat(40_000);
        let whole = EntityName::new(1, (EntityKind::Tag, &long, &long), &long, None);
        assert_eq!((whole.name(), whole.scope().len()), (&*long, 65_534));
        assert_eq!(whole.peer_group(), whole.scope());
    }

    #[test]
    fn a_number_follows_from_kind_name_and_scope_and_nothing_else() {
        let of = |kind, name, scope, group| EntityName::new(7, (kind, name, scope), group, None).number();
        let one = of(EntityKind::Address, "10.0.1.7", "012345678901", "all");
        assert_eq!(of(EntityKind::Address, "10.0.1.7", "012345678901", "web"), one);
        assert_ne!(of(EntityKind::Address, "10.0.1.7", "012345678902", "all"), one);
        assert_ne!(of(EntityKind::Instance, "10.0.1.7", "012345678901", "all"), one);
        assert_ne!(of(EntityKind::Address, "10.0.1.8", "012345678901", "all"), one);
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        EntityKind::ALL.into_iter().for_each(|kind| assert_eq!(EntityKind::of_name(kind.name()), Some(kind)));
        assert_eq!(EntityKind::of_name("host"), None);
    }
}

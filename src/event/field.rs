//! The closed vocabulary: every field that a record can carry, with its type and where it stands in ECS.

mod set;
mod table;

pub use set::FieldSet;
pub use table::{FIELDS, Field};

/// What a field's column holds, and so how it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text without white space.
    Text,
    /// A whole number from 0 to the maximum given.
    Uint(u64),
    /// An IPv4 or IPv6 address.
    Address,
    /// `ACCEPT` or `REJECT`.
    Action,
    /// `OK`, `NODATA` or `SKIPDATA`.
    LogStatus,
}

/// One row of the vocabulary.
#[derive(Debug, Clone, Copy)]
pub struct FieldInfo {
    /// The field.
    pub field: Field,
    /// Its name in an AWS format string, with hyphens.
    pub name: &'static str,
    /// What its column holds.
    pub kind: Kind,
    /// The flow log version that brought it.
    pub version: u8,
    /// The ECS paths that its value is written to; the first is its place, others repeat it where searches expect it.
    pub ecs: &'static [EcsPath],
    /// What it says, for people; with the blank that a doc comment begins with.
    pub doc: &'static str,
}

/// A place in an ECS document, and the type of what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EcsPath {
    /// Names of the objects from the outermost to the value's own, joined by dots.
    pub path: &'static str,
    /// The type of the value, as ECS and Elasticsearch mappings name it.
    pub kind: EcsType,
}

/// A type of ECS, by the name that mappings give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EcsType {
    /// Text that is searched as a whole.
    Keyword,
    /// A keyword that is the same in all documents of a data stream.
    ConstantKeyword,
    /// Text that is searched by its words.
    MatchOnlyText,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A whole number.
    Long,
    /// A number with 24 significant bits.
    Float,
    /// A number with 53 significant bits.
    Double,
    /// True or false.
    Boolean,
    /// A point in time, as RFC 3339 writes it.
    Date,
    /// Latitude and longitude.
    GeoPoint,
    /// An object whose names are not known beforehand, and whose values are keywords.
    Flattened,
    /// The same, with a field in the mapping for each name.
    Object,
}

// === impl Field ===

impl Field {
    /// Its row.
    #[must_use]
    #[inline]
    pub const fn info(self) -> &'static FieldInfo {
        &FIELDS[self as usize]
    }

    /// The field that AWS calls `name`: hyphens as in a format string, or underscores as in Parquet and Athena.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let same = |known: &str| {
            known.len() == name.len()
                && known.bytes().zip(name.bytes()).all(|(a, b)| a == b || (a == b'-' && b == b'_'))
        };
        FIELDS.iter().find(|row| same(row.name)).map(|row| row.field)
    }
}

// === impl EcsType ===

impl EcsType {
    /// Its name in ECS and in mappings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::ConstantKeyword => "constant_keyword",
            Self::MatchOnlyText => "match_only_text",
            Self::Ip => "ip",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::GeoPoint => "geo_point",
            Self::Flattened => "flattened",
            Self::Object => "object",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_at_its_fields_index() {
        for (index, row) in FIELDS.iter().enumerate() {
            assert_eq!(row.field as usize, index, "{}", row.name);
        }
        assert!(FIELDS.len() <= FieldSet::CAPACITY, "the set has a bit for every field");
    }

    #[test]
    fn every_name_is_found_with_hyphens_and_with_underscores() {
        for row in FIELDS {
            assert_eq!(Field::from_name(row.name), Some(row.field));
            assert_eq!(Field::from_name(&row.name.replace('-', "_")), Some(row.field));
        }
        assert_eq!(Field::from_name("no-such-field"), None);
    }

    #[test]
    fn no_name_and_no_first_ecs_path_stands_twice() {
        for (index, row) in FIELDS.iter().enumerate() {
            for other in &FIELDS[index + 1..] {
                assert_ne!(row.name, other.name);
                assert_ne!(row.ecs[0].path, other.ecs[0].path, "{} and {}", row.name, other.name);
            }
        }
    }
}

//! The closed vocabulary: every field that a record can carry, with its type and where it stands in ECS and in OCSF.

mod set;
mod table;

pub use set::FieldSet;
pub use table::{FIELDS, Field};

/// The columns that hold a tag of the interface's own side: of its instance, the interface itself, its group.
pub const TAGS: FieldSet = FieldSet::of(&[
    Field::InstanceTag,
    Field::InstanceTag2,
    Field::InterfaceTag,
    Field::InterfaceTag2,
    Field::AsgTag,
    Field::AsgTag2,
]);

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
    /// The OCSF paths that its value is written to, of which the first is its place. Where there is none it stands under
    /// `unmapped`, by its name with underscores.
    pub ocsf: &'static [&'static str],
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

    /// The field that AWS calls `name`: hyphens as in a format string, underscores as in Parquet and Athena, or words
    /// joined as in CloudWatch Logs Insights (`srcAddr`, `nextHopAzId`), whatever letters but the first are capitals.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let separated = |known: &str| {
            known.len() == name.len()
                && known.bytes().zip(name.bytes()).all(|(a, b)| a == b || (a == b'-' && b == b'_'))
        };
        let starts_small = name.starts_with(|first: char| first.is_ascii_lowercase());
        let joined = |known: &str| {
            let letters = known.bytes().filter(|byte| *byte != b'-');
            starts_small && letters.eq(name.bytes().map(|byte| byte.to_ascii_lowercase()))
        };
        FIELDS.iter().find(|row| separated(row.name) || joined(row.name)).map(|row| row.field)
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

    /// `name` as CloudWatch Logs Insights writes it: words joined, each but the first with a capital.
    fn joined(name: &str) -> String {
        let (first, rest) = name.split_once('-').unwrap_or((name, ""));
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        first.to_owned() + &rest.split('-').filter(|word| !word.is_empty()).map(capital).collect::<String>()
    }

    #[test]
    fn every_name_is_found_with_hyphens_with_underscores_and_joined_with_capitals() {
        for row in FIELDS {
            for name in [row.name.to_owned(), row.name.replace('-', "_"), joined(row.name)] {
                assert_eq!(Field::from_name(&name), Some(row.field), "{name}");
            }
        }
        // Insights splits some words that a format string does not.
        for (name, field) in [
            ("srcAddr", Field::SrcAddr),
            ("dstPort", Field::DstPort),
            ("pktSrcAddr", Field::PktSrcAddr),
            ("interfaceId", Field::InterfaceId),
            ("azId", Field::AzId),
            ("logStatus", Field::LogStatus),
            ("nextHopAzId", Field::NextHopAzId),
            ("instanceTag2", Field::InstanceTag2),
            ("tgwSrcVpcAccountId", Field::TgwSrcVpcAccountId),
        ] {
            assert_eq!(Field::from_name(name), Some(field), "{name}");
        }
        for name in ["no-such-field", "SrcAddr", "src-addr", "src_addr", "srcaddr2", "az--id", "", "-"] {
            assert_eq!(Field::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_table_holds_versions_2_to_11_and_every_column_of_transit_gateway_flow_logs() {
        let of = |version| FIELDS.iter().filter(|row| row.version == version).count();
        assert_eq!((2..=11).map(of).collect::<Vec<_>>(), [14, 7, 4, 4, 18, 10, 1, 1, 1, 12]);
        let default = "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id \
            tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni \
            tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol \
            packets bytes start end log-status type packets-lost-no-route packets-lost-blackhole \
            packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service \
            pkt-dst-aws-service";
        let names: Vec<&str> = default.split_whitespace().collect();
        assert_eq!(names.len(), 36);
        for name in names {
            assert!(Field::from_name(name).is_some(), "{name}");
        }
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

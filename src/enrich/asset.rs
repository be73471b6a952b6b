//! Asset lists: what people call their networks, addresses, interfaces and instances, read from CSV or JSON, or from what
//! AWS describes.

use std::{collections::BTreeMap, net::IpAddr, path::Path, sync::Arc};

use ipnet::IpNet;

use super::{error::AssetError, place::next_serial};
use crate::event::{Asset, AssetClass};
use described::Described;
use scope::Scope;

mod compose;
mod described;
mod index;
mod interval;
mod objects;
mod resolve;
mod rows;
mod scope;

pub(super) use index::{AssetIndex, AssetNumber, Kinds};
pub(super) use interval::{Interval, moment};
pub(super) use resolve::{Answer, Asker};
pub(super) use scope::ScopeNumbers;

/// The largest asset list taken, in bytes.
pub(super) const LIST_BYTES_MAX: u64 = 64 << 20;

/// The most rows of one asset list.
pub(super) const LIST_ROWS_MAX: usize = 1_000_000;

/// One list, as read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct AssetList {
    rows: Vec<AssetRow>,
    described: Described,
}

/// One row of a list.
#[derive(Debug, PartialEq)]
struct AssetRow {
    /// In CSV the line on which it begins, in JSON the number of the object.
    row: u64,
    key: AssetKey,
    /// Where its address means it; without, everywhere.
    scope: Option<Arc<Scope>>,
    valid: Interval,
    asset: Arc<Asset>,
}

/// What an asset is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum AssetKey {
    /// A network, or an address as a network of one.
    Network(IpNet),
    /// An interface or instance id.
    Id(Box<str>),
}

/// A row in the making: its columns, whatever their order.
struct Draft {
    key: Option<AssetKey>,
    scope: Option<Scope>,
    valid: Interval,
    asset: Asset,
    /// Columns that are not ours; they become tags where `tags` has none of that name.
    others: BTreeMap<Box<str>, Box<str>>,
}

// === impl AssetList ===

impl AssetList {
    /// The list in `bytes`, by the extension of `path`. A row that does not say when it holds does so during `valid`.
    ///
    /// # Errors
    /// When the extension is none we know, or the first row or column that cannot be understood.
    pub(super) fn read(path: &Path, bytes: &[u8], valid: Interval) -> Result<Self, AssetError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        // Spreadsheets begin a UTF-8 file with a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match extension.to_ascii_lowercase().as_str() {
            "csv" => rows::read(bytes, valid, LIST_ROWS_MAX),
            "json" | "ndjson" | "jsonl" => objects::read(bytes, valid, LIST_ROWS_MAX),
            _ => Err(AssetError::UnknownExtension),
        }
    }

    /// The list of the one object in `bytes`, which holds during `valid` where it does not say when, and whose key is `key`
    /// where it does not say its own.
    ///
    /// # Errors
    /// When it is not one object, or the first member that cannot be understood.
    #[cfg(feature = "kafka")]
    pub(super) fn read_one(key: &str, bytes: &[u8], valid: Interval) -> Result<Self, AssetError> {
        objects::read_one(key, bytes, valid)
    }

    /// Number of rows: of its own, and of what AWS describes the things and the addresses they are found by.
    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.described.len()
    }

    /// Bytes of memory that it takes besides its assets.
    fn memory_bytes(&self) -> usize {
        self.rows.len() * size_of::<AssetRow>() + self.described.memory_bytes()
    }

    fn check_len(&self, rows_max: usize) -> Result<(), AssetError> {
        if self.len() > rows_max { Err(AssetError::TooManyRows { rows_max }) } else { Ok(()) }
    }

    /// Takes one more row, when there is room.
    fn push(&mut self, row: u64, draft: Draft, rows_max: usize) -> Result<(), AssetError> {
        let Draft { key, scope, valid, mut asset, others } = draft;
        let key = key.ok_or_else(|| column(row, "key", "it is empty"))?;
        if valid.from >= valid.to {
            return Err(column(row, "valid_to", "it is not after valid_from"));
        }
        for (name, value) in others {
            asset.tags.entry(name).or_insert(value);
        }
        asset.serial = next_serial();
        let scope = scope.filter(|scope| *scope != Scope::default()).map(Arc::new);
        self.rows.push(AssetRow { row, key, scope, valid, asset: Arc::new(asset) });
        self.check_len(rows_max)
    }
}

// === impl Draft ===

impl Draft {
    /// One that says nothing, and holds during `valid`.
    fn new(valid: Interval) -> Self {
        Self { key: None, scope: None, valid, asset: Asset::default(), others: BTreeMap::new() }
    }

    /// Takes the text of column `name`; an empty one says nothing.
    fn set(&mut self, row: u64, name: &str, value: &str) -> Result<(), AssetError> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(());
        }
        let text = || Some(value.into());
        match name {
            "key" => self.key = Some(value.parse().map_err(|cause| column(row, name, cause))?),
            "name" => self.asset.name = text(),
            "owner" => self.asset.owner = text(),
            "role" => self.asset.role = text(),
            "criticality" => self.asset.criticality = text(),
            "class" => self.asset.class = Some(class(value).map_err(|cause| column(row, name, cause))?),
            "scope" => self.scope = Some(value.parse().map_err(|cause: String| column(row, name, cause))?),
            "valid_from" => self.valid.from = moment(value).map_err(|cause| column(row, name, cause))?,
            "valid_to" => self.valid.to = moment(value).map_err(|cause| column(row, name, cause))?,
            "tags" => self.tags(row, value)?,
            other => drop(self.others.insert(other.into(), value.into())),
        }
        Ok(())
    }

    /// Takes `k=v;k=v`.
    fn tags(&mut self, row: u64, text: &str) -> Result<(), AssetError> {
        for tag in text.split(';').filter(|tag| !tag.trim().is_empty()) {
            let Some((name, value)) = tag.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
                return Err(column(row, "tags", format!("{tag:?} is not name=value")));
            };
            self.asset.tags.insert(name.trim().into(), value.trim().into());
        }
        Ok(())
    }
}

// === impl AssetKey ===

impl std::str::FromStr for AssetKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("eni-") || text.starts_with("i-") {
            return Ok(Self::Id(text.into()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        let net: IpNet = text
            .parse()
            .map_err(|_| format!("{text:?} is no CIDR, no address and no id that begins with eni- or i-"))?;
        // Whoever writes an address with its netmask may mean the host or the network: asking is better than guessing.
        if net.trunc() != net {
            return Err(format!(
                "{text:?} is neither the address {} nor the network {}",
                net.addr(),
                net.trunc()
            ));
        }
        Ok(Self::Network(net))
    }
}

impl std::fmt::Display for AssetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(net) => net.fmt(f),
            Self::Id(id) => f.write_str(id),
        }
    }
}

fn class(name: &str) -> Result<AssetClass, String> {
    AssetClass::of_name(name).ok_or_else(|| {
        let names: Vec<_> = AssetClass::names().collect();
        format!("{name:?} is no class; there are {}", names.join(", "))
    })
}

fn column(row: u64, column: &str, cause: impl Into<String>) -> AssetError {
    AssetError::Column { row, column: column.to_owned(), cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_network_an_address_or_an_id_of_aws() {
        for (text, expected) in [
            ("10.1.0.0/16", "10.1.0.0/16"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:DB8::0:1", "2001:db8::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("eni-0a1b", "eni-0a1b"),
            ("i-0a1b", "i-0a1b"),
        ] {
            assert_eq!(text.parse::<AssetKey>().unwrap().to_string(), expected);
        }
        for text in ["10.1.2", "10.1.2.3/33", "web-1", "eni", "10.1.2.3/24", "2001:db8::1/64"] {
            assert!(text.parse::<AssetKey>().is_err(), "{text} was read");
        }
    }

    #[test]
    fn the_extension_says_how_a_list_is_read() {
        let read =
            |name: &str, text: &str| AssetList::read(Path::new(name), text.as_bytes(), Interval::ALWAYS);
        assert_eq!(read("a.csv", "key,name\n10.0.0.1,a\n").unwrap().len(), 1);
        assert_eq!(read("a.CSV", "\u{feff}key,name\n10.0.0.1,a\n").unwrap().len(), 1, "byte order mark");
        assert_eq!(read("a.json", r#"[{"key": "10.0.0.1"}]"#).unwrap().len(), 1);
        assert_eq!(read("a.ndjson", "{\"key\": \"10.0.0.1\"}\n").unwrap().len(), 1);
        assert_eq!(read("a.yaml", "key: 10.0.0.1"), Err(AssetError::UnknownExtension));
        assert_eq!(read("assets", "key\n"), Err(AssetError::UnknownExtension));
    }
}

//! What a compacted topic says by now: the last value of every key, each read as a list of its own.

use std::{collections::BTreeMap, sync::Arc};

use crate::enrich::{
    asset::{AssetList, Interval},
    error::AssetError,
};

/// The last value of every key, and how much it all is.
#[derive(Debug)]
pub(in crate::enrich) struct TopicRows {
    rows: BTreeMap<Box<[u8]>, TopicRow>,
    bytes: usize,
    bytes_max: usize,
    keys_max: usize,
    valid: Interval,
}

#[derive(Debug)]
struct TopicRow {
    bytes: usize,
    list: Arc<AssetList>,
}

/// What became of a record.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::enrich) enum Taken {
    /// Its value is in use in place of what its key had before.
    Put,
    /// Its key is gone, or was not there.
    Removed,
}

/// What a row takes besides its value's bytes.
const ROW_BYTES: usize = 512;

// === impl TopicRows ===

impl TopicRows {
    /// None, and no more than `keys_max` keys with `bytes_max` bytes of values ever; what does not say when it holds does so
    /// during `valid`.
    pub(in crate::enrich) fn new(valid: Interval, bytes_max: usize, keys_max: usize) -> Self {
        Self { rows: BTreeMap::new(), bytes: 0, bytes_max, keys_max, valid }
    }

    /// Takes one record of the topic.
    ///
    /// # Errors
    /// When the value cannot be understood or finds no room; what the key had before stays.
    pub(in crate::enrich) fn take(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<Taken, AssetError> {
        let shape = |cause: String| AssetError::Shape { cause };
        let before = self.rows.get(key).map_or(0, |row| row.bytes);
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            self.bytes -= before;
            self.rows.remove(key);
            return Ok(Taken::Removed);
        };
        let bytes = key.len() + value.len();
        let keys = self.rows.len() + usize::from(before == 0);
        if self.bytes - before + bytes > self.bytes_max || keys > self.keys_max {
            let (bytes_max, keys_max) = (self.bytes_max, self.keys_max);
            return Err(shape(format!("the topic holds more than {bytes_max} bytes or {keys_max} keys")));
        }
        let name = std::str::from_utf8(key).map_err(|_| shape("its key is no UTF-8".to_owned()))?;
        let list = Arc::new(AssetList::read_one(name, value, self.valid)?);
        self.rows.insert(key.into(), TopicRow { bytes, list });
        self.bytes = self.bytes - before + bytes;
        Ok(Taken::Put)
    }

    /// One list for each key, in the order of the keys.
    pub(in crate::enrich) fn lists(&self) -> Arc<[Arc<AssetList>]> {
        self.rows.values().map(|row| row.list.clone()).collect()
    }

    /// Number of keys.
    pub(in crate::enrich) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes of memory it takes besides the assets, to within what the allocator adds.
    pub(in crate::enrich) fn memory_bytes(&self) -> usize {
        self.rows.len() * ROW_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> TopicRows {
        TopicRows::new(Interval::ALWAYS, 200, 3)
    }

    #[test]
    fn the_last_value_of_a_key_counts_and_a_tombstone_takes_it_away() {
        let mut rows = rows();
        let mut take = |key: &str, value: Option<&str>| {
            let taken =
                rows.take(key.as_bytes(), value.map(str::as_bytes)).map_err(|error| error.to_string());
            (taken, rows.len())
        };
        assert_eq!(take("10.0.0.1", Some(r#"{"name": "a"}"#)), (Ok(Taken::Put), 1));
        assert_eq!(take("10.0.0.1", Some(r#"{"key": "10.0.0.1", "name": "b"}"#)), (Ok(Taken::Put), 1));
        assert_eq!(
            take("eni-1", Some(r#"{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.2"}"#)),
            (Ok(Taken::Put), 2)
        );
        let bad = take("eni-1", Some(r#"{"NetworkInterfaceId": "x"}"#));
        assert_eq!(bad, (Err("row 1: NetworkInterfaceId: \"x\" does not begin with eni-".to_owned()), 2));
        assert_eq!(take("eni-1", None), (Ok(Taken::Removed), 1));
        assert_eq!(take("eni-1", None), (Ok(Taken::Removed), 1));
    }

    #[test]
    fn a_topic_with_more_keys_or_bytes_than_allowed_keeps_what_it_had() {
        let mut rows = rows();
        for key in ["i-1", "i-2", "i-3"] {
            rows.take(key.as_bytes(), Some(b"{}")).unwrap();
        }
        assert!(rows.take(b"i-4", Some(b"{}")).unwrap_err().to_string().contains("3 keys"));
        assert!(rows.take(b"i-1", Some(&[b' '; 300])).is_err());
        rows.take(b"i-2", None).unwrap();
        assert_eq!(rows.take(b"i-4", Some(b"{}")), Ok(Taken::Put));
        assert_eq!((rows.lists().len(), rows.bytes), (3, 15));
    }
}

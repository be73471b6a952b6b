//! What a snapshot says of itself: on what its rows depend.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::digest::{SHA256, digest};

use super::FACTS_BYTES_MAX;

/// What a snapshot says of itself. Whoever reads it decides whether its rows are of use.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Version of the geometry that scoring's values are written in.
    pub geometry: u32,
    /// What [`schema_hash`] makes of the names of the features.
    pub features: u64,
    /// Seed of the hashes in the keys; secret.
    pub seed: u64,
    /// When what it holds was as it is, in milliseconds since 1970.
    pub created_ms: u64,
    /// Settings that the numbers in it depend on, as text.
    pub settings: BTreeMap<String, String>,
}

/// A number that changes with any of `names` and with their order.
#[must_use]
pub fn schema_hash<'a>(names: impl IntoIterator<Item = &'a str>) -> u64 {
    let names: String = names.into_iter().flat_map(|name| [name, "\n"]).collect();
    let hash = digest(&SHA256, names.as_bytes());
    hash.as_ref().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

// === impl Facts ===

impl Facts {
    /// The bytes of a head; nothing where the settings are longer than they may be.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.geometry.to_le_bytes());
        out.extend_from_slice(&self.features.to_le_bytes());
        out.extend_from_slice(&self.seed.to_le_bytes());
        out.extend_from_slice(&self.created_ms.to_le_bytes());
        out.extend_from_slice(&u16::try_from(self.settings.len()).ok()?.to_le_bytes());
        for text in self.settings.iter().flat_map(|(name, value)| [name, value]) {
            out.extend_from_slice(&u16::try_from(text.len()).ok()?.to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        (out.len() <= FACTS_BYTES_MAX).then_some(out)
    }

    /// Reads what [`Facts::encode`] wrote, and nothing else.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let mut facts = Self {
            geometry: u32::from_le_bytes(take(bytes)?),
            features: u64::from_le_bytes(take(bytes)?),
            seed: u64::from_le_bytes(take(bytes)?),
            created_ms: u64::from_le_bytes(take(bytes)?),
            settings: BTreeMap::new(),
        };
        for _ in 0..u16::from_le_bytes(take(bytes)?) {
            let (name, value) = (take_text(bytes)?, take_text(bytes)?);
            if facts.settings.last_key_value().is_some_and(|(before, _)| *before >= name) {
                return None;
            }
            facts.settings.insert(name, value);
        }
        bytes.is_empty().then_some(facts)
    }
}

impl fmt::Debug for Facts {
    /// Without the seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { geometry, features, seed: _, created_ms, settings } = self;
        f.debug_struct("Facts")
            .field("geometry", geometry)
            .field("features", features)
            .field("created_ms", created_ms)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes(take(bytes)?));
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}

//! A secret of the config: written as text or as `{ file: PATH }`, read when it is used, never printed.

use std::{fmt, io::Read, path::PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A larger file is no secret.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// What stands in place of a secret wherever one would be printed.
const HIDDEN: &str = "(hidden)";

/// A password, token or key. `Debug`, `Display` and `Serialize` give `(hidden)`; only [`Secret::reveal`] gives the
/// text. It cannot be compared or hashed, which could tell it byte by byte.
#[derive(Clone)]
pub struct Secret {
    place: Place,
}

#[derive(Clone)]
enum Place {
    Text(String),
    File(PathBuf),
}

/// The text of a secret; `Debug` does not give it away.
#[derive(Clone)]
pub struct SecretText(String);

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file could not be read.
    #[error("could not read the secret in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no text, or more than 64 KiB.
    #[error("could not read the secret in {}: it is {}", path.display(), if *empty { "empty" } else { "larger than 64 KiB" })]
    Size {
        /// The file.
        path: PathBuf,
        /// Empty, or else too large.
        empty: bool,
    },
}

// === impl Secret ===

impl Secret {
    /// The secret itself. A file is read anew each time, so that a rotated one is seen; line ends after its text are
    /// no part of it.
    ///
    /// # Errors
    /// If the file cannot be read, is empty, or holds more than 64 KiB.
    pub fn reveal(&self) -> Result<SecretText, SecretError> {
        let path = match &self.place {
            Place::Text(text) => return Ok(SecretText(text.clone())),
            Place::File(path) => path,
        };
        let read = || {
            let mut text = String::new();
            std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
            Ok(text)
        };
        let text: String = read().map_err(|source| SecretError::Read { path: path.clone(), source })?;
        let length = text.trim_end_matches(['\r', '\n']).len();
        if length == 0 || text.len() as u64 > FILE_BYTES_MAX {
            return Err(SecretError::Size { path: path.clone(), empty: length == 0 });
        }
        Ok(SecretText(text[..length].to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { place: deserializer.deserialize_any(PlaceVisitor)? })
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A secret: its text, best as \"${NAME}\" from the environment, or { file: PATH }.",
            "oneOf": [
                { "type": "string", "minLength": 1, "writeOnly": true },
                {
                    "type": "object",
                    "properties": {
                        "file": { "type": "string", "description": "The file that holds the secret and nothing else." }
                    },
                    "required": ["file"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

struct PlaceVisitor;

impl<'de> de::Visitor<'de> for PlaceVisitor {
    type Value = Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret: its text, or { file: PATH }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Place, E> {
        Ok(Place::Text(text.to_owned()))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Place, A::Error> {
        let mut file = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "file" => file = Some(map.next_value()?),
                _ => return Err(de::Error::unknown_field(&key, &["file"])),
            }
        }
        file.map(Place::File).ok_or_else(|| de::Error::missing_field("file"))
    }
}

// === impl SecretText ===

impl SecretText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_secret_is_revealed_only_when_asked() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        let revealed = secret.reveal().unwrap();
        let printed = format!("{secret} {secret:?} {} {revealed:?}", serde_json::to_string(&secret).unwrap());
        assert_eq!(printed, "(hidden) (hidden) \"(hidden)\" (hidden)");
        assert_eq!(revealed.as_str(), "hunter2");
    }

    #[test]
    fn a_secret_in_a_file_is_read_anew_without_its_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let secret: Secret = serde_json::from_value(serde_json::json!({ "file": path })).unwrap();
        assert!(matches!(secret.reveal(), Err(SecretError::Read { .. })));
        for (content, wanted) in [("one\n", Some("one")), ("two words\r\n", Some("two words")), ("\n", None)]
        {
            std::fs::write(&path, content).unwrap();
            assert_eq!(secret.reveal().ok().map(|text| text.as_str().to_owned()).as_deref(), wanted);
        }
        std::fs::write(&path, "x".repeat(70_000)).unwrap();
        assert!(matches!(secret.reveal(), Err(SecretError::Size { empty: false, .. })));
    }
}

//! Boundaries: who is not to talk with whom, by the tags of assets.

use std::{collections::BTreeMap, fmt};

/// Assets that are not to begin conversations with others.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// What findings call the boundary. Default: the tags on both sides.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The tags that whoever begins has, all of them; at least one.
    pub from: BTreeMap<String, String>,
    /// The tags that the other side has, all of them. Default: none, which is anybody, inside or outside.
    #[serde(default)]
    pub to: BTreeMap<String, String>,
    /// The ports that it is about, of TCP and UDP. Default: all, and what has no ports too.
    #[serde(default)]
    pub ports: Vec<u16>,
}

// === impl Segment ===

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            return f.write_str(name);
        }
        let side = |tags: &BTreeMap<String, String>| {
            let tags: Vec<String> = tags.iter().map(|(tag, value)| format!("{tag}={value}")).collect();
            if tags.is_empty() { "anybody".to_owned() } else { tags.join(" ") }
        };
        write!(f, "from {} to {}", side(&self.from), side(&self.to))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_boundary_is_called_by_its_name_or_by_its_tags() {
        let read = |json: &str| serde_json::from_str::<Segment>(json).unwrap().to_string();
        assert_eq!(
            read(r#"{"from": {"env": "dev", "team": "a"}, "to": {"env": "prod"}}"#),
            "from env=dev team=a to env=prod"
        );
        assert_eq!(read(r#"{"from": {"role": "db"}, "ports": [22, 443]}"#), "from role=db to anybody");
        assert_eq!(read(r#"{"name": "pci", "from": {"role": "db"}}"#), "pci");
    }
}

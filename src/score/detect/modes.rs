//! What becomes of what each detector finds, as the config says.

use std::collections::BTreeMap;

use crate::event::{Detector, Feature, Mode};

/// The mode of each detector that does not alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes(BTreeMap<String, Mode>);

// === impl Modes ===

impl Modes {
    /// What becomes of what `detector` finds.
    pub fn of(&self, detector: &Detector) -> Mode {
        self.0.get(detector.id).copied().unwrap_or_default()
    }

    /// Whether `detector` looks for anything.
    pub(in crate::score) fn is_on(&self, detector: &Detector) -> bool {
        self.of(detector) != Mode::Off
    }

    /// The features whose detectors are on, as bits.
    pub(in crate::score) fn told(&self) -> u8 {
        let is_told =
            |feature: &Feature| super::watching(*feature).is_some_and(|detector| self.is_on(detector));
        Feature::ALL.into_iter().filter(is_told).fold(0, |told, feature| told | 1 << feature as u8)
    }

    /// Whether any detector looks at conversations.
    pub fn look(&self) -> bool {
        super::REGISTRY.iter().any(|detector| detector.looks() && self.is_on(detector.about()))
    }
}

impl serde::Serialize for Modes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Modes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self)
    }
}

impl schemars::JsonSchema for Modes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Modes".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mode = generator.subschema_for::<Mode>();
        let properties: BTreeMap<&str, serde_json::Value> = super::detectors()
            .map(|detector| {
                let mut of = mode.clone();
                of.insert("description".to_owned(), detector.title.into());
                (detector.id, of.to_value())
            })
            .collect();
        schemars::json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_detector_that_nobody_speaks_of_alerts() {
        let modes: Modes = serde_json::from_str(r#"{"scan.syn": "off", "canary": "observe"}"#).unwrap();
        let of = |id| modes.of(super::super::detectors().find(|detector| detector.id == id).unwrap());
        assert_eq!([of("scan.syn"), of("canary"), of("bruteforce")], [Mode::Off, Mode::Observe, Mode::Alert]);
        assert!(modes.look());
    }

    #[test]
    fn where_all_that_look_at_conversations_are_off_nobody_does() {
        let off = super::super::REGISTRY.iter().filter(|detector| detector.looks());
        let modes = Modes(off.map(|detector| (detector.about().id.to_owned(), Mode::Off)).collect());
        assert!(!modes.look());
    }
}

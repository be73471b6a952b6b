//! Serde's view of the tree. Places that the survey knows to be wrong are passed over.

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};

use super::DecodeError;
use crate::config::{
    path::Step,
    scalar::Scalar,
    survey::Survey,
    tree::{Pair, Tree},
};

/// The way back from a value to the root.
#[derive(Debug, Clone)]
pub(super) struct Trail<'a> {
    /// The last step; none at the root.
    pub step: Option<Step>,
    /// The value around.
    pub parent: Option<&'a Trail<'a>>,
}

/// A value and how it was reached.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub tree: &'a Tree,
    pub trail: Trail<'a>,
    pub survey: &'a Survey,
}

/// A key of a map.
struct KeyText<'a>(&'a str);

/// The keys and values of a map, or the values of a list, that are not known to be wrong.
struct Inside<'a, I> {
    rest: I,
    survey: &'a Survey,
    parent: &'a Trail<'a>,
    value: Option<Place<'a>>,
}

/// A kind with its settings.
struct Chosen<'a> {
    kind: &'a str,
    settings: Place<'a>,
}

// === impl Trail ===

impl Trail<'_> {
    pub const fn root() -> Self {
        Self { step: None, parent: None }
    }
}

// === impl Place ===

impl<'a> Place<'a> {
    /// Hands the value to `seed`; an error is said to have come up here, unless it came up further inside.
    fn feed<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DecodeError> {
        let trail = self.trail.clone();
        seed.deserialize(self).map_err(|error| error.at(&trail))
    }

    fn visit<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Leaf(leaf) => match leaf.scalar {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(value) => visitor.visit_bool(value),
                Scalar::Unsigned(value) => visitor.visit_u64(value),
                Scalar::Signed(value) => visitor.visit_i64(value),
                Scalar::Float(value) => visitor.visit_f64(value),
                Scalar::Text => visitor.visit_str(&leaf.text),
            },
            Tree::Map { pairs, .. } => visitor.visit_map(self.inside(pairs.iter())),
            Tree::List { values, .. } => visitor.visit_seq(self.inside(values.iter().enumerate())),
        }
    }

    fn inside<I>(&self, rest: I) -> Inside<'_, I> {
        Inside { rest, survey: self.survey, parent: &self.trail, value: None }
    }

    /// The text of a scalar, whatever it was typed as.
    fn text(&self) -> Option<&'a str> {
        match self.tree {
            Tree::Leaf(leaf) if leaf.scalar != Scalar::Null => Some(&leaf.text),
            _ => None,
        }
    }
}

macro_rules! by_text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.text() {
                Some(text) => visitor.visit_str(text),
                None => self.visit(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Place<'_> {
    type Error = DecodeError;

    by_text!(deserialize_str deserialize_string deserialize_char);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree {
            Tree::Leaf(leaf) if leaf.scalar == Scalar::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let expected = || DecodeError::custom("expected one kind");
        if let Some(text) = self.text() {
            return visitor.visit_enum(text.into_deserializer());
        }
        let Tree::Map { pairs, .. } = self.tree else { return Err(expected()) };
        let mut inside = self.inside(pairs.iter());
        match (inside.step(), inside.step()) {
            (Some((kind, settings)), None) => visitor.visit_enum(Chosen { kind, settings }),
            _ => Err(expected()),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier
    }
}

// === impl Inside ===

impl<'a, I> Inside<'a, I> {
    /// The place at `step`, unless it is known to be wrong.
    fn place(&self, tree: &'a Tree, step: Step) -> Option<Place<'a>> {
        let trail = Trail { step: Some(step), parent: Some(self.parent) };
        (!self.survey.is_spoiled(&trail.path())).then_some(Place { tree, trail, survey: self.survey })
    }
}

impl<'a, I: Iterator<Item = &'a Pair>> Inside<'a, I> {
    fn step(&mut self) -> Option<(&'a str, Place<'a>)> {
        loop {
            let Pair { key, value } = self.rest.next()?;
            if let Some(place) = self.place(value, Step::Key(key.text.clone())) {
                return Some((&key.text, place));
            }
        }
    }
}

impl<'a, 'de, I: Iterator<Item = &'a Pair>> MapAccess<'de> for Inside<'a, I> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, place)) = self.step() else { return Ok(None) };
        let key = seed.deserialize(KeyText(key)).map_err(|error| error.at(&place.trail))?;
        self.value = Some(place);
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        let place =
            self.value.take().ok_or_else(|| DecodeError::custom("a value was asked for before its key"))?;
        place.feed(seed)
    }
}

impl<'a, 'de, I: Iterator<Item = (usize, &'a Tree)>> SeqAccess<'de> for Inside<'a, I> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        while let Some((index, tree)) = self.rest.next() {
            if let Some(place) = self.place(tree, Step::Index(index)) {
                return place.feed(seed).map(Some);
            }
        }
        Ok(None)
    }
}

// === impl Chosen ===

impl<'a, 'de> EnumAccess<'de> for Chosen<'a> {
    type Error = DecodeError;
    type Variant = Place<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Place<'a>), DecodeError> {
        Ok((seed.deserialize(KeyText(self.kind))?, self.settings))
    }
}

impl<'de> VariantAccess<'de> for Place<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        let trail = self.trail.clone();
        de::Deserialize::deserialize(self).map_err(|error: DecodeError| error.at(&trail))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DecodeError> {
        self.feed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.visit(visitor).map_err(|error| error.at(&self.trail))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.visit(visitor).map_err(|error| error.at(&self.trail))
    }
}

// === impl KeyText ===

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.0.parse::<$kind>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(DecodeError::invalid_type(Unexpected::Other("a key"), &visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for KeyText<'_> {
    type Error = DecodeError;

    numbers! {
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

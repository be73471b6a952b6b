//! Structured data of RFC 5424, section 6.3: `[id name="value" …][…]`, looked over once and then read where it stands.

/// The most elements in one line, and the most parameters in all of them; a line with more has none that are read.
const ELEMENTS_MAX: usize = 32;
const PARAMETERS_MAX: usize = 128;

/// The elements of structured data that [`Elements::length`] has looked over.
#[derive(Debug, Clone)]
pub struct Elements<'a>(&'a [u8]);

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its id: `origin`, `meta`, `name@32473`.
    pub id: &'a [u8],
    parameters: &'a [u8],
}

/// The parameters of one element: name, and value with its escapes.
#[derive(Debug, Clone)]
pub struct Parameters<'a>(&'a [u8]);

/// The parts of a value without the backslashes that escape `"`, `\` and `]`.
#[derive(Debug, Clone)]
pub struct Unescaped<'a>(&'a [u8]);

// === impl Elements ===

impl<'a> Elements<'a> {
    /// The elements in `text`, all of which is structured data.
    #[must_use]
    pub fn of(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// How long the structured data is that `text` begins with. `None` where it begins with none that is sound: a bracket
    /// or a quotation mark is missing, an element comes twice, or there are too many.
    #[must_use]
    pub fn length(text: &[u8]) -> Option<usize> {
        let mut rest = text;
        let mut ids: [&[u8]; ELEMENTS_MAX] = [&[]; ELEMENTS_MAX];
        let (mut elements, mut parameters) = (0, 0);
        while rest.first() == Some(&b'[') {
            let (element, after) = element(rest)?;
            if ids[..elements].contains(&element.id) {
                return None;
            }
            *ids.get_mut(elements)? = element.id;
            elements += 1;
            parameters += element.parameters().count();
            if parameters > PARAMETERS_MAX {
                return None;
            }
            rest = after;
        }
        (elements > 0).then(|| text.len() - rest.len())
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (element, rest) = element(self.0)?;
        self.0 = rest;
        Some(element)
    }
}

// === impl Element ===

impl<'a> Element<'a> {
    /// Its parameters, in order; a name may come more than once.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters(self.parameters)
    }
}

// === impl Parameters ===

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value, rest) = parameter(self.0)?;
        self.0 = rest;
        Some((name, value))
    }
}

// === impl Unescaped ===

impl<'a> Unescaped<'a> {
    /// The parts of `value`.
    #[must_use]
    pub fn of(value: &'a [u8]) -> Self {
        Self(value)
    }
}

impl<'a> Iterator for Unescaped<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        // The byte that was escaped stands first in what is left, and is no escape itself.
        let escape =
            |at: &usize| self.0[*at] == b'\\' && matches!(self.0.get(*at + 1), Some(b'"' | b'\\' | b']'));
        let end = (0..self.0.len()).find(escape);
        let (part, rest) = match end {
            None => (self.0, &[][..]),
            Some(0) => {
                let more = (2..self.0.len()).find(escape).unwrap_or(self.0.len());
                (&self.0[1..more], &self.0[more..])
            }
            Some(end) => self.0.split_at(end),
        };
        self.0 = rest;
        Some(part)
    }
}

/// The element that `text` begins with, and what follows it.
fn element(text: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let inside = text.strip_prefix(b"[")?;
    let (id, after) = name(inside)?;
    let mut rest = after;
    while let Some((.., next)) = parameter(rest) {
        rest = next;
    }
    let parameters = &after[..after.len() - rest.len()];
    let rest = rest.trim_ascii_start().strip_prefix(b"]")?;
    Some((Element { id, parameters }, rest))
}

/// A name of printable characters without `=`, `]` and `"`, and what follows it.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = |byte: &u8| *byte <= b' ' || *byte == 0x7f || matches!(byte, b'=' | b']' | b'"');
    let end = text.iter().position(ends).filter(|end| *end > 0)?;
    Some(text.split_at(end))
}

/// The parameter that `text` begins with, after blanks, and what follows it.
fn parameter(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = name(text.strip_prefix(b" ")?.trim_ascii_start())?;
    let value = rest.strip_prefix(b"=\"")?;
    let mut end = 0;
    loop {
        end += memchr::memchr2(b'"', b'\\', value.get(end..)?)?;
        if value[end] == b'"' {
            return Some((name, &value[..end], &value[end + 1..]));
        }
        end += 2;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    type Read = Vec<(String, Vec<(String, String)>)>;

    fn read(text: &str) -> Option<(Read, &str)> {
        let length = Elements::length(text.as_bytes())?;
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let all = Elements::of(&text.as_bytes()[..length]).map(|element| {
            let value = |value| string(&Unescaped::of(value).collect::<Vec<_>>().concat());
            let parameters = element.parameters().map(|(name, text)| (string(name), value(text)));
            (string(element.id), parameters.collect())
        });
        Some((all.collect(), &text[length..]))
    }

    #[test]
    fn what_is_not_sound_is_none() {
        for text in [
            "",
            "-",
            "[",
            "[]",
            "[a",
            "[a b]",
            "[a b=]",
            "[a b=\"]",
            "[a b=\"c\" d]",
            "[a \"]",
            "[a][a]",
            "[=]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let many: String = (0..=ELEMENTS_MAX).map(|number| format!("[a{number}]")).collect();
        assert_eq!(read(&many), None);
        let wide = format!("[a{}]", " b=\"\"".repeat(PARAMETERS_MAX + 1));
        assert_eq!(read(&wide), None);
    }

    #[test]
    fn a_backslash_before_another_character_is_one() {
        let (all, rest) = read(r#"[a b="\n\]\\\"" c=""][d] text"#).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(all[0], ("a".into(), vec![pair("b", r#"\n]\""#), pair("c", "")]));
        assert_eq!((&*all[1].0, rest), ("d", " text"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            elements in prop::collection::btree_map(
                "[!#-<>-\\\\^-~]{1,32}",
                prop::collection::vec(("[!#-<>-\\\\^-~]{1,32}", ".{0,20}|[\"\\\\\\]]{0,6}"), 0..5),
                1..6,
            ),
        ) {
            let mut text = String::new();
            for (id, parameters) in &elements {
                text += &format!("[{id}");
                for (name, value) in parameters {
                    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
                    text += &format!(" {name}=\"{value}\"");
                }
                text += "]";
            }
            text += " rest";
            let expected: Read = elements.into_iter().collect();
            prop_assert_eq!(read(&text), Some((expected, " rest")));
        }

        #[test]
        fn any_bytes_are_looked_over(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut text = b"[a b=\"".to_vec();
            text.extend(bytes);
            if let Some(length) = Elements::length(&text) {
                let values = Elements::of(&text[..length]).flat_map(|element| element.parameters());
                prop_assert!(values.map(|(_, value)| Unescaped::of(value).count()).sum::<usize>() <= text.len());
            }
        }
    }
}

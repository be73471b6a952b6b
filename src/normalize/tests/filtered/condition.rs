//! A condition, evaluated a second time and naively, over a written document.

use super::*;

/// A condition as this test has it: its own words, evaluated its own way.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Exists(String),
    /// Field, operator, value as written.
    Is(String, &'static str, String),
    In(String, Vec<String>),
    Like(String, String),
}

/// What the names of fields hold, as far as it matters to how a value is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Holds {
    Number,
    Address,
    Text,
}

/// Where in the document the field called `name` stands.
pub(super) fn path_of(name: &str) -> &str {
    FIELDS.iter().find(|row| row.name == name).map_or(name, |row| match row.name {
        "action" => "event.action",
        _ => row.ecs[0].path,
    })
}

pub(super) static TYPES: LazyLock<HashMap<String, String>> = LazyLock::new(super::super::types);

pub(super) fn holds(name: &str) -> Holds {
    let path = path_of(name);
    let row = FIELDS.iter().find(|row| row.ecs.iter().any(|ecs| ecs.path == path));
    match row.map(|row| row.kind) {
        Some(Kind::Uint(_)) => Holds::Number,
        Some(Kind::Address) => Holds::Address,
        Some(_) => Holds::Text,
        None => match TYPES.get(path).map(String::as_str) {
            Some("long" | "float") => Holds::Number,
            Some("ip") => Holds::Address,
            _ => Holds::Text,
        },
    }
}

/// The value at `path`; names of tags may hold dots of their own.
pub(super) fn at<'a>(document: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(document, |value, name| value.get(name))
}

pub(super) fn number(value: &Json) -> Option<u64> {
    match value {
        Json::String(text) => text.parse().ok().or_else(|| {
            let time: jiff::Timestamp = text.parse().ok()?;
            u64::try_from(time.as_second()).ok()
        }),
        other => other.as_u64(),
    }
}

/// Whether `value` is among `nets`, each a network or an address.
pub(super) fn within(value: &Json, nets: &[String]) -> bool {
    let address: IpAddr = value.as_str().unwrap().parse().unwrap();
    nets.iter().any(|net| match net.parse::<IpNet>() {
        Ok(net) => net.contains(&address),
        Err(_) => net.parse::<IpAddr>().unwrap() == address,
    })
}

pub(super) fn fits(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|taken| fits(rest, &text[taken..])),
        Some(('?', rest)) => !text.is_empty() && fits(rest, &text[1..]),
        Some((c, rest)) => text.first() == Some(c) && fits(rest, &text[1..]),
    }
}

// === impl Condition ===

impl Condition {
    pub(super) fn weigh(&self, document: &Json) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.weigh(document)),
            Self::Any(parts) => parts.iter().any(|part| part.weigh(document)),
            Self::Not(inner) => !inner.weigh(document),
            Self::Exists(name) => at(document, path_of(name)).is_some(),
            Self::Is(name, operator, value) => {
                at(document, path_of(name)).is_some_and(|found| match holds(name) {
                    Holds::Number => {
                        let (found, value) = (number(found).unwrap(), value.parse::<u64>().unwrap());
                        match *operator {
                            "=" => found == value,
                            "!=" => found != value,
                            "<" => found < value,
                            "<=" => found <= value,
                            ">" => found > value,
                            _ => found >= value,
                        }
                    }
                    Holds::Address => within(found, std::slice::from_ref(value)) == (*operator == "="),
                    Holds::Text => (found.as_str().unwrap() == value) == (*operator == "="),
                })
            }
            Self::In(name, values) => at(document, path_of(name)).is_some_and(|found| match holds(name) {
                Holds::Number => values.iter().any(|value| value.parse() == Ok(number(found).unwrap())),
                Holds::Address => within(found, values),
                Holds::Text => values.iter().any(|value| found.as_str() == Some(value)),
            }),
            Self::Like(name, pattern) => at(document, path_of(name)).is_some_and(|found| {
                let text: Vec<char> = found.as_str().unwrap().chars().collect();
                fits(&pattern.chars().collect::<Vec<_>>(), &text)
            }),
        }
    }

    pub(super) fn text(&self) -> String {
        let value = |name: &str, value: &String| match holds(name) {
            Holds::Text => format!("\"{value}\""),
            _ => value.clone(),
        };
        let join = |parts: &[Self], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| format!("({})", part.text())).collect();
            parts.join(word)
        };
        match self {
            Self::All(parts) => join(parts, " and "),
            Self::Any(parts) => join(parts, " or "),
            Self::Not(inner) => format!("not ({})", inner.text()),
            Self::Exists(name) => format!("exists {name}"),
            Self::Is(name, operator, written) => format!("{name} {operator} {}", value(name, written)),
            Self::In(name, values) => {
                let values: Vec<String> = values.iter().map(|written| value(name, written)).collect();
                format!("{name} in {{{}}}", values.join(", "))
            }
            Self::Like(name, pattern) => format!("{name} like \"{pattern}\""),
        }
    }
}
